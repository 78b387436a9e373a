//! Queue of one subscription: a bounded channel, what is done with events that do not fit, and
//! the account of both.
//!
//! Publishers never wait for the subscriber. Two events of which one was published before the
//! other, by one thread or by several that have synchronised, are taken in this order.

use std::sync::PoisonError;
use std::task::{Context, Poll, Waker};

use super::attempt::attempt;
use super::backlog::{Backlog, Coalesce};
use super::ledger::{Balance, Ledger};
use super::sync::{AtomicBool, AtomicWaker, Mutex, MutexGuard, Ordering, Receiver, Sender, TrySendError, bounded};

/// What becomes of an event for which a queue has no room.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum WhenFull {
    /// It is dropped: what the queue holds is complete up to its last event.
    #[default]
    DropNewest,
    /// The oldest event in the queue is dropped for it: the queue holds the latest events. If
    /// another publisher loses its CPU at that moment, the event is dropped instead.
    DropOldest,
    /// It waits in a second part of the queue, of the same capacity, where events that tell of
    /// the same subject become one, whose [`count`] says how many it stands for. If that is full
    /// too, it is dropped. The subscriber takes the second part as a whole, so that it can be
    /// filled again: the queue holds up to three times its capacity. Each family says what its
    /// events are coalesced by.
    ///
    /// [`count`]: crate::event::Envelope::count
    Coalesce,
}

/// See the head of the file.
#[derive(Debug)]
pub(super) struct EventQueue<T> {
    sender: Sender<T>,
    receiver: Receiver<T>,
    capacity: usize,
    ledger: Ledger,
    policy: Policy<T>,
    /// Whether the subscriber polls, so that publishers have to look for its waker.
    polled: AtomicBool,
    waker: AtomicWaker,
}

#[derive(Debug)]
enum Policy<T> {
    DropNewest,
    /// Held to add an event, and to take one: who takes the oldest would otherwise spin while a
    /// publisher that has begun to add it has no CPU.
    DropOldest(Mutex<()>),
    Coalesce(Backlog<T>),
}

impl<T: Coalesce> EventQueue<T> {
    /// An empty queue for `capacity` events.
    pub(super) fn new(capacity: usize, when_full: WhenFull) -> Self {
        let (sender, receiver) = bounded(capacity);
        let policy = match when_full {
            WhenFull::DropNewest => Policy::DropNewest,
            WhenFull::DropOldest => Policy::DropOldest(Mutex::new(())),
            WhenFull::Coalesce => Policy::Coalesce(Backlog::new(capacity)),
        };
        let (polled, waker) = (AtomicBool::new(false), AtomicWaker::new());
        Self { sender, receiver, capacity, ledger: Ledger::new(), policy, polled, waker }
    }

    /// Number of events that it can hold.
    pub(super) fn capacity(&self) -> usize {
        match &self.policy {
            Policy::Coalesce(backlog) => self.capacity.saturating_add(backlog.capacity()),
            Policy::DropNewest | Policy::DropOldest(_) => self.capacity,
        }
    }

    /// Adds an event, or counts why not. Returns whom to wake.
    #[inline]
    #[must_use]
    pub(super) fn offer(&self, event: T) -> Option<Waker> {
        self.ledger.publish();
        match &self.policy {
            Policy::DropNewest => {
                if self.sender.try_send(event).is_err() {
                    self.ledger.drop_one();
                }
            }
            Policy::DropOldest(turn) => self.replace_oldest(turn, event),
            Policy::Coalesce(backlog) => backlog.offer(event, &self.sender, &self.ledger),
        }
        if self.polled.load(Ordering::Relaxed) { self.waker.take() } else { None }
    }

    // Out of line, so that the usual policy is in line.
    #[inline(never)]
    fn replace_oldest(&self, turn: &Mutex<()>, event: T) {
        let Some(_turn) = attempt(turn) else {
            return self.ledger.drop_one();
        };
        let Err(TrySendError::Full(event) | TrySendError::Disconnected(event)) = self.sender.try_send(event) else {
            return;
        };
        if self.receiver.try_recv().is_ok() {
            self.ledger.drop_one();
        }
        // There is room, as no other publisher has its turn.
        if self.sender.try_send(event).is_err() {
            self.ledger.drop_one();
        }
    }

    /// Takes the next event.
    #[inline]
    pub(super) fn take(&self) -> Option<T> {
        self.pop().inspect(|_| self.ledger.deliver())
    }

    #[inline]
    fn pop(&self) -> Option<T> {
        match &self.policy {
            Policy::DropNewest => self.receiver.try_recv().ok(),
            Policy::DropOldest(turn) => {
                let _turn = hold(turn);
                self.receiver.try_recv().ok()
            }
            Policy::Coalesce(backlog) => backlog.take(&self.receiver),
        }
    }

    /// Has publishers look for a waker, which [`EventQueue::poll`] requires. Those that publish
    /// already may not do so yet.
    pub(super) fn allow_polling(&self) {
        self.polled.store(true, Ordering::Relaxed);
    }

    /// Takes the next event, or has `context` woken by it.
    pub(super) fn poll(&self, context: &Context<'_>) -> Poll<T> {
        if let Some(event) = self.take() {
            return Poll::Ready(event);
        }
        self.waker.register(context.waker());
        // A publisher that has not seen the waker has added its event before.
        self.take().map_or(Poll::Pending, Poll::Ready)
    }

    /// Where the next event arrives if [`EventQueue::take`] has found none. What is received
    /// here is to be counted by [`EventQueue::received`].
    pub(super) fn arrivals(&self) -> &Receiver<T> {
        &self.receiver
    }

    /// Counts the delivery of an event from [`EventQueue::arrivals`].
    #[inline]
    pub(super) fn received(&self) {
        self.ledger.deliver();
    }

    /// Drops what is in the queue, to which nobody adds any more. Returns the number.
    pub(super) fn abandon(&self) -> u64 {
        std::iter::from_fn(|| self.pop()).inspect(|_| self.ledger.drop_one()).count() as u64
    }

    pub(super) fn balance(&self) -> Balance {
        self.ledger.balance()
    }

    /// Takes the turn of publishers that drop the oldest event, as one that loses its CPU does.
    #[cfg(test)]
    #[allow(dead_code, reason = "the model of interleavings, which has the same files, uses it")]
    pub(super) fn hold_turn(&self) -> Option<MutexGuard<'_, ()>> {
        match &self.policy {
            Policy::DropOldest(turn) => Some(hold(turn)),
            Policy::DropNewest | Policy::Coalesce(_) => None,
        }
    }
}

fn hold(turn: &Mutex<()>) -> MutexGuard<'_, ()> {
    turn.lock().unwrap_or_else(PoisonError::into_inner)
}
