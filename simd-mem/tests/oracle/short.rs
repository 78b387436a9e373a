//! Tests of all lengths up to 1024 bytes, with a difference at every position, or, in
//! slices longer than 256 bytes, at every 13th and near both ends.

use crate::runner::{check_compare, check_scan, pattern};

const LONGEST: usize = 1024;

/// Offsets of the two slices in their buffers: equal and different, at and around the
/// widths of vectors.
const SHIFTS: [(usize, usize); 7] = [(0, 0), (0, 1), (1, 0), (7, 7), (8, 3), (15, 17), (31, 16)];

/// Bytes around each slice, which must not matter.
const MARGIN: usize = 64;

/// Positions of a difference.
fn positions(len: usize) -> impl DoubleEndedIterator<Item = usize> {
    (0..len).filter(move |at| len <= 256 || at % 13 == len % 13 || *at < 3 || len - at < 3)
}

/// Runs `check` for each length and shift with two equal slices whose surroundings differ.
fn for_each_pair(check: impl Fn(&mut [u8], &mut [u8])) {
    for len in 0..=LONGEST {
        for (shift_a, shift_b) in SHIFTS {
            let mut a = vec![0xaa; len + 2 * MARGIN];
            let mut b = vec![0x55; len + 2 * MARGIN];
            let a = &mut a[MARGIN - shift_a..][..len];
            let b = &mut b[MARGIN - shift_b..][..len];
            a.copy_from_slice(&pattern(len));
            b.copy_from_slice(&pattern(len));
            check(a, b);
        }
    }
}

#[test]
fn equal_slices_have_no_difference() {
    for_each_pair(|a, b| check_compare(a, b));
}

#[test]
fn one_difference_is_found_wherever_it_is() {
    for_each_pair(|a, b| {
        for at in positions(a.len()) {
            // One bit, a different one at each position.
            a[at] ^= 1 << (at % 8);
            check_compare(a, b);
            a[at] ^= 1 << (at % 8);
        }
    });
}

#[test]
fn the_first_of_several_differences_is_found() {
    for_each_pair(|a, b| {
        // Backwards, so that every position is once the first difference.
        for at in positions(a.len()).rev() {
            b[at] = !b[at];
            check_compare(a, b);
        }
    });
}

#[test]
fn one_byte_that_is_not_zero_is_found_wherever_it_is() {
    for len in 0..=LONGEST {
        for (shift, _) in SHIFTS {
            let mut buffer = vec![0xaa; len + 2 * MARGIN];
            let bytes = &mut buffer[MARGIN - shift..][..len];
            bytes.fill(0);
            check_scan(bytes);
            for at in positions(len) {
                bytes[at] = 1 << (at % 8);
                check_scan(bytes);
                bytes[at] = 0;
            }
        }
    }
}
