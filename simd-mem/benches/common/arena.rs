//! Two memory areas, with the positions of the next call in them.

use std::alloc::{self, Layout};
use std::ptr;

const PAGE: usize = 4096;

/// Whether both sides begin at cache lines, or at odd places of different alignment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Alignment {
    Aligned,
    Misaligned,
}

/// Whether every call works on the same bytes, or each on others, so that none of
/// them is in a cache.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Temperature {
    Hot,
    Cold,
}

/// The four states, in the order of the report.
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
            // Written, so that every page is memory of its own.
            // SAFETY: just allocated with this size.
            unsafe { ptr::write_bytes(side, 0, layout.size()) };
            side
        });
        Self { sides, layout }
    }

    /// The places where calls of `len` bytes work in turn. Where in their pages they begin depends on the
    /// round: CPUs take a load for one of what was just stored when the two agree in the lower bits of their
    /// addresses, and one place agrees with a variable on the stack sooner or later.
    pub(crate) fn places(&self, len: usize, alignment: Alignment, temperature: Temperature, round: usize) -> Places {
        let (src, dst) = match alignment {
            Alignment::Aligned => (0, 0),
            Alignment::Misaligned => (13, 27),
        };
        let (src, dst) = (src + round * 17 * 64 % PAGE, dst + round * 45 * 64 % PAGE);
        let room = self.layout.size() - 2 * PAGE;
        // An odd number of pages, so that all sets of a cache get their share.
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

/// Hands out places, the same again or one after the other.
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
        // A step that the prefetchers do not guess, without a branch or a division, which would
        // take as long as a short copy.
        self.next = (self.next + 7919) & (self.count - 1);
        let at = self.next * self.stride;
        (self.src.wrapping_add(at), self.dst.wrapping_add(at))
    }
}
