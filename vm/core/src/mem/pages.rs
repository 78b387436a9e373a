//! Which pages of guest RAM hold translated code, and who may have written them.
//!
//! One atomic word a page, so that tracking costs nothing until code is
//! translated:
//!
//! ```text
//!  bit  10        9      8     7 .. 0
//!      DECODED   DIRTY  CODE   writers: bit h = hart h has (or had since its last
//!                              TLB flush) a writable translation of the page
//! ```
//!
//! A RISC-V store need not be visible to instruction fetch before `fence.i`, so
//! stores to code are not intercepted one by one. A store can reach a page only
//! through a writable TLB entry, and filling one sets the hart's writer bit.
//! Translating a page sets `CODE` *before* its bytes are copied. At `fence.i` the
//! engine compares only [suspect](PageTracker::take_suspect) pages with the
//! bytes that were translated: pages with a writer or a recorded device write.
//!
//! There are guests without any `fence.i`: teaching kernels load a program, drop all
//! translations on the way to it, and rely on caches that are coherent. So when a hart
//! drops a writable translation of a page that is `CODE`, or `DECODED` by an
//! interpreter, or a device writes to one, that is *counted*
//! ([`code_writes`](PageTracker::code_writes)), and every hart takes a new count for a
//! `fence.i`.

use std::sync::atomic::{AtomicU16, AtomicU64, Ordering, fence};

use vm_memory::bitmap::{Bitmap, RefSlice, WithBitmapSlice};

use crate::addr::PAGE_BYTES;

/// Harts that one machine may have; a writer bit of each fits the page word.
pub const MAX_HARTS: usize = 8;

const WRITERS: u16 = 0x00ff;
const CODE: u16 = 0x0100;
const DIRTY: u16 = 0x0200;
const DECODED: u16 = 0x0400;

/// Per-page flags of one range of guest RAM. Pages are named by index from the
/// start of the RAM.
#[derive(Debug)]
pub struct PageTracker {
    flags: Vec<AtomicU16>,
    code_writes: AtomicU64,
}

impl PageTracker {
    pub(super) fn new(ram_bytes: usize) -> Self {
        let flags = (0..ram_bytes.div_ceil(PAGE_BYTES)).map(|_| AtomicU16::new(0)).collect();
        Self { flags, code_writes: AtomicU64::new(0) }
    }

    /// Hart `hart` is about to get a writable translation of the page. Returns
    /// whether that is new.
    pub fn add_writer(&self, page: usize, hart: usize) -> bool {
        let bit = 1u16 << (hart % MAX_HARTS);
        // Only the hart itself changes its bit, so a relaxed look is enough.
        let new = self.flags[page].load(Ordering::Relaxed) & bit == 0;
        if new {
            self.flags[page].fetch_or(bit, Ordering::SeqCst);
        }
        new
    }

    /// Hart `hart` has dropped every writable translation of the page. What it
    /// wrote to a code page meanwhile stays on record as `DIRTY`.
    pub fn remove_writer(&self, page: usize, hart: usize) {
        let bit = 1u16 << (hart % MAX_HARTS);
        let drop_writer = |flags: u16| {
            let wrote = flags & bit != 0;
            let dirty = if wrote && flags & CODE != 0 { DIRTY } else { 0 };
            let counted = if wrote { DECODED } else { 0 };
            Some(flags & !bit & !counted | dirty)
        };
        // The closure always returns `Some`, so the update cannot fail.
        let flags = self.flags[page].fetch_update(Ordering::SeqCst, Ordering::Relaxed, drop_writer);
        let flags = flags.unwrap_or_default();
        if flags & (CODE | DECODED) != 0 && flags & bit != 0 {
            self.code_writes.fetch_add(1, Ordering::SeqCst);
        }
    }

    /// A number that grows when a page that code was taken from may have been changed
    /// by a writer that cannot change it any more.
    pub fn code_writes(&self) -> u64 {
        self.code_writes.load(Ordering::Acquire)
    }

    /// Records that instructions of the page are being decoded. Call before reading
    /// the bytes, and again before comparing with them at a fence: a write that is
    /// counted takes it back, so that memory that once held code costs nothing for ever.
    pub fn set_decoded(&self, page: usize) {
        if self.flags[page].load(Ordering::Relaxed) & DECODED == 0 {
            self.flags[page].fetch_or(DECODED, Ordering::SeqCst);
        }
        fence(Ordering::SeqCst);
    }

    /// Records that the page's bytes are being translated. Call before reading
    /// the bytes: whatever is stored after that makes the page suspect.
    pub fn set_code(&self, page: usize) {
        self.flags[page].fetch_or(CODE, Ordering::SeqCst);
    }

    /// No translation of the page is left.
    pub fn clear_code(&self, page: usize) {
        self.flags[page].fetch_and(!(CODE | DIRTY), Ordering::SeqCst);
    }

    /// Whether a code page may differ from what was translated. Clears the
    /// record of finished writes: call before comparing the bytes.
    pub fn take_suspect(&self, page: usize) -> bool {
        if self.flags[page].load(Ordering::SeqCst) & (WRITERS | DIRTY) == 0 {
            return false;
        }
        self.flags[page].fetch_and(!DIRTY, Ordering::SeqCst);
        true
    }
}

impl<'a> WithBitmapSlice<'a> for PageTracker {
    type S = RefSlice<'a, Self>;
}

/// How `vm-memory` reports writes of devices (DMA) and loaders.
impl Bitmap for PageTracker {
    fn mark_dirty(&self, offset: usize, len: usize) {
        if len == 0 {
            return;
        }
        // The bytes are written: keep the look at the flags behind them, as `set_code`
        // keeps its copy behind the flag.
        fence(Ordering::SeqCst);
        let last = offset.saturating_add(len - 1) / PAGE_BYTES;
        let mut code = false;
        for flags in self.flags.iter().take(last + 1).skip(offset / PAGE_BYTES) {
            let seen = flags.load(Ordering::SeqCst);
            if seen & (CODE | DECODED) != 0 {
                code = true;
                flags.fetch_and(!DECODED, Ordering::SeqCst);
            }
            if seen & CODE != 0 {
                flags.fetch_or(DIRTY, Ordering::SeqCst);
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
