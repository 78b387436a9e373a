//! Counter page of a hart; one row declares a counter.

use std::sync::atomic::{AtomicU64, Ordering};

use super::labels::{CodeExit, FlushScope, HartActivity, HartTime, SbiExtension, SpaceSwitch, WalkResult};
use super::stopwatch;
use crate::arch::{Access, ExceptionCause, Interrupt, PrivilegeMode};
use crate::event::Tier;
use crate::isa::OpClass;

/// Declares the counter page. A row
///
/// ```text
/// /// What is counted.
/// name: Row by "label" of Set, kind method;
/// ```
///
/// gives the page one word per member of `Set` (one word without `by`), a method `name`
/// that reads them, the counting method, and a [`HartCounter`]. Kinds:
///
/// | kind | `method` |
/// |---|---|
/// | `count` | adds one |
/// | `add` | adds a given number |
/// | `sample` | adds a given number; for the machine's watch thread instead of the hart's own |
/// | `time` | runs a closure and adds its duration in nanoseconds |
macro_rules! counter_page {
    ($(
        $(#[$doc:meta])*
        $name:ident: $row:ident $(by $label:literal of $set:ident)?, $kind:ident $method:ident;
    )*) => {
        /// Counters of one hart. Only the hart's own thread counts, except what is sampled; any
        /// thread may read.
        /// Values only grow, and wrap at 2^64. The words of [`CounterPage::time_ns`] are
        /// stopwatches rather than plain numbers: they also advance between updates.
        ///
        /// Layout: 64-bit words, row after row in the order of [`HartCounter::ALL`], with
        /// one word for each of [`HartCounter::names`] and no padding in between. An
        /// all-zero page is valid and no word is a pointer, so a page may live in memory
        /// shared with another process. The size is rounded up to whole cache lines.
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
                self.$name.each_ref().map(|word| counter_page!(@read $kind)(word))
            })*

            $(counter_page!(@method $kind $method $name $($set)?);)*

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
            /// All rows, in page order.
            pub const ALL: &'static [Self] = &[$(Self::$row,)*];

            /// Label by which the words of the row differ; `""` for a row of one word.
            pub const fn label(self) -> &'static str {
                match self {
                    $(Self::$row => concat!($($label)?),)*
                }
            }

            /// Label value of each word of the row; `""` for a row of one word.
            pub const fn names(self) -> &'static [&'static str] {
                match self {
                    $(Self::$row => counter_page!(@names $($set)?),)*
                }
            }

            /// Offset of the row in the page, in bytes.
            pub const fn offset(self) -> usize {
                match self {
                    $(Self::$row => std::mem::offset_of!(CounterPage, $name),)*
                }
            }

            /// Present value of a word of the row.
            fn read(self, word: &AtomicU64) -> u64 {
                match self {
                    $(Self::$row => counter_page!(@read $kind)(word),)*
                }
            }

            /// Adds `n` to a word of the row.
            fn add(self, word: &AtomicU64, n: u64) {
                match self {
                    $(Self::$row => counter_page!(@add $kind)(word, n),)*
                }
            }
        }
    };
    (@names) => { &[""] };
    (@names $set:ident) => { &$set::NAMES };
    (@read time) => { stopwatch::read };
    (@read $kind:ident) => { load };
    (@add time) => { stopwatch::add };
    (@add $kind:ident) => { add };
    (@method count $method:ident $name:ident) => {
        #[doc = concat!("Counts one of [`Self::", stringify!($name), "`]; only for the hart's own thread.")]
        pub fn $method(&self) {
            add(&self.$name[0], 1);
        }
    };
    (@method count $method:ident $name:ident $set:ident) => {
        #[doc = concat!("Counts one of [`Self::", stringify!($name), "`]; only for the hart's own thread.")]
        pub fn $method(&self, which: $set) {
            add(&self.$name[which.index()], 1);
        }
    };
    (@method add $method:ident $name:ident) => {
        #[doc = concat!("Counts `n` of [`Self::", stringify!($name), "`]; only for the hart's own thread.")]
        pub fn $method(&self, n: u64) {
            add(&self.$name[0], n);
        }
    };
    (@method add $method:ident $name:ident $set:ident) => {
        #[doc = concat!("Counts `n` of [`Self::", stringify!($name), "`]; only for the hart's own thread.")]
        pub fn $method(&self, which: $set, n: u64) {
            add(&self.$name[which.index()], n);
        }
    };
    (@method sample $method:ident $name:ident) => {
        #[doc = concat!("Counts `n` of [`Self::", stringify!($name), "`]; only for the thread that samples the hart.")]
        pub fn $method(&self, n: u64) {
            add(&self.$name[0], n);
        }
    };
    (@method sample $method:ident $name:ident $set:ident) => {
        #[doc = concat!("Counts `n` of [`Self::", stringify!($name), "`]; only for the thread that samples the hart.")]
        pub fn $method(&self, which: $set, n: u64) {
            add(&self.$name[which.index()], n);
        }
    };
    (@method time $method:ident $name:ident $set:ident) => {
        #[doc = concat!(
            "Counts the time that `f` takes in [`Self::", stringify!($name), "`]; only for the hart's own thread."
        )]
        pub fn $method<T>(&self, which: $set, f: impl FnOnce() -> T) -> T {
            let watch = &self.$name[which.index()];
            stopwatch::start(watch);
            let result = f();
            stopwatch::stop(watch);
            result
        }
    };
}

counter_page! {
    /// Instructions retired, by [`Tier`].
    instructions: Instructions by "tier" of Tier, add count_instructions;
    /// Instructions retired, by [`PrivilegeMode`]. Counted when the mode changes and when the hart
    /// leaves its engine; an instruction that returns from a trap may count for either mode.
    mode_instructions: ModeInstructions by "mode" of PrivilegeMode, add count_mode_instructions;
    /// Synchronous exceptions, by [`ExceptionCause`].
    exceptions: Exceptions by "cause" of ExceptionCause, count count_exception;
    /// Interrupts taken, by [`Interrupt`].
    interrupts: Interrupts by "cause" of Interrupt, count count_interrupt;
    /// Software TLB misses, by [`Access`].
    tlb_misses: TlbMisses by "access" of Access, count count_tlb_miss;
    /// Page-table walks, by [`WalkResult`].
    page_walks: PageWalks by "result" of WalkResult, count count_walk;
    /// Software TLB flushes, by [`FlushScope`].
    tlb_flushes: TlbFlushes by "scope" of FlushScope, count count_flush;
    /// Changes of the address space, by [`SpaceSwitch`].
    space_switches: SpaceSwitches by "outcome" of SpaceSwitch, count count_space_switch;
    /// Exits from generated code, by [`CodeExit`].
    code_exits: CodeExits by "reason" of CodeExit, count count_code_exit;
    /// Those exits that were at an instruction, by its [`OpClass`]: it is only interpreted, its
    /// access left generated code, or something is due behind it.
    exit_instructions: ExitInstructions by "class" of OpClass, count count_exit_instruction;
    /// Instructions that generated code had the interpreter execute, by [`OpClass`].
    handler_calls: HandlerCalls by "class" of OpClass, count count_handler_call;
    /// SBI calls, by [`SbiExtension`].
    sbi_calls: SbiCalls by "extension" of SbiExtension, count count_sbi_call;
    /// Failed store-conditionals.
    sc_failures: ScFailures, add count_sc_failures;
    /// `wfi` instructions.
    wfi: Wfi, count count_wfi;
    /// Loads and stores that a device answered.
    device_accesses: DeviceAccesses, count count_device_access;
    /// CPU time of the hart's thread in nanoseconds, by [`HartActivity`].
    cpu_ns: CpuNs by "activity" of HartActivity, sample sample_cpu;
    /// Nanoseconds for which the hart's thread wanted a CPU of the host and had none.
    delay_ns: DelayNs, sample sample_delay;
    /// Cycles that the host's CPU spent on the hart's thread, by [`HartActivity`]; all events of the
    /// host's CPU are 0 where it does not count them for this process.
    host_cycles: HostCycles by "activity" of HartActivity, sample sample_host_cycles;
    /// Instructions that the host's CPU retired for the hart's thread, by [`HartActivity`].
    host_instructions: HostInstructions by "activity" of HartActivity, sample sample_host_instructions;
    /// Branches of those, by [`HartActivity`].
    host_branches: HostBranches by "activity" of HartActivity, sample sample_host_branches;
    /// Branches that the host's CPU mispredicted, by [`HartActivity`].
    host_branch_misses: HostBranchMisses by "activity" of HartActivity, sample sample_host_branch_misses;
    /// References to the host's last cache, by [`HartActivity`].
    host_cache_references: HostCacheReferences by "activity" of HartActivity, sample sample_host_cache_references;
    /// References that missed in it, by [`HartActivity`].
    host_cache_misses: HostCacheMisses by "activity" of HartActivity, sample sample_host_cache_misses;
    /// Nanoseconds of the hart's thread, by [`HartTime`].
    time_ns: TimeNs by "state" of HartTime, time spend;
}

impl CounterPage {
    /// All words: row, label value, value.
    pub fn iter(&self) -> impl Iterator<Item = (HartCounter, &'static str, u64)> {
        HartCounter::ALL.iter().flat_map(|row| {
            let values = self.row(*row).iter().map(|word| row.read(word));
            row.names().iter().zip(values).map(|(name, value)| (*row, *name, value))
        })
    }

    /// Adds `n` to word `index` of a row, on behalf of a hart; no effect if the row has no
    /// such word. A stopwatch that is added to must not be running.
    pub fn advance(&self, row: HartCounter, index: usize, n: u64) {
        if let Some(word) = self.row(row).get(index) {
            row.add(word, n);
        }
    }
}

fn load(word: &AtomicU64) -> u64 {
    word.load(Ordering::Relaxed)
}

/// Adds to a counter that only the calling thread writes.
#[inline(always)]
fn add(counter: &AtomicU64, n: u64) {
    counter.store(counter.load(Ordering::Relaxed).wrapping_add(n), Ordering::Relaxed);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_follow_each_other_without_gaps() {
        let mut end = 0;
        for row in HartCounter::ALL {
            assert_eq!(row.offset(), end, "{row:?}");
            end += 8 * row.names().len();
        }
        assert_eq!((size_of::<CounterPage>(), align_of::<CounterPage>()), (end.next_multiple_of(64), 64));
    }

    #[test]
    fn words_are_told_apart_by_names() {
        for row in HartCounter::ALL {
            assert_eq!(row.label().is_empty(), row.names() == [""], "{row:?}");
            let names: std::collections::BTreeSet<_> = row.names().iter().collect();
            assert_eq!(names.len(), row.names().len(), "{row:?}");
        }
    }

    #[test]
    fn each_count_moves_its_word_and_no_other() {
        let page = CounterPage::default();
        page.count_instructions(Tier::Baseline, 5);
        page.count_mode_instructions(PrivilegeMode::User, 4);
        page.count_exception(ExceptionCause::LoadPageFault);
        page.count_interrupt(Interrupt::SupervisorTimer);
        page.count_tlb_miss(Access::Store);
        page.count_walk(WalkResult::PageFault);
        page.count_flush(FlushScope::Remote);
        page.count_space_switch(SpaceSwitch::New);
        page.count_code_exit(CodeExit::Lookup);
        page.count_exit_instruction(OpClass::Memory);
        page.count_handler_call(OpClass::Csr);
        page.count_sbi_call(SbiExtension::Time);
        page.count_sc_failures(1);
        page.count_wfi();
        page.count_device_access();
        page.sample_cpu(HartActivity::Code, 7);
        page.sample_delay(3);
        page.sample_host_cycles(HartActivity::Code, 11);
        page.sample_host_instructions(HartActivity::Interpreter, 12);
        page.sample_host_branches(HartActivity::Code, 13);
        page.sample_host_branch_misses(HartActivity::Code, 14);
        page.sample_host_cache_references(HartActivity::Refill, 15);
        page.sample_host_cache_misses(HartActivity::Device, 16);
        let moved: Vec<_> = page.iter().filter(|(_, _, value)| *value != 0).collect();
        let expected = [
            (HartCounter::Instructions, "baseline", 5),
            (HartCounter::ModeInstructions, "user", 4),
            (HartCounter::Exceptions, "load_page_fault", 1),
            (HartCounter::Interrupts, "supervisor_timer", 1),
            (HartCounter::TlbMisses, "store", 1),
            (HartCounter::PageWalks, "page_fault", 1),
            (HartCounter::TlbFlushes, "remote", 1),
            (HartCounter::SpaceSwitches, "new", 1),
            (HartCounter::CodeExits, "lookup", 1),
            (HartCounter::ExitInstructions, "memory", 1),
            (HartCounter::HandlerCalls, "csr", 1),
            (HartCounter::SbiCalls, "time", 1),
            (HartCounter::ScFailures, "", 1),
            (HartCounter::Wfi, "", 1),
            (HartCounter::DeviceAccesses, "", 1),
            (HartCounter::CpuNs, "code", 7),
            (HartCounter::DelayNs, "", 3),
            (HartCounter::HostCycles, "code", 11),
            (HartCounter::HostInstructions, "interpreter", 12),
            (HartCounter::HostBranches, "code", 13),
            (HartCounter::HostBranchMisses, "code", 14),
            (HartCounter::HostCacheReferences, "refill", 15),
            (HartCounter::HostCacheMisses, "device", 16),
        ];
        assert_eq!(moved, expected);
        assert_eq!(page.exceptions()[ExceptionCause::LoadPageFault.index()], 1);
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
    fn every_word_can_be_advanced_and_no_others_exist() {
        let page = CounterPage::default();
        let mut n = 0;
        for row in HartCounter::ALL {
            for index in 0..row.names().len() {
                n += 1;
                page.advance(*row, index, n);
            }
            page.advance(*row, row.names().len(), 1);
        }
        assert!(page.iter().map(|(_, _, value)| value).eq(1..=n));
    }
}
