//! CPU time of the threads of this process and how long they waited for a CPU, by what they do.

use std::collections::HashMap;
use std::fs;
use std::path::Path;

use crate::label::ThreadGroup;

/// Beginnings of names of threads, and what these do. The kernel keeps 15 bytes of a name.
const NAMES: &[(&str, ThreadGroup)] = &[
    ("hart", ThreadGroup::Hart),
    ("jit", ThreadGroup::Compiler),
    ("stdin", ThreadGroup::Io),
    ("stdout", ThreadGroup::Io),
    ("telemetry", ThreadGroup::Telemetry),
    ("watch", ThreadGroup::Telemetry),
    ("flight-recorder", ThreadGroup::Telemetry),
    ("http", ThreadGroup::Telemetry),
    ("reports", ThreadGroup::Telemetry),
    ("alert", ThreadGroup::Telemetry),
    ("live", ThreadGroup::Telemetry),
    ("profile", ThreadGroup::Telemetry),
    ("otlp", ThreadGroup::Telemetry),
    ("OpenTelemetry", ThreadGroup::Telemetry),
    ("reqwest", ThreadGroup::Telemetry),
];

fn group_of(name: &str) -> ThreadGroup {
    let found = NAMES.iter().find(|(start, _)| name.starts_with(start));
    found.map_or(ThreadGroup::Service, |(_, group)| *group)
}

/// Times in nanoseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Times {
    /// Time on a CPU.
    pub(crate) cpu: u64,
    /// Time without one that was wanted.
    pub(crate) delay: u64,
}

impl Times {
    /// Parses `schedstat`: time on a CPU, delay, and a number of time slices.
    fn parse(schedstat: &str) -> Option<Self> {
        let mut numbers = schedstat.split_ascii_whitespace().map(str::parse);
        Some(Self { cpu: numbers.next()?.ok()?, delay: numbers.next()?.ok()? })
    }

    /// What was added since `earlier`; everything if that was another thread of the same number.
    fn since(self, earlier: Self) -> Self {
        if self.cpu < earlier.cpu || self.delay < earlier.delay {
            return self;
        }
        Self { cpu: self.cpu - earlier.cpu, delay: self.delay - earlier.delay }
    }
}

/// Sums over the threads of each group, also of those that have ended: up to the last time that they
/// were seen.
#[derive(Debug, Default)]
pub(crate) struct Threads {
    seen: HashMap<u32, Times>,
    sums: [Times; ThreadGroup::ALL.len()],
}

impl Threads {
    /// Looks at the threads; returns the sums by [`ThreadGroup`], `None` if the host does not count
    /// such times.
    pub(crate) fn read(&mut self) -> Option<[Times; ThreadGroup::ALL.len()]> {
        let found: Vec<_> =
            fs::read_dir("/proc/self/task").ok()?.flatten().filter_map(|it| thread(&it.path())).collect();
        if found.is_empty() {
            return None;
        }
        Some(self.count(found))
    }

    fn count(&mut self, found: Vec<(u32, ThreadGroup, Times)>) -> [Times; ThreadGroup::ALL.len()] {
        let seen = std::mem::take(&mut self.seen);
        for (number, group, times) in found {
            let new = times.since(seen.get(&number).copied().unwrap_or_default());
            let sum = &mut self.sums[group.index()];
            sum.cpu += new.cpu;
            sum.delay += new.delay;
            self.seen.insert(number, times);
        }
        self.sums
    }
}

/// A thread by its folder; `None` if it has ended meanwhile.
fn thread(folder: &Path) -> Option<(u32, ThreadGroup, Times)> {
    let number = folder.file_name()?.to_str()?.parse().ok()?;
    let name = fs::read_to_string(folder.join("comm")).ok()?;
    let times = Times::parse(&fs::read_to_string(folder.join("schedstat")).ok()?)?;
    Some((number, group_of(&name), times))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn threads_are_grouped_by_name() {
        for (name, group) in [
            ("hart0\n", ThreadGroup::Hart),
            ("jit\n", ThreadGroup::Compiler),
            ("http-answer\n", ThreadGroup::Telemetry),
            ("OpenTelemetry.T\n", ThreadGroup::Telemetry),
            ("riscope\n", ThreadGroup::Service),
        ] {
            assert_eq!(group_of(name), group, "{name}");
        }
    }

    #[test]
    fn sums_keep_what_ended_threads_have_used() {
        let mut threads = Threads::default();
        let times = |cpu, delay| Times { cpu, delay };
        let sum = |sums: [Times; 5], group: ThreadGroup| sums[group.index()];
        let (hart, jit) = (ThreadGroup::Hart, ThreadGroup::Compiler);
        threads.count(vec![(1, hart, times(10, 1)), (2, jit, times(5, 0))]);
        let sums = threads.count(vec![(1, hart, times(12, 1))]);
        assert_eq!((sum(sums, hart), sum(sums, jit)), (times(12, 1), times(5, 0)));
        // Another thread got the number of the hart's.
        let sums = threads.count(vec![(1, jit, times(3, 2))]);
        assert_eq!((sum(sums, hart), sum(sums, jit)), (times(12, 1), times(8, 2)));
    }

    #[test]
    fn the_host_counts_the_threads_of_this_process() {
        let sums = Threads::default().read().expect("Linux counts them");
        assert!(sums[ThreadGroup::Service.index()].cpu > 0);
        assert_eq!(Times::parse("7 8 9\n"), Some(Times { cpu: 7, delay: 8 }));
        assert_eq!(Times::parse("7\n"), None);
    }
}
