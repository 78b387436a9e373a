//! Stopping of a machine from outside: signals, escape key, time limit.
//!
//! ```text
//!  SIGTERM ──► power button ──► the guest shuts down ──────────────────────────┐
//!     │ no driver   └── --grace later, or a second signal                      │
//!     ▼                 ▼                                                      ▼
//!  asked to end ─────────────► harts end ──► output is written ──► the process ends
//!       │                                       at most LAST_WORDS
//!       └── HARTS_GRACE later, if harts have not ended ──► the process ends all the same
//! ```
//!
//! Harts end within microseconds, unless the host blocks one, for example in a system call
//! on a disk that does not respond. A machine that is being built has no harts to end. A
//! stop waits at most [`HARTS_GRACE`]; a second request ends the process at once.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use riscope_machine::{Machine, MachineExit};

use crate::message::say_aside;
use crate::terminal::output::Output;

/// Time limit for harts to end after a stop request.
const HARTS_GRACE: Duration = Duration::from_secs(1);
/// Default time limit for the guest to shut down; `--grace` overrides it.
pub(crate) const SHUTDOWN_GRACE: Duration = Duration::from_secs(30);
/// Requests within this time of the first count as the same one: timeout(1) and others
/// signal a process and then its group.
const SAME: Duration = Duration::from_millis(250);

/// Stop request that also applies to machines built later.
#[derive(Clone, Debug)]
pub(crate) struct Stopper(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    output: Arc<Output>,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    /// Requested exit, and the time of the request.
    asked: Option<(MachineExit, Instant)>,
    /// Time limit of the machine.
    deadline: Option<Instant>,
    /// Time limit for the guest to shut down; [`SHUTDOWN_GRACE`] unless set.
    grace: Option<Duration>,
    /// Time at which the guest was asked to shut down.
    shutting_down: Option<Instant>,
    machine: Weak<Machine>,
    /// Whether all harts have ended.
    ended: bool,
    /// Whether a second request was made.
    hurry: bool,
}

impl State {
    fn grace(&self) -> Duration {
        self.grace.unwrap_or(SHUTDOWN_GRACE)
    }

    /// Time at which a guest that is asked to shut down is stopped.
    fn shutdown_deadline(&self) -> Option<Instant> {
        self.shutting_down.and_then(|since| since.checked_add(self.grace()))
    }
}

impl Stopper {
    /// Stops machines, and their waits for the reader of `output`.
    pub(crate) fn new(output: Arc<Output>) -> Self {
        Self(Arc::new(Shared { output, state: Mutex::default(), changed: Condvar::new() }))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Stops the current machine and every later one; on a second call, ends the process.
    pub(crate) fn stop(&self) {
        self.stop_at(Instant::now());
    }

    fn stop_at(&self, now: Instant) {
        let machine = {
            let mut state = self.lock();
            match state.asked {
                None => state.asked = Some((MachineExit::Stopped, now)),
                Some((_, since)) => state.hurry |= now.saturating_duration_since(since) >= SAME,
            }
            state.machine.upgrade()
        };
        self.0.output.release();
        self.0.changed.notify_all();
        if let Some(machine) = machine {
            machine.stop();
        }
    }

    /// Sets the time limit for the guest to shut down. With zero it is not asked.
    pub(crate) fn set_grace(&self, grace: Duration) {
        self.lock().grace = Some(grace);
    }

    /// Asks the guest to shut down. Stops it like [`Stopper::stop`] if it has no driver for
    /// its power button, exceeds the grace period, or is asked again.
    pub(crate) fn shut_down(&self) {
        self.shut_down_at(Instant::now());
    }

    fn shut_down_at(&self, now: Instant) {
        let (machine, grace) = {
            let mut state = self.lock();
            match (state.shutting_down, state.asked) {
                (Some(since), _) if now.saturating_duration_since(since) < SAME => return,
                (None, None) => {
                    state.shutting_down = Some(now);
                    // A guest that has ended cannot shut down.
                    (state.machine.upgrade().filter(|_| !state.ended), state.grace())
                }
                _ => (None, Duration::ZERO),
            }
        };
        if let Some(machine) = machine.filter(|_| !grace.is_zero())
            && machine.press_power_button()
        {
            self.0.changed.notify_all();
            let seconds = grace.as_secs_f64();
            say_aside(format!("the guest is asked to shut down within {seconds} s; a second signal ends it at once"));
        } else {
            self.lock().shutting_down = None;
            self.stop_at(now);
        }
    }

    /// Sets the time limit of the machine. Its waiter ends it then; this limit covers
    /// anything that prevents that.
    pub(crate) fn expire_at(&self, deadline: Instant) {
        self.lock().deadline = Some(deadline);
        self.0.changed.notify_all();
    }

    /// Sets the machine that a stop ends.
    pub(crate) fn watch(&self, machine: &Arc<Machine>) {
        let asked = {
            let mut state = self.lock();
            state.machine = Arc::downgrade(machine);
            state.asked
        };
        if let Some((MachineExit::Stopped, _)) = asked {
            machine.stop();
        }
    }

    /// Records that all harts have ended. What remains has no time limit; a second request
    /// ends it.
    pub(crate) fn harts_ended(&self) {
        self.lock().ended = true;
        self.0.changed.notify_all();
    }

    /// Waits for `limit`, or until somebody asks to end. Returns at once if that was asked before.
    pub(crate) fn linger(&self, limit: Duration) {
        let is_wanted = |state: &mut State| state.asked.is_none() && state.shutting_down.is_none();
        let waited = self.0.changed.wait_timeout_while(self.lock(), limit, is_wanted);
        drop(waited.unwrap_or_else(PoisonError::into_inner));
    }

    /// Requested exit, if a stop was requested.
    pub(crate) fn asked(&self) -> Option<MachineExit> {
        self.lock().asked.map(|(exit, _)| exit)
    }

    /// Waits until the process must end at once; returns the requested exit. Does not
    /// return in normal operation.
    pub(crate) fn last_resort(&self) -> MachineExit {
        let mut state = self.lock();
        loop {
            let now = Instant::now();
            let until = match state.asked {
                Some((exit, _)) if state.hurry => return exit,
                Some(_) if state.ended => None,
                Some((exit, since)) if now >= since + HARTS_GRACE => return exit,
                Some((_, since)) => Some(since + HARTS_GRACE),
                None if state.deadline.is_some_and(|deadline| now >= deadline) => {
                    state.asked = Some((MachineExit::Timeout, now));
                    self.0.output.release();
                    continue;
                }
                None if state.shutdown_deadline().is_some_and(|deadline| now >= deadline) => {
                    if !state.ended {
                        say_aside("the guest has not shut down in time and is ended".to_owned());
                    }
                    drop(state);
                    self.stop_at(now);
                    state = self.lock();
                    continue;
                }
                None => state.deadline.into_iter().chain(state.shutdown_deadline()).min(),
            };
            state = match until {
                None => self.0.changed.wait(state).unwrap_or_else(PoisonError::into_inner),
                Some(until) => {
                    let left = until.saturating_duration_since(now);
                    self.0.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0
                }
            };
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs::File;

    use super::*;

    fn stopper() -> Stopper {
        Stopper::new(Output::to(File::open("/dev/null").unwrap()).unwrap())
    }

    #[test]
    fn who_asks_once_waits_for_harts_no_longer_than_the_grace() {
        let (stopper, before) = (stopper(), Instant::now());
        stopper.stop();
        assert_eq!(stopper.last_resort(), MachineExit::Stopped);
        assert!(before.elapsed() >= HARTS_GRACE);
    }

    #[test]
    fn who_asks_twice_does_not_wait() {
        let (stopper, now) = (stopper(), Instant::now());
        // Would block without the second request.
        stopper.harts_ended();
        stopper.stop_at(now);
        stopper.stop_at(now + SAME);
        assert_eq!(stopper.last_resort(), MachineExit::Stopped);
    }

    #[test]
    fn a_signal_that_comes_twice_at_once_is_one_request() {
        let (stopper, now) = (stopper(), Instant::now());
        stopper.stop_at(now);
        stopper.stop_at(now + SAME / 2);
        assert!(!stopper.lock().hurry);
    }

    #[test]
    fn a_machine_that_is_not_there_yet_is_stopped_at_once() {
        let stopper = stopper();
        stopper.shut_down();
        assert_eq!(stopper.asked(), Some(MachineExit::Stopped));
    }

    #[test]
    fn a_guest_that_is_shutting_down_has_its_grace_and_no_more() {
        let (stopper, now) = (stopper(), Instant::now());
        stopper.set_grace(Duration::from_millis(50));
        // State after pressing a button that the guest has a driver for.
        stopper.lock().shutting_down = Some(now);
        stopper.shut_down_at(now + SAME / 2);
        assert_eq!(stopper.asked(), None, "the same request again");
        assert_eq!(stopper.last_resort(), MachineExit::Stopped);
        assert!(now.elapsed() >= Duration::from_millis(50) + HARTS_GRACE);
    }

    #[test]
    fn whoever_lingers_goes_when_somebody_asks_to_end() {
        let stopper = stopper();
        stopper.linger(Duration::from_millis(1));
        stopper.harts_ended();
        let lingering = {
            let stopper = stopper.clone();
            std::thread::spawn(move || stopper.linger(Duration::from_secs(3600)))
        };
        stopper.shut_down();
        lingering.join().unwrap();
        stopper.linger(Duration::from_secs(3600));
    }

    #[test]
    fn a_second_request_does_not_wait_for_the_guest() {
        let (stopper, now) = (stopper(), Instant::now());
        stopper.lock().shutting_down = Some(now);
        stopper.shut_down_at(now + SAME);
        assert_eq!(stopper.asked(), Some(MachineExit::Stopped));
    }

    #[test]
    fn a_deadline_ends_what_does_not_end_by_itself() {
        let stopper = stopper();
        assert_eq!(stopper.asked(), None);
        stopper.expire_at(Instant::now());
        assert_eq!(stopper.last_resort(), MachineExit::Timeout);
        stopper.stop();
        assert_eq!(stopper.asked(), Some(MachineExit::Timeout), "the first reason counts");
    }
}
