//! Loom's primitives under the names that the bus uses, and a channel and waker made of them.

use std::collections::VecDeque;
use std::task::Waker;

use loom::hint::spin_loop;
use loom::sync::Condvar;
pub(super) use loom::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
pub(super) use loom::sync::{Arc, Mutex, MutexGuard, RwLock, RwLockReadGuard};

/// As few as there are ways to fail.
pub(super) const LOCK_ATTEMPTS: usize = 2;

pub(super) fn pause(_: usize) {
    spin_loop();
}

pub(super) use crossbeam_channel::TrySendError;

#[derive(Debug)]
struct Channel<T> {
    events: Mutex<VecDeque<T>>,
    arrival: Condvar,
    capacity: usize,
}

/// Sending end of a bounded channel.
#[derive(Debug)]
pub(super) struct Sender<T>(Arc<Channel<T>>);

/// Receiving end.
#[derive(Debug)]
pub(super) struct Receiver<T>(Arc<Channel<T>>);

pub(super) fn bounded<T>(capacity: usize) -> (Sender<T>, Receiver<T>) {
    let channel = Arc::new(Channel { events: Mutex::new(VecDeque::new()), arrival: Condvar::new(), capacity });
    (Sender(Arc::clone(&channel)), Receiver(channel))
}

impl<T> Sender<T> {
    pub(super) fn try_send(&self, event: T) -> Result<(), TrySendError<T>> {
        let mut events = self.0.events.lock().expect("nobody panics");
        if events.len() == self.0.capacity {
            return Err(TrySendError::Full(event));
        }
        events.push_back(event);
        self.0.arrival.notify_one();
        Ok(())
    }
}

impl<T> Receiver<T> {
    pub(super) fn try_recv(&self) -> Result<T, ()> {
        self.0.events.lock().expect("nobody panics").pop_front().ok_or(())
    }

    pub(super) fn recv(&self) -> T {
        let mut events = self.0.events.lock().expect("nobody panics");
        loop {
            match events.pop_front() {
                Some(event) => return event,
                None => events = self.0.arrival.wait(events).expect("nobody panics"),
            }
        }
    }
}

/// Place of a waker.
#[derive(Debug)]
pub(super) struct AtomicWaker(loom::future::AtomicWaker);

impl AtomicWaker {
    pub(super) fn new() -> Self {
        Self(loom::future::AtomicWaker::new())
    }

    pub(super) fn register(&self, waker: &Waker) {
        self.0.register_by_ref(waker);
    }

    pub(super) fn take(&self) -> Option<Waker> {
        self.0.take_waker()
    }
}
