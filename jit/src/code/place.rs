//! Code that is translated at once, and how code gets into its segment of the arena.

use riscope_core::addr::{GuestPhys, PAGE_SIZE};
use riscope_core::event::InvalidationReason;
use riscope_core::interp::Executed;

use super::cache::{CodeCache, Inner};
use super::excerpt::{PageBytes, pieces_of, read_pieces};
use super::page::Lookup;
use super::segment::{NoSpace, Space};
use super::unit::{Built, Code, Dropped, Made, Translated};
use crate::perf::Piece;

impl CodeCache {
    /// Translates the code at `phys`, which a hart executes at `pc`, at once, from its page as it
    /// is now, and makes it visible to all harts. `make` gets a page of which only what has been
    /// executed is there. `None` if the lock is taken.
    pub(crate) fn translate<'a>(
        &self,
        phys: GuestPhys,
        pc: u64,
        executed: &Executed,
        make: impl FnOnce(&PageBytes) -> Option<Made<'a>>,
    ) -> Option<(Dropped, Translated)> {
        let number = phys.page_number();
        let mut guard = self.try_lock()?;
        let inner = &mut *guard;
        let changed = inner.pages.get_mut(&number).is_some_and(|page| self.has_changed(number, page));
        let mut dropped = self.drop_pages(inner, changed.then_some(number), InvalidationReason::CodeChanged);
        dropped.evicted = self.vacate(inner);
        if self.page(inner, phys).is_none() {
            return Some((dropped, Translated::Rejected));
        }
        Some((dropped, self.make_in(inner, phys, pc, pieces_of(executed), make)))
    }

    fn make_in<'a>(
        &self,
        inner: &mut Inner,
        phys: GuestPhys,
        pc: u64,
        pieces: u64,
        make: impl FnOnce(&PageBytes) -> Option<Made<'a>>,
    ) -> Translated {
        let Inner { pages, source, entries, .. } = inner;
        let Some(page) = pages.get_mut(&phys.page_number()) else { return Translated::Rejected };
        if let Some(Lookup::Ready { code, .. }) = page.translations.get(&phys.page_offset()) {
            return Translated::Ready(*code);
        }
        // Not made in vain again and again while a hart is held up.
        if inner.awaited > self.oldest_seen() {
            return Translated::Full;
        }
        let Some(host) = self.ram.host_ptr(phys.page_start(), PAGE_SIZE) else { return Translated::Rejected };
        // SAFETY: `host_ptr` covers the whole page, and RAM is page-aligned.
        unsafe { read_pieces(host, pieces, source) };
        let Some(made) = make(source) else {
            page.reject(phys.page_offset());
            page.count(entries);
            return Translated::Rejected;
        };
        if !page.excerpt.agrees(&made.covered, source) {
            // Written just now: the page is compared before the next attempt.
            return Translated::Full;
        }
        let built = Built { phys, pc, tier: made.tier, code: made.code, covered: &made.covered };
        match self.place(inner, built) {
            Ok(code) => Translated::Ready(code),
            Err(NoSpace::NotYet { vacated }) => {
                inner.awaited = vacated;
                Translated::Full
            }
            Err(NoSpace::Never) => {
                Self::reject_in(inner, phys);
                Translated::Rejected
            }
        }
    }

    fn reject_in(inner: &mut Inner, phys: GuestPhys) {
        if let Some(page) = inner.pages.get_mut(&phys.page_number()) {
            page.reject(phys.page_offset());
            page.count(&mut inner.entries);
        }
    }

    /// Writes code to the arena and enters it in its page, which was just read.
    ///
    /// # Errors
    /// If there is no room.
    pub(super) fn place(&self, inner: &mut Inner, built: Built<'_>) -> Result<*const u8, NoSpace> {
        let Code { bytes, cold, crossings, links } = built.code;
        let (hot_part, cold_part) = bytes.split_at(cold);
        let (sizes, number) = ([hot_part.len(), cold_part.len()], built.phys.page_number());
        let Inner { pages, segments, source, entries, .. } = inner;
        let Some(page) = pages.get_mut(&number) else { return Err(NoSpace::NotYet { vacated: 0 }) };
        let space = segments.take(sizes, built.tier, number, |epoch| self.have_left(epoch))?;
        let Space { hot: hot_at, cold: cold_at, bytes: taken } = space;
        let place = |at: usize| if at < cold { hot_at + at } else { cold_at + at - cold };
        // SAFETY: the space was just allocated, which all harts have left that ever executed what
        // was there, and nothing knows the code before it is added.
        let code = unsafe {
            self.arena.write(cold_at, cold_part);
            let code = self.arena.write(hot_at, hot_part);
            for crossing in crossings {
                self.arena.write_distance(place(crossing.at), place(crossing.target));
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
        page.excerpt.add(built.covered, source);
        let replaced = page.add(head, code, built.tier);
        page.links.lead(&self.arena, head, code);
        page.count(entries);
        inner.bytes[built.tier.index()] += taken;
        inner.blocks[built.tier.index()] += 1;
        if let Some(tier) = replaced {
            inner.blocks[tier.index()] -= 1;
        }
        self.count(inner);
        Ok(code)
    }
}

#[cfg(test)]
mod tests;
