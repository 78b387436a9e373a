//! The MMU against a page-table walk that caches nothing, under random sequences of accesses,
//! changes of the address space, and changes of page tables followed by a fence that the
//! privileged specification asks for.
//!
//! There are more address spaces than the MMU remembers, ASIDs are shared by spaces with
//! different roots, and no fence is executed for that: the MMU promises to tell them apart.
//!
//! | virtual address | mapping | fence after a change |
//! |---|---|---|
//! | [`USER`] | of each root, user pages | of the root's ASIDs, or of all |
//! | [`LOCAL`] | of each root, not for users | of the root's ASIDs, or of all |
//! | [`GLOBAL`] | of all roots, global | of all |
//!
//! In each, the first 2 MiB are mapped by pages, the second by a superpage or by pages.

use std::collections::HashMap;

use super::*;
use crate::mem::access as raw;

const RAM_BYTES: u64 = 16 << 20;
/// Where pages and superpages are mapped to.
const FRAMES: u64 = RAM + (8 << 20);
const SUPERPAGE: u64 = 2 << 20;

const USER: u64 = 0x0000_0000_0000_0000;
const LOCAL: u64 = 0xffff_ffc0_4000_0000;
const GLOBAL: u64 = 0xffff_ffc0_0000_0000;

const V: u64 = 1;
const R: u64 = 2;
const W: u64 = 4;
const X: u64 = 8;
const U: u64 = 16;
const G: u64 = 32;
const D: u64 = 128;

const ROOTS: u64 = 24;
const STEPS: usize = 400_000;

#[derive(Debug)]
struct Random(u64);

impl Random {
    fn below(&mut self, n: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) % n
    }
}

/// A fence: address, ASID.
type Fence = (Option<u64>, Option<u16>);

#[derive(Clone, Copy, Debug)]
struct Root {
    at: u64,
    levels: u32,
}

impl Root {
    fn new(n: u64, at: u64) -> Self {
        Self { at, levels: if n.is_multiple_of(4) { 4 } else { 3 } }
    }

    /// Its ASIDs; other roots have the same.
    fn asids(n: u64) -> [u16; 2] {
        [u16::try_from(n % 5).unwrap(), 0x100 + u16::try_from(n % 3).unwrap()]
    }

    fn satp(self, asid: u16) -> u64 {
        u64::from(self.levels + 5) << 60 | u64::from(asid) << 44 | self.at >> 12
    }
}

/// What an engine keeps of fetches: a cache for each space, and one for all of them.
#[derive(Default)]
struct FetchCaches {
    /// By index: generation, epoch, physical by virtual page.
    tables: HashMap<usize, (u64, u64, HashMap<u64, u64>)>,
    /// Physical page by virtual page and generation.
    all: HashMap<(u64, u64), u64>,
    epoch: u64,
}

impl FetchCaches {
    /// What is known of a page.
    fn get(&mut self, mmu: &Mmu, mode: PrivilegeMode, page: u64) -> [Option<u64>; 2] {
        let space = mmu.fetch_space(mode);
        if mmu.translation_epoch() != self.epoch {
            match mmu.flushed_since(self.epoch) {
                Some(flushes) => {
                    let flushes: Vec<_> = flushes.filter(|flushed| flushed.code).collect();
                    self.all.retain(|(page, generation), _| {
                        !flushes.iter().any(|flushed| flushed.page == *page && flushed.concerns(*generation))
                    });
                }
                None => self.all.clear(),
            }
            self.epoch = mmu.translation_epoch();
        }
        let (generation, epoch, pages) = self.tables.entry(space.index).or_default();
        if *generation != space.generation {
            pages.clear();
            *generation = space.generation;
        } else {
            match mmu.flushed_since(*epoch) {
                Some(flushes) => {
                    let flushes = flushes.filter(|flushed| flushed.code && flushed.concerns(space.generation));
                    flushes.for_each(|flushed| _ = pages.remove(&flushed.page));
                }
                None => pages.clear(),
            }
        }
        *epoch = mmu.translation_epoch();
        [self.all.get(&(page, space.generation)).copied(), pages.get(&page).copied()]
    }

    fn insert(&mut self, mmu: &Mmu, mode: PrivilegeMode, page: u64, phys: u64) {
        let space = mmu.fetch_space(mode);
        self.all.insert((page, space.generation), phys);
        self.tables.entry(space.index).or_default().2.insert(page, phys);
    }
}

struct World {
    random: Random,
    mmu: Mmu,
    ram: Arc<GuestRam>,
    next_table: u64,
    roots: Vec<Root>,
    regime: Regime,
    fetches: FetchCaches,
}

impl World {
    fn new(seed: u64) -> Self {
        let ram = Arc::new(GuestRam::new(GuestPhys(RAM), RAM_BYTES).unwrap());
        let mut mmu = Mmu::new(Arc::clone(&ram), Arc::default(), 0);
        mmu.pmp.allow_everything();
        let mut world = Self {
            random: Random(seed * 2 + 1),
            mmu,
            ram,
            next_table: RAM + 0x1000,
            roots: Vec::new(),
            regime: Regime { satp: 0, executable_readable: false, ..SUPERVISOR },
            fetches: FetchCaches::default(),
        };
        let shared = world.table();
        for n in 0..ROOTS {
            let at = world.table();
            let root = Root::new(n, at);
            world.roots.push(root);
            let mut top = at;
            if root.levels == 4 {
                top = world.table();
                // Both halves of the address space are in the same table: their indices differ.
                world.set(at, 0, top >> 2 | V);
                world.set(at, 511, top >> 2 | V);
            }
            for region in [USER, LOCAL] {
                let middle = world.table();
                world.set(top, region >> 30 & 511, middle >> 2 | V);
                world.map_region(middle, region);
            }
            let global = world.random.below(2) * G;
            world.set(top, GLOBAL >> 30 & 511, shared >> 2 | V | global);
        }
        world.map_region(shared, GLOBAL);
        world.select();
        world
    }

    fn table(&mut self) -> u64 {
        self.next_table += 0x1000;
        assert!(self.next_table < FRAMES);
        self.next_table
    }

    fn set(&self, table: u64, index: u64, entry: u64) {
        let host = self.ram.host_ptr(GuestPhys(table + index * 8), 8).unwrap();
        // SAFETY: 8 bytes of guest RAM.
        unsafe { raw::store_u64(host, entry) };
    }

    fn entry(&self, table: u64, index: u64) -> u64 {
        let host = self.ram.host_ptr(GuestPhys(table + index * 8), 8).unwrap();
        // SAFETY: 8 bytes of guest RAM.
        unsafe { raw::load_u64(host) }
    }

    /// Flags of a leaf in a region.
    fn flags(&mut self, region: u64) -> u64 {
        let kind = match region {
            USER => U,
            GLOBAL => G,
            _ => 0,
        };
        let permissions = [R | W | X, R | W | X, R | W, R | X, R, X, 0][usize::try_from(self.random.below(7)).unwrap()];
        if permissions == 0 { 0 } else { V | kind | permissions }
    }

    fn leaf(&mut self, region: u64, size: u64) -> u64 {
        let target = FRAMES + self.random.below((8 << 20) / size) * size;
        target >> 2 | self.flags(region)
    }

    /// A last-level table with some pages.
    fn pages(&mut self, region: u64) -> u64 {
        let table = self.table();
        for index in 0..8 {
            let leaf = self.leaf(region, PAGE_SIZE);
            self.set(table, index, leaf);
        }
        table
    }

    fn map_region(&mut self, middle: u64, region: u64) {
        for index in 0..2 {
            let entry = self.pages(region) >> 2 | V;
            self.set(middle, index, entry);
        }
    }

    fn select(&mut self) {
        self.mmu.select(&self.regime);
    }

    fn change_space(&mut self) {
        // Mostly some of them, so that there are known ones.
        let most = if self.random.below(4) == 0 { ROOTS } else { 6 };
        let n = self.random.below(most);
        let asid = Root::asids(n)[usize::try_from(self.random.below(2)).unwrap()];
        let root = self.roots[usize::try_from(n).unwrap()];
        self.regime.satp = if self.random.below(40) == 0 { 0 } else { root.satp(asid) };
        self.select();
    }

    /// Goes to a space where the root `n` translates an address of `region`.
    fn go_to(&mut self, n: u64, region: u64) {
        let n = if region == GLOBAL { self.random.below(ROOTS) } else { n };
        let asid = Root::asids(n)[usize::try_from(self.random.below(2)).unwrap()];
        self.regime.satp = self.roots[usize::try_from(n).unwrap()].satp(asid);
        self.select();
    }

    /// Accesses an address in every way.
    fn touch(&mut self, va: u64) {
        for (mode, user_memory) in
            [(PrivilegeMode::User, false), (PrivilegeMode::Supervisor, false), (PrivilegeMode::Supervisor, true)]
        {
            self.regime = Regime { mode, user_memory, ..self.regime };
            self.select();
            for access in [Access::Load, Access::Store, Access::Fetch] {
                self.access(va & !7, access);
            }
        }
    }

    fn change_mode(&mut self) {
        let modes = [PrivilegeMode::User, PrivilegeMode::Supervisor, PrivilegeMode::Supervisor, PrivilegeMode::Machine];
        self.regime.mode = modes[usize::try_from(self.random.below(4)).unwrap()];
        self.regime.user_memory = self.random.below(2) == 0;
        self.select();
    }

    /// Table of the entries of `region` two levels above pages, as the root says.
    fn middle(&self, root: Root, region: u64) -> u64 {
        let target = |entry: u64| entry >> 10 << 12;
        let mut table = root.at;
        if root.levels == 4 {
            table = target(self.entry(table, region >> 39 & 511));
        }
        target(self.entry(table, region >> 30 & 511))
    }

    /// Changes an entry and executes a fence for it. What it maps is accessed before and after.
    fn change_tables(&mut self) {
        let most = if self.random.below(2) == 0 { 6 } else { ROOTS };
        let n = self.random.below(most);
        let region = [USER, LOCAL, GLOBAL][usize::try_from(self.random.below(3)).unwrap()];
        let middle = self.middle(self.roots[usize::try_from(n).unwrap()], region);
        let half = self.random.below(2);
        let page = if half == 0 || self.random.below(2) == 0 { self.random.below(8) } else { self.random.below(512) };
        let va = region + half * SUPERPAGE + page * PAGE_SIZE + self.random.below(PAGE_SIZE);
        let beside = va ^ ((1 + self.random.below(7)) * PAGE_SIZE);
        for _ in 0..self.random.below(3) {
            self.go_to(n, region);
            self.touch(va);
            self.touch(beside);
        }
        if self.random.below(2) == 0 {
            self.change_space();
        }
        let by_address = self.change_entry(middle, half, region, page);
        let address = (by_address && self.random.below(8) != 0).then_some(va);
        let all = region == GLOBAL || self.random.below(2) == 0;
        let fences =
            if all { vec![(address, None)] } else { Root::asids(n).map(|asid| (address, Some(asid))).to_vec() };
        let everything = self.random.below(100) == 0;
        self.fence(if everything { &[(None, None)] } else { &fences });
        for _ in 0..2 {
            self.go_to(n, region);
            self.touch(va);
            self.touch(beside);
        }
    }

    /// Changes the entry that maps a page of a half of a region. Returns whether a fence with
    /// its address is enough.
    fn change_entry(&mut self, middle: u64, half: u64, region: u64, page: u64) -> bool {
        let above = self.entry(middle, half);
        let is_table = above & (R | X) == 0 && above & V != 0;
        if is_table && self.random.below(4) != 0 {
            let leaf = self.leaf(region, PAGE_SIZE);
            self.set(above >> 10 << 12, page, leaf);
            return true;
        }
        let entry = if half == 0 || !is_table && self.random.below(2) == 0 {
            // The place of the old table is not used again, which would take a fence as well.
            if self.next_table + 0x2000 >= FRAMES {
                return true;
            }
            self.pages(region) >> 2 | V
        } else {
            self.leaf(region, SUPERPAGE)
        };
        self.set(middle, half, entry);
        !is_table
    }

    fn fence(&mut self, fences: &[Fence]) {
        for &(va, asid) in fences {
            if self.random.below(2) == 0 {
                self.mmu.fence(va, asid);
            } else {
                // At another hart's request, which names a range.
                let extent = self.extent(va, asid);
                self.mmu.fence_for_other(extent);
            }
        }
    }

    /// An extent that contains an address, or all.
    fn extent(&mut self, va: Option<u64>, asid: Option<u16>) -> Extent {
        let Some(va) = va else { return Extent::of_range(0, 0, asid) };
        let before = self.random.below(5) * PAGE_SIZE;
        let size = before + 1 + self.random.below(6) * PAGE_SIZE;
        Extent::of_range(va.saturating_sub(before), size, asid)
    }

    fn address(&mut self) -> u64 {
        let region = [USER, LOCAL, GLOBAL, RAM][usize::try_from(self.random.below(4)).unwrap()];
        let page = if self.random.below(3) == 0 { self.random.below(512) } else { self.random.below(9) };
        region + self.random.below(2) * SUPERPAGE + page * PAGE_SIZE + self.random.below(512) * 8
    }

    /// Translation without any cache, and the entry that gave it.
    fn walk(&self, va: u64, access: Access) -> Option<(u64, u64)> {
        let regime = self.regime;
        let levels = match regime.satp >> 60 {
            _ if regime.mode == PrivilegeMode::Machine => return Some((va, D)),
            // PMP allows what its registers can express.
            0 => return (va >> 56 == 0).then_some((va, D)),
            mode => u32::try_from(mode).unwrap() - 5,
        };
        let sign = va.cast_signed() >> (12 + 9 * levels - 1);
        if sign != 0 && sign != -1 {
            return None;
        }
        let mut table = (regime.satp & ((1 << 44) - 1)) << 12;
        for level in (0..levels).rev() {
            let shift = 12 + 9 * level;
            let entry = self.entry(table, va >> shift & 511);
            if entry & V == 0 {
                return None;
            }
            if entry & (R | X) == 0 {
                table = entry >> 10 << 12;
                continue;
            }
            let user_page = entry & U != 0;
            let may = match regime.mode {
                PrivilegeMode::User => user_page,
                _ if user_page => access != Access::Fetch && regime.user_memory,
                _ => true,
            };
            let needed = match access {
                Access::Load => R,
                Access::Store => W,
                Access::Fetch => X,
            };
            let offset = va & ((1 << shift) - 1);
            return (may && entry & needed != 0).then_some(((entry >> 10 << 12) + offset, entry));
        }
        None
    }

    fn phys_of(&self, host: *mut u8) -> u64 {
        RAM + (host.addr() - self.ram.host_ptr(GuestPhys(RAM), 1).unwrap().addr()) as u64
    }

    fn access(&mut self, va: u64, access: Access) -> Option<u64> {
        let found = if access == Access::Fetch { self.fetch(va) } else { self.data(va, access) };
        let expected = self.walk(va, access);
        let regime = self.regime;
        assert_eq!(found, expected.map(|(phys, _)| phys), "{access:?} at {va:#x} under {regime:x?}");
        let (phys, entry) = expected?;
        let page = self.ram.page_index(GuestPhys(phys)).filter(|_| access == Access::Store)?;
        assert_eq!(entry & D, D, "store to {va:#x}");
        assert_eq!(self.ram.tracker().version(page), None, "a hart that can store to {va:#x} is a writer of its page");
        found
    }

    /// Where a load or store goes, by the TLB if it hits.
    fn data(&mut self, va: u64, access: Access) -> Option<u64> {
        let bank = self.mmu.select(&self.regime);
        // SAFETY: the bank lives as long as the MMU, which does nothing meanwhile.
        let slot = unsafe { (*bank).slots[slot(va)] };
        let entry = if access == Access::Store { slot.write } else { slot.read };
        if let Some(host) = entry.lookup(va, 8) {
            return Some(self.phys_of(host));
        }
        match self.mmu.data(&self.regime, va, 8, access) {
            Answer::Ram(host) => Some(self.phys_of(host)),
            Answer::Device(phys) => Some(phys.0),
            Answer::Crosses => panic!("an aligned access crosses nothing"),
            Answer::Fault(_) => None,
        }
    }

    /// Where a fetch goes, by what an engine has kept if it has.
    fn fetch(&mut self, va: u64) -> Option<u64> {
        let (page, mode) = (va & !PAGE_MASK, self.regime.mode);
        let known = self.fetches.get(&self.mmu, mode, page);
        let walked = self.walk(va, Access::Fetch).map(|(phys, _)| phys & !PAGE_MASK);
        for known in known.into_iter().flatten() {
            assert_eq!(Some(known), walked, "fetch at {va:#x} under {:x?}", self.regime);
        }
        let fetch = self.mmu.fetch(&self.regime, va).ok()?;
        self.fetches.insert(&self.mmu, mode, page, fetch.phys.page_start().0);
        Some(fetch.phys.0)
    }

    fn step(&mut self) {
        let va = self.address();
        match self.random.below(200) {
            0..20 => self.change_space(),
            20..40 => self.change_mode(),
            40..50 => self.change_tables(),
            50..52 => {
                self.touch(va);
                self.change_space();
                self.mmu.drop_writable();
                self.change_space();
                self.touch(va);
            }
            52..100 => _ = self.access(va, Access::Fetch),
            100..150 => _ = self.access(va, Access::Store),
            _ => _ = self.access(va, Access::Load),
        }
    }
}

#[test]
fn every_answer_is_that_of_a_walk_that_caches_nothing() {
    for seed in 0..4 {
        let mut world = World::new(seed);
        (0..STEPS / 4).for_each(|_| world.step());
        let switches = world.mmu.counters.space_switches();
        assert!(switches.iter().all(|&n| n > 10), "{switches:?}");
    }
}
