//! Arrivals at blocks, by physical address. They are kept when decoded lines are not.

use crate::addr::GuestPhys;

/// Sets of the table: 2^16, so that it takes 1 MiB.
const SET_BITS: u32 = 16;
const SETS: usize = 1 << SET_BITS;

/// Entries of a set.
const WAYS: usize = 4;

/// Bits of an entry that count; those above are its tag.
const COUNT_BITS: u32 = 16;
const COUNT_MASK: u32 = (1 << COUNT_BITS) - 1;

/// Multiplier that spreads what pages have at the same offsets over the sets.
const SPREAD: u64 = 0x9e37_79b9;

/// Table of arrival counts. A set that is full gives up its entries in turn.
///
/// Index and tag tell all addresses of 8 GiB apart. Blocks further from each other may share a
/// count, which makes them hot sooner and has no other effect.
#[derive(Debug)]
pub(super) struct Heat {
    sets: Box<[[u32; WAYS]]>,
    /// Entries that were replaced.
    replaced: usize,
}

impl Default for Heat {
    fn default() -> Self {
        Self { sets: vec![[0; WAYS]; SETS].into_boxed_slice(), replaced: 0 }
    }
}

impl Heat {
    /// Counts an arrival at `phys`; returns the count, saturating at 65535.
    #[inline]
    pub(super) fn warm(&mut self, phys: GuestPhys) -> u16 {
        let (set, tag) = place(phys);
        let set = &mut self.sets[set];
        if let Some(entry) = set.iter_mut().find(|entry| **entry & !COUNT_MASK == tag && **entry & COUNT_MASK != 0) {
            *entry += u32::from(*entry & COUNT_MASK != COUNT_MASK);
            return (*entry & COUNT_MASK) as u16;
        }
        let way = set.iter().position(|entry| *entry == 0).unwrap_or_else(|| {
            self.replaced += 1;
            self.replaced % WAYS
        });
        set[way] = tag | 1;
        1
    }

    /// Forgets the arrivals at `phys`.
    pub(super) fn cool(&mut self, phys: GuestPhys) {
        let (set, tag) = place(phys);
        for entry in &mut self.sets[set] {
            if *entry & !COUNT_MASK == tag {
                *entry = 0;
            }
        }
    }
}

/// Set and tag of an address.
#[inline(always)]
fn place(phys: GuestPhys) -> (usize, u32) {
    let halfword = phys.0 >> 1;
    let above = halfword >> SET_BITS;
    let set = (halfword ^ above.wrapping_mul(SPREAD)) as usize % SETS;
    (set, (above as u32) << COUNT_BITS)
}

#[cfg(test)]
mod tests {
    use super::*;

    const BASE: u64 = 0x8000_0000;

    #[test]
    fn arrivals_are_counted_by_address_and_saturate() {
        let mut heat = Heat::default();
        for expected in 1..=u16::MAX {
            assert_eq!(heat.warm(GuestPhys(BASE)), expected);
        }
        assert_eq!(heat.warm(GuestPhys(BASE)), u16::MAX);
        for bit in 1..33 {
            assert_eq!(heat.warm(GuestPhys(BASE ^ 1 << bit)), 1, "bit {bit}");
        }
        assert_eq!(heat.warm(GuestPhys(BASE)), u16::MAX);
    }

    #[test]
    fn what_is_cooled_starts_again_and_nothing_else() {
        let mut heat = Heat::default();
        let (one, other) = (GuestPhys(BASE), GuestPhys(BASE + 2));
        heat.warm(one);
        heat.warm(other);
        heat.cool(one);
        assert_eq!((heat.warm(one), heat.warm(other)), (1, 2));
    }

    #[test]
    fn a_hundred_thousand_blocks_keep_their_counts() {
        let mut heat = Heat::default();
        // On pages scattered over 512 MiB, as a guest's memory is.
        let blocks = (0..100_000u64).map(|n| BASE + (n / 40).wrapping_mul(40_503) % (1 << 17) * 4096 + n % 40 * 22);
        let kept = |counts: Vec<u16>, round| counts.iter().filter(|count| **count == round).count();
        for round in 1..=15 {
            let counts: Vec<u16> = blocks.clone().map(|block| heat.warm(GuestPhys(block & !1))).collect();
            assert!(kept(counts, round) > 90_000, "round {round}");
        }
    }
}
