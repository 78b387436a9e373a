//! Decision whether a guest that printed the panic message has panicked, or a program
//! copied a log.
//!
//! After a panic no program executes, and the panicking hart never rests: Linux spins until
//! its end, its reset or for ever. A guest whose program printed the line executes programs
//! or becomes idle. The guest has panicked after [`QUIET_LOOKS`] consecutive checks without
//! user-mode execution and with a busy hart. It has also panicked if it ends or resets itself
//! earlier, unless each hart has executed a system call or rested since the line. Other harts
//! may execute programs for slightly longer than the line takes to print, so a sign of life
//! only restarts the count; after [`MAX_LOOKS`] checks the line was part of a log.

use std::time::Duration;

use riscope_core::counters::{CounterPage, HartTime};
use riscope_core::hart::ExceptionCause;

/// Time between two checks.
pub(crate) const LOOK: Duration = Duration::from_millis(250);
/// Consecutive checks without a sign of life after which a guest has panicked: less than
/// the second that `panic=1` waits before the reset.
const QUIET_LOOKS: u32 = 2;
/// Checks after which it has not.
const MAX_LOOKS: u32 = 12;

/// Activity of a guest between two checks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Activity {
    /// Whether U-mode executed.
    pub(crate) user_mode: bool,
    /// Whether a hart executed without rest.
    pub(crate) busy: bool,
}

/// Signs of life of a hart since its machine started.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Life {
    /// System calls from U-mode.
    pub(super) user_calls: u64,
    /// Idle time in nanoseconds.
    pub(super) idle_ns: u64,
}

impl Life {
    /// Reads the counters of a hart.
    pub(super) fn read(page: &CounterPage) -> Self {
        Self {
            user_calls: page.exceptions()[ExceptionCause::UserEcall.index()],
            idle_ns: page.time_ns()[HartTime::Idle.index()],
        }
    }
}

/// Decision about a suspicion.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Not decided yet.
    Open,
    /// The guest has panicked.
    Panicked,
    /// The guest has not panicked.
    Dismissed,
}

/// Checks of one guest since it printed the line.
#[derive(Debug)]
pub(crate) struct Suspicion {
    /// Signs of life up to the line, by hart.
    lives: Vec<Life>,
    looks: u32,
    quiet: u32,
}

impl Suspicion {
    /// A suspicion that begins with these signs of life, by hart.
    pub(super) fn new(lives: Vec<Life>) -> Self {
        Self { lives, looks: 0, quiet: 0 }
    }

    /// Whether the guest can have panicked: some hart, the panicking one, has given no sign of
    /// life since the line. `lives` is current.
    pub(super) fn is_possible(&self, lives: &[Life]) -> bool {
        self.lives.is_empty() || self.lives.iter().zip(lives).any(|(then, now)| then == now)
    }

    /// Evaluates the guest's activity since the last check.
    pub(crate) fn look(&mut self, activity: Activity) -> Verdict {
        self.looks += 1;
        self.quiet = if activity.busy && !activity.user_mode { self.quiet + 1 } else { 0 };
        if self.quiet >= QUIET_LOOKS {
            Verdict::Panicked
        } else if self.looks >= MAX_LOOKS {
            Verdict::Dismissed
        } else {
            Verdict::Open
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PANIC_LOOP: Activity = Activity { user_mode: false, busy: true };
    const PROGRAM: Activity = Activity { user_mode: true, busy: true };
    const IDLE: Activity = Activity { user_mode: false, busy: false };

    /// Decision after each of these.
    fn verdicts(activities: &[Activity]) -> Vec<Verdict> {
        let mut suspicion = Suspicion::new(Vec::new());
        activities.iter().map(|&activity| suspicion.look(activity)).collect()
    }

    #[test]
    fn a_guest_that_only_spins_has_panicked() {
        assert_eq!(verdicts(&[PANIC_LOOP; 2]), [Verdict::Open, Verdict::Panicked]);
    }

    #[test]
    fn programs_of_other_harts_may_run_a_little_longer() {
        let last = verdicts(&[PROGRAM, PROGRAM, PANIC_LOOP, PROGRAM, PANIC_LOOP, PANIC_LOOP]).pop();
        assert_eq!(last, Some(Verdict::Panicked));
    }

    #[test]
    fn a_guest_whose_every_hart_has_lived_since_the_line_has_not() {
        let life = |user_calls, idle_ns| Life { user_calls, idle_ns };
        let suspicion = Suspicion::new(vec![life(5, 70), life(9, 0)]);
        for (lives, possible) in [
            ([life(5, 70), life(9, 0)], true),
            ([life(6, 70), life(9, 0)], true),
            ([life(5, 70), life(9, 1)], true),
            ([life(6, 70), life(9, 1)], false),
            ([life(5, 71), life(10, 0)], false),
        ] {
            assert_eq!(suspicion.is_possible(&lives), possible, "{lives:?}");
        }
    }

    #[test]
    fn a_guest_that_goes_on_or_falls_idle_has_not() {
        for after in [PROGRAM, IDLE] {
            let verdicts = verdicts(&[after; MAX_LOOKS as usize]);
            let (last, before) = verdicts.split_last().unwrap();
            assert_eq!(*last, Verdict::Dismissed, "{after:?}");
            assert!(before.iter().all(|&verdict| verdict == Verdict::Open), "{after:?}");
        }
    }
}
