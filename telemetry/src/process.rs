//! Metrics of this process, read from the kernel.
//!
//! The collector of the `prometheus` crate reports CPU time in whole seconds only.

use std::fs;
use std::sync::{Mutex, PoisonError};

use prometheus::proto::MetricFamily;
use rustix::param::{clock_ticks_per_second, page_size};
use rustix::process::{Resource, getrlimit};
use rustix::time::{ClockId, clock_gettime};

use crate::label::ThreadGroup;
use crate::metric::catalog;
use crate::metric::collect::Source;
use crate::metric::family::Family;
use crate::metric::samples::{Samples, seconds, to_f64};
use crate::threads::Threads;

/// Collector of this process. Omits values that the kernel does not provide.
#[derive(Debug)]
pub(crate) struct ProcessSource {
    /// Seconds since the Unix epoch at which the process started.
    start_time: Option<f64>,
    /// Version and target triple.
    build: [String; 2],
    threads: Mutex<Threads>,
}

impl ProcessSource {
    pub(crate) fn new() -> Self {
        let target = format!("{}-{}", std::env::consts::ARCH, std::env::consts::OS);
        let build = [env!("CARGO_PKG_VERSION").to_owned(), target];
        Self { start_time: start_time(), build, threads: Mutex::default() }
    }

    /// Times of the threads; none where the host does not count them.
    fn threads(&self) -> Vec<MetricFamily> {
        let Some(sums) = self.threads.lock().unwrap_or_else(PoisonError::into_inner).read() else { return Vec::new() };
        let mut cpu = Samples::new(catalog::host::HOST_CPU);
        let mut delay = Samples::new(catalog::host::HOST_RUN_DELAY);
        for (group, times) in ThreadGroup::NAMES.iter().zip(sums) {
            cpu.push(&[group], seconds(times.cpu));
            delay.push(&[group], seconds(times.delay));
        }
        [cpu, delay].map(Samples::finish).into()
    }
}

impl Source for ProcessSource {
    fn families(&self) -> Vec<&'static Family> {
        vec![
            catalog::host::BUILD_INFO,
            catalog::host::PROCESS_CPU_SECONDS,
            catalog::host::PROCESS_RESIDENT_MEMORY,
            catalog::host::PROCESS_VIRTUAL_MEMORY,
            catalog::host::PROCESS_OPEN_FDS,
            catalog::host::PROCESS_MAX_FDS,
            catalog::host::PROCESS_THREADS,
            catalog::host::PROCESS_START_TIME,
            catalog::host::HOST_CPU,
            catalog::host::HOST_RUN_DELAY,
        ]
    }

    fn collect(&self) -> Vec<MetricFamily> {
        let mut build = Samples::new(catalog::host::BUILD_INFO);
        build.push(&self.build.each_ref().map(String::as_str), 1.0);
        let stat = Stat::read();
        let stat = stat.as_ref();
        let values = [
            (catalog::host::PROCESS_CPU_SECONDS, Some(cpu_seconds())),
            (catalog::host::PROCESS_RESIDENT_MEMORY, stat.and_then(Stat::resident_bytes)),
            (catalog::host::PROCESS_VIRTUAL_MEMORY, stat.and_then(|stat| stat.number(VIRTUAL_BYTES))),
            (catalog::host::PROCESS_OPEN_FDS, open_fds()),
            (catalog::host::PROCESS_MAX_FDS, getrlimit(Resource::Nofile).current.map(to_f64)),
            (catalog::host::PROCESS_THREADS, stat.and_then(|stat| stat.number(THREADS))),
            (catalog::host::PROCESS_START_TIME, self.start_time),
        ];
        let known = values.into_iter().filter_map(|(family, value)| Some(Samples::single(family, value?)));
        std::iter::once(build.finish()).chain(known).chain(self.threads()).collect()
    }
}

// Positions in `/proc/self/stat` after the command's name; see proc_pid_stat(5), which
// counts from 1, with the name as 2.
const THREADS: usize = 20 - 3;
const START_TICKS: usize = 22 - 3;
const VIRTUAL_BYTES: usize = 23 - 3;
const RESIDENT_PAGES: usize = 24 - 3;

/// `/proc/self/stat` after the command's name, which may contain any character.
struct Stat(String);

impl Stat {
    fn read() -> Option<Self> {
        let stat = fs::read_to_string("/proc/self/stat").ok()?;
        stat.rsplit_once(')').map(|(_, rest)| Self(rest.to_owned()))
    }

    fn number(&self, position: usize) -> Option<f64> {
        self.0.split_ascii_whitespace().nth(position)?.parse().ok()
    }

    fn resident_bytes(&self) -> Option<f64> {
        Some(self.number(RESIDENT_PAGES)? * to_f64(page_size() as u64))
    }
}

#[expect(clippy::cast_precision_loss, reason = "a double holds seconds and nanoseconds well enough")]
fn cpu_seconds() -> f64 {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}

/// Number of open descriptors, without the one used to list them.
fn open_fds() -> Option<f64> {
    let listed = fs::read_dir("/proc/self/fd").ok()?.count();
    Some(to_f64(listed.saturating_sub(1) as u64))
}

/// Seconds since the Unix epoch at which the process started.
pub(crate) fn start_time() -> Option<f64> {
    let ticks_since_boot = Stat::read()?.number(START_TICKS)?;
    let boot: f64 = fs::read_to_string("/proc/stat").ok()?.lines().find_map(|line| {
        let seconds = line.strip_prefix("btime ")?;
        seconds.trim().parse().ok()
    })?;
    Some(boot + ticks_since_boot / to_f64(clock_ticks_per_second()))
}
