//! Counter pages: facts that happen too often to be events.
//!
//! Each hart has one [`CounterPage`] that only its own thread writes, so counting
//! is a plain add; telemetry reads it whenever somebody scrapes. One row of the
//! list below declares a group of counters: its name, and the closed set that
//! indexes it.

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

/// Causes of exceptions that are counted, 0 to 23.
pub const EXCEPTION_CAUSES: usize = 24;
/// Interrupt numbers that are counted, 0 to 15.
pub const INTERRUPT_CAUSES: usize = 16;

macro_rules! counter_page {
    ($($(#[$doc:meta])* $name:ident: [$len:expr],)*) => {
        /// Counters of one hart. The layout is stable within a version: eight-byte
        /// words in the order of declaration.
        #[derive(Debug)]
        #[repr(C, align(64))]
        pub struct CounterPage {
            $($(#[$doc])* $name: [AtomicU64; $len],)*
        }

        impl Default for CounterPage {
            fn default() -> Self {
                Self { $($name: [const { AtomicU64::new(0) }; $len],)* }
            }
        }

        impl CounterPage {
            $($(#[$doc])* pub fn $name(&self) -> [u64; $len] {
                std::array::from_fn(|i| self.$name[i].load(Ordering::Relaxed))
            })*
        }
    };
}

counter_page! {
    /// Instructions retired, by [`Tier`].
    instructions: [Tier::ALL.len()],
    /// Synchronous exceptions, by cause.
    exceptions: [EXCEPTION_CAUSES],
    /// Interrupts taken, by number.
    interrupts: [INTERRUPT_CAUSES],
    /// Software TLB misses, by [`TlbAccess`].
    tlb_misses: [TlbAccess::ALL.len()],
    /// Page-table walks, by [`WalkResult`].
    page_walks: [WalkResult::ALL.len()],
    /// Software TLB flushes, by [`FlushScope`].
    tlb_flushes: [FlushScope::ALL.len()],
    /// Exits from generated code, by [`CodeExit`].
    code_exits: [CodeExit::ALL.len()],
    /// SBI calls, by [`SbiExtension`].
    sbi_calls: [SbiExtension::ALL.len()],
    /// Failed store-conditionals.
    sc_failures: [1],
    /// `wfi` instructions.
    wfi: [1],
    /// Nanoseconds of the hart's thread, by [`HartTime`].
    time_ns: [HartTime::ALL.len()],
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

    /// Nanoseconds spent in a state.
    pub fn count_time(&self, state: HartTime, ns: u64) {
        add(&self.time_ns[state.index()], ns);
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
    /// Link slots pointed at a translation.
    pub links: AtomicU64,
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
