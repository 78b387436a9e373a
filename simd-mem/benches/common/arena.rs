//! Two memory areas, with the positions of the next call in them.

use std::alloc::{self, Layout};
use std::ptr;

const PAGE: usize = 4096;

/// Alignment of both sides: at cache lines, or at odd offsets of different alignment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Alignment {
    Aligned,
    Misaligned,
}

/// Whether every call uses the same bytes, or different ones that no cache holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Temperature {
    Hot,
    Cold,
}

/// The four states, in report order.
pub(crate) const STATES: [(Alignment, Temperature); 4] = [
    (Alignment::Aligned, Temperature::Hot),
    (Alignment::Misaligned, Temperature::Hot),
    (Alignment::Aligned, Temperature::Cold),
    (Alignment::Misaligned, Temperature::Cold),
];

/// Source and destination, of zeros.
pub(crate) struct Arena {
    sides: [*mut u8; 2],
    layout: Layout,
}

impl Arena {
    pub(crate) fn new(bytes: usize) -> Self {
        let layout = Layout::from_size_align(bytes + 2 * PAGE, PAGE).expect("a size that memory can have");
        let sides = [(); 2].map(|()| {
            // SAFETY: the layout has a size.
            let side = unsafe { alloc::alloc(layout) };
            if side.is_null() {
                alloc::handle_alloc_error(layout);
            }
            // Written, so that every page has its own memory.
            // SAFETY: just allocated with this size.
            unsafe { ptr::write_bytes(side, 0, layout.size()) };
            side
        });
        Self { sides, layout }
    }

    /// Places that calls of `len` bytes use in turn. Their page offsets depend on the
    /// round: CPUs assume that a load depends on a recent store if the lower bits of their
    /// addresses are equal, and a fixed place would sooner or later collide with a variable
    /// on the stack.
    pub(crate) fn places(&self, len: usize, alignment: Alignment, temperature: Temperature, round: usize) -> Places {
        let (src, dst) = match alignment {
            Alignment::Aligned => (0, 0),
            Alignment::Misaligned => (13, 27),
        };
        let (src, dst) = (src + round * 17 * 64 % PAGE, dst + round * 45 * 64 % PAGE);
        let room = self.layout.size() - 2 * PAGE;
        // An odd number of pages, so that all sets of a cache are used.
        let stride = (len.div_ceil(PAGE) | 1) * PAGE;
        let count = match temperature {
            Temperature::Hot => 1,
            Temperature::Cold => 1 << (room / stride).max(1).ilog2(),
        };
        let [src, dst] = [self.sides[0].wrapping_add(src), self.sides[1].wrapping_add(dst)];
        Places { src, dst, stride, count, next: 0 }
    }
}

impl Drop for Arena {
    fn drop(&mut self) {
        for side in self.sides {
            // SAFETY: allocated in `new` with this layout.
            unsafe { alloc::dealloc(side, self.layout) };
        }
    }
}

/// Iterates over places: always the same, or one after the other.
#[derive(Clone, Copy)]
pub(crate) struct Places {
    src: *mut u8,
    dst: *mut u8,
    stride: usize,
    /// A power of two.
    count: usize,
    next: usize,
}

impl Places {
    #[inline(always)]
    pub(crate) fn next(&mut self) -> (*const u8, *mut u8) {
        // A stride that prefetchers do not predict, without a branch or a division, which
        // would take as long as a short copy.
        self.next = (self.next + 7919) & (self.count - 1);
        let at = self.next * self.stride;
        (self.src.wrapping_add(at), self.dst.wrapping_add(at))
    }
}
