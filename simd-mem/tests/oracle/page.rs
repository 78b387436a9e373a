//! Whole pages, as riscope compares them, and slices of unequal length.

use crate::runner::{check_compare, check_scan, pattern};

const PAGE_BYTES: usize = 4096;

#[test]
fn one_difference_in_a_page_is_found_wherever_it_is() {
    let a = pattern(PAGE_BYTES);
    let mut b = a.clone();
    check_compare(&a, &b);
    for at in 0..PAGE_BYTES {
        b[at] ^= 0x80;
        check_compare(&a, &b);
        b[at] ^= 0x80;
    }
}

#[test]
fn one_byte_in_a_page_that_is_not_zero_is_found_wherever_it_is() {
    let mut page = vec![0; PAGE_BYTES];
    check_scan(&page);
    for at in 0..PAGE_BYTES {
        page[at] = 0x80;
        check_scan(&page);
        page[at] = 0;
    }
}

#[test]
fn slices_of_unequal_length_differ_but_are_compared_over_the_common_length() {
    let long = pattern(300);
    for len in 0..long.len() {
        check_compare(&long, &long[..len]);
        check_compare(&long[..len], &long);
        let mut short = long[..len].to_vec();
        if let Some(last) = short.last_mut() {
            *last = !*last;
        }
        check_compare(&long, &short);
        check_compare(&short, &long);
    }
}
