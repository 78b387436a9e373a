//! Tests of moves within a slice.

use crate::runner::{check_within, pattern};

const LONGEST: usize = 1024;

/// Distances of the destination from the source: around the widths of vectors and loop
/// steps.
const DISTANCES: [usize; 17] = [0, 1, 2, 3, 7, 8, 15, 16, 17, 31, 33, 63, 64, 65, 129, 255, 511];

#[test]
fn all_lengths_move_both_ways_over_all_kinds_of_distance() {
    let bytes = pattern(LONGEST + 600);
    for len in 0..=LONGEST {
        let distance = DISTANCES[len % DISTANCES.len()];
        let room = &bytes[..len + 600];
        for distance in [distance, 1, 64] {
            let near = (len * 7) % 64;
            check_within(room, near, near + distance, len);
            check_within(room, near + distance, near, len);
        }
    }
}

#[test]
fn every_distance_moves_both_ways() {
    let bytes = pattern(4096);
    for len in [60, 250, 500, 1000, 3000] {
        for distance in (0..=300).chain([512, 700, 1000]) {
            check_within(&bytes, 5, 5 + distance, len);
            check_within(&bytes, 5 + distance, 5, len);
        }
    }
}

#[test]
fn what_is_longer_than_any_cache_moves_both_ways() {
    let bytes = pattern((40 << 20) + 9000);
    for distance in [1, 4099] {
        check_within(&bytes, 3, 3 + distance, 40 << 20);
        check_within(&bytes, 3 + distance, 3, 40 << 20);
    }
}
