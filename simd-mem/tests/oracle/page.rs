//! Tests of whole pages, slices of unequal length, and bitmaps.

use simd_mem::PAGE_BYTES;

use crate::runner::{check_compare, check_pages, check_scan, pattern};

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

#[test]
fn one_byte_marks_its_page_and_no_other() {
    let zeros = vec![0; 67 * PAGE_BYTES + 5];
    let mut memory = zeros.clone();
    check_pages(&memory, &zeros);
    for page in 0..=67 {
        for at in [page * PAGE_BYTES, (page * PAGE_BYTES + 4095).min(zeros.len() - 1)] {
            memory[at] = 1;
            check_pages(&memory, &zeros);
            memory[at] = 0;
        }
    }
}

#[test]
fn any_number_of_pages_has_its_bits() {
    let memory = vec![1; 130 * PAGE_BYTES];
    let zeros = vec![0; memory.len()];
    for pages in (0..=130).step_by(5).chain([63, 64, 127, 128]) {
        for len in [pages * PAGE_BYTES, (pages * PAGE_BYTES).saturating_sub(1)] {
            check_pages(&memory[..len], &zeros[..len]);
            check_pages(&zeros[..len], &zeros[..len]);
        }
    }
}
