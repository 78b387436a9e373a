//! Outcomes of sending spans: counts for `/metrics`, a message when sending starts to fail and when it recovers, and a
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

/// Minimum time between two reports of a new failure, so that a receiver that fails
/// intermittently does not flood the terminal.
const QUIET: Duration = Duration::from_secs(60);

/// Counts outcomes and reports them. Shared by the exporter's thread and by [`crate::Telemetry::shutdown`].
#[derive(Debug)]
pub(crate) struct Delivery {
    receiver: String,
    notices: Notices,
    passed_on: IntCounter,
    queue_full: IntCounter,
    exported: IntCounterVec,
    /// Spans in the queue or being sent.
    in_flight: Arc<AtomicUsize>,
    last_failure: LastFailure,
    state: Mutex<State>,
}

/// State of delivery.
#[derive(Debug, Default)]
struct State {
    /// Spans delivered.
    sent: u64,
    /// Spans sent but not delivered.
    failed: u64,
    /// Latest failure.
    failure: Option<Failure>,
    /// Spans lost since a reported failure that has not ended.
    told: Option<u64>,
    told_at: Option<Instant>,
}

impl Delivery {
    /// Registers the counters, at 0. `receiver` is the address to display.
    pub(super) fn new(registry: &Registry, receiver: String, notices: Notices) -> Result<Self, prometheus::Error> {
        let exported = counter_vec(registry, catalog::bus::SPANS_EXPORTED)?;
        exported.with_label_values(&[""]);
        ErrorType::ALL.iter().for_each(|it| drop(exported.with_label_values(&[it.as_str()])));
        let processed = counter_vec(registry, catalog::bus::SPANS_PROCESSED)?;
        let [passed_on, queue_full] = ["", QueueLoss::Full.as_str()].map(|error| processed.with_label_values(&[error]));
        let (in_flight, last_failure, state) = Default::default();
        Ok(Self { receiver, notices, passed_on, queue_full, exported, in_flight, last_failure, state })
    }

    /// Spans in the queue or being sent.
    pub(super) fn in_flight(&self) -> Arc<AtomicUsize> {
        Arc::clone(&self.in_flight)
    }

    /// Where the client stores the failure of its last request.
    pub(super) fn last_failure(&self) -> LastFailure {
        Arc::clone(&self.last_failure)
    }

    /// Takes the failure of the last request of an export that has ended.
    pub(super) fn take_last_failure(&self) -> Option<Failure> {
        self.last_failure.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Counter of spans that do not fit the queue.
    pub(super) fn queue_full(&self) -> IntCounter {
        self.queue_full.clone()
    }

    /// Records that `spans` leave the queue.
    pub(super) fn sending(&self, spans: u64) {
        self.passed_on.inc_by(spans);
    }

    /// Counts spans whose export has ended; `failure` tells how many of them were lost,
    /// `None` that all were delivered.
    pub(super) fn done(&self, spans: u64, failure: Option<Failure>) {
        let lost = failure.as_ref().map_or(0, |failure| failure.rejected.unwrap_or(spans).min(spans));
        self.in_flight.fetch_sub(usize::try_from(spans).unwrap_or(usize::MAX), Ordering::Relaxed);
        self.exported.with_label_values(&[""]).inc_by(spans - lost);
        if let Some(failure) = &failure {
            self.exported.with_label_values(&[failure.error_type.as_str()]).inc_by(lost);
        }
        let line = self.state().advance(spans - lost, lost, failure, Instant::now());
        if let Some(line) = line {
            self.notices.tell(&line.text(&self.receiver));
        }
    }

    /// Reports totals, unless all spans of the process were delivered.
    pub(crate) fn conclude(&self) {
        let state = self.state();
        let (dropped, unsent) = (self.queue_full.get(), self.in_flight.load(Ordering::Relaxed));
        if state.failed + dropped == 0 && unsent == 0 {
            return;
        }
        // An abandoned export has not ended, but its last request may have failed.
        let failure = self.take_last_failure().or_else(|| state.failure.clone());
        let last = failure.map_or_else(String::new, |failure| format!("; last failure: {}", failure.text));
        self.notices.tell(&format!(
            "spans to {}: {} delivered, {} failed, {dropped} dropped from a full queue, {unsent} not sent in time{last}",
            self.receiver, state.sent, state.failed,
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
    /// Delivery has recovered, after the loss of this many spans.
    Works(u64),
}

impl Line {
    fn text(&self, receiver: &str) -> String {
        match self {
            Self::Fails(why) => format!("spans are not reaching {receiver}: {why}; they are dropped until it recovers"),
            Self::Works(lost) => format!("spans are reaching {receiver} again; {lost} were lost"),
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
