//! Counter pages: facts that happen too often to be events.
//!
//! Each hart has one [`CounterPage`] that only its own thread writes, so counting
//! is a plain add; telemetry reads it whenever somebody scrapes. One row of the
//! list below declares a group of counters: its name, and the closed set that
//! indexes it.

mod stopwatch;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::event::{Tier, VmId, labels};
use crate::mmu::Access;

labels! {
    /// Kinds of memory access that can miss the TLB.
    pub enum TlbAccess {
        /// Instruction fetch.
        Fetch "fetch",
        /// Load.
        Load "load",
        /// Store or atomic.
        Store "store",
    }
}

labels! {
    /// How a page-table walk ended.
    pub enum WalkResult {
        /// With a translation.
        Ok "ok",
        /// With a page fault.
        PageFault "page_fault",
        /// With an access fault.
        AccessFault "access_fault",
    }
}

labels! {
    /// How much of the TLB was flushed, and for whom.
    pub enum FlushScope {
        /// All of it.
        All "all",
        /// One address.
        Page "page",
        /// All of it, for another hart.
        Remote "remote",
    }
}

labels! {
    /// Why generated code returned to the runtime.
    pub enum CodeExit {
        /// The quantum was used up.
        Quantum "quantum",
        /// The next instruction is only interpreted.
        Fallback "fallback",
        /// No translation of the next address was known.
        Lookup "lookup",
        /// An access faulted, was a device's, or crossed pages.
        Access "access",
    }
}

labels! {
    /// Extensions of the SBI.
    pub enum SbiExtension {
        /// Base.
        Base "base",
        /// Timer.
        Time "time",
        /// Inter-processor interrupts.
        Ipi "ipi",
        /// Remote fences.
        Rfence "rfence",
        /// Hart state management.
        Hsm "hsm",
        /// System reset.
        Srst "srst",
        /// Debug console.
        Dbcn "dbcn",
        /// Performance monitoring.
        Pmu "pmu",
        /// The calls of version 0.1.
        Legacy "legacy",
        /// Anything else.
        Other "other",
    }
}

labels! {
    /// What a hart's thread spends its time on.
    pub enum HartTime {
        /// Executing the guest.
        Guest "guest",
        /// Waiting for an interrupt.
        Idle "idle",
    }
}

/// Names of synchronous exceptions by cause code, `""` where the code is reserved
/// (privileged specification, table of `mcause`).
pub const EXCEPTION_NAMES: [&str; 24] = [
    "instruction_address_misaligned",
    "instruction_access_fault",
    "illegal_instruction",
    "breakpoint",
    "load_address_misaligned",
    "load_access_fault",
    "store_address_misaligned",
    "store_access_fault",
    "ecall_u",
    "ecall_s",
    "ecall_vs",
    "ecall_m",
    "instruction_page_fault",
    "load_page_fault",
    "",
    "store_page_fault",
    "double_trap",
    "",
    "software_check",
    "hardware_error",
    "instruction_guest_page_fault",
    "load_guest_page_fault",
    "virtual_instruction",
    "store_guest_page_fault",
];

/// Names of interrupts by number, `""` where the number is reserved (privileged
/// specification, table of `mcause`).
pub const INTERRUPT_NAMES: [&str; 16] = [
    "",
    "supervisor_software",
    "virtual_supervisor_software",
    "machine_software",
    "",
    "supervisor_timer",
    "virtual_supervisor_timer",
    "machine_timer",
    "",
    "supervisor_external",
    "virtual_supervisor_external",
    "machine_external",
    "supervisor_guest_external",
    "counter_overflow",
    "",
    "",
];

/// Declares the page from `row: Variant "label" names of the label's values`.
macro_rules! counter_page {
    ($($(#[$doc:meta])* $name:ident: $row:ident $label:literal $names:expr,)*) => {
        /// Counters of one hart. Only the hart's own thread may count, anybody may
        /// read. All of them only grow, and wrap at 2^64. The words of `time_ns` are no
        /// plain numbers but stopwatches, which also move while nobody counts.
        ///
        /// Layout: eight-byte words, row behind row in the order of declaration, in
        /// each row one word for each name. A page of zero bytes is valid and no
        /// word is a pointer, so a page may live in memory shared with another
        /// process; its size is rounded up to whole cache lines.
        ///
        /// | row | bytes from | words |
        /// |---|---|---|
        /// | `instructions` | 0 | 3 |
        /// | `exceptions` | 24 | 24 |
        /// | `interrupts` | 216 | 16 |
        /// | `tlb_misses` | 344 | 3 |
        /// | `page_walks` | 368 | 3 |
        /// | `tlb_flushes` | 392 | 3 |
        /// | `code_exits` | 416 | 4 |
        /// | `sbi_calls` | 448 | 10 |
        /// | `sc_failures` | 528 | 1 |
        /// | `wfi` | 536 | 1 |
        /// | `time_ns` | 544 | 2 |
        #[derive(Debug)]
        #[repr(C, align(64))]
        pub struct CounterPage {
            $($(#[$doc])* $name: [AtomicU64; HartCounter::$row.names().len()],)*
        }

        impl Default for CounterPage {
            fn default() -> Self {
                Self { $($name: [const { AtomicU64::new(0) }; HartCounter::$row.names().len()],)* }
            }
        }

        impl CounterPage {
            $($(#[$doc])* pub fn $name(&self) -> [u64; HartCounter::$row.names().len()] {
                std::array::from_fn(|i| HartCounter::$row.value(&self.$name[i]))
            })*

            fn row(&self, row: HartCounter) -> &[AtomicU64] {
                match row {
                    $(HartCounter::$row => &self.$name,)*
                }
            }
        }

        /// Rows of a [`CounterPage`].
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum HartCounter {
            $($(#[$doc])* $row,)*
        }

        impl HartCounter {
            /// All rows, in the order of the page.
            pub const ALL: &'static [Self] = &[$(Self::$row,)*];

            /// What the words of the row are told apart by; `""` in a row of one.
            pub const fn label(self) -> &'static str {
                match self {
                    $(Self::$row => $label,)*
                }
            }

            /// A name for each word of the row; `""` where there is nothing to tell
            /// apart, and for reserved codes.
            pub const fn names(self) -> &'static [&'static str] {
                match self {
                    $(Self::$row => &$names,)*
                }
            }

            /// Where the row begins in the page, in bytes.
            pub const fn offset(self) -> usize {
                match self {
                    $(Self::$row => std::mem::offset_of!(CounterPage, $name),)*
                }
            }
        }
    };
}

counter_page! {
    /// Instructions retired, by [`Tier`].
    instructions: Instructions "tier" Tier::NAMES,
    /// Synchronous exceptions, by cause.
    exceptions: Exceptions "cause" EXCEPTION_NAMES,
    /// Interrupts taken, by number.
    interrupts: Interrupts "cause" INTERRUPT_NAMES,
    /// Software TLB misses, by [`TlbAccess`].
    tlb_misses: TlbMisses "access" TlbAccess::NAMES,
    /// Page-table walks, by [`WalkResult`].
    page_walks: PageWalks "result" WalkResult::NAMES,
    /// Software TLB flushes, by [`FlushScope`].
    tlb_flushes: TlbFlushes "scope" FlushScope::NAMES,
    /// Exits from generated code, by [`CodeExit`].
    code_exits: CodeExits "reason" CodeExit::NAMES,
    /// SBI calls, by [`SbiExtension`].
    sbi_calls: SbiCalls "extension" SbiExtension::NAMES,
    /// Failed store-conditionals.
    sc_failures: ScFailures "" [""],
    /// `wfi` instructions.
    wfi: Wfi "" [""],
    /// Nanoseconds of the hart's thread, by [`HartTime`].
    time_ns: TimeNs "state" HartTime::NAMES,
}

impl HartCounter {
    /// What a word of the row says now.
    fn value(self, word: &AtomicU64) -> u64 {
        match self {
            Self::TimeNs => stopwatch::read(word),
            _ => word.load(Ordering::Relaxed),
        }
    }
}

impl CounterPage {
    /// Everything: row, name of the word, value.
    pub fn iter(&self) -> impl Iterator<Item = (HartCounter, &'static str, u64)> {
        HartCounter::ALL.iter().flat_map(|row| {
            let values = self.row(*row).iter().map(|word| row.value(word));
            row.names().iter().zip(values).map(|(name, value)| (*row, *name, value))
        })
    }
}

/// Adds to a counter that only the calling thread writes.
#[inline(always)]
fn add(counter: &AtomicU64, n: u64) {
    counter.store(counter.load(Ordering::Relaxed).wrapping_add(n), Ordering::Relaxed);
}

/// Adds to the counter at `index`; there is none for numbers out of range.
fn add_at(counters: &[AtomicU64], index: u64, n: u64) {
    if let Some(counter) = usize::try_from(index).ok().and_then(|index| counters.get(index)) {
        add(counter, n);
    }
}

/// Only the hart's own thread may call these.
impl CounterPage {
    /// `n` instructions retired in `tier`.
    pub fn count_instructions(&self, tier: Tier, n: u64) {
        add(&self.instructions[tier.index()], n);
    }

    /// An exception with this cause code.
    pub fn count_exception(&self, cause: u64) {
        add_at(&self.exceptions, cause, 1);
    }

    /// An interrupt with this number.
    pub fn count_interrupt(&self, number: u64) {
        add_at(&self.interrupts, number, 1);
    }

    /// A miss of the software TLB.
    pub fn count_tlb_miss(&self, access: Access) {
        let access = match access {
            Access::Fetch => TlbAccess::Fetch,
            Access::Load => TlbAccess::Load,
            Access::Store => TlbAccess::Store,
        };
        add(&self.tlb_misses[access.index()], 1);
    }

    /// A page-table walk.
    pub fn count_walk(&self, result: WalkResult) {
        add(&self.page_walks[result.index()], 1);
    }

    /// A flush of the software TLB.
    pub fn count_flush(&self, scope: FlushScope) {
        add(&self.tlb_flushes[scope.index()], 1);
    }

    /// An exit from generated code.
    pub fn count_code_exit(&self, reason: CodeExit) {
        add(&self.code_exits[reason.index()], 1);
    }

    /// A call of the SBI.
    pub fn count_sbi_call(&self, extension: SbiExtension) {
        add(&self.sbi_calls[extension.index()], 1);
    }

    /// A store-conditional that did not store.
    pub fn count_sc_failure(&self) {
        add(&self.sc_failures[0], 1);
    }

    /// A `wfi`.
    pub fn count_wfi(&self) {
        add(&self.wfi[0], 1);
    }

    /// Counts the time that `f` takes as time spent in `state`.
    pub fn spend<T>(&self, state: HartTime, f: impl FnOnce() -> T) -> T {
        let watch = &self.time_ns[state.index()];
        stopwatch::start(watch);
        let result = f();
        stopwatch::stop(watch);
        result
    }
}

/// Counters of one machine's engine, shared by its threads.
#[derive(Debug, Default)]
pub struct EngineCounters {
    /// Bytes that generated code may take.
    pub code_cache_limit: AtomicU64,
    /// Bytes that it takes, by [`Tier`] of the code.
    pub code_cache_used: [AtomicU64; Tier::ALL.len()],
    /// Translations that can be entered, by [`Tier`].
    pub resident_blocks: [AtomicU64; Tier::ALL.len()],
    /// Requests that wait for a compiler thread.
    pub queue_depth: AtomicU64,
    /// Requests that found the queue full.
    pub queue_rejected: AtomicU64,
}

/// Everything that telemetry reads about one machine.
#[derive(Clone, Debug)]
pub struct VmCounters {
    /// The machine.
    pub vm_id: VmId,
    /// Its name, for people.
    pub name: Arc<str>,
    /// Name of its engine.
    pub engine_name: &'static str,
    /// Bytes of guest memory.
    pub memory_bytes: u64,
    /// One page for each hart.
    pub harts: Vec<Arc<CounterPage>>,
    /// Its engine.
    pub engine: Arc<EngineCounters>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_layout_is_the_documented_one() {
        let rows: Vec<_> = HartCounter::ALL.iter().map(|row| (row.offset(), row.names().len())).collect();
        let documented = [
            (0, 3),
            (24, 24),
            (216, 16),
            (344, 3),
            (368, 3),
            (392, 3),
            (416, 4),
            (448, 10),
            (528, 1),
            (536, 1),
            (544, 2),
        ];
        assert_eq!(rows, documented);
        assert_eq!((size_of::<CounterPage>(), align_of::<CounterPage>()), (576, 64));
    }

    #[test]
    fn each_count_moves_its_word_and_no_other() {
        let page = CounterPage::default();
        page.count_instructions(Tier::Optimized, 5);
        page.count_exception(13);
        page.count_interrupt(5);
        page.count_tlb_miss(Access::Store);
        page.count_walk(WalkResult::PageFault);
        page.count_flush(FlushScope::Remote);
        page.count_code_exit(CodeExit::Lookup);
        page.count_sbi_call(SbiExtension::Time);
        page.count_sc_failure();
        page.count_wfi();
        let moved: Vec<_> = page.iter().filter(|(_, _, value)| *value != 0).collect();
        let expected = [
            (HartCounter::Instructions, "optimized", 5),
            (HartCounter::Exceptions, "load_page_fault", 1),
            (HartCounter::Interrupts, "supervisor_timer", 1),
            (HartCounter::TlbMisses, "store", 1),
            (HartCounter::PageWalks, "page_fault", 1),
            (HartCounter::TlbFlushes, "remote", 1),
            (HartCounter::CodeExits, "lookup", 1),
            (HartCounter::SbiCalls, "time", 1),
            (HartCounter::ScFailures, "", 1),
            (HartCounter::Wfi, "", 1),
        ];
        assert_eq!(moved, expected);
        assert_eq!(page.exceptions().iter().sum::<u64>(), 1);
    }

    #[test]
    fn time_is_counted_while_it_is_spent_and_not_after() {
        let page = CounterPage::default();
        let [_, idle] = page.spend(HartTime::Idle, || {
            while page.time_ns()[HartTime::Idle.index()] == 0 {}
            page.time_ns()
        });
        let [guest, total] = page.time_ns();
        assert!(total >= idle && idle > 0);
        assert_eq!((guest, page.time_ns()[HartTime::Idle.index()]), (0, total));
    }

    #[test]
    fn numbers_beyond_a_row_are_ignored() {
        let page = CounterPage::default();
        page.count_exception(24);
        page.count_interrupt(u64::MAX);
        assert!(page.iter().all(|(_, _, value)| value == 0));
    }
}
