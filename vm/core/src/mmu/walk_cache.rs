//! Last-level page tables of an address space, so that most walks read one entry.
//!
//! Non-leaf entries may be cached ("Supervisor Memory-Management Fence Instruction"): a fence
//! with an address orders the leaf entry alone, one without an address all entries. The cache
//! is stricter and forgets the table of an address with either.

use crate::addr::GuestPhys;

/// Number of tables remembered. They map 512 MiB.
const ENTRIES: usize = 256;

/// Base-two logarithm of what a last-level table maps, in every format.
const TABLE_SHIFT: u32 = 21;

/// A last-level table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Table {
    /// Its address.
    pub(super) at: GuestPhys,
    /// Whether an entry above says that all that it maps is global.
    pub(super) global: bool,
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    /// Address bits above [`TABLE_SHIFT`], or [`NO_PREFIX`].
    prefix: u64,
    table: Table,
}

/// No prefix has that many bits.
const NO_PREFIX: u64 = u64::MAX;

const EMPTY: Entry = Entry { prefix: NO_PREFIX, table: Table { at: GuestPhys(0), global: false } };

/// Direct-mapped by virtual address; allocated with its first entry.
#[derive(Debug, Default)]
pub(super) struct WalkCache {
    entries: Option<Box<[Entry; ENTRIES]>>,
    used: bool,
}

impl WalkCache {
    /// The last-level table that maps `va`.
    pub(super) fn get(&self, va: u64) -> Option<Table> {
        let entry = &self.entries.as_ref()?[index(va)];
        (entry.prefix == va >> TABLE_SHIFT).then_some(entry.table)
    }

    /// Remembers the last-level table that maps `va`.
    pub(super) fn insert(&mut self, va: u64, table: Table) {
        let entries = self.entries.get_or_insert_with(|| Box::new([EMPTY; ENTRIES]));
        entries[index(va)] = Entry { prefix: va >> TABLE_SHIFT, table };
        self.used = true;
    }

    /// Forgets the table that maps `va`.
    pub(super) fn forget(&mut self, va: u64) {
        if let Some(entries) = &mut self.entries {
            entries[index(va)] = EMPTY;
        }
    }

    /// Forgets all tables.
    pub(super) fn clear(&mut self) {
        if let Some(entries) = self.entries.as_mut().filter(|_| self.used) {
            entries.fill(EMPTY);
            self.used = false;
        }
    }
}

fn index(va: u64) -> usize {
    (va >> TABLE_SHIFT) as usize % ENTRIES
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: Table = Table { at: GuestPhys(0x8000_1000), global: true };

    #[test]
    fn a_table_is_known_for_what_it_maps_until_it_is_forgotten() {
        let mut cache = WalkCache::default();
        let va = 0xffff_ffff_c020_0000;
        assert_eq!(cache.get(va), None);
        cache.insert(va + 0x1f_ffff, TABLE);
        assert_eq!(cache.get(va), Some(TABLE));
        for bit in 21..64 {
            assert_eq!(cache.get(va ^ 1 << bit), None, "bit {bit}");
        }
        cache.forget(va + 0x1000);
        assert_eq!(cache.get(va), None);
        cache.insert(va, TABLE);
        cache.clear();
        assert_eq!(cache.get(va), None);
    }
}
