//! Tests of random slices, from a fixed seed for reproducible failures.

use crate::runner::{check_compare, check_copy, check_fill, check_pages, check_scan, check_within};

/// xorshift64* (Vigna, "An experimental exploration of Marsaglia's xorshift
/// generators, scrambled", 2016).
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let high = self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 32;
        usize::try_from(high).expect("32 bits") % limit
    }

    /// A byte, zero in 15 of 16 cases.
    fn sparse(&mut self) -> u8 {
        if self.below(16) > 0 { 0 } else { self.below(256).to_le_bytes()[0] }
    }
}

#[test]
fn generated_slices_give_the_oracles_answers() {
    let mut random = Random(0x5249_5343_4f50_4531);
    for _ in 0..4000 {
        let len = random.below(700);
        let a: Vec<u8> = (0..len).map(|_| random.sparse()).collect();
        let mut b = a.clone();
        for _ in 0..random.below(3) {
            if len > 0 {
                b[random.below(len)] ^= random.sparse();
            }
        }
        let (start, end) = (random.below(len + 1), random.below(len + 1));
        check_compare(&a[start.min(end)..], &b[start.min(end)..]);
        check_compare(&a[..end], &b[..start]);
        check_scan(&a[start.min(end)..start.max(end)]);
    }
}

#[test]
fn large_slices_of_any_length_and_alignment_give_the_oracles_answers() {
    let mut random = Random(0x5249_5343_4f50_4532);
    for _ in 0..30 {
        let len = random.below(1 << 20);
        let mut a = vec![0; len + 64];
        for _ in 0..random.below(40) {
            let at = random.below(a.len());
            a[at] = random.sparse();
        }
        let (start, end) = (random.below(64), len + random.below(64));
        let (start, end) = (start.min(end), end);
        let mut b = a.clone();
        let at = random.below(b.len());
        b[at] ^= random.sparse();
        check_compare(&a[start..end], &b[start..end]);
        check_compare(&a[end / 2..end], &b[..end - end / 2]);
        check_scan(&a[start..end]);
        check_pages(&a[start..end], &b[start..end]);
        check_copy(&a[start..end], random.below(128));
        check_fill(end - start, random.below(128), random.sparse());
        let distance = random.below(len / 2 + 1);
        check_within(&a, distance, start.min(distance), len - distance);
        check_within(&a, start.min(distance), distance, len - distance);
    }
}
