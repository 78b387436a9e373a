//! Virtual address to generated code, for one hart: the probe that computed jumps
//! inline. Direct-mapped by `pc`; a tag is the `pc` combined with the privilege
//! mode, so that user and kernel addresses never meet.

use std::mem::offset_of;

use riscope_core::addr::{PAGE_BYTES, PAGE_MASK};
use riscope_core::hart::PrivilegeMode;

use crate::abi::offset;

const SLOTS: usize = 4096;
const SLOT_BYTES: usize = size_of::<Entry>();

/// How far a `pc` is shifted to become the offset of its slot: instructions are
/// two bytes apart, slots sixteen.
pub(crate) const SLOT_SHIFT: u32 = SLOT_BYTES.trailing_zeros() - 1;
/// Mask of the slot offset.
pub(crate) const SLOT_MASK: i64 = offset((SLOTS - 1) * SLOT_BYTES) as i64;
/// Offset of the tag in a slot.
pub(crate) const TAG: i32 = offset(offset_of!(Entry, tag));
/// Offset of the code address in a slot.
pub(crate) const CODE: i32 = offset(offset_of!(Entry, code));

/// Tags are even, so this one is never found.
const NO_TAG: u64 = 1;

#[derive(Clone, Copy, Debug)]
#[repr(C)]
struct Entry {
    tag: u64,
    code: *const u8,
}

const EMPTY: Entry = Entry { tag: NO_TAG, code: std::ptr::null() };

/// The cache of one hart.
#[derive(Debug)]
pub(crate) struct JumpCache(Box<[Entry; SLOTS]>);

// SAFETY: the pointers are addresses of code that lives as long as the code cache.
unsafe impl Send for JumpCache {}

impl Default for JumpCache {
    fn default() -> Self {
        Self(Box::new([EMPTY; SLOTS]))
    }
}

/// The bits of a tag that tell modes apart.
const MODE_BITS: u64 = 3 << MODE_SHIFT;
const MODE_SHIFT: u32 = 60;

/// What a `pc` is combined with in `mode`. Executable addresses have equal bits 60
/// and 61 (canonical, or below 2^56), so no two modes and addresses coincide.
pub(crate) fn key(mode: PrivilegeMode) -> u64 {
    (mode as u64) << MODE_SHIFT
}

impl JumpCache {
    /// Address of the first slot, for generated code.
    pub(crate) fn base(&mut self) -> *mut u8 {
        self.0.as_mut_ptr().cast()
    }

    /// Code for `pc` in the mode of `key`.
    pub(crate) fn get(&self, pc: u64, key: u64) -> Option<*const u8> {
        let entry = self.0[slot(pc)];
        (entry.tag == pc ^ key).then_some(entry.code)
    }

    /// Remembers code for `pc`.
    pub(crate) fn insert(&mut self, pc: u64, key: u64, code: *const u8) {
        self.0[slot(pc)] = Entry { tag: pc ^ key, code };
    }

    /// Forgets what is on the page at virtual address `page`, in every mode.
    pub(crate) fn forget_page(&mut self, page: u64) {
        const PAGE_SLOTS: usize = PAGE_BYTES / 2;
        let first = slot(page);
        for entry in &mut self.0[first..first + PAGE_SLOTS] {
            if (entry.tag & !MODE_BITS ^ page & !MODE_BITS) & !PAGE_MASK == 0 {
                *entry = EMPTY;
            }
        }
    }

    /// Forgets everything.
    pub(crate) fn clear(&mut self) {
        self.0.fill(EMPTY);
    }
}

fn slot(pc: u64) -> usize {
    (pc >> 1) as usize & (SLOTS - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modes_do_not_see_each_others_entries() {
        let mut cache = JumpCache::default();
        let (user, supervisor) = (key(PrivilegeMode::User), key(PrivilegeMode::Supervisor));
        let code = std::ptr::dangling::<u8>();
        cache.insert(0x1000, user, code);
        assert_eq!(cache.get(0x1000, user), Some(code));
        assert_eq!(cache.get(0x1000, supervisor), None);
        assert_eq!(cache.get(0x1002, user), None);
        cache.clear();
        assert_eq!(cache.get(0x1000, user), None);
    }

    #[test]
    fn a_page_is_forgotten_in_every_mode_and_no_other_page() {
        let mut cache = JumpCache::default();
        let (user, supervisor) = (key(PrivilegeMode::User), key(PrivilegeMode::Supervisor));
        let (code, high) = (std::ptr::dangling::<u8>(), 0xffff_ffff_8000_0000);
        cache.insert(0x1ffe, user, code);
        cache.insert(high, supervisor, code);
        cache.insert(0x3000, user, code);
        cache.forget_page(0x1000);
        assert_eq!(cache.get(0x1ffe, user), None);
        cache.forget_page(high);
        assert_eq!(cache.get(high, supervisor), None);
        assert_eq!(cache.get(0x3000, user), Some(code));
    }

    #[test]
    fn the_offset_that_code_computes_is_the_slot() {
        for pc in [0u64, 2, 0x1ffe, 0x2000, 0xffff_ffff_8000_1234] {
            let offset = (pc << SLOT_SHIFT).cast_signed() & SLOT_MASK;
            assert_eq!(usize::try_from(offset).unwrap() / SLOT_BYTES, slot(pc));
        }
    }
}
