//! Code that is translated at once, and where code goes in the arena: what runs from its start
//! on, what rarely runs from its end on.

use std::sync::Arc;

use riscope_core::addr::GuestPhys;
use riscope_core::event::InvalidationReason;

use super::cache::{CodeCache, Inner};
use super::link::DISTANCE_ALIGN;
use super::page::{Lookup, PageBytes};
use super::unit::{Built, Code, Dropped, Made, Translated};
use crate::perf::Piece;

/// Alignment of translations, in bytes.
const CODE_ALIGN: usize = 16;

/// Alignment of what of them rarely runs.
const COLD_ALIGN: usize = 8;
const _: () = assert!(CODE_ALIGN.is_multiple_of(DISTANCE_ALIGN) && COLD_ALIGN.is_multiple_of(DISTANCE_ALIGN));

/// A distance in the arena, which is far smaller than 2 GiB, as host code has it.
#[expect(clippy::cast_possible_truncation, reason = "the difference of offsets in the arena, modulo 2^32")]
fn distance(from: usize, to: usize) -> [u8; 4] {
    (to.wrapping_sub(from) as u32).to_le_bytes()
}

impl CodeCache {
    /// Translates the code at `phys`, which a hart executes at `pc`, at once, from a current copy
    /// of its page, and makes it visible to all harts. `None` if the lock is taken.
    pub(crate) fn translate<'a>(
        &self,
        phys: GuestPhys,
        pc: u64,
        make: impl FnOnce(&PageBytes) -> Option<Made<'a>>,
    ) -> Option<(Dropped, Translated)> {
        let number = phys.page_number();
        let mut guard = self.try_lock()?;
        let inner = &mut *guard;
        let changed = inner.pages.get_mut(&number).is_some_and(|page| self.has_changed(number, page));
        let dropped = self.drop_pages(inner, changed.then_some(number), InvalidationReason::CodeChanged);
        if self.page(inner, phys).is_none() {
            return Some((dropped, Translated::Rejected));
        }
        Some((dropped, self.make_in(inner, phys, pc, make)))
    }

    fn make_in<'a>(
        &self,
        inner: &mut Inner,
        phys: GuestPhys,
        pc: u64,
        make: impl FnOnce(&PageBytes) -> Option<Made<'a>>,
    ) -> Translated {
        if inner.full {
            return Translated::Full;
        }
        let Some(page) = inner.pages.get_mut(&phys.page_number()) else { return Translated::Rejected };
        if let Some(Lookup::Ready { code, .. }) = page.translations.get(&phys.page_offset()) {
            return Translated::Ready(*code);
        }
        let bytes = Arc::clone(&page.bytes);
        let Some(made) = make(&bytes) else {
            page.translations.insert(phys.page_offset(), Lookup::Rejected);
            return Translated::Rejected;
        };
        let built = Built { phys, pc, tier: made.tier, code: made.code, covered: &made.covered };
        self.place(inner, built).map_or(Translated::Full, Translated::Ready)
    }

    /// Writes code to the arena and enters it in its page. `None` if the arena is full.
    pub(super) fn place(&self, inner: &mut Inner, built: Built<'_>) -> Option<*const u8> {
        if inner.flushing {
            return None;
        }
        let Code { bytes, cold, crossings, links } = built.code;
        let (hot_part, cold_part) = bytes.split_at(cold);
        let hot_at = inner.next.next_multiple_of(CODE_ALIGN);
        let cold_at = inner.end.saturating_sub(cold_part.len()) & !(COLD_ALIGN - 1);
        if hot_at + hot_part.len() > cold_at {
            inner.full = true;
            return None;
        }
        let page = inner.pages.get_mut(&built.phys.page_number())?;
        let taken = hot_at + hot_part.len() - inner.next + inner.end - cold_at;
        (inner.next, inner.end) = (hot_at + hot_part.len(), cold_at);
        let place = |at: usize| if at < cold { hot_at + at } else { cold_at + at - cold };
        // SAFETY: the space was just allocated. Nothing has executed there since the last
        // flush, which waited for all harts, and nothing knows the code before it is added.
        let code = unsafe {
            self.arena.write(cold_at, cold_part);
            let code = self.arena.write(hot_at, hot_part);
            for crossing in crossings {
                let at = place(crossing.at);
                self.arena.write(at, &distance(at + 4, place(crossing.target)));
            }
            code
        };
        let head = built.phys.page_offset();
        for link in links {
            let target = if link.target == head { code } else { page.code(link.target, self.thunks.resolve) };
            page.links.add(&self.arena, place(link.at), link.target, target);
        }
        if let Some(perf) = &self.perf {
            let (tier, pc, phys) = (built.tier, built.pc, built.phys);
            let piece = |start, bytes, cold| Piece { start, bytes, cold, tier, pc, phys };
            let cold_code = self.arena.executable(self.arena.write_view(cold_at));
            perf.published(&[piece(code, hot_part, false), piece(cold_code, cold_part, true)]);
        }
        let replaced = page.add(head, code, built.tier, built.covered);
        page.links.lead(&self.arena, head, code);
        inner.bytes[built.tier.index()] += taken as u64;
        inner.blocks[built.tier.index()] += 1;
        if let Some(tier) = replaced {
            inner.blocks[tier.index()] -= 1;
        }
        self.count(inner);
        Some(code)
    }
}

#[cfg(test)]
mod tests {
    use riscope_core::event::{FlushReason, Tier};
    use riscope_core::mem::GuestRam;

    use riscope_core::addr::PageOffset;

    use super::*;
    use crate::code::{Covered, Link};

    const PHYS: GuestPhys = GuestPhys(0x8000_0000);

    fn cache() -> CodeCache {
        let ram = GuestRam::new(PHYS, 1 << 16).expect("memory");
        CodeCache::new(Arc::new(ram), Arc::default(), 1 << 20, None).expect("a code cache")
    }

    fn made() -> Made<'static> {
        let code = Code::whole(&[0xc3]);
        Made { tier: Tier::Baseline, code, covered: Covered::default(), instructions: 1, guest_bytes: 4 }
    }

    #[test]
    fn code_that_another_hart_has_made_meanwhile_is_taken() {
        let cache = cache();
        let (_, first) = cache.translate(PHYS, PHYS.0, |_| Some(made())).expect("the lock is free");
        assert!(matches!(first, Translated::Ready(_)));
        let (_, second) = cache.translate(PHYS, PHYS.0, |_| panic!("it is made again")).expect("the lock is free");
        assert_eq!(second, first);
    }

    /// Where the jump leads whose distance is behind the first byte of the code at `code`.
    fn destination(code: *const u8) -> *const u8 {
        // SAFETY: code of five bytes or more in the arena's readable view.
        let distance = unsafe { code.add(1).cast::<i32>().read_unaligned() };
        code.wrapping_add(5).wrapping_offset(distance as isize)
    }

    /// Makes code at `phys` that is a jump to `target` of the same page, aligned as it must be.
    fn jump(cache: &CodeCache, phys: GuestPhys, target: u64) -> *const u8 {
        let bytes = [0x0f, 0x1f, 0x00, 0xe9, 0, 0, 0, 0];
        let links = [Link { at: 4, target: PageOffset::of(target) }];
        let code = Code { bytes: &bytes, cold: bytes.len(), crossings: &[], links: &links };
        let (_, made) = cache.translate(phys, phys.0, |_| Some(Made { code, ..made() })).expect("the lock is free");
        let Translated::Ready(code) = made else { panic!("{made:?}") };
        code.wrapping_add(3)
    }

    #[test]
    fn jumps_lead_to_the_code_that_is_there() {
        let cache = cache();
        let resolve = cache.thunks().resolve;
        let other = PHYS.0 + 0x40;
        let (first, itself) = (jump(&cache, PHYS, 0x40), jump(&cache, GuestPhys(PHYS.0 + 8), 8));
        assert_eq!(destination(first), resolve, "there is no code yet");
        assert_eq!(destination(itself), itself.wrapping_sub(3), "a fragment may jump to itself");
        let (_, second) = cache.translate(GuestPhys(other), other, |_| Some(made())).expect("the lock is free");
        assert_eq!(Translated::Ready(destination(first)), second, "earlier code is led to it");
        let later = jump(&cache, GuestPhys(PHYS.0 + 16), 0x40);
        assert_eq!(Translated::Ready(destination(later)), second, "and later code");
        // Code of a higher tier takes its place.
        let mut inner = cache.try_lock().expect("the lock is free");
        let built = Built {
            phys: GuestPhys(other),
            pc: other,
            tier: Tier::Optimised,
            code: Code::whole(&[0xc3]),
            covered: &Covered::default(),
        };
        let third = cache.place(&mut inner, built).expect("there is room");
        assert_eq!([destination(first), destination(later)], [third, third]);
        let page = inner.pages.get_mut(&PHYS.page_number()).expect("it has code");
        let slot = page.link_slot(PageOffset::of(0x40), resolve);
        // SAFETY: slots live until every hart has seen that their page is dropped.
        let in_slot = || unsafe { slot.cast::<*const u8>().read() };
        assert_eq!(in_slot(), third);
        // Without the page, nothing of it goes on.
        let _ = cache.drop_pages(&mut inner, [PHYS.page_number()], InvalidationReason::FenceI);
        assert_eq!([first, itself, later].map(destination), [resolve; 3]);
        assert_eq!(in_slot(), resolve);
    }

    #[test]
    fn nothing_is_placed_while_the_arena_is_about_to_be_emptied() {
        let cache = cache();
        cache.try_lock().expect("the lock is free").flushing = true;
        let (_, outcome) = cache.translate(PHYS, PHYS.0, |_| Some(made())).expect("the lock is free");
        assert_eq!(outcome, Translated::Full);
        assert_eq!(cache.flush(FlushReason::Full), Dropped::Nothing, "another thread does it");
        cache.try_lock().expect("the lock is free").flushing = false;
        let (_, outcome) = cache.translate(PHYS, PHYS.0, |_| Some(made())).expect("the lock is free");
        assert!(matches!(outcome, Translated::Ready(_)));
    }
}
