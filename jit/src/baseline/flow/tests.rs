//! Registers that are kept and dirty.

use riscope_core::addr::{PAGE_BYTES, PageOffset};
use riscope_core::interp::Executed;

use super::super::registers::{HOSTS, PRESERVED, guest_in, members};
use super::*;

const A0: u32 = 10;
const A1: u32 = 11;
const A2: u32 = 12;
const A3: u32 = 13;
const RA: u32 = 1;

fn add(rd: u32, rs1: u32, rs2: u32) -> u32 {
    0x33 | rd << 7 | rs1 << 15 | rs2 << 20
}

/// `addi rd, rd, 1`
fn increment(rd: u32) -> u32 {
    0x0010_0013 | rd << 7 | rd << 15
}

/// `beq rs1, zero, +8`
fn skip_if_zero(rs1: u32) -> u32 {
    0x463 | rs1 << 15
}

/// `jal rd, distance`, of less than 1 KiB.
fn jal(rd: u32, distance: i32) -> u32 {
    let imm = distance.cast_unsigned();
    0x6f | rd << 7 | (imm >> 1 & 0x3ff) << 21 | (imm >> 11 & 1) << 20 | (imm & 0xff000) | (imm >> 20 & 1) << 31
}

/// `csrrw rd, mscratch, zero`
fn csrrw(rd: u32) -> u32 {
    0x3400_1073 | rd << 7
}

fn find(words: &[u32]) -> Fragment {
    let mut page = [0; PAGE_BYTES];
    for (chunk, word) in page.chunks_exact_mut(4).zip(words) {
        chunk.copy_from_slice(&word.to_le_bytes());
    }
    let mut fragment = Fragment::default();
    assert!(fragment.find(&page, PageOffset::of(0), &Executed::ALL));
    fragment
}

/// The registers that a fragment keeps.
fn assign(fragment: &Fragment, free: usize) -> Registers {
    let mut flow = Flow::default();
    flow.survey(fragment);
    flow.registers(free)
}

fn set(registers: &[u32]) -> Set {
    registers.iter().fold(0, |set, register| set | 1 << register)
}

/// Registers dirty at the entry of the block at each of these offsets, and whether the head
/// is entered from within.
fn dirty(words: &[u32], starts: &[u64]) -> (Vec<Set>, bool) {
    let fragment = find(words);
    let mut flow = Flow::default();
    flow.survey(&fragment);
    let registers = flow.registers(HOSTS.len());
    // Of an earlier fragment.
    let mut dirty = vec![!0; 3];
    flow.dirty_at_entry(registers.kept(), &mut dirty);
    let head_is_target = flow.jumps.to.contains(0);
    assert_eq!(dirty.len(), fragment.blocks.len());
    let of = |&start: &u64| dirty[fragment.block_at(PageOffset::of(start)).expect("a block")];
    (starts.iter().map(of).collect(), head_is_target)
}

#[test]
fn the_most_used_registers_are_kept() {
    // x1 once, x2 twice, … x14 fourteen times; x31 is only read, as often as it can be.
    let words: Vec<u32> = (1..=14).flat_map(|n| (0..n).map(move |_| add(0, n, 0))).collect();
    let (first, rest) = words.split_at(40);
    for (words, kept) in [(first, 1..=9), (rest, 9..=14)] {
        let registers = assign(&find(words), HOSTS.len());
        let expected = set(&kept.clone().collect::<Vec<_>>());
        assert_eq!(registers.kept(), expected);
        for n in 0..32 {
            assert_eq!(registers.host(n).is_some(), expected >> n & 1 != 0, "x{n}");
        }
    }
    // Eleven of which one is used least.
    let words: Vec<u32> = (20..31).map(|n| add(0, n, if n == 25 { 0 } else { n })).collect();
    let registers = assign(&find(&words), HOSTS.len());
    assert_eq!(registers.kept(), set(&(20..31).filter(|&n| n != 25).collect::<Vec<_>>()));
}

#[test]
fn the_most_used_registers_survive_calls() {
    let words: Vec<u32> = (20..30).map(|n| if n < 24 { add(0, n, 0) } else { add(n, n, n) }).collect();
    let registers = assign(&find(&words), HOSTS.len());
    assert_eq!(registers.lost_by_calls(), set(&[20, 21, 22, 23]));
    for n in 20..30 {
        let host = registers.host(n).expect("it is kept");
        let preserved = HOSTS[..PRESERVED].contains(&host);
        assert_eq!(preserved, n >= 24, "x{n}");
    }
}

#[test]
fn every_host_register_keeps_one_guest_register() {
    let words: Vec<u32> = (1..32).map(|n| add(n, n, n)).collect();
    let registers = assign(&find(&words), HOSTS.len());
    let guests = registers.guests();
    for (index, host) in HOSTS.into_iter().enumerate() {
        let guest = guest_in(guests, index);
        assert_eq!(registers.host(guest), Some(host));
        assert_eq!(registers.hosts_of(1 << guest), 1 << index);
    }
    assert_eq!(registers.kept().count_ones() as usize, HOSTS.len());
    assert_eq!(registers.hosts_of(registers.kept()), (1 << HOSTS.len()) - 1);
    assert_eq!(registers.hosts_of(!registers.kept()), 0, "others are nowhere");
}

#[test]
fn what_only_calls_use_is_not_kept() {
    let registers = assign(&find(&[csrrw(A0), csrrw(A0), csrrw(A1), increment(A1)]), HOSTS.len());
    assert_eq!(registers.kept(), set(&[A1]));
    assert_eq!(assign(&find(&[add(0, 0, 0)]), HOSTS.len()).kept(), 0, "nor is x0");
}

#[test]
fn members_are_those_of_the_set() {
    for registers in [&[][..], &[0], &[31], &[0, 1, 5, 30, 31]] {
        let expected: Vec<usize> = registers.iter().map(|&n| n as usize).collect();
        assert_eq!(members(set(registers)).collect::<Vec<_>>(), expected);
    }
}

#[test]
fn a_join_has_what_either_way_wrote() {
    // 0: a1; 4: over a2 if a0 is 0; 8: a2; 12: a3; and out.
    let words = [increment(A1), skip_if_zero(A0), increment(A2), increment(A3), 0];
    let (dirty, head_is_target) = dirty(&words, &[0, 8, 12]);
    assert_eq!(dirty, [set(&[]), set(&[A1]), set(&[A1, A2])]);
    assert!(!head_is_target);
}

#[test]
fn a_loop_has_what_its_end_wrote() {
    // 0: a1; 4: over the jump to 0 if a0 is 0; 8: the jump; 12: a2, and back to 4.
    let words = [increment(A1), skip_if_zero(A0), jal(0, -8), increment(A2), jal(0, -12)];
    let (dirty, head_is_target) = dirty(&words, &[0, 4, 8, 12]);
    assert_eq!(dirty, [set(&[A1, A2]); 4]);
    assert!(head_is_target);
}

#[test]
fn a_call_leaves_nothing_dirty() {
    // a1; a call; a2, and over a3 if a0 is 0.
    let words = [increment(A1), csrrw(A3), increment(A2), skip_if_zero(A0), increment(A3), increment(A1), 0];
    let (dirty, _) = dirty(&words, &[0, 16, 20]);
    assert_eq!(dirty, [set(&[]), set(&[A2]), set(&[A2, A3])]);
    // One way has a call, the other has not.
    let words = [increment(A1), skip_if_zero(A0), csrrw(A3), increment(A2), 0];
    assert_eq!(self::dirty(&words, &[8, 12]).0, [set(&[A1]), set(&[A1])]);
}

#[test]
fn a_jump_into_the_fragment_has_its_link_register_dirty() {
    let (dirty, head_is_target) = dirty(&[increment(A0), jal(A2, -4)], &[0]);
    assert_eq!(dirty, [set(&[A0, A2])]);
    assert!(head_is_target);
}

#[test]
fn a_call_does_not_stay_in_the_fragment() {
    let (dirty, head_is_target) = dirty(&[increment(A0), jal(RA, -4)], &[0]);
    assert_eq!(dirty, [0]);
    assert!(!head_is_target);
}

#[test]
fn what_is_not_kept_is_never_dirty() {
    // Ten others are used more than a1 is.
    let mut words: Vec<u32> = (20..30).map(|n| add(n, n, n)).collect();
    words.extend([increment(A1), jal(0, -44)]);
    let (dirty, _) = dirty(&words, &[0]);
    assert_eq!(dirty, [set(&(20..30).collect::<Vec<_>>())]);
}

#[test]
fn x0_is_never_dirty() {
    let (dirty, _) = dirty(&[add(0, A0, A1), jal(0, -4)], &[0]);
    assert_eq!(dirty, [0]);
}
