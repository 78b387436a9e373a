//! Address spaces of a hart, with what is cached of each.
//!
//! ```text
//!  machine ───── M-mode ──────────────┐
//!  supervisor ── S-mode ──────────────┤ one TLB bank each, for all spaces
//!  table ─┬─ satp a ── U-mode ────────┤
//!         │         ├─ S-mode + SUM ──┤ two TLB banks, and last-level page tables
//!         │         └─ tables         │
//!         └─ satp b ── ..             ▼
//!                                 the bank in use
//! ```
//!
//! A space is identified by the whole value of `satp`, not the ASID alone: a guest that uses
//! one ASID for everything then loses nothing when it writes `satp`, and what it omits to fence
//! after it has given an ASID another root does no harm. Writing `satp` selects a space and
//! flushes nothing, except S-mode's translations if some of them are not global.
//!
//! A flush applies at once to the space in use. The others apply it when they are selected,
//! from the [`FlushLog`].
//!
//! *Generations* number what is cached: a flush of a whole space gives it another one, and none
//! is used twice. Engines tag what they cache with them, see [`FetchSpace`].

use super::flush_log::FlushLog;
use super::tlb::{Context, TlbBank, TlbContext};
use super::walk_cache::WalkCache;
use crate::arch::PrivilegeMode;
use crate::counters::SpaceSwitch;

/// Spaces that are remembered, at up to 140 KiB each. Beyond, the least recently used one is
/// replaced.
const LIMIT: usize = 32;

const ASID_SHIFT: u32 = 44;
const MODE_SHIFT: u32 = 60;

/// Address space of instruction fetches: what they translate by, besides their address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FetchSpace {
    /// Less than [`FetchSpace::COUNT`], for engines that have a table for each. Spaces that
    /// exist at the same time have different ones.
    pub index: usize,
    /// Differs from that of every other space of the hart, and from its own before all of its
    /// translations were flushed.
    pub generation: u64,
}

impl FetchSpace {
    /// Number of spaces that exist at the same time.
    pub const COUNT: usize = USER + LIMIT;
    /// The `index` of S-mode's fetches, in all address spaces.
    pub const SUPERVISOR: usize = 1;
    /// The `index` of M-mode's fetches.
    pub const MACHINE: usize = 0;
}

/// First [`FetchSpace::index`] of U-mode.
const USER: usize = 2;

/// Source of numbers that are used once.
#[derive(Debug, Default)]
struct Generations(u64);

impl Generations {
    fn next(&mut self) -> u64 {
        self.0 += 1;
        self.0
    }
}

/// What is cached for a mode in all address spaces.
#[derive(Debug)]
struct Shared {
    context: TlbContext,
    generation: u64,
    /// Whether a translation that is not global was cached, of the space in use.
    local: bool,
}

impl Shared {
    fn new(generation: u64) -> Self {
        Self { context: TlbContext::new(), generation, local: false }
    }

    fn flush(&mut self, generations: &mut Generations) {
        self.context.flush();
        self.generation = generations.next();
        self.local = false;
    }
}

/// What is cached of an address space.
#[derive(Debug)]
struct Space {
    generation: u64,
    user: Option<TlbContext>,
    user_memory: Option<TlbContext>,
    walks: WalkCache,
    /// Number of the latest flush that is applied.
    seen: u64,
    /// Number of the latest [`Spaces::drop_writable`] that is applied.
    writable: u64,
    /// When it was last selected, in switches.
    used: u64,
}

impl Space {
    fn new(generation: u64, seen: u64) -> Self {
        Self { generation, user: None, user_memory: None, walks: WalkCache::default(), seen, writable: 0, used: 0 }
    }

    fn contexts(&mut self) -> impl Iterator<Item = &mut TlbContext> {
        self.user.iter_mut().chain(&mut self.user_memory)
    }

    fn flush(&mut self, generations: &mut Generations) {
        self.contexts().for_each(TlbContext::flush);
        self.walks.clear();
        self.generation = generations.next();
    }

    fn flush_address(&mut self, va: u64) {
        self.contexts().for_each(|context| context.flush_address(va));
        self.walks.forget(va);
    }

    /// Applies what happened while it was not in use.
    fn catch_up(&mut self, log: &FlushLog, writable: u64, generations: &mut Generations) {
        match log.since(self.seen) {
            Some(flushes) => {
                for flushed in flushes {
                    if flushed.concerns(self.generation) {
                        self.flush_address(flushed.page);
                    }
                }
            }
            None => self.flush(generations),
        }
        self.seen = log.latest();
        if self.writable != writable {
            self.contexts().for_each(TlbContext::flush_writes);
            self.writable = writable;
        }
    }
}

/// Address spaces of a hart.
#[derive(Debug)]
pub(super) struct Spaces {
    machine: Shared,
    supervisor: Shared,
    table: Vec<Space>,
    /// What identifies each of the table, see [`key`].
    keys: Vec<u64>,
    /// Index of the space in use.
    current: usize,
    switches: u64,
    generations: Generations,
    /// Number of calls of [`Spaces::drop_writable`].
    writable: u64,
    pub(super) log: FlushLog,
}

impl Default for Spaces {
    fn default() -> Self {
        let mut generations = Generations::default();
        let [machine, supervisor, bare] = std::array::from_fn(|_| generations.next());
        Self {
            machine: Shared::new(machine),
            supervisor: Shared::new(supervisor),
            table: vec![Space::new(bare, 0)],
            keys: vec![key(0)],
            current: 0,
            switches: 0,
            generations,
            writable: 0,
            log: FlushLog::default(),
        }
    }
}

impl Spaces {
    /// Selects the address space of `satp`. Returns how it was found, `None` if it is in use.
    pub(super) fn switch(&mut self, satp: u64) -> Option<SpaceSwitch> {
        let (old, new) = (self.keys[self.current], key(satp));
        if old == new {
            return None;
        }
        let found = self.find(new);
        self.switches += 1;
        let space = &mut self.table[self.current];
        space.used = self.switches;
        space.catch_up(&self.log, self.writable, &mut self.generations);
        if self.supervisor.local || old >> MODE_SHIFT != new >> MODE_SHIFT {
            self.supervisor.flush(&mut self.generations);
        }
        Some(found)
    }

    /// Makes the space of `key` the current one.
    fn find(&mut self, key: u64) -> SpaceSwitch {
        if let Some(at) = self.keys.iter().position(|&known| known == key) {
            self.current = at;
            return SpaceSwitch::Known;
        }
        if self.table.len() < LIMIT {
            self.current = self.table.len();
            self.table.push(Space::new(self.generations.next(), self.log.latest()));
            self.keys.push(key);
            return SpaceSwitch::New;
        }
        let oldest = self.table.iter().enumerate().min_by_key(|(_, space)| space.used);
        self.current = oldest.map_or(0, |(at, _)| at);
        self.keys[self.current] = key;
        let space = &mut self.table[self.current];
        space.flush(&mut self.generations);
        space.seen = self.log.latest();
        SpaceSwitch::Replaced
    }

    /// TLB of data accesses in the space in use.
    pub(super) fn context(&mut self, context: Context) -> &mut TlbContext {
        let space = &mut self.table[self.current];
        match context {
            Context::Machine => &mut self.machine.context,
            Context::Supervisor => &mut self.supervisor.context,
            Context::User => space.user.get_or_insert_with(TlbContext::new),
            Context::SupervisorUserMemory => space.user_memory.get_or_insert_with(TlbContext::new),
        }
    }

    /// Its TLB bank, at an address that is fixed for the life of `self`.
    pub(super) fn bank(&mut self, context: Context) -> *mut TlbBank {
        self.context(context).bank()
    }

    /// Upper levels of page-table walks in the space in use.
    pub(super) fn walks(&mut self) -> &mut WalkCache {
        &mut self.table[self.current].walks
    }

    /// Address space of fetches in `mode`.
    #[inline]
    pub(super) fn fetch_space(&self, mode: PrivilegeMode) -> FetchSpace {
        let (index, generation) = match mode {
            PrivilegeMode::Machine => (FetchSpace::MACHINE, self.machine.generation),
            PrivilegeMode::Supervisor => (FetchSpace::SUPERVISOR, self.supervisor.generation),
            PrivilegeMode::User => (USER + self.current, self.table[self.current].generation),
        };
        FetchSpace { index, generation }
    }

    /// Records that S-mode has cached a translation that is not global, of data or a fetch.
    pub(super) fn note_local(&mut self) {
        self.supervisor.local = true;
    }

    /// Flushes everything.
    pub(super) fn flush(&mut self) {
        self.log.record_all();
        self.machine.flush(&mut self.generations);
        self.supervisor.flush(&mut self.generations);
        // The others when they are selected.
        let space = &mut self.table[self.current];
        space.flush(&mut self.generations);
        space.seen = self.log.latest();
    }

    /// Flushes what is not global of the address spaces with an ASID.
    pub(super) fn flush_asid(&mut self, asid: u16) {
        for (space, &key) in self.table.iter_mut().zip(&self.keys) {
            if has_asid(key, asid) {
                space.flush(&mut self.generations);
                space.seen = self.log.latest();
            }
        }
        if self.has_local(asid) {
            self.supervisor.flush(&mut self.generations);
        }
    }

    /// Flushes the translations of an address in all spaces.
    pub(super) fn flush_address(&mut self, va: u64) {
        if self.log.superpages.contain(va) {
            return self.flush();
        }
        self.log.record_page(va, None);
        self.supervisor.context.flush_address(va);
        let space = &mut self.table[self.current];
        space.flush_address(va);
        space.seen = self.log.latest();
    }

    /// Flushes what is not global of an address in the spaces with an ASID.
    pub(super) fn flush_address_of(&mut self, va: u64, asid: u16) {
        if self.log.superpages.contain(va) {
            return self.flush();
        }
        if self.has_local(asid) {
            self.log.record_page(va, Some(self.supervisor.generation));
            self.supervisor.context.flush_address(va);
        }
        for (space, &key) in self.table.iter_mut().zip(&self.keys) {
            if has_asid(key, asid) {
                self.log.record_page(va, Some(space.generation));
                space.flush_address(va);
            }
        }
    }

    /// Whether S-mode may have cached something that belongs to the spaces with an ASID.
    fn has_local(&self, asid: u16) -> bool {
        self.supervisor.local && has_asid(self.keys[self.current], asid)
    }

    /// Drops all writable translations of data.
    pub(super) fn drop_writable(&mut self) {
        self.writable += 1;
        self.machine.context.flush_writes();
        self.supervisor.context.flush_writes();
        let space = &mut self.table[self.current];
        space.contexts().for_each(TlbContext::flush_writes);
        space.writable = self.writable;
    }
}

/// What identifies an address space: `satp`, or 0 without paging, where nothing else counts.
fn key(satp: u64) -> u64 {
    if satp >> MODE_SHIFT == 0 { 0 } else { satp }
}

/// Whether the space of `key` has this ASID.
fn has_asid(key: u64, asid: u16) -> bool {
    key >> ASID_SHIFT & u64::from(u16::MAX) == u64::from(asid)
}
