//! Receiving end of a subscription: blocking, iterating, or asynchronous.

use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use crossbeam_channel::{Receiver, RecvError, RecvTimeoutError, TryRecvError, select_biased};

use super::DomainEventBus;
use super::subscriber::Subscriber;
use crate::event::Envelope;

/// Receiving end of a subscription, which ends when this is dropped. If a panic of its thread
/// drops it, the bus counts that.
#[derive(Debug)]
pub struct Subscription {
    bus: DomainEventBus,
    subscriber: Arc<Subscriber>,
}

/// Source of the value from [`Subscription::recv_or`].
#[derive(Debug)]
pub enum Received<T> {
    /// An event.
    Event(Envelope),
    /// A message from the other channel, or its disconnection.
    Other(Result<T, RecvError>),
}

impl Subscription {
    pub(super) fn new(bus: DomainEventBus, subscriber: Arc<Subscriber>) -> Self {
        Self { bus, subscriber }
    }

    /// Waits for the next event.
    ///
    /// # Errors
    /// None while the bus exists, which the subscription keeps alive.
    pub fn recv(&self) -> Result<Envelope, RecvError> {
        match self.subscriber.queue.take() {
            Some(envelope) => Ok(envelope),
            None => self.arrivals().recv().inspect(|_| self.subscriber.queue.received()),
        }
    }

    /// Waits for the next event, at most `timeout`.
    ///
    /// # Errors
    /// When no event arrived in time.
    pub fn recv_timeout(&self, timeout: Duration) -> Result<Envelope, RecvTimeoutError> {
        match self.subscriber.queue.take() {
            Some(envelope) => Ok(envelope),
            None => self.arrivals().recv_timeout(timeout).inspect(|_| self.subscriber.queue.received()),
        }
    }

    /// Waits for the next event or for `other`, which has precedence.
    pub fn recv_or<T>(&self, other: &Receiver<T>) -> Received<T> {
        match other.try_recv() {
            Ok(message) => return Received::Other(Ok(message)),
            Err(TryRecvError::Disconnected) => return Received::Other(Err(RecvError)),
            Err(TryRecvError::Empty) => {}
        }
        if let Some(envelope) = self.subscriber.queue.take() {
            return Received::Event(envelope);
        }
        select_biased! {
            recv(other) -> message => Received::Other(message),
            recv(self.arrivals()) -> envelope => match envelope {
                Ok(envelope) => {
                    self.subscriber.queue.received();
                    Received::Event(envelope)
                }
                // Unreachable while this subscription lives: its queue has the sender.
                Err(RecvError) => Received::Other(other.recv()),
            },
        }
    }

    /// Takes the next event without waiting.
    ///
    /// # Errors
    /// When the queue is empty.
    pub fn try_recv(&self) -> Result<Envelope, TryRecvError> {
        self.subscriber.queue.take().ok_or(TryRecvError::Empty)
    }

    /// Takes the events queued at the time of the call, so that it ends even while
    /// publishers go on.
    pub fn drain(&self) -> impl Iterator<Item = Envelope> {
        let queued = usize::try_from(self.subscriber.queue.balance().queued).unwrap_or(usize::MAX);
        std::iter::from_fn(|| self.try_recv().ok()).take(queued)
    }

    /// Events as they come: waits for each, without end.
    pub fn iter(&self) -> Iter<'_> {
        Iter { subscription: self }
    }

    /// Events as they come, until a message comes from `other` or it is disconnected.
    pub fn iter_until<T>(&self, other: &Receiver<T>) -> impl Iterator<Item = Envelope> {
        std::iter::from_fn(move || match self.recv_or(other) {
            Received::Event(envelope) => Some(envelope),
            Received::Other(_) => None,
        })
    }

    /// The same subscription for asynchronous code, on any executor.
    pub fn into_stream(self) -> EventStream {
        self.subscriber.queue.allow_polling();
        // Afterwards every publisher knows.
        self.bus.reroute();
        EventStream { subscription: self }
    }

    fn arrivals(&self) -> &Receiver<Envelope> {
        self.subscriber.queue.arrivals()
    }
}

impl<'a> IntoIterator for &'a Subscription {
    type Item = Envelope;
    type IntoIter = Iter<'a>;

    fn into_iter(self) -> Iter<'a> {
        self.iter()
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        self.bus.remove(&self.subscriber);
    }
}

/// Iterator over events that waits for each; see [`Subscription::iter`].
#[derive(Debug)]
pub struct Iter<'a> {
    subscription: &'a Subscription,
}

impl Iterator for Iter<'_> {
    type Item = Envelope;

    fn next(&mut self) -> Option<Envelope> {
        self.subscription.recv().ok()
    }
}

/// Receiving end of a subscription in asynchronous code. One task at a time may wait for it.
#[derive(Debug)]
pub struct EventStream {
    subscription: Subscription,
}

impl EventStream {
    /// Waits for the next event. No event is lost if the future is dropped.
    pub async fn next(&mut self) -> Envelope {
        poll_fn(|context| self.poll_next(context)).await
    }

    /// Takes the next event, or has the task of `context` woken by it.
    pub fn poll_next(&mut self, context: &Context<'_>) -> Poll<Envelope> {
        self.subscription.subscriber.queue.poll(context)
    }

    /// Takes the next event without waiting.
    pub fn try_next(&mut self) -> Option<Envelope> {
        self.subscription.subscriber.queue.take()
    }
}
