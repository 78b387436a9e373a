//! Superpages that cached translations were derived from.
//!
//! `sfence.vma` with an address orders the *leaf entry* that maps it ("Supervisor
//! Memory-Management Fence Instruction"), so everything derived from that leaf must be
//! flushed: for a superpage, all of its cached parts.

use rustc_hash::FxHashMap;

/// Number of superpages recorded individually. A guest can map any number; beyond this,
/// every address counts as part of a superpage.
const LIMIT: usize = 4096;

/// Base-two logarithms of superpage sizes in Sv39 to Sv57.
const SHIFTS: [u32; 4] = [21, 30, 39, 48];

/// Superpages that translations were derived from since the last flush.
#[derive(Clone, Debug, Default)]
pub(super) struct Superpages {
    /// Sizes in bytes by virtual start. A page table changed without a fence may yield two
    /// with the same start; the larger is kept.
    sizes: FxHashMap<u64, u64>,
    /// The latest, as consecutive misses tend to hit the same superpage.
    last: Option<(u64, u64)>,
    too_many: bool,
}

impl Superpages {
    /// Records a translation derived from the superpage of `size` bytes at `start`.
    pub(super) fn note(&mut self, start: u64, size: u64) {
        if self.last == Some((start, size)) {
            return;
        }
        self.last = Some((start, size));
        if self.sizes.len() == LIMIT && !self.sizes.contains_key(&start) {
            self.too_many = true;
            return;
        }
        let known = self.sizes.entry(start).or_insert(size);
        *known = size.max(*known);
    }

    /// Whether a translation of `va` may derive from a superpage.
    pub(super) fn contain(&self, va: u64) -> bool {
        let known = |size: u64| self.sizes.get(&(va & !(size - 1))).is_some_and(|&known| known >= size);
        self.too_many || !self.sizes.is_empty() && SHIFTS.iter().any(|shift| known(1 << shift))
    }

    /// Forgets all superpages, after a flush of all translations.
    pub(super) fn clear(&mut self) {
        self.sizes.clear();
        self.last = None;
        self.too_many = false;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: u64 = 1 << 20;

    #[test]
    fn every_address_of_a_superpage_belongs_to_it() {
        let mut superpages = Superpages::default();
        superpages.note(2 * MIB, 2 * MIB);
        superpages.note(1 << 30, 1 << 30);
        superpages.note((1 << 30) + 2 * MIB, 2 * MIB);
        for va in [2 * MIB, 4 * MIB - 1, 1 << 30, (1 << 30) + 9 * MIB, (2 << 30) - 1] {
            assert!(superpages.contain(va), "{va:#x}");
        }
        for va in [0, 2 * MIB - 1, 4 * MIB, (1 << 30) - 1, 2 << 30, u64::MAX] {
            assert!(!superpages.contain(va), "{va:#x}");
        }
        superpages.clear();
        assert!(!superpages.contain(2 * MIB));
    }

    #[test]
    fn beyond_the_limit_every_address_counts() {
        let mut superpages = Superpages::default();
        (0..=LIMIT as u64).for_each(|n| superpages.note(n * 2 * MIB, 2 * MIB));
        assert!(superpages.contain(u64::MAX));
        superpages.clear();
        assert!(!superpages.contain(u64::MAX));
    }
}
