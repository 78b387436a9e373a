//! Reading of counters, and rates between two readings.

use riscope_core::counters::{CounterPage, Fact, HartActivity, HartTime};
use riscope_core::event::{CompileFailure, EvictionReason, InvalidationReason, Tier, VmId, monotonic_ns};
use riscope_telemetry::MachineStatus;
use rustix::time::{ClockId, clock_gettime};

/// Reads a figure of a counter page.
type Read = fn(&CounterPage) -> u64;

/// Frequent facts of a hart: name, and sum of the words of its counter page.
pub(super) const FREQUENT: [(&str, Read); 9] = [
    ("exceptions", |page| page.exceptions().iter().sum()),
    ("interrupts", |page| page.interrupts().iter().sum()),
    ("TLB misses", |page| page.tlb_misses().iter().sum()),
    ("page walks", |page| page.page_walks().iter().sum()),
    ("TLB flushes", |page| page.tlb_flushes().iter().sum()),
    ("code exits", |page| page.code_exits().iter().sum()),
    ("handler calls", |page| page.handler_calls().iter().sum()),
    ("SBI calls", |page| page.sbi_calls().iter().sum()),
    ("device accesses", |page| page.device_accesses().iter().sum()),
];

/// Counters of a process at one time.
#[derive(Clone, Debug)]
pub(super) struct Reading {
    /// On the clock of [`monotonic_ns`].
    pub(super) at_ns: u64,
    /// CPU time of the process in nanoseconds.
    pub(super) process_cpu_ns: u64,
    pub(super) machines: Vec<Machine>,
}

/// Counters of a machine.
#[derive(Clone, Debug, Default)]
pub(super) struct Machine {
    pub(super) vm_id: Option<VmId>,
    pub(super) harts: Vec<Hart>,
    /// By [`Tier`].
    pub(super) compiled: [u64; Tier::ALL.len()],
    pub(super) compile_ns: u64,
    pub(super) hotspots: u64,
    pub(super) failures: u64,
    pub(super) invalidated: u64,
    pub(super) evicted: u64,
    pub(super) compiler_cpu_ns: u64,
}

/// Counters of a hart.
#[derive(Clone, Debug, Default)]
pub(super) struct Hart {
    /// By [`Tier`].
    pub(super) instructions: [u64; Tier::ALL.len()],
    /// By [`HartActivity`].
    pub(super) cpu_ns: [u64; HartActivity::ALL.len()],
    pub(super) idle_ns: u64,
    /// By [`FREQUENT`].
    pub(super) frequent: [u64; FREQUENT.len()],
}

impl Reading {
    /// Reads the counters of these machines.
    pub(super) fn of(machines: &[MachineStatus]) -> Self {
        Self {
            at_ns: monotonic_ns(),
            process_cpu_ns: process_cpu_ns(),
            machines: machines.iter().map(machine).collect(),
        }
    }

    /// The counters of a machine; 0 if it is not there.
    pub(super) fn machine(&self, vm_id: VmId) -> Option<&Machine> {
        self.machines.iter().find(|machine| machine.vm_id == Some(vm_id))
    }
}

#[expect(clippy::cast_sign_loss, reason = "CPU time is never negative")]
fn process_cpu_ns() -> u64 {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    (time.tv_sec as u64).saturating_mul(1_000_000_000).saturating_add(time.tv_nsec as u64)
}

fn machine(status: &MachineStatus) -> Machine {
    let sum = |facts: &mut dyn Iterator<Item = Fact>| facts.map(|fact| status.events.of(fact)).sum::<u64>();
    let tiers = || Tier::ALL.iter().copied();
    let failures = |tier| CompileFailure::ALL.iter().map(move |&reason| Fact::Failures(tier, reason));
    Machine {
        vm_id: Some(status.vm_id),
        harts: status.counters.harts.iter().map(|page| hart(page)).collect(),
        compiled: std::array::from_fn(|index| status.events.of(Fact::Blocks(Tier::ALL[index]))),
        compile_ns: sum(&mut tiers().map(Fact::CompileNs)),
        hotspots: sum(&mut tiers().flat_map(|from| tiers().map(move |to| Fact::Hotspots { from, to }))),
        failures: sum(&mut tiers().flat_map(failures)),
        invalidated: sum(&mut InvalidationReason::ALL.iter().map(|&reason| Fact::Invalidated(reason))),
        evicted: sum(&mut EvictionReason::ALL.iter().map(|&reason| Fact::Evicted(reason))),
        compiler_cpu_ns: status.counters.engine.compiler_cpu_ns.load(std::sync::atomic::Ordering::Relaxed),
    }
}

fn hart(page: &CounterPage) -> Hart {
    Hart {
        instructions: page.instructions(),
        cpu_ns: page.cpu_ns(),
        idle_ns: page.time_ns()[HartTime::Idle.index()],
        frequent: FREQUENT.map(|(_, read)| read(page)),
    }
}

/// Time between two readings, and rates over it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Interval {
    pub(super) seconds: f64,
}

impl Interval {
    #[expect(clippy::cast_precision_loss, reason = "a double holds nanoseconds well enough")]
    pub(super) fn between(before: u64, now: u64) -> Self {
        // Never 0, so that rates are numbers.
        Self { seconds: now.saturating_sub(before).max(1) as f64 / 1e9 }
    }

    /// Growth per second, with three decimals.
    #[expect(clippy::cast_precision_loss, reason = "rates need no more than a double's 53 bits")]
    pub(super) fn rate(self, before: u64, now: u64) -> f64 {
        rounded(now.saturating_sub(before) as f64 / self.seconds)
    }

    /// Growth of nanoseconds per second: a number of CPUs, or a share of time.
    pub(super) fn share(self, before: u64, now: u64) -> f64 {
        rounded(self.rate(before, now) / 1e9)
    }

    /// Millions per second.
    pub(super) fn millions(self, before: u64, now: u64) -> f64 {
        rounded(self.rate(before, now) / 1e6)
    }
}

/// Three decimals, which a snapshot has room for.
pub(super) fn rounded(value: f64) -> f64 {
    (value * 1e3).round() / 1e3
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_finite_whatever_the_clock_and_the_counters_do() {
        let second = Interval::between(5, 1_000_000_005);
        assert_eq!(
            (second.rate(10, 25).to_string(), second.millions(0, 1_500_000).to_string()),
            ("15".into(), "1.5".into())
        );
        assert_eq!(second.share(0, 250_000_000).to_string(), "0.25");
        assert_eq!(second.rate(25, 10).to_string(), "0", "a counter that starts again");
        for (before, now) in [(7, 7), (9, 7)] {
            assert!(Interval::between(before, now).rate(0, u64::MAX).is_finite());
        }
    }

    #[test]
    fn frequent_facts_are_what_their_names_say() {
        let page = CounterPage::default();
        page.count_device_access();
        page.count_exception(riscope_core::arch::ExceptionCause::LoadPageFault);
        let read = hart(&page).frequent;
        let counted: Vec<_> = FREQUENT.iter().zip(read).filter(|(_, n)| *n > 0).map(|((name, _), _)| *name).collect();
        assert_eq!(counted, ["exceptions", "device accesses"]);
    }
}
