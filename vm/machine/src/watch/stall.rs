//! Detection of harts that execute with interrupts masked.
//!
//! A hart is *stalled* when an interrupt has been pending and enabled without being taken
//! for the threshold time, while the hart executes. Boot loaders and bare-metal programs
//! that poll devices do not count, as they do not enable interrupts that they do not take;
//! a hart that sleeps in `wfi` has none pending.
//!
//! Time is guest time between samples: a hart that does not execute (it waits for the host,
//! or the machine is paused) answers no samples and does not approach a stall.

use std::time::Duration;

use riscope_core::clock::TIMEBASE_HZ;
use riscope_core::hart::{HartSample, Interrupt};

/// Number of interrupts taken, in the order of [`Interrupt::ALL`].
pub(crate) type Taken = [u64; Interrupt::ALL.len()];

/// State change found by a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    /// The hart is stalled.
    Stalled,
    /// The hart is no longer stalled.
    Resumed,
}

/// Stall detector of one hart.
#[derive(Debug)]
pub(crate) struct StallDetector {
    /// Stall threshold in ticks of guest time.
    threshold: u64,
    /// Longest interval between two samples that counts, in ticks.
    longest_step: u64,
    /// Interrupts pending in every sample since the first of a series.
    waiting: u64,
    /// Duration of the series in ticks.
    waited: u64,
    last_ticks: u64,
    taken: Taken,
    stalled: bool,
}

impl StallDetector {
    /// A detector for a hart that is sampled every `step` and stalled after `threshold`,
    /// both in guest time.
    pub(crate) fn new(threshold: Duration, step: Duration) -> Self {
        Self {
            threshold: ticks(threshold),
            // Samples are a little late on a busy host; a longer gap does not count.
            longest_step: ticks(step).saturating_mul(2),
            waiting: 0,
            waited: 0,
            last_ticks: 0,
            taken: Taken::default(),
            stalled: false,
        }
    }

    /// Evaluates `sample`; `taken` was read after it.
    pub(crate) fn sampled(&mut self, sample: HartSample, taken: Taken) -> Option<Change> {
        let counts = Interrupt::ALL.iter().zip(taken.iter().zip(self.taken));
        let not_taken = counts.filter(|(_, (now, before))| **now == *before);
        let not_taken = not_taken.fold(0, |mask, (interrupt, _)| mask | interrupt.mask());
        let still = self.waiting & sample.masked & not_taken;
        let step = sample.ticks.saturating_sub(self.last_ticks).min(self.longest_step);
        (self.waiting, self.waited) = if still == 0 { (sample.masked, 0) } else { (still, self.waited + step) };
        self.last_ticks = sample.ticks;
        self.taken = taken;
        self.judge(self.waited >= self.threshold)
    }

    /// Records that the hart rested since the last check.
    pub(crate) fn rested(&mut self) -> Option<Change> {
        (self.waiting, self.waited) = (0, 0);
        self.judge(false)
    }

    fn judge(&mut self, stalled: bool) -> Option<Change> {
        let before = std::mem::replace(&mut self.stalled, stalled);
        (before != stalled).then_some(if stalled { Change::Stalled } else { Change::Resumed })
    }
}

fn ticks(time: Duration) -> u64 {
    u64::try_from(time.as_nanos().saturating_mul(u128::from(TIMEBASE_HZ)) / 1_000_000_000).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use riscope_core::hart::PrivilegeMode;

    use super::*;

    const TIMER: u64 = Interrupt::SupervisorTimer.mask();
    const EXTERNAL: u64 = Interrupt::SupervisorExternal.mask();

    /// A hart that is checked every second and stalled after three.
    struct Bench {
        detector: StallDetector,
        seconds: u64,
        taken: Taken,
    }

    impl Bench {
        fn new() -> Self {
            let detector = StallDetector::new(Duration::from_secs(3), Duration::from_secs(1));
            Self { detector, seconds: 100, taken: Taken::default() }
        }

        fn sample_after(&mut self, seconds: u64, masked: u64) -> Option<Change> {
            self.seconds += seconds;
            let (mode, ticks) = (PrivilegeMode::Supervisor, self.seconds * TIMEBASE_HZ);
            self.detector.sampled(HartSample { pc: 0, mode, masked, ticks }, self.taken)
        }

        fn samples<const N: usize>(&mut self, masked: [u64; N]) -> [Option<Change>; N] {
            masked.map(|masked| self.sample_after(1, masked))
        }
    }

    #[test]
    fn an_interrupt_that_waits_for_the_threshold_is_a_stall_and_its_end_a_resumption() {
        let mut bench = Bench::new();
        assert_eq!(bench.samples([TIMER; 6]), [None, None, None, Some(Change::Stalled), None, None]);
        assert_eq!(bench.samples([0, 0]), [Some(Change::Resumed), None]);
    }

    #[test]
    fn interrupts_that_are_taken_or_go_away_are_none() {
        let mut bench = Bench::new();
        for _ in 0..10 {
            assert_eq!(bench.sample_after(1, TIMER), None);
            bench.taken[Interrupt::SupervisorTimer.index()] += 1;
        }
        assert_eq!(bench.samples([TIMER, 0, TIMER, TIMER, EXTERNAL, EXTERNAL, TIMER, TIMER]), [None; 8]);
    }

    #[test]
    fn one_that_is_taken_does_not_excuse_another() {
        let mut bench = Bench::new();
        let changes = [0; 4].map(|_| {
            bench.taken[Interrupt::MachineTimer.index()] += 1;
            bench.sample_after(1, EXTERNAL | TIMER)
        });
        assert_eq!(changes, [None, None, None, Some(Change::Stalled)]);
    }

    #[test]
    fn a_hart_that_rests_is_not_stalled() {
        let mut bench = Bench::new();
        assert_eq!(bench.samples([TIMER; 3]), [None; 3]);
        assert_eq!(bench.detector.rested(), None);
        assert_eq!(bench.samples([TIMER; 4])[3], Some(Change::Stalled));
        assert_eq!(bench.detector.rested(), Some(Change::Resumed));
    }

    #[test]
    fn time_without_samples_does_not_count() {
        let mut bench = Bench::new();
        assert_eq!(bench.sample_after(0, TIMER), None);
        assert_eq!(bench.sample_after(3600, TIMER), None, "paused for an hour");
        assert_eq!(bench.sample_after(1, TIMER), Some(Change::Stalled));
    }
}
