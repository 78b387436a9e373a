//! Tracking of guest RAM pages that hold code and of the harts that may have written them.
//!
//! One atomic word per page; tracking costs nothing until code is decoded or translated:
//!
//! ```text
//!  bit  11        10        9      8     7 .. 0
//!      LISTED    DECODED   DIRTY  CODE   writers: bit h = hart h has (or had since its last
//!                                        TLB flush) a writable translation of the page
//! ```
//!
//! RISC-V does not require a store to be visible to instruction fetch before `fence.i`, so
//! stores to code are not intercepted. A store reaches a page only through a writable TLB
//! entry, and filling one sets the hart's writer bit. Translating a page sets `CODE`
//! *before* its bytes are copied. At `fence.i` the engine compares only
//! [suspect](PageTracker::take_suspects) pages with the translated bytes: those with a
//! writer or a recorded device write. They are in a list, so that a fence costs what was
//! written.
//!
//! Some guests never execute `fence.i`: teaching kernels load a program, flush all
//! translations before they start it, and rely on coherent caches. Therefore, when a hart
//! drops a writable translation of a page that is `CODE`, or `DECODED` by an interpreter,
//! or a device writes to one, the event is *counted*
//! ([`code_writes`](PageTracker::code_writes)), and every hart treats a new count as a
//! `fence.i`.

use std::sync::atomic::{AtomicU16, AtomicU32, AtomicU64, Ordering, fence};
use std::sync::{Mutex, PoisonError};

use vm_memory::bitmap::{Bitmap, RefSlice, WithBitmapSlice};

use crate::addr::PAGE_BYTES;

/// Maximum number of harts of a machine; each has a writer bit in the page word.
pub const MAX_HARTS: usize = 8;

const WRITERS: u16 = 0x00ff;
const CODE: u16 = 0x0100;
const DIRTY: u16 = 0x0200;
const DECODED: u16 = 0x0400;
const LISTED: u16 = 0x0800;

/// Page flags of a range of guest RAM, by page index from its start.
#[derive(Debug)]
pub struct PageTracker {
    flags: Vec<AtomicU16>,
    /// Numbers of writers that are gone and of device writes, of each page.
    versions: Vec<AtomicU32>,
    code_writes: AtomicU64,
    /// The pages that are `LISTED`, in any order: all code pages with a writer or a recorded
    /// write, and some that were.
    suspects: Mutex<Vec<usize>>,
}

impl PageTracker {
    pub(super) fn new(ram_bytes: usize) -> Self {
        let pages = ram_bytes.div_ceil(PAGE_BYTES);
        Self {
            flags: (0..pages).map(|_| AtomicU16::new(0)).collect(),
            versions: (0..pages).map(|_| AtomicU32::new(0)).collect(),
            code_writes: AtomicU64::new(0),
            suspects: Mutex::default(),
        }
    }

    /// A number that differs once the page has been written since, modulo 2^32; `None` while
    /// a hart may write it at any time. Call before reading the bytes that it is to tell from
    /// later ones.
    pub fn version(&self, page: usize) -> Option<u32> {
        let settled = self.flags[page].load(Ordering::SeqCst) & WRITERS == 0;
        settled.then(|| self.versions[page].load(Ordering::SeqCst))
    }

    /// Records that hart `hart` gets a writable translation of the page. Returns whether it
    /// had none.
    pub fn add_writer(&self, page: usize, hart: usize) -> bool {
        let bit = 1u16 << (hart % MAX_HARTS);
        // Only the hart itself changes its bit, so a relaxed load suffices.
        let new = self.flags[page].load(Ordering::Relaxed) & bit == 0;
        if new && self.flags[page].fetch_or(bit, Ordering::SeqCst) & CODE != 0 {
            self.list(page);
        }
        new
    }

    /// Puts a page on the list of suspect ones.
    #[cold]
    fn list(&self, page: usize) {
        if self.flags[page].fetch_or(LISTED, Ordering::SeqCst) & LISTED == 0 {
            self.suspects.lock().unwrap_or_else(PoisonError::into_inner).push(page);
        }
    }

    /// Records that hart `hart` has dropped all writable translations of the page. `DIRTY`
    /// keeps its writes to a code page on record.
    pub fn remove_writer(&self, page: usize, hart: usize) {
        let bit = 1u16 << (hart % MAX_HARTS);
        let drop_writer = |flags: u16| {
            let wrote = flags & bit != 0;
            let dirty = if wrote && flags & CODE != 0 { DIRTY } else { 0 };
            let counted = if wrote { DECODED } else { 0 };
            Some(flags & !bit & !counted | dirty)
        };
        // Before the flag: who sees no writer sees that there was one.
        self.versions[page].fetch_add(1, Ordering::SeqCst);
        // The closure always returns `Some`, so the update cannot fail.
        let flags = self.flags[page].fetch_update(Ordering::SeqCst, Ordering::Relaxed, drop_writer);
        let flags = flags.unwrap_or_default();
        if flags & (CODE | DECODED) != 0 && flags & bit != 0 {
            self.code_writes.fetch_add(1, Ordering::SeqCst);
        }
    }

    /// Number of times that a code page may have been changed by a writer that no longer
    /// has access to it. Monotonic.
    pub fn code_writes(&self) -> u64 {
        self.code_writes.load(Ordering::Acquire)
    }

    /// Records that instructions of the page are decoded. Call before reading the bytes,
    /// and again before comparing them at a fence: a counted write clears the record, so
    /// that memory which once held code does not cost anything for ever.
    pub fn set_decoded(&self, page: usize) {
        if self.flags[page].load(Ordering::Relaxed) & DECODED == 0 {
            self.flags[page].fetch_or(DECODED, Ordering::SeqCst);
        }
        fence(Ordering::SeqCst);
    }

    /// Records that the page is translated. Call before reading the bytes: every later
    /// store makes the page suspect.
    pub fn set_code(&self, page: usize) {
        if self.flags[page].fetch_or(CODE, Ordering::SeqCst) & (WRITERS | DIRTY) != 0 {
            self.list(page);
        }
        // What the caller reads next, not atomically ordered, is read after the flag is set.
        fence(Ordering::SeqCst);
    }

    /// Records that the page has no translations left.
    pub fn clear_code(&self, page: usize) {
        self.flags[page].fetch_and(!(CODE | DIRTY), Ordering::SeqCst);
    }

    /// Whether a code page may differ from the translated bytes. Clears the record of
    /// completed writes; call before comparing the bytes.
    pub fn take_suspect(&self, page: usize) -> bool {
        if self.flags[page].load(Ordering::SeqCst) & (WRITERS | DIRTY) == 0 {
            return false;
        }
        self.flags[page].fetch_and(!DIRTY, Ordering::SeqCst);
        true
    }

    /// All pages for which [`PageTracker::take_suspect`] says so.
    pub fn take_suspects(&self) -> Vec<usize> {
        let mut list = self.suspects.lock().unwrap_or_else(PoisonError::into_inner);
        let mut suspects = Vec::new();
        list.retain(|&page| {
            let is_written = |flags: u16| flags & CODE != 0 && flags & WRITERS != 0;
            let taken = |flags| Some(flags & !if is_written(flags) { DIRTY } else { DIRTY | LISTED });
            // The closure always returns `Some`, so the update cannot fail.
            let flags = self.flags[page].fetch_update(Ordering::SeqCst, Ordering::SeqCst, taken).unwrap_or_default();
            if flags & CODE != 0 && flags & (WRITERS | DIRTY) != 0 {
                suspects.push(page);
            }
            // With a writer it may be written again at any time.
            is_written(flags)
        });
        suspects
    }
}

impl<'a> WithBitmapSlice<'a> for PageTracker {
    type S = RefSlice<'a, Self>;
}

/// `vm-memory` reports writes of devices (DMA) and loaders here.
impl Bitmap for PageTracker {
    fn mark_dirty(&self, offset: usize, len: usize) {
        if len == 0 {
            return;
        }
        // The bytes are written before the flags are read, the counterpart of `set_code`,
        // which sets the flag before the copy.
        fence(Ordering::SeqCst);
        let last = offset.saturating_add(len - 1) / PAGE_BYTES;
        let mut code = false;
        let pages = self.flags.iter().zip(&self.versions).enumerate();
        for (page, (flags, version)) in pages.take(last + 1).skip(offset / PAGE_BYTES) {
            version.fetch_add(1, Ordering::SeqCst);
            let seen = flags.load(Ordering::SeqCst);
            if seen & (CODE | DECODED) != 0 {
                code = true;
                flags.fetch_and(!DECODED, Ordering::SeqCst);
            }
            if seen & CODE != 0 {
                flags.fetch_or(DIRTY, Ordering::SeqCst);
                self.list(page);
            }
        }
        if code {
            self.code_writes.fetch_add(1, Ordering::SeqCst);
        }
    }

    fn dirty_at(&self, offset: usize) -> bool {
        self.flags.get(offset / PAGE_BYTES).is_some_and(|flags| flags.load(Ordering::SeqCst) & DIRTY != 0)
    }

    fn slice_at(&self, offset: usize) -> RefSlice<'_, Self> {
        RefSlice::new(self, offset)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tracker() -> PageTracker {
        PageTracker::new(4 * 4096)
    }

    #[test]
    fn a_page_with_a_writer_stays_suspect() {
        let pages = tracker();
        pages.add_writer(1, 3);
        pages.set_code(1);
        assert!(pages.take_suspect(1));
        assert!(pages.take_suspect(1), "the writer may store again at any time");
        assert!(!pages.take_suspect(0));
    }

    #[test]
    fn suspects_are_listed_however_they_become_so() {
        let pages = tracker();
        pages.add_writer(0, 1);
        pages.set_code(0);
        pages.set_code(1);
        pages.add_writer(1, 0);
        pages.add_writer(1, 2);
        pages.set_code(2);
        pages.mark_dirty(2 * 4096, 1);
        pages.mark_dirty(2 * 4096, 1);
        pages.set_code(3);
        assert_eq!(pages.take_suspects(), [0, 1, 2]);
        assert_eq!(pages.take_suspects(), [0, 1], "they have writers");
        pages.remove_writer(0, 1);
        pages.remove_writer(1, 0);
        assert_eq!(pages.take_suspects(), [0, 1], "they were written, and one has a writer");
        assert_eq!(pages.take_suspects(), [1]);
        pages.clear_code(1);
        assert!(pages.take_suspects().is_empty(), "it holds no code");
        pages.set_code(1);
        assert_eq!(pages.take_suspects(), [1], "it has a writer still");
        pages.add_writer(0, 1);
        assert_eq!(pages.take_suspects(), [1, 0]);
    }

    #[test]
    fn writes_of_a_flushed_writer_are_reported_once() {
        let pages = tracker();
        pages.set_code(1);
        pages.add_writer(1, 0);
        pages.remove_writer(1, 0);
        assert!(pages.take_suspect(1));
        assert!(!pages.take_suspect(1));
    }

    #[test]
    fn writes_before_translation_leave_no_trace() {
        let pages = tracker();
        pages.add_writer(2, 1);
        pages.remove_writer(2, 1);
        pages.mark_dirty(2 * 4096, 4096);
        pages.set_code(2);
        assert!(!pages.take_suspect(2));
    }

    #[test]
    fn writes_to_code_are_counted_when_the_writer_is_gone() {
        let pages = tracker();
        pages.add_writer(0, 0);
        pages.remove_writer(0, 0);
        assert_eq!(pages.code_writes(), 0, "no code");
        pages.set_decoded(0);
        pages.remove_writer(0, 0);
        assert_eq!(pages.code_writes(), 0, "no writer");
        pages.add_writer(0, 0);
        assert_eq!(pages.code_writes(), 0, "not gone");
        pages.remove_writer(0, 0);
        assert_eq!(pages.code_writes(), 1);
        pages.add_writer(0, 0);
        pages.remove_writer(0, 0);
        assert_eq!(pages.code_writes(), 1, "nobody has decoded it again");
        pages.set_decoded(0);
        pages.mark_dirty(0, 1);
        assert_eq!(pages.code_writes(), 2, "a device");
        pages.mark_dirty(4096, 1);
        assert_eq!(pages.code_writes(), 2, "elsewhere");
    }

    #[test]
    fn a_page_has_another_version_once_it_was_written() {
        let pages = tracker();
        let first = pages.version(1);
        assert_eq!(pages.version(1), first);
        pages.add_writer(1, 0);
        assert_eq!(pages.version(1), None, "at any time");
        pages.add_writer(1, 1);
        pages.remove_writer(1, 0);
        assert_eq!(pages.version(1), None, "there is another one");
        pages.remove_writer(1, 1);
        let second = pages.version(1);
        assert!(second.is_some() && second != first);
        pages.mark_dirty(4096 + 8, 1);
        assert_ne!(pages.version(1), second, "a device");
        assert_eq!(pages.version(2), first, "elsewhere");
    }

    #[test]
    fn device_writes_mark_every_code_page_they_touch() {
        let pages = tracker();
        pages.set_code(0);
        pages.set_code(1);
        pages.set_code(2);
        pages.mark_dirty(4095, 2);
        assert!(pages.take_suspect(0));
        assert!(pages.take_suspect(1));
        assert!(!pages.take_suspect(2));
    }
}
