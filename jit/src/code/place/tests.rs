//! Tests of code in its segments, of the links to it, and of what is kept of its page.

use std::sync::Arc;

use riscope_core::event::Tier;
use riscope_core::mem::{GuestRam, access};

use riscope_core::addr::PageOffset;

use super::*;
use crate::code::{Covered, Link};

const PHYS: GuestPhys = GuestPhys(0x8000_0000);

fn cache() -> CodeCache {
    let ram = GuestRam::new(PHYS, 1 << 16).expect("memory");
    CodeCache::new(Arc::new(ram), Arc::default(), 1 << 20, None).expect("a code cache")
}

/// Translates the code at `phys`, all of whose page has been executed.
fn translate<'a>(
    cache: &CodeCache,
    phys: GuestPhys,
    make: impl FnOnce(&PageBytes) -> Option<Made<'a>>,
) -> (Dropped, Translated) {
    cache.translate(phys, phys.0, &Executed::ALL, make).expect("the lock is free")
}

fn made() -> Made<'static> {
    let code = Code::whole(&[0xc3]);
    Made { tier: Tier::Baseline, code, covered: Covered::default(), instructions: 1, guest_bytes: 4 }
}

#[test]
fn code_that_another_hart_has_made_meanwhile_is_taken() {
    let cache = cache();
    let (_, first) = translate(&cache, PHYS, |_| Some(made()));
    assert!(matches!(first, Translated::Ready(_)));
    let (_, second) = translate(&cache, PHYS, |_| panic!("it is made again"));
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
    let (_, made) = translate(cache, phys, |_| Some(Made { code, ..made() }));
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
    let (_, second) = translate(&cache, GuestPhys(other), |_| Some(made()));
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

/// A cache with two segments.
fn small_cache() -> CodeCache {
    let ram = GuestRam::new(PHYS, 1 << 16).expect("memory");
    CodeCache::new(Arc::new(ram), Arc::default(), 64 << 10, None).expect("a code cache")
}

/// Makes code of so many bytes at `phys`.
fn fill(cache: &CodeCache, phys: GuestPhys, bytes: usize) -> (Dropped, Translated) {
    let bytes = vec![0x90; bytes];
    let make = |_: &PageBytes| Some(Made { code: Code::whole(&bytes), ..made() });
    translate(cache, phys, make)
}

const OTHER_PAGE: GuestPhys = GuestPhys(PHYS.0 + 0x1000);
const THIRD_PAGE: GuestPhys = GuestPhys(PHYS.0 + 0x2000);
/// More than half of a segment of the small cache.
const MUCH: usize = 20 << 10;

#[test]
fn what_jumped_to_evicted_code_leads_on_without_it_and_its_own_jumps_are_patched_no_more() {
    let cache = small_cache();
    let resolve = cache.thunks().resolve;
    // In the first segment code at 0x40, with a jump to 0x80; in the second a jump back to it.
    let gone = jump(&cache, GuestPhys(PHYS.0 + 0x40), 0x80);
    let in_slot = {
        let mut inner = cache.try_lock().expect("the lock is free");
        let page = inner.pages.get_mut(&PHYS.page_number()).expect("it has code");
        page.link_slot(PageOffset::of(0x40), resolve).cast::<*const u8>()
    };
    assert!(matches!(fill(&cache, OTHER_PAGE, MUCH).1, Translated::Ready(_)));
    assert!(matches!(fill(&cache, THIRD_PAGE, 8 << 10).1, Translated::Ready(_)), "in the second segment");
    {
        // Other code keeps the page.
        let mut inner = cache.try_lock().expect("the lock is free");
        let (phys, code) = (GuestPhys(PHYS.0 + 0x200), Code::whole(&[0xc3]));
        let built = Built { phys, pc: 0, tier: Tier::Baseline, code, covered: &Covered::default() };
        cache.place(&mut inner, built).expect("there is room");
    }
    let (dropped, _) = translate(&cache, PHYS, |_| None);
    let evicted = dropped.evicted.expect("the first segment goes");
    assert_eq!(evicted.blocks, 2);
    assert_eq!(cache.lookup(GuestPhys(PHYS.0 + 0x40)), Some(Lookup::Absent));
    assert_eq!(cache.lookup(OTHER_PAGE), Some(Lookup::Absent));
    assert!(matches!(cache.lookup(THIRD_PAGE), Some(Lookup::Ready { .. })));
    // SAFETY: slots live until every hart has seen that their page is dropped.
    assert_eq!(unsafe { in_slot.read() }, resolve);
    // Its memory is other code now.
    let before = destination(gone);
    let (_, target) = translate(&cache, GuestPhys(PHYS.0 + 0x80), |_| Some(made()));
    assert!(matches!(target, Translated::Ready(_)));
    assert_eq!(destination(gone), before);
    // Counters agree.
    let used: u64 = cache.try_lock().expect("the lock is free").bytes.iter().sum();
    assert!(used < 9 << 10, "{used} bytes");
}

#[test]
fn jumps_survive_the_eviction_of_their_target_in_either_tier() {
    for tier in [Tier::Baseline, Tier::Optimised] {
        let cache = small_cache();
        let resolve = cache.thunks().resolve;
        let target = GuestPhys(PHYS.0 + 0x40);
        let much = vec![0x90; MUCH];
        let made = |code| Made { tier, code, ..made() };
        let (_, first) = translate(&cache, target, |_| Some(made(Code::whole(&much))));
        assert!(matches!(first, Translated::Ready(_)));
        assert!(matches!(fill(&cache, THIRD_PAGE, 8 << 10).1, Translated::Ready(_)), "in the second segment");
        let (survivor, in_slot) = {
            let mut inner = cache.try_lock().expect("the lock is free");
            let bytes = [0x0f, 0x1f, 0x00, 0xe9, 0, 0, 0, 0];
            let links = [Link { at: 4, target: PageOffset::of(0x40) }];
            let code = Code { bytes: &bytes, cold: bytes.len(), crossings: &[], links: &links };
            let built = Built { phys: PHYS, pc: 0, tier: Tier::Baseline, code, covered: &Covered::default() };
            let survivor = cache.place(&mut inner, built).expect("there is room").wrapping_add(3);
            let page = inner.pages.get_mut(&PHYS.page_number()).expect("it has code");
            (survivor, page.link_slot(PageOffset::of(0x40), resolve).cast::<*const u8>())
        };
        // SAFETY: slots live until every hart has seen that their page is dropped.
        let destinations = || [destination(survivor), unsafe { in_slot.read() }];
        assert_eq!(destinations().map(Translated::Ready), [first; 2]);
        let make = |_: &PageBytes| {
            assert_eq!(destinations(), [resolve; 2], "{tier:?}");
            Some(made(Code::whole(&[0xc3])))
        };
        let (dropped, second) = translate(&cache, target, make);
        assert_eq!(dropped.evicted.map(|evicted| evicted.blocks), Some(1));
        assert_eq!(destinations().map(Translated::Ready), [second; 2], "they lead to the new code");
    }
}

#[test]
fn space_is_used_again_once_all_harts_have_left_its_code() {
    let cache = small_cache();
    let online = crate::code::Online::new(&cache, 0);
    let (mut jump_cache, mut filled_in) = (crate::jump_cache::JumpCache::default(), 0);
    let (_, first) = fill(&cache, PHYS, MUCH);
    assert!(matches!(fill(&cache, OTHER_PAGE, MUCH).1, Translated::Ready(_)));
    let (dropped, outcome) = fill(&cache, THIRD_PAGE, MUCH);
    assert!(dropped.evicted.is_some());
    assert_eq!(outcome, Translated::Full, "a hart may execute what was there");
    online.quiesce(&mut jump_cache, &mut filled_in);
    assert_eq!(fill(&cache, THIRD_PAGE, MUCH), (Dropped::default(), first), "it has left");
    assert_eq!(cache.lookup(PHYS), Some(Lookup::Absent));
}

#[test]
fn code_that_is_larger_than_a_segment_is_rejected_for_good() {
    let cache = small_cache();
    assert_eq!(fill(&cache, PHYS, 60 << 10).1, Translated::Rejected);
    assert_eq!(cache.lookup(PHYS), Some(Lookup::Rejected));
    assert!(matches!(fill(&cache, OTHER_PAGE, 16).1, Translated::Ready(_)));
}

/// Two instructions of four bytes at `phys`.
fn instructions(phys: GuestPhys) -> Covered {
    let [start, end] = [phys.0, phys.0 + 8].map(PageOffset::of);
    Covered::of(std::iter::once(start..end))
}

/// Memory and its code cache.
fn machine() -> (Arc<GuestRam>, CodeCache) {
    let ram = Arc::new(GuestRam::new(PHYS, 1 << 16).expect("memory"));
    let cache = CodeCache::new(Arc::clone(&ram), Arc::default(), 1 << 20, None).expect("a code cache");
    (ram, cache)
}

/// A store that is not recorded yet, as one on another hart may be.
fn write(ram: &GuestRam, phys: GuestPhys) {
    let host = ram.host_ptr(phys, 1).expect("memory");
    // SAFETY: it is a byte of guest RAM.
    unsafe { access::store_u8(host, 0xff) };
}

#[test]
fn code_that_changed_while_it_was_compiled_is_not_published() {
    for (at, stale) in [(0, true), (7, true), (8, false), (63, false), (4095, false)] {
        let (ram, cache) = machine();
        let source = cache.source(PHYS).expect("memory");
        write(&ram, GuestPhys(PHYS.0 + at));
        let (code, covered) = (Code::whole(&[0xc3]), instructions(PHYS));
        let built = Built { phys: PHYS, pc: 0, tier: Tier::Optimised, code, covered: &covered };
        let (_, outcome) = cache.publish(&source, built);
        assert_eq!(outcome.is_err(), stale, "byte {at}");
    }
}

#[test]
fn translations_of_a_page_are_all_of_the_same_bytes() {
    let (ram, cache) = machine();
    let beside = GuestPhys(PHYS.0 + 8);
    let make = |phys| move |_: &PageBytes| Some(Made { covered: instructions(phys), ..made() });
    let (_, first) = translate(&cache, PHYS, make(PHYS));
    assert!(matches!(first, Translated::Ready(_)));
    write(&ram, PHYS);
    let (dropped, second) = translate(&cache, beside, make(beside));
    assert_eq!((dropped, second), (Dropped::default(), Translated::Full), "in the same piece of the page");
    let far = GuestPhys(PHYS.0 + 64);
    let (_, third) = translate(&cache, far, make(far));
    assert!(matches!(third, Translated::Ready(_)));
}

fn entries_are_counted(cache: &CodeCache) -> usize {
    let inner = cache.try_lock().expect("the lock is free");
    let entries: usize = inner.pages.values().map(|page| page.bytes()).sum();
    assert_eq!(inner.entries, entries);
    assert!(entries <= 13 << 20, "{entries} bytes");
    entries
}

#[test]
fn entries_of_pages_are_counted_and_bounded() {
    let ram = GuestRam::new(PHYS, 64 << 20).expect("memory");
    let cache = CodeCache::new(Arc::new(ram), Arc::default(), 8 << 20, None).expect("a code cache");
    let mut evicted = 0;
    for page in 0..(64 << 20) / 4096 {
        let phys = GuestPhys(PHYS.0 + page * 4096);
        let covered = Covered::of(std::iter::once(PageOffset::of(0)..PageOffset::END));
        let (dropped, _) = translate(&cache, phys, |_| Some(Made { covered, ..made() }));
        evicted += dropped.evicted.map_or(0, |evicted| evicted.blocks);
        entries_are_counted(&cache);
    }
    assert!(evicted > 10_000, "{evicted} evicted");
}

#[test]
fn what_cannot_be_translated_is_remembered_in_bounded_memory() {
    let ram = GuestRam::new(PHYS, 8 << 20).expect("memory");
    let cache = CodeCache::new(Arc::new(ram), Arc::default(), 8 << 20, None).expect("a code cache");
    for halfword in 0..(8 << 20) / 2 {
        let phys = GuestPhys(PHYS.0 + halfword * 2);
        assert_eq!(translate(&cache, phys, |_| None).1, Translated::Rejected);
        assert_eq!(cache.lookup(phys), Some(Lookup::Rejected));
    }
    let entries = entries_are_counted(&cache);
    assert!(entries > 2048 * 1024, "{entries} bytes");
    assert!(entries < 2048 * 4096, "{entries} bytes");
}
