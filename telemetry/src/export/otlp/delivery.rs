//! Outcomes of sending a signal: counts for `/metrics`, a message when sending starts to fail and when it recovers, and a
//! summary at the end of the process, which does not depend on anyone scraping.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use prometheus::{IntCounter, IntCounterVec, Registry};

use super::failure::{Failure, LastFailure};
use crate::config::Notices;
use crate::label::{ErrorType, QueueLoss};
use crate::metric::catalog;
use crate::metric::registry::counter_vec;
use crate::signal::Signal;
use crate::span::sink::Queue;

/// Minimum time between two reports of a new failure, so that a receiver that fails
/// intermittently does not flood the terminal.
const QUIET: Duration = Duration::from_secs(60);

/// Counts the outcomes of one signal and reports them. Shared by the exporter's thread and by
/// [`crate::Telemetry::shutdown`]. An item is a span, a log record, or a data point.
#[derive(Debug)]
pub(crate) struct Delivery {
    signal: Signal,
    receiver: String,
    notices: Notices,
    /// Items that left the queue for the exporter.
    passed_on: IntCounter,
    /// Items that did not fit the queue.
    full: IntCounter,
    exported: IntCounterVec,
    /// Items in the queue or being sent.
    in_flight: Arc<AtomicUsize>,
    last_failure: LastFailure,
    state: Mutex<State>,
}

/// State of delivery.
#[derive(Debug, Default)]
struct State {
    /// Items delivered.
    sent: u64,
    /// Items sent but not delivered.
    failed: u64,
    /// Latest failure.
    failure: Option<Failure>,
    /// Items lost since a reported failure that has not ended.
    told: Option<u64>,
    told_at: Option<Instant>,
}

impl Delivery {
    /// Registers the counters of the signal, at 0. `receiver` is the address to display.
    pub(super) fn new(
        registry: &Registry,
        signal: Signal,
        receiver: String,
        notices: Notices,
    ) -> Result<Self, prometheus::Error> {
        let (exported, processed) = match signal {
            Signal::Traces => (catalog::bus::SPANS_EXPORTED, Some(catalog::bus::SPANS_PROCESSED)),
            Signal::Logs => (catalog::bus::LOGS_EXPORTED, Some(catalog::bus::LOGS_PROCESSED)),
            Signal::Metrics => (catalog::bus::POINTS_EXPORTED, None),
        };
        let [passed_on, full] = match processed {
            Some(family) => {
                let processed = counter_vec(registry, family)?;
                ["", QueueLoss::Full.as_str()].map(|error| processed.with_label_values(&[error]))
            }
            // Metrics are not queued.
            None => [IntCounter::new("passed_on", "Unused.")?, IntCounter::new("full", "Unused.")?],
        };
        let exported = counter_vec(registry, exported)?;
        exported.with_label_values(&[""]);
        ErrorType::ALL.iter().for_each(|it| drop(exported.with_label_values(&[it.as_str()])));
        let (in_flight, last_failure, state) = Default::default();
        Ok(Self { signal, receiver, notices, passed_on, full, exported, in_flight, last_failure, state })
    }

    /// What the sink of a queue with this capacity needs.
    pub(super) fn queue(&self, capacity: usize) -> Queue {
        Queue { in_flight: Arc::clone(&self.in_flight), capacity, full: self.full.clone() }
    }

    /// Where the client stores the failure of its last request.
    pub(super) fn last_failure(&self) -> LastFailure {
        Arc::clone(&self.last_failure)
    }

    /// Takes the failure of the last request of an export that has ended.
    pub(super) fn take_last_failure(&self) -> Option<Failure> {
        self.last_failure.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Records that `items` leave the queue.
    pub(super) fn sending(&self, items: u64) {
        self.passed_on.inc_by(items);
    }

    /// Records that `items` are sent that were not queued.
    pub(super) fn sending_unqueued(&self, items: u64) {
        self.in_flight.fetch_add(usize::try_from(items).unwrap_or(usize::MAX), Ordering::Relaxed);
    }

    /// Counts items whose export has ended; `failure` tells how many of them were lost,
    /// `None` that all were delivered.
    pub(super) fn done(&self, items: u64, failure: Option<Failure>) {
        let lost = failure.as_ref().map_or(0, |failure| failure.rejected.unwrap_or(items).min(items));
        self.in_flight.fetch_sub(usize::try_from(items).unwrap_or(usize::MAX), Ordering::Relaxed);
        self.exported.with_label_values(&[""]).inc_by(items - lost);
        if let Some(failure) = &failure {
            self.exported.with_label_values(&[failure.error_type.as_str()]).inc_by(lost);
        }
        let line = self.state().advance(items - lost, lost, failure, Instant::now());
        if let Some(line) = line {
            self.notices.tell(&line.text(self.signal.noun(), &self.receiver));
        }
    }

    /// Reports totals, unless all items of the process were delivered.
    pub(crate) fn conclude(&self) {
        let state = self.state();
        let (dropped, unsent) = (self.full.get(), self.in_flight.load(Ordering::Relaxed));
        if state.failed + dropped == 0 && unsent == 0 {
            return;
        }
        // An abandoned export has not ended, but its last request may have failed.
        let failure = self.take_last_failure().or_else(|| state.failure.clone());
        let last = failure.map_or_else(String::new, |failure| format!("; last failure: {}", failure.text));
        self.notices.tell(&format!(
            "{} to {}: {} delivered, {} failed, {dropped} dropped from a full queue, {unsent} not sent in time{last}",
            self.signal.noun(),
            self.receiver,
            state.sent,
            state.failed,
        ));
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Change of the state of delivery.
#[derive(Debug, PartialEq, Eq)]
enum Line {
    /// Delivery starts to fail.
    Fails(String),
    /// Delivery has recovered, after the loss of this many items.
    Works(u64),
}

impl Line {
    fn text(&self, noun: &str, receiver: &str) -> String {
        match self {
            Self::Fails(why) => {
                format!("{noun} are not reaching {receiver}: {why}; they are dropped until it recovers")
            }
            Self::Works(lost) => format!("{noun} are reaching {receiver} again; {lost} were lost"),
        }
    }
}

impl State {
    fn advance(&mut self, sent: u64, lost: u64, failure: Option<Failure>, now: Instant) -> Option<Line> {
        self.sent += sent;
        self.failed += lost;
        let Some(failure) = failure else {
            return self.told.take().map(Line::Works);
        };
        let text = failure.text.clone();
        self.failure = Some(failure);
        if let Some(told) = &mut self.told {
            *told += lost;
            return None;
        }
        if self.told_at.is_some_and(|then| now.duration_since(then) < QUIET) {
            return None;
        }
        self.told = Some(lost);
        self.told_at = Some(now);
        Some(Line::Fails(text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused() -> Option<Failure> {
        Some(Failure::new(ErrorType::ConnectionRefused, "connection refused"))
    }

    #[test]
    fn failures_are_told_once_and_their_end_with_what_they_cost() {
        let mut state = State::default();
        let now = Instant::now();
        assert_eq!(state.advance(5, 0, None, now), None);
        assert_eq!(state.advance(0, 3, refused(), now), Some(Line::Fails("connection refused".to_owned())));
        assert_eq!(state.advance(0, 4, refused(), now), None);
        assert_eq!(state.advance(2, 0, None, now), Some(Line::Works(7)));
        assert_eq!(state.advance(2, 0, None, now), None);
        assert_eq!((state.sent, state.failed), (9, 7));
    }

    #[test]
    fn a_receiver_that_fails_now_and_then_is_told_once_a_minute() {
        let mut state = State::default();
        let start = Instant::now();
        let lines = (0..120).filter_map(|second| {
            let failure = (second % 2 == 0).then(refused).flatten();
            state.advance(1, 1, failure, start + Duration::from_secs(second))
        });
        assert_eq!(lines.count(), 4, "two beginnings and two ends");
    }
}
