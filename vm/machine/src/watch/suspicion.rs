//! Decision whether a guest that printed the panic message has panicked, or a program
//! copied a log.
//!
//! After a panic no program executes, and the panicking hart never rests: Linux spins until
//! its end, its reset or for ever. A guest whose program printed the line executes programs
//! or becomes idle. The guest has panicked after [`QUIET_LOOKS`] consecutive checks without
//! user-mode execution and with a busy hart, or if it ends or resets itself earlier. Other
//! harts may execute programs for slightly longer than the line takes to print, so a sign
//! of life only restarts the count; after [`MAX_LOOKS`] checks the line was part of a log.

use std::time::Duration;

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
#[derive(Debug, Default)]
pub(crate) struct Suspicion {
    looks: u32,
    quiet: u32,
}

impl Suspicion {
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
        let mut suspicion = Suspicion::default();
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
    fn a_guest_that_goes_on_or_falls_idle_has_not() {
        for after in [PROGRAM, IDLE] {
            let verdicts = verdicts(&[after; MAX_LOOKS as usize]);
            let (last, before) = verdicts.split_last().unwrap();
            assert_eq!(*last, Verdict::Dismissed, "{after:?}");
            assert!(before.iter().all(|&verdict| verdict == Verdict::Open), "{after:?}");
        }
    }
}
