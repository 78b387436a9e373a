//! Tests that mismatched arguments panic before anything is written.

use std::panic::{AssertUnwindSafe, catch_unwind};

use simd_mem::PAGE_BYTES;

fn refused(call: impl FnOnce()) -> bool {
    catch_unwind(AssertUnwindSafe(call)).is_err()
}

#[test]
fn slices_of_unequal_length_are_not_copied() {
    let mut dst = [0; 9];
    assert!(refused(|| simd_mem::copy(&[1; 10], &mut dst)));
    assert!(refused(|| simd_mem::copy_nontemporal(&[1; 8], &mut dst)));
    assert_eq!(dst, [0; 9]);
}

#[test]
fn ranges_outside_of_the_slice_are_not_moved() {
    let mut bytes = *b"0123456789";
    assert!(refused(|| simd_mem::copy_within(&mut bytes, 0..11, 0)));
    assert!(refused(|| simd_mem::copy_within(&mut bytes, 0..=usize::MAX, 0)));
    assert!(refused(|| simd_mem::copy_within(&mut bytes, 5..8, 8)));
    assert!(refused(|| simd_mem::copy_within(&mut bytes, 5..8, usize::MAX)));
    #[expect(clippy::reversed_empty_ranges, reason = "that is what has to be refused")]
    {
        assert!(refused(|| simd_mem::copy_within(&mut bytes, 8..5, 0)));
    }
    assert_eq!(&bytes, b"0123456789");
    simd_mem::copy_within(&mut bytes, 7.., 0);
    assert_eq!(&bytes, b"7893456789");
    simd_mem::copy_within(&mut bytes, ..=1, 10 - 2);
    assert_eq!(&bytes, b"7893456778");
}

#[test]
fn a_bitmap_that_is_too_short_is_refused() {
    let memory = vec![0; 64 * PAGE_BYTES + 1];
    assert!(refused(|| _ = simd_mem::zero_pages(&memory, &mut [0])));
    assert!(refused(|| _ = simd_mem::diff_pages(&memory, &memory, &mut [0])));
    assert!(refused(|| _ = simd_mem::diff_pages(&memory, &memory[1..], &mut [0; 2])));
    assert_eq!(simd_mem::zero_pages(&memory, &mut [0; 2]), 65);
    assert_eq!(simd_mem::zero_pages(&[], &mut []), 0);
}
