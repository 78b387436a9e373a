//! Callback at a point of guest time, on a host thread of its own.
//!
//! The thread starts when the alarm is first armed and ends when the [`Alarm`] is dropped.

use std::fmt;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use riscope_core::clock::Clock;

use crate::sync::lock;

/// Longest sleep between two reads of the clock: a manual clock advances without waking the
/// thread.
const LONGEST_SLEEP: Duration = Duration::from_secs(1);
/// Shortest sleep, so that the thread does not spin when a manual clock stands just before
/// the deadline.
const SHORTEST_SLEEP: Duration = Duration::from_millis(1);

type Callback = dyn Fn() + Send + Sync;

#[derive(Debug, Default)]
struct Request {
    /// Deadline in ticks of the clock; `None` when disarmed.
    deadline: Option<u64>,
    stopped: bool,
}

struct Shared {
    clock: Clock,
    request: Mutex<Request>,
    changed: Condvar,
    callback: Box<Callback>,
}

impl Shared {
    fn run(&self) {
        let mut request = lock(&self.request);
        while !request.stopped {
            let now = self.clock.now();
            match request.deadline {
                Some(deadline) if deadline <= now => {
                    request.deadline = None;
                    drop(request);
                    (self.callback)();
                    request = lock(&self.request);
                }
                Some(deadline) => {
                    let sleep = self.clock.until(deadline).clamp(SHORTEST_SLEEP, LONGEST_SLEEP);
                    let woken = self.changed.wait_timeout(request, sleep);
                    request = woken.unwrap_or_else(PoisonError::into_inner).0;
                }
                None => request = self.changed.wait(request).unwrap_or_else(PoisonError::into_inner),
            }
        }
    }
}

/// Callback that can be armed for a point of guest time.
pub(crate) struct Alarm {
    shared: Arc<Shared>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Alarm {
    /// A disarmed alarm that calls `callback` from its own thread.
    pub(crate) fn new(clock: Clock, callback: impl Fn() + Send + Sync + 'static) -> Self {
        let shared = Shared { clock, request: Mutex::default(), changed: Condvar::new(), callback: Box::new(callback) };
        Self { shared: Arc::new(shared), thread: Mutex::default() }
    }

    /// Arms the alarm for the time at which the clock reaches `deadline` ticks, once, or
    /// disarms it. Replaces the previous deadline.
    pub(crate) fn arm(&self, deadline: Option<u64>) {
        lock(&self.shared.request).deadline = deadline;
        self.shared.changed.notify_one();
        let mut thread = lock(&self.thread);
        if thread.is_none() && deadline.is_some() {
            let shared = Arc::clone(&self.shared);
            // Without a thread the guest's alarm does not fire; the machine continues.
            *thread = std::thread::Builder::new().name("alarm".into()).spawn(move || shared.run()).ok();
        }
    }
}

impl Drop for Alarm {
    fn drop(&mut self) {
        lock(&self.shared.request).stopped = true;
        self.shared.changed.notify_one();
        // The callback may hold the last reference to the owner; this is then the alarm's
        // own thread, which ends by itself.
        let thread = lock(&self.thread).take();
        if let Some(thread) = thread.filter(|thread| thread.thread().id() != std::thread::current().id()) {
            // The panic hook has already reported a panic of the callback.
            let _ = thread.join();
        }
    }
}

impl fmt::Debug for Alarm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Alarm").field("request", &*lock(&self.shared.request)).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    /// Far beyond any scheduling delay; reached only by a failing test.
    const PATIENCE: Duration = Duration::from_secs(60);

    fn alarm_on(clock: &Clock) -> (Alarm, mpsc::Receiver<()>) {
        let (sender, receiver) = mpsc::channel();
        (Alarm::new(clock.clone(), move || sender.send(()).unwrap_or_default()), receiver)
    }

    #[test]
    fn it_rings_once_when_the_clock_reaches_the_deadline() {
        let clock = Clock::manual();
        let (alarm, rings) = alarm_on(&clock);
        alarm.arm(Some(100));
        clock.advance(100);
        assert_eq!(rings.recv_timeout(PATIENCE), Ok(()));
        drop(alarm);
        assert!(rings.try_recv().is_err(), "only once");
    }

    #[test]
    fn it_can_be_armed_again_and_disarmed() {
        let clock = Clock::manual();
        let (alarm, rings) = alarm_on(&clock);
        alarm.arm(Some(0));
        assert_eq!(rings.recv_timeout(PATIENCE), Ok(()));
        alarm.arm(Some(1000));
        alarm.arm(None);
        clock.advance(1000);
        alarm.arm(Some(2000));
        drop(alarm);
        assert!(rings.try_recv().is_err());
    }
}
