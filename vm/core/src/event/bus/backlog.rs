//! Second part of a queue that coalesces: what did not fit into the channel, an entry per
//! subject.
//!
//! While it has entries, publishers add to it and not to the channel, so that no event overtakes
//! an older one. The subscriber takes all entries at once when the channel is empty. An event
//! joins the entry of its subject if there is one; the entry then has the place of the newest
//! event, so that nothing is told before what preceded it.
//!
//! Publishers only try the lock (`attempt.rs`). It is held to exchange buffers or to write an
//! entry.

use std::collections::VecDeque;
use std::sync::PoisonError;

use rustc_hash::{FxBuildHasher, FxHashMap};

use super::attempt::attempt;
use super::ledger::Ledger;
use super::sync::{AtomicUsize, Mutex, Ordering, Receiver, Sender, TrySendError};

/// Events that can be coalesced.
pub(crate) trait Coalesce {
    /// Hash of what it is coalesced by, machine included. `None` if it is not coalesced.
    fn subject(&self) -> Option<u64>;
    /// Whether the two may be coalesced.
    fn has_subject_of(&self, other: &Self) -> bool;
    /// Makes it stand also for `older`, which has the same subject.
    fn add(&mut self, older: &Self);
    /// Place among all events.
    fn place(&self) -> u64;
}

#[derive(Debug)]
struct Entries<T> {
    events: Vec<T>,
    /// Position in `events` by hash of the subject.
    by_subject: FxHashMap<u64, usize>,
}

impl<T: Coalesce> Entries<T> {
    fn new(capacity: usize) -> Self {
        let by_subject = FxHashMap::with_capacity_and_hasher(capacity, FxBuildHasher);
        Self { events: Vec::with_capacity(capacity), by_subject }
    }

    /// The entry that `event` may join.
    fn of(&mut self, subject: Option<u64>, event: &T) -> Option<&mut T> {
        let position = *self.by_subject.get(&subject?)?;
        self.events.get_mut(position).filter(|entry| entry.has_subject_of(event))
    }

    fn push(&mut self, subject: Option<u64>, event: T) {
        if let Some(subject) = subject {
            self.by_subject.insert(subject, self.events.len());
        }
        self.events.push(event);
    }

    fn clear(&mut self) {
        self.events.clear();
        self.by_subject.clear();
    }
}

/// What the subscriber has taken from the backlog.
#[derive(Debug)]
struct Taken<T> {
    ready: VecDeque<T>,
    /// The empty half of the two that are exchanged.
    spare: Entries<T>,
}

/// See the head of the file.
#[derive(Debug)]
pub(super) struct Backlog<T> {
    capacity: usize,
    entries: Mutex<Entries<T>>,
    /// Number of entries, to know without the lock whether there are any.
    waiting: AtomicUsize,
    taken: Mutex<Taken<T>>,
}

impl<T: Coalesce> Backlog<T> {
    /// An empty backlog with room for `capacity` events.
    pub(super) fn new(capacity: usize) -> Self {
        Self {
            capacity,
            entries: Mutex::new(Entries::new(capacity)),
            waiting: AtomicUsize::new(0),
            taken: Mutex::new(Taken { ready: VecDeque::with_capacity(capacity), spare: Entries::new(capacity) }),
        }
    }

    /// Adds an event to `channel` or behind it.
    #[inline(never)]
    pub(super) fn offer(&self, event: T, channel: &Sender<T>, ledger: &Ledger) {
        let event = if self.waiting.load(Ordering::Acquire) == 0 {
            match channel.try_send(event) {
                Ok(()) => return,
                Err(TrySendError::Full(event) | TrySendError::Disconnected(event)) => event,
            }
        } else {
            event
        };
        match attempt(&self.entries) {
            Some(mut entries) => self.add(&mut entries, event, channel, ledger),
            None => ledger.drop_one(),
        }
    }

    /// Number of events that it can hold: as many entries, and as many that the subscriber has
    /// taken from it together and not one by one yet.
    pub(super) fn capacity(&self) -> usize {
        self.capacity.saturating_mul(2)
    }

    fn add(&self, entries: &mut Entries<T>, mut event: T, channel: &Sender<T>, ledger: &Ledger) {
        // Again under the lock, so that a subscriber that finds channel and backlog empty under
        // the lock can wait for the channel: whoever comes next uses that.
        if entries.events.is_empty() {
            match channel.try_send(event) {
                Ok(()) => return,
                Err(TrySendError::Full(rejected) | TrySendError::Disconnected(rejected)) => event = rejected,
            }
        }
        let subject = event.subject();
        if let Some(entry) = entries.of(subject, &event) {
            if entry.place() < event.place() {
                std::mem::swap(entry, &mut event);
            }
            entry.add(&event);
            ledger.coalesce();
        } else if entries.events.len() < self.capacity {
            entries.push(subject, event);
            self.waiting.store(entries.events.len(), Ordering::Release);
        } else {
            ledger.drop_one();
        }
    }

    /// The next event.
    pub(super) fn take(&self, channel: &Receiver<T>) -> Option<T> {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(event) = taken.ready.pop_front() {
            return Some(event);
        }
        if let Ok(event) = channel.try_recv() {
            return Some(event);
        }
        {
            let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
            // What publishers have added to the channel before they used the backlog.
            if let Ok(event) = channel.try_recv() {
                return Some(event);
            }
            std::mem::swap(&mut *entries, &mut taken.spare);
            self.waiting.store(0, Ordering::Release);
        }
        let Taken { ready, spare } = &mut *taken;
        spare.events.sort_unstable_by_key(T::place);
        ready.extend(spare.events.drain(..));
        spare.clear();
        ready.pop_front()
    }
}
