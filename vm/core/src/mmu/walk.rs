//! Page-table walk (privileged specification, "Virtual Address Translation Process").

use super::pmp::{Pmp, Verdict};
use super::regime::Regime;
use super::walk_cache::{Table, WalkCache};
use super::writers::Writers;
use crate::addr::{GuestPhys, PAGE_SHIFT};
use crate::arch::{Access, PrivilegeMode};
use crate::mem::{GuestRam, access as raw};

/// Page table entry bits.
pub(super) mod pte {
    pub(in crate::mmu) const VALID: u64 = 1;
    pub(in crate::mmu) const READ: u64 = 2;
    pub(in crate::mmu) const WRITE: u64 = 4;
    pub(in crate::mmu) const EXECUTE: u64 = 8;
    pub(in crate::mmu) const USER: u64 = 16;
    pub(in crate::mmu) const GLOBAL: u64 = 32;
    pub(in crate::mmu) const ACCESSED: u64 = 64;
    pub(in crate::mmu) const DIRTY: u64 = 128;
    /// Bits 63 to 54: N, PBMT and reserved, none implemented.
    pub(in crate::mmu) const RESERVED: u64 = 0x3ff << 54;
    pub(in crate::mmu) const PPN: u64 = (1 << 44) - 1;
    pub(in crate::mmu) const PPN_SHIFT: u32 = 10;
}

pub(super) const LEVEL_BITS: u32 = 9;
pub(super) const PPN_MASK: u64 = (1 << 44) - 1;

/// Reason why a walk found no translation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum WalkFault {
    /// The page tables do not permit the access.
    Page,
    /// A page table is not accessible.
    Access,
}

/// Reason why one pass over the page table found no leaf.
enum Interrupted {
    Fault(WalkFault),
    /// Another hart changed the entry while its A or D bit was set.
    EntryChanged,
}

impl From<WalkFault> for Interrupted {
    fn from(fault: WalkFault) -> Self {
        Self::Fault(fault)
    }
}

/// Leaf of a page table: maps `size` bytes from virtual address `start` to `phys`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Leaf {
    pub(crate) start: u64,
    pub(crate) phys: GuestPhys,
    pub(crate) size: u64,
    /// Whether it is in all address spaces.
    pub(crate) global: bool,
}

/// A walk with its inputs from the hart.
pub(super) struct Walk<'a> {
    pub(super) regime: &'a Regime,
    pub(super) ram: &'a GuestRam,
    pub(super) pmp: &'a Pmp,
    pub(super) writers: &'a mut Writers,
    pub(super) known: &'a mut WalkCache,
}

impl Walk<'_> {
    /// Finds the leaf that translates `va` for an access with the regime's privilege, U or
    /// S.
    pub(super) fn leaf(mut self, va: u64, access: Access, levels: u32) -> Result<Leaf, WalkFault> {
        loop {
            match self.leaf_once(va, access, levels) {
                Ok(leaf) => return Ok(leaf),
                Err(Interrupted::Fault(fault)) => return Err(fault),
                Err(Interrupted::EntryChanged) => {}
            }
        }
    }

    fn leaf_once(&mut self, va: u64, access: Access, levels: u32) -> Result<Leaf, Interrupted> {
        let unused = 64 - (PAGE_SHIFT + LEVEL_BITS * levels);
        if (va.cast_signed() << unused >> unused).cast_unsigned() != va {
            return Err(WalkFault::Page.into());
        }
        let root = Table { at: GuestPhys((self.regime.satp & PPN_MASK) << PAGE_SHIFT), global: false };
        let (mut table, levels) = self.known.get(va).map_or((root, levels), |table| (table, 1));
        for level in (0..levels).rev() {
            let shift = PAGE_SHIFT + LEVEL_BITS * level;
            let index = va >> shift & ((1 << LEVEL_BITS) - 1);
            let at = GuestPhys(table.at.0 + index * 8);
            let entry = self.read_pte(at)?;
            let reserved_write = entry & (pte::READ | pte::WRITE) == pte::WRITE;
            if entry & pte::VALID == 0 || reserved_write || entry & pte::RESERVED != 0 {
                return Err(WalkFault::Page.into());
            }
            let target = (entry >> pte::PPN_SHIFT & pte::PPN) << PAGE_SHIFT;
            let global = table.global || entry & pte::GLOBAL != 0;
            if entry & (pte::READ | pte::EXECUTE) == 0 {
                if entry & (pte::ACCESSED | pte::DIRTY | pte::USER) != 0 {
                    return Err(WalkFault::Page.into());
                }
                table = Table { at: GuestPhys(target), global };
                if level == 1 {
                    self.known.insert(va, table);
                }
                continue;
            }
            let size = 1u64 << shift;
            if target & (size - 1) != 0 || !self.permits(entry, access) {
                return Err(WalkFault::Page.into());
            }
            self.update_accessed_dirty(at, entry, access)?;
            return Ok(Leaf { start: va & !(size - 1), phys: GuestPhys(target), size, global });
        }
        Err(WalkFault::Page.into())
    }

    fn permits(&self, entry: u64, access: Access) -> bool {
        let user_page = entry & pte::USER != 0;
        let mode_allowed = match (self.regime.mode, user_page) {
            (PrivilegeMode::User, user_page) => user_page,
            (_, false) => true,
            // S-mode never executes user pages, and accesses them only under SUM.
            (_, true) => access != Access::Fetch && self.regime.user_memory,
        };
        let needed = match access {
            Access::Load if self.regime.executable_readable => pte::READ | pte::EXECUTE,
            Access::Load => pte::READ,
            Access::Store => pte::WRITE,
            Access::Fetch => pte::EXECUTE,
        };
        mode_allowed && entry & needed != 0
    }

    /// Sets the A and D bits under Svadu; under Svade, faults if they are clear.
    fn update_accessed_dirty(&mut self, at: GuestPhys, entry: u64, access: Access) -> Result<(), Interrupted> {
        let wanted = pte::ACCESSED | if access == Access::Store { pte::DIRTY } else { 0 };
        if entry & wanted == wanted {
            return Ok(());
        }
        if !self.regime.updates_bits {
            return Err(WalkFault::Page.into());
        }
        self.write_pte(at, entry, entry | wanted)
    }

    fn read_pte(&self, at: GuestPhys) -> Result<u64, WalkFault> {
        let host = self.pte_host(at, Access::Load)?;
        // SAFETY: `pte_host` returns a pointer to 8 bytes of guest RAM.
        Ok(unsafe { raw::load_u64(host) })
    }

    /// Replaces an entry unless it has changed.
    fn write_pte(&mut self, at: GuestPhys, old: u64, new: u64) -> Result<(), Interrupted> {
        let host = self.pte_host(at, Access::Store)?;
        self.writers.note(at);
        // SAFETY: `pte_host` returns a pointer to 8 bytes of guest RAM; the entry is 8-byte
        // aligned because tables are page-aligned.
        let outcome = unsafe { raw::compare_exchange_u64(host, old, new) };
        outcome.map(|_| ()).map_err(|_| Interrupted::EntryChanged)
    }

    fn pte_host(&self, at: GuestPhys, access: Access) -> Result<*mut u8, WalkFault> {
        let allowed = self.pmp.check(at, 8, access, PrivilegeMode::Supervisor) == Verdict::Allowed;
        let host = self.ram.host_ptr(at, 8).filter(|_| allowed);
        host.ok_or(WalkFault::Access)
    }
}
