//! Segments of the arena: where new code goes, and what has to go for it.
//!
//! Segments are filled one after the other, in a ring: what runs upwards from a segment's start,
//! what rarely runs downwards from its end. The one behind the segment that is being filled is
//! kept empty: it is *vacated* as soon as filling moves on, so that every hart has left its code
//! by the time that it is needed.

use std::ops::Range;

use riscope_core::event::Tier;
use rustc_hash::FxHashSet;

use super::link::DISTANCE_ALIGN;

/// Segments of a large arena. One of them is always empty.
const SEGMENTS: usize = 24;

/// Bytes of a segment at least, in arenas of more than two: room for the largest fragments.
const MIN_SEGMENT: usize = 64 << 10;

/// Segments start at multiples of this, the host's page size.
const SEGMENT_ALIGN: usize = 4096;

/// Alignment of translations, in bytes.
const CODE_ALIGN: usize = 16;

/// Alignment of what of them rarely runs.
const COLD_ALIGN: usize = 8;
const _: () = assert!(CODE_ALIGN.is_multiple_of(DISTANCE_ALIGN) && COLD_ALIGN.is_multiple_of(DISTANCE_ALIGN));

/// Where the two parts of a translation go, as offsets in the arena.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Space {
    pub(super) hot: usize,
    pub(super) cold: usize,
    /// Bytes taken, those for alignment included.
    pub(super) bytes: u64,
}

/// Why there is no space.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NoSpace {
    /// Harts may still execute what was in the next segment.
    NotYet {
        /// Epoch that they have to observe.
        vacated: u64,
    },
    /// No segment is as large as this.
    Never,
}

/// A part of the arena whose code is evicted together.
#[derive(Debug)]
pub(super) struct Segment {
    range: Range<usize>,
    /// First free byte.
    next: usize,
    /// First byte of the cold parts.
    cold: usize,
    /// Bytes in use by tier, those of dropped code and of alignment included.
    bytes: [u64; Tier::ALL.len()],
    /// Numbers of the pages whose code was placed here.
    pages: FxHashSet<u64>,
    /// The one of them whose code was placed here last.
    newest: Option<u64>,
    /// Epoch that every hart has to observe before code is placed here; 0 if all have.
    vacated: u64,
}

/// What was in a segment.
#[derive(Debug)]
pub(super) struct Contents {
    pub(super) range: Range<usize>,
    pub(super) pages: FxHashSet<u64>,
    pub(super) bytes: [u64; Tier::ALL.len()],
}

impl Segment {
    fn new(range: Range<usize>) -> Self {
        Self {
            next: range.start,
            cold: range.end,
            range,
            bytes: [0; Tier::ALL.len()],
            pages: FxHashSet::default(),
            newest: None,
            vacated: 0,
        }
    }

    fn is_empty(&self) -> bool {
        self.pages.is_empty()
    }

    /// Takes space for parts of these sizes, with code of a page.
    fn take(&mut self, hot: usize, cold: usize, tier: Tier, page: u64) -> Option<Space> {
        let hot_at = self.next.next_multiple_of(CODE_ALIGN);
        let cold_at = self.cold.checked_sub(cold)? & !(COLD_ALIGN - 1);
        if hot_at + hot > cold_at {
            return None;
        }
        let bytes = (hot_at + hot - self.next + self.cold - cold_at) as u64;
        self.bytes[tier.index()] += bytes;
        (self.next, self.cold) = (hot_at + hot, cold_at);
        if self.newest != Some(page) {
            self.newest = Some(page);
            self.pages.insert(page);
        }
        Some(Space { hot: hot_at, cold: cold_at, bytes })
    }
}

/// All segments of an arena.
#[derive(Debug)]
pub(super) struct Segments {
    /// Two at least, all of the same size.
    ring: Vec<Segment>,
    filling: usize,
}

impl Segments {
    /// Segments of the bytes `range` of an arena, which are 32 KiB at least.
    pub(super) fn new(range: Range<usize>) -> Self {
        let count = (range.len() / MIN_SEGMENT).clamp(2, SEGMENTS);
        let first = range.start.next_multiple_of(SEGMENT_ALIGN);
        let size = (range.end.saturating_sub(first) / count) & !(SEGMENT_ALIGN - 1);
        let start = |n: usize| first + n * size;
        Self { ring: (0..count).map(|n| Segment::new(start(n)..start(n + 1))).collect(), filling: 0 }
    }

    /// Bytes of a segment.
    fn size(&self) -> usize {
        self.ring[0].range.len()
    }

    fn following(&self) -> usize {
        (self.filling + 1) % self.ring.len()
    }

    /// Takes space for code of a page, in parts of these sizes. Goes on to the next segment if it
    /// is needed. A segment is used again once `have_left` says of the epoch at which it was
    /// vacated that all harts have observed it.
    ///
    /// # Errors
    /// See [`NoSpace`].
    pub(super) fn take(
        &mut self,
        [hot, cold]: [usize; 2],
        tier: Tier,
        page: u64,
        have_left: impl Fn(u64) -> bool,
    ) -> Result<Space, NoSpace> {
        if hot + cold + COLD_ALIGN > self.size() {
            return Err(NoSpace::Never);
        }
        for n in [self.filling, self.following()] {
            let segment = &mut self.ring[n];
            if n != self.filling && !segment.is_empty() {
                break;
            }
            if segment.vacated != 0 && !have_left(segment.vacated) {
                return Err(NoSpace::NotYet { vacated: segment.vacated });
            }
            segment.vacated = 0;
            self.filling = n;
            if let Some(space) = segment.take(hot, cold, tier, page) {
                return Ok(space);
            }
        }
        Err(NoSpace::NotYet { vacated: 0 })
    }

    /// Has the page visited when the segment is vacated that is being filled, also if no code of
    /// it is placed there.
    pub(super) fn note(&mut self, page: u64) {
        self.ring[self.filling].pages.insert(page);
    }

    /// Whether the next segment has to be vacated.
    pub(super) fn is_next_occupied(&self) -> bool {
        !self.ring[self.following()].is_empty()
    }

    /// Empties the segment that was filled first of those that are not empty. Its code may be
    /// executed by harts that have not observed `epoch`; nothing is placed there before that.
    pub(super) fn vacate_oldest(&mut self, epoch: u64) -> Contents {
        let count = self.ring.len();
        let oldest = (1..=count).map(|n| (self.filling + n) % count).find(|&n| !self.ring[n].is_empty());
        let oldest = oldest.unwrap_or(self.filling);
        if oldest == self.filling {
            self.filling = self.following();
        }
        let segment = &mut self.ring[oldest];
        let empty = Segment { vacated: epoch, ..Segment::new(segment.range.clone()) };
        let Segment { range, pages, bytes, .. } = std::mem::replace(segment, empty);
        Contents { range, pages, bytes }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn take(segments: &mut Segments, hot: usize, cold: usize) -> Result<Space, NoSpace> {
        segments.take([hot, cold], Tier::Baseline, 1, |_| false)
    }

    #[test]
    fn segments_cover_the_arena_and_do_not_overlap() {
        for size in [64 << 10, 1 << 20, 96 << 20, 1 << 30] {
            let segments = Segments::new(16 << 10..size);
            assert!(segments.ring.windows(2).all(|pair| pair[0].range.end == pair[1].range.start));
            assert!(segments.ring[0].range.start >= 16 << 10);
            let end = segments.ring.last().expect("there are two at least").range.end;
            assert!(end <= size && size - end < segments.ring.len() * SEGMENT_ALIGN, "{size}: up to {end}");
            assert!(segments.ring.len() >= 2);
        }
    }

    #[test]
    fn parts_are_aligned_and_apart() {
        let mut segments = Segments::new(0..64 << 10);
        let (first, second) = (take(&mut segments, 5, 3), take(&mut segments, 5, 3));
        let end = segments.size();
        assert_eq!(first, Ok(Space { hot: 0, cold: end - 8, bytes: 5 + 8 }));
        assert_eq!(second, Ok(Space { hot: 16, cold: end - 16, bytes: 16 + 8 }));
        assert_eq!(segments.ring[0].bytes[Tier::Baseline.index()], 21 + 16);
    }

    #[test]
    fn filling_goes_on_in_the_next_segment_once_that_is_empty_and_left() {
        let mut segments = Segments::new(0..64 << 10);
        let size = segments.size();
        let whole = size - COLD_ALIGN;
        assert_eq!(take(&mut segments, whole, 0).map(|space| space.hot), Ok(0));
        assert!(!segments.is_next_occupied());
        assert_eq!(take(&mut segments, whole, 0).map(|space| space.hot), Ok(size));
        assert!(segments.is_next_occupied());
        assert_eq!(take(&mut segments, whole, 0), Err(NoSpace::NotYet { vacated: 0 }), "it is not empty");
        assert_eq!(segments.vacate_oldest(7).bytes[Tier::Baseline.index()], whole as u64);
        assert!(!segments.is_next_occupied());
        let before = segments.take([whole, 0], Tier::Baseline, 1, |epoch| epoch < 7);
        assert_eq!(before, Err(NoSpace::NotYet { vacated: 7 }), "a hart is in it");
        assert_eq!(segments.take([whole, 0], Tier::Baseline, 1, |epoch| epoch == 7).map(|space| space.hot), Ok(0));
    }

    #[test]
    fn the_only_segment_in_use_can_be_vacated_and_the_next_one_is_filled() {
        let mut segments = Segments::new(0..64 << 10);
        assert_eq!(take(&mut segments, 16, 0).map(|space| space.hot), Ok(0));
        segments.note(2);
        let pages = segments.vacate_oldest(3).pages;
        assert!(pages.contains(&1) && pages.contains(&2));
        assert_eq!(take(&mut segments, 16, 0).map(|space| space.hot), Ok(segments.size()));
        // Nor is that one filled before harts have left what was there.
        segments.vacate_oldest(4);
        assert_eq!(take(&mut segments, 16, 0), Err(NoSpace::NotYet { vacated: 3 }));
    }

    #[test]
    fn what_fits_nowhere_is_told_apart_from_what_has_to_wait() {
        let mut segments = Segments::new(0..64 << 10);
        let size = segments.size();
        assert_eq!(take(&mut segments, size, 1), Err(NoSpace::Never));
        assert_eq!(take(&mut segments, 1, size), Err(NoSpace::Never));
        assert!(take(&mut segments, 16, 16).is_ok());
    }
}
