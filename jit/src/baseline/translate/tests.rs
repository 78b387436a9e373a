//! Ways out of translated pages.

use riscope_core::addr::{GuestPhys, PAGE_BYTES};
use riscope_core::interp::Executed;

use super::super::Translator;
use crate::code::{Maker, Origin};

const HEAD: u64 = 0x8000_1000;

/// Offsets in the page that the translation of these words leaves for by links.
fn links_of(words: &[u32]) -> Vec<usize> {
    let mut page = [0; PAGE_BYTES];
    for (chunk, word) in page.chunks_exact_mut(4).zip(words) {
        chunk.copy_from_slice(&word.to_le_bytes());
    }
    let mut translator = Translator::default();
    let translation =
        translator.make(Origin { page: &page, head: GuestPhys(HEAD), executed: &Executed::ALL }).expect("code");
    let mut links: Vec<usize> = translation.code.links.iter().map(|link| link.target.index()).collect();
    links.sort_unstable();
    links
}

/// `addi a0, a0, 1`
const ADDI: u32 = 0x0015_0513;
/// `beq a0, zero, +8`
const BEQ_OVER_1: u32 = 0x0005_0463;
/// `jal zero, -12`
const J_BACK_12: u32 = 0xff5f_f06f;
const WFI: u32 = 0x1050_0073;

#[test]
fn jumps_within_a_fragment_need_no_link() {
    assert_eq!(links_of(&[BEQ_OVER_1, ADDI, ADDI, J_BACK_12]), [0; 0]);
}

#[test]
fn a_wait_that_goes_on_leaves_the_fragment() {
    // The block behind it expects kept registers in host registers, which the call of the
    // handler has not preserved.
    assert_eq!(links_of(&[BEQ_OVER_1, WFI, ADDI, J_BACK_12]), [8]);
}
