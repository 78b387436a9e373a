//! Property tests over generated slices; failures are reduced to small examples.

use proptest::collection::vec;
use proptest::prelude::*;

use crate::runner::{check_compare, check_copy, check_fill, check_pages, check_scan, check_within};

/// Bytes that are mostly zero.
fn sparse(len: std::ops::Range<usize>) -> impl Strategy<Value = Vec<u8>> {
    vec(prop_oneof![200 => Just(0), 1 => any::<u8>()], len)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn compares_equal_the_oracle(a in sparse(0..3000), flips in vec((any::<prop::sample::Index>(), any::<u8>()), 0..3)) {
        let mut b = a.clone();
        for (at, bits) in flips {
            if !b.is_empty() {
                let at = at.index(b.len());
                b[at] ^= bits;
            }
        }
        check_compare(&a, &b);
        check_scan(&a);
    }

    #[test]
    fn copies_equal_the_source(src in vec(any::<u8>(), 0..5000), shift in 0..200_usize) {
        check_copy(&src, shift);
    }

    #[test]
    fn moves_equal_the_oracle(
        bytes in vec(any::<u8>(), 0..5000),
        ends in any::<[prop::sample::Index; 3]>(),
    ) {
        let [first, second, dst] = ends.map(|end| end.index(bytes.len() + 1));
        let len = first.abs_diff(second);
        check_within(&bytes, first.min(second), dst.min(bytes.len() - len), len);
    }

    #[test]
    fn fills_equal_the_oracle(len in 0..5000_usize, shift in 0..200_usize, byte in any::<u8>()) {
        check_fill(len, shift, byte);
    }

    #[test]
    fn bitmaps_equal_the_oracle(
        len in 0..300_000_usize,
        shift in 0..64_usize,
        marks in vec((any::<prop::sample::Index>(), any::<u8>()), 0..20),
    ) {
        let mut a = vec![0; len + shift];
        let b = a.clone();
        for (at, byte) in marks {
            if !a.is_empty() {
                let at = at.index(a.len());
                a[at] = byte;
            }
        }
        check_pages(&a[shift..], &b[shift..]);
    }
}
