//! The host: its processor, and the energy and CPU time that everything on it uses.
//!
//! | file | holds |
//! |---|---|
//! | `cpu.rs` | identity of the processor |
//! | `energy.rs` | energy by domain |
//!
//! What a machine used of the host is its share of the busy CPU time: the counters here are of the
//! whole host.

pub(crate) mod cpu;
mod energy;

use std::sync::{Arc, Mutex, PoisonError};

use prometheus::proto::MetricFamily;
use rustix::param::clock_ticks_per_second;

use crate::label::{EnergyDomain, HostCounter};
use crate::metric::catalog::host::{HOST_BUSY, HOST_COUNTERS_AVAILABLE, HOST_CPU_INFO, HOST_ENERGY};
use crate::metric::collect::Source;
use crate::metric::family::Family;
use crate::metric::machines::Machines;
use crate::metric::samples::{Samples, to_f64};
use cpu::Processor;
use energy::{Energy, POWERCAP};

/// Collector of the host. Omits what the kernel does not provide.
#[derive(Debug)]
pub(crate) struct HostSource {
    machines: Arc<Machines>,
    processor: Processor,
    energy: Mutex<Energy>,
}

impl HostSource {
    pub(crate) fn new(machines: Arc<Machines>) -> Self {
        Self { machines, processor: Processor::of_the_host(), energy: Mutex::new(Energy::new(POWERCAP)) }
    }

    /// Whether events of the CPU were counted for a machine.
    fn counts_events(&self) -> bool {
        let table = self.machines.lock();
        let mut pages = table.exported().filter_map(|(_, machine)| machine.counters.as_ref()).flat_map(|it| &it.harts);
        pages.any(|page| page.host_cycles().iter().any(|&cycles| cycles > 0))
    }
}

impl Source for HostSource {
    fn families(&self) -> Vec<&'static Family> {
        vec![HOST_CPU_INFO, HOST_COUNTERS_AVAILABLE, HOST_BUSY, HOST_ENERGY]
    }

    fn collect(&self) -> Vec<MetricFamily> {
        let mut info = Samples::new(HOST_CPU_INFO);
        info.push(&self.processor.labels(), 1.0);
        let joules = self.energy.lock().unwrap_or_else(PoisonError::into_inner).read();
        let mut available = Samples::new(HOST_COUNTERS_AVAILABLE);
        for (source, is_read) in
            [(HostCounter::Pmu, self.counts_events()), (HostCounter::Rapl, joules.iter().any(Option::is_some))]
        {
            available.count(&[source.as_str()], is_read.into());
        }
        let mut energy = Samples::new(HOST_ENERGY);
        for (domain, joules) in EnergyDomain::NAMES.iter().zip(joules) {
            if let Some(joules) = joules {
                energy.push(&[domain], joules);
            }
        }
        let stat = std::fs::read_to_string("/proc/stat").unwrap_or_default();
        let ticks = busy_ticks(&stat).map(|ticks| to_f64(ticks) / to_f64(clock_ticks_per_second()));
        let busy = ticks.map(|seconds| Samples::single(HOST_BUSY, seconds));
        [info, available, energy].map(Samples::finish).into_iter().chain(busy).collect()
    }
}

/// Ticks of all CPUs that were neither idle, nor waited for I/O, nor were another machine's
/// (`/proc/stat`; proc_stat(5)).
fn busy_ticks(stat: &str) -> Option<u64> {
    /// Columns: user, nice, system, irq, softirq. The time of guests is part of the first two.
    const BUSY: [usize; 5] = [0, 1, 2, 5, 6];
    let line = stat.lines().next()?.strip_prefix("cpu ")?;
    let ticks = line.split_ascii_whitespace().map(str::parse).collect::<Result<Vec<u64>, _>>().ok()?;
    BUSY.iter().try_fold(0_u64, |sum, &column| sum.checked_add(*ticks.get(column)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn busy_time_is_of_all_cpus_and_not_of_other_machines() {
        let stat = "cpu  1 20 300 4000 50000 600000 7000000 80000000 9 9\ncpu0 1 1 1 1 1 1 1 1 1 1\n";
        assert_eq!(busy_ticks(stat), Some(7_600_321));
        assert_eq!(busy_ticks("cpu  1 2 3\n"), None);
        assert_eq!(busy_ticks("cpu0 1 2 3 4 5 6 7\n"), None);
        assert_eq!(busy_ticks(""), None);
        assert!(busy_ticks(&std::fs::read_to_string("/proc/stat").unwrap()).unwrap() > 0);
    }
}
