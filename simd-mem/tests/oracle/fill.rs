//! Tests of fills of all lengths and alignments.

use crate::runner::check_fill;

const LONGEST: usize = 1024;

#[test]
fn all_lengths_are_filled_and_nothing_else() {
    for len in 0..=LONGEST {
        for (shift, byte) in [(0, 0), (1, 0xff), (15, 1), (33, 0x80), (63, 0xa5)] {
            check_fill(len, shift, byte);
        }
    }
}

#[test]
fn every_alignment_is_filled() {
    for len in [100, 300, 700, 2500, 5000] {
        for shift in 0..=64 {
            check_fill(len, shift, 0x13);
        }
    }
}

#[test]
fn what_is_longer_than_any_cache_is_filled() {
    check_fill((64 << 20) + 77, 5, 0x13);
}
