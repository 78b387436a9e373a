//! Tests of the MMU in isolation: answers, and what each one counts.

mod oracle;

use vm_memory::{Bytes, GuestAddress};

use super::*;
use crate::arch::{ExceptionCause, PrivilegeMode};

const RAM: u64 = 0x8000_0000;
const DEVICE: u64 = 0x1000_0000;
/// Virtual pages of the table: two of RAM, a device's, and one that is not mapped.
const FIRST: u64 = 0x1000;
const SECOND: u64 = 0x2000;
const REGISTERS: u64 = 0x3000;
const UNMAPPED: u64 = 0x4000;
/// Valid, readable, writable, accessed and dirty.
const DATA: u64 = 0xc7;

const SUPERVISOR: Regime = Regime {
    mode: PrivilegeMode::Supervisor,
    satp: 8 << 60 | (RAM + 0x1000) >> 12,
    user_memory: false,
    executable_readable: false,
    updates_bits: true,
};

struct Bench {
    mmu: Mmu,
    counters: Arc<CounterPage>,
    ram: Arc<GuestRam>,
}

impl Bench {
    /// Sv39 tables at RAM + 0x1000, 0x2000 and 0x3000; the pages at RAM + 0x5000 and 0x6000.
    fn new() -> Self {
        Self::with_ram(0x8000)
    }

    fn with_ram(bytes: u64) -> Self {
        let ram = Arc::new(GuestRam::new(GuestPhys(RAM), bytes).unwrap());
        let counters: Arc<CounterPage> = Arc::default();
        let mut mmu = Mmu::new(Arc::clone(&ram), Arc::clone(&counters), 0);
        mmu.pmp.allow_everything();
        mmu.select(&SUPERVISOR);
        let bench = Self { mmu, counters, ram };
        bench.set_entry(0x1000, RAM + 0x2000, 1);
        bench.set_entry(0x2000, RAM + 0x3000, 1);
        bench.set_entry(0x3000 + 8, RAM + 0x5000, DATA);
        bench.set_entry(0x3000 + 16, RAM + 0x6000, DATA);
        bench.set_entry(0x3000 + 24, DEVICE, DATA);
        bench
    }

    fn set_entry(&self, offset: u64, target: u64, bits: u64) {
        self.ram.memory().write_obj(target >> 2 | bits, GuestAddress(RAM + offset)).unwrap();
    }

    fn data(&mut self, va: u64, access: Access) -> Answer {
        self.mmu.data(&SUPERVISOR, va, 8, access)
    }

    fn ask(&mut self, va: u64, access: Access) -> Answer {
        self.mmu.ask(&SUPERVISOR, va, 8, access)
    }

    /// Walks that ended well, walks that did not, and misses of loads and stores.
    fn counts(&self) -> [u64; 3] {
        let [ok, page_fault, access_fault] = self.counters.page_walks();
        let [_, load, store] = self.counters.tlb_misses();
        [ok, page_fault + access_fault, load + store]
    }
}

fn fault(cause: ExceptionCause, va: u64) -> Answer {
    Answer::Fault(Exception::new(cause, va))
}

#[test]
fn ram_is_answered_by_its_host_address_and_costs_a_walk_and_a_miss() {
    let mut bench = Bench::new();
    let host = bench.ram.host_ptr(GuestPhys(RAM + 0x5010), 8).unwrap();
    assert_eq!(bench.data(FIRST + 0x10, Access::Load), Answer::Ram(host));
    assert_eq!(bench.counts(), [1, 0, 1]);
}

#[test]
fn a_device_costs_a_walk_and_no_miss_and_a_fault_both() {
    let mut bench = Bench::new();
    assert_eq!(bench.data(REGISTERS + 8, Access::Store), Answer::Device(GuestPhys(DEVICE + 8)));
    assert_eq!(bench.counts(), [1, 0, 0]);
    assert_eq!(bench.data(UNMAPPED, Access::Store), fault(ExceptionCause::StorePageFault, UNMAPPED));
    assert_eq!(bench.counts(), [1, 1, 1]);
}

#[test]
fn what_crosses_a_page_costs_nothing_until_its_parts_are_asked_for() {
    let mut bench = Bench::new();
    assert_eq!(bench.data(SECOND - 7, Access::Load), Answer::Crosses);
    assert_eq!(bench.counts(), [0, 0, 0]);
    assert!(matches!(bench.data(SECOND - 8, Access::Load), Answer::Ram(_)));
}

#[test]
fn an_answer_is_kept_for_the_same_access_and_for_one_only() {
    for (va, walks) in [(REGISTERS, [1, 0, 0]), (UNMAPPED, [0, 1, 1])] {
        let mut bench = Bench::new();
        let answer = bench.ask(va, Access::Load);
        assert_eq!(bench.data(va, Access::Load), answer);
        assert_eq!(bench.counts(), walks, "one access");
        assert_eq!(bench.data(va, Access::Load), answer);
        assert_eq!(bench.counts(), walks.map(|n| 2 * n), "another one");
    }
}

#[test]
fn a_kept_answer_is_for_no_other_access() {
    let mut bench = Bench::new();
    bench.ask(UNMAPPED, Access::Load);
    assert_eq!(bench.data(UNMAPPED, Access::Store), fault(ExceptionCause::StorePageFault, UNMAPPED));
    bench.ask(UNMAPPED, Access::Load);
    assert_eq!(bench.data(UNMAPPED + 8, Access::Load), fault(ExceptionCause::LoadPageFault, UNMAPPED + 8));
    bench.ask(UNMAPPED, Access::Load);
    assert_eq!(bench.mmu.data(&SUPERVISOR, UNMAPPED, 4, Access::Load), fault(ExceptionCause::LoadPageFault, UNMAPPED));
    assert_eq!(bench.counts(), [0, 6, 6]);
}

#[test]
fn whatever_changes_the_unit_forgets_the_kept_answer() {
    let changes: [fn(&mut Mmu); 7] = [
        |mmu| mmu.flush(FlushScope::All),
        |mmu| mmu.fence(Some(0), None),
        |mmu| mmu.fence(None, Some(0)),
        |mmu| mmu.fence(Some(0), Some(0)),
        |mmu| _ = mmu.select(&SUPERVISOR),
        |mmu| mmu.forget_answer(),
        |mmu| _ = mmu.data(&SUPERVISOR, FIRST, 8, Access::Load),
    ];
    for (n, change) in changes.into_iter().enumerate() {
        let mut bench = Bench::new();
        bench.ask(UNMAPPED, Access::Load);
        bench.set_entry(0x3000 + 32, RAM + 0x7000, DATA);
        change(&mut bench.mmu);
        assert!(matches!(bench.data(UNMAPPED, Access::Load), Answer::Ram(_)), "change {n}");
    }
}

#[test]
fn a_store_registers_the_hart_as_a_writer_and_a_flush_takes_that_back() {
    let mut bench = Bench::new();
    let page = bench.ram.page_index(GuestPhys(RAM + 0x5000)).unwrap();
    bench.ram.tracker().set_code(page);
    bench.data(FIRST, Access::Load);
    assert!(!bench.ram.tracker().take_suspect(page));
    bench.data(FIRST, Access::Store);
    assert!(bench.ram.tracker().take_suspect(page));
    bench.mmu.flush(FlushScope::All);
    assert!(bench.ram.tracker().take_suspect(page), "what it has written is on record");
    assert!(!bench.ram.tracker().take_suspect(page), "and it is no writer any more");
}

#[test]
fn no_range_is_longer_than_what_slots_can_tell_apart() {
    let mut bench = Bench::with_ram(4 * RANGE_LIMIT);
    // RAM at its own address, by a superpage.
    bench.set_entry(0x1000 + 8 * (RAM >> 30), RAM, DATA);
    let machine = Regime { mode: PrivilegeMode::Machine, satp: 0, ..SUPERVISOR };
    let first = RAM + 2 * RANGE_LIMIT;
    for regime in [machine, SUPERVISOR] {
        for va in [first, first + RANGE_LIMIT - 8] {
            let found = bench.mmu.translate(&regime, Request { va, len: 8, access: Access::Load }).unwrap();
            assert_eq!((found.start, found.length), (first, RANGE_LIMIT), "{:?}", regime.mode);
        }
    }
}

#[test]
fn a_bank_stays_where_it_is() {
    let mut bench = Bench::new();
    let bank = bench.mmu.select(&SUPERVISOR);
    bench.data(FIRST, Access::Load);
    bench.mmu.reset();
    bench.mmu.select(&Regime { mode: PrivilegeMode::User, ..SUPERVISOR });
    assert_eq!(bench.mmu.select(&SUPERVISOR), bank);
}

#[test]
fn a_fence_with_an_address_also_forgets_the_table_that_maps_it() {
    for asid in [None, Some(0)] {
        let mut bench = Bench::new();
        assert!(matches!(bench.data(FIRST, Access::Load), Answer::Ram(_)));
        // Another table, which maps nothing.
        bench.set_entry(0x2000, RAM + 0x4000, 1);
        assert!(matches!(bench.data(SECOND, Access::Load), Answer::Ram(_)), "the old table is remembered");
        bench.mmu.fence(Some(FIRST), asid);
        assert_eq!(bench.data(SECOND, Access::Load), fault(ExceptionCause::LoadPageFault, SECOND));
    }
}

/// A space whose root maps the first gigabyte, or nothing.
fn space(bench: &Bench, n: u64, maps: bool) -> Regime {
    let root = 0x8000 + n * PAGE_SIZE;
    bench.set_entry(root, RAM, if maps { DATA | 8 } else { 0 });
    Regime { satp: 8 << 60 | (RAM + root) >> 12, ..SUPERVISOR }
}

#[test]
fn a_space_in_another_ones_place_has_nothing_of_it() {
    const SPACES: u64 = 100;
    let mut bench = Bench::with_ram(0x8000 + SPACES * PAGE_SIZE);
    let user_memory = |regime| Regime { user_memory: true, ..regime };
    for maps in [true, false] {
        for n in 0..SPACES {
            let regime = user_memory(space(&bench, n, maps));
            let bank = bench.mmu.select(&regime);
            // SAFETY: the bank lives as long as the MMU, which does nothing meanwhile.
            let known = unsafe { (*bank).slots[slot(FIRST)] }.read.lookup(FIRST, 8);
            assert_eq!(known, None, "space {n}");
            let answer = bench.mmu.data(&regime, FIRST, 8, Access::Load);
            assert_eq!(matches!(answer, Answer::Ram(_)), maps, "space {n}");
        }
    }
}

#[test]
fn known_spaces_keep_their_translations_and_no_two_share_a_generation() {
    let mut bench = Bench::with_ram(0x1_0000);
    let regimes: Vec<_> = (0..8).map(|n| Regime { user_memory: true, ..space(&bench, n, true) }).collect();
    let generations = |bench: &mut Bench| -> Vec<u64> {
        let generation = |regime| {
            bench.mmu.select(regime);
            bench.mmu.data(regime, FIRST, 8, Access::Load);
            bench.mmu.fetch_space(PrivilegeMode::User).generation
        };
        regimes.iter().map(generation).collect()
    };
    let first = generations(&mut bench);
    let distinct: std::collections::BTreeSet<_> = first.iter().collect();
    assert_eq!(distinct.len(), regimes.len());
    for regime in &regimes {
        let bank = bench.mmu.select(regime);
        // SAFETY: the bank lives as long as the MMU, which does nothing meanwhile.
        assert!(unsafe { (*bank).slots[slot(FIRST)] }.read.lookup(FIRST, 8).is_some());
    }
    assert_eq!(generations(&mut bench), first);
    assert_eq!(bench.counters.tlb_flushes().iter().sum::<u64>(), 0);
    assert_eq!(bench.counters.space_switches(), [16, 9, 0], "the first selects one of its own");
    bench.mmu.flush(FlushScope::All);
    assert!(generations(&mut bench).iter().all(|generation| !first.contains(generation)));
}

#[test]
fn a_hart_is_the_writer_of_a_bounded_number_of_pages() {
    const PAGES: u64 = 80_000;
    /// Instructions between two polls.
    const POLL: u64 = 16_384;
    let mut bench = Bench::with_ram(PAGES * PAGE_SIZE);
    let machine = Regime { mode: PrivilegeMode::Machine, ..SUPERVISOR };
    bench.mmu.select(&machine);
    let written = |bench: &Bench, n: u64| {
        let page = bench.ram.page_index(GuestPhys(RAM + n * PAGE_SIZE)).unwrap();
        bench.ram.tracker().version(page).is_none()
    };
    for n in 0..PAGES {
        bench.mmu.data(&machine, RAM + n * PAGE_SIZE, 8, Access::Store);
        assert!(written(&bench, n), "a translation stays until the next poll");
        if n % POLL == 0 {
            bench.mmu.notice_code_writes();
        }
    }
    let pages = (0..PAGES).filter(|&n| written(&bench, n)).count();
    assert!((1..49_152).contains(&pages), "{pages}");
    let bank = bench.mmu.select(&machine);
    for n in 0..PAGES {
        let va = RAM + n * PAGE_SIZE;
        // SAFETY: the bank lives as long as the MMU, which does nothing meanwhile.
        let hit = unsafe { (*bank).slots[slot(va)] }.write.lookup(va, 8).is_some();
        assert!(!hit || written(&bench, n), "page {n}");
    }
}
