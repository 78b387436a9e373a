//! Whether a guest that showed the line of a panic has panicked, or a program of it copied
//! a log.
//!
//! After a panic no program runs any more, and the hart that panicked never rests: Linux
//! waits in a loop for its end, the reset or for ever. A program that printed the line goes
//! on, or its machine falls idle. So a guest is taken at its word after [`QUIET_LOOKS`] in
//! a row in which nothing ran in user mode and a hart was busy all the time; and when it
//! ends or resets itself before anything else is known. Other harts may execute programs a
//! little longer than the line takes to print, so a sign of life only starts the count
//! again; after [`MAX_LOOKS`] the line was somebody's log.

use std::time::Duration;

/// Time between two looks.
pub(crate) const LOOK: Duration = Duration::from_millis(250);
/// Looks without a sign of life after which a guest has panicked: less than the second
/// that `panic=1` waits for the reset.
const QUIET_LOOKS: u32 = 2;
/// Looks after which it has not.
const MAX_LOOKS: u32 = 12;

/// What a guest did between two looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Activity {
    /// Whether anything executed in user mode.
    pub(crate) user_mode: bool,
    /// Whether a hart executed and did not rest.
    pub(crate) busy: bool,
}

/// What is to be thought of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It is too early to tell.
    Open,
    /// The guest has panicked.
    Panicked,
    /// It has not.
    Dismissed,
}

/// The looks at one guest since it showed the line.
#[derive(Debug, Default)]
pub(crate) struct Suspicion {
    looks: u32,
    quiet: u32,
}

impl Suspicion {
    /// Takes what the guest did since the last look.
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

    /// What is known after each of these.
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
