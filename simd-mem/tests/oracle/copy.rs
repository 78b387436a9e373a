//! Tests of copies between slices that do not overlap.

use crate::runner::{MARGIN, check_copy, pattern};

const LONGEST: usize = 1024;

/// Offsets of source and destination from a multiple of 128.
const SHIFTS: [(usize, usize); 8] = [(0, 0), (0, 1), (1, 0), (7, 7), (8, 3), (15, 17), (33, 63), (64, 31)];

#[test]
fn all_lengths_arrive_and_nothing_else_changes() {
    let source = pattern(LONGEST + 2 * MARGIN);
    for len in 0..=LONGEST {
        for (src, dst) in SHIFTS {
            check_copy(&source[src..src + len], dst);
        }
    }
}

#[test]
fn every_alignment_arrives() {
    let source = pattern(8192);
    for len in [100, 300, 700, 2500, 5000] {
        for shift in 0..=64 {
            check_copy(&source[..len], shift);
            check_copy(&source[shift..shift + len], 0);
        }
    }
}

#[test]
fn what_is_longer_than_any_cache_arrives() {
    let source = pattern((64 << 20) + 77);
    check_copy(&source[3..], 5);
}
