//! The thread that evaluates rules: it takes samples of the registry, evaluates what is due,
//! and tells of alerts that began or ceased to fire.

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded};
use riscope_core::event::{AlertEvent, DomainEventBus, VmId, wall_ns};

use super::board::Board;
use super::evaluator::{Evaluator, Outcome};
use super::labels::Labels;
use super::notify::{self, Notifier};
use super::rules::Rules;
use super::sampler::Sampler;
use super::silence::Silence;
use super::state::{Alert, State, Transition};
use crate::error::TelemetryError;
use crate::metric::gather::Gatherer;
use crate::notices::Notices;

/// Name of the thread. A panic there loses one evaluation.
pub const ALERT_THREAD: &str = "alerts";

/// Interval in which Alertmanager is told again of an alert.
const RESEND: Duration = Duration::from_secs(60);
/// Intervals without notice after which Alertmanager regards an alert as resolved.
const EXPIRY_INTERVALS: u32 = 4;
/// Part of the time for the end that is left for others.
const MARGIN: Duration = Duration::from_millis(300);

/// What is evaluated, and who is told.
#[derive(Clone, Debug)]
pub struct AlertConfig {
    /// The rules.
    pub rules: Rules,
    /// Value of the label `instance` of all samples, as Prometheus would have it: the address
    /// of the HTTP endpoint.
    pub instance: String,
    /// `$externalLabels` of templates.
    pub external_labels: Labels,
    /// Base URL of an Alertmanager, such as `http://127.0.0.1:9093`.
    pub alertmanager: Option<String>,
    /// Alerts about which neither it nor the notices tell.
    pub silences: Vec<Silence>,
    /// Maximum number of series whose samples are kept, at most [`MAX_SERIES`](super::MAX_SERIES).
    pub max_series: usize,
}

/// Handle to the thread.
#[derive(Debug)]
pub(crate) struct Monitor {
    stop: Sender<Instant>,
    /// Disconnected when the thread has ended.
    done: Receiver<()>,
    thread: JoinHandle<()>,
}

/// Where the thread takes samples from, and where it tells.
#[derive(Debug)]
pub(crate) struct Surroundings {
    pub(crate) metrics: Arc<Gatherer>,
    pub(crate) bus: DomainEventBus,
    pub(crate) board: Arc<Board>,
    pub(crate) notices: Notices,
}

/// The part of the thread.
struct Worker {
    surroundings: Surroundings,
    evaluator: Evaluator,
    sampler: Sampler,
    silences: Vec<Silence>,
    notifier: Option<Notifier>,
    /// When Alertmanager was last told of an alert, by its labels.
    told: HashMap<Labels, Instant>,
    /// Rules that had no result, which is told once.
    failed: Vec<Arc<str>>,
    /// A moment, and what the wall clock said then: a clock that is set back or forth does
    /// not disturb rules.
    start: (Instant, u64),
}

impl Monitor {
    /// Starts the thread.
    ///
    /// # Errors
    /// If the system cannot create it, or the address of Alertmanager is not a URL.
    pub(crate) fn start(config: AlertConfig, surroundings: Surroundings) -> Result<Self, TelemetryError> {
        let AlertConfig { rules, instance, external_labels, alertmanager, silences, max_series } = config;
        let interval = rules.interval();
        let notifier = match alertmanager {
            Some(base) => {
                let wrong = |notify::NotAUrl(reason)| TelemetryError::Alertmanager { url: base.clone(), reason };
                let url = notify::api(&base).map_err(wrong)?;
                let (board, notices) = (Arc::clone(&surroundings.board), surroundings.notices.clone());
                let expiry = RESEND.max(interval) * EXPIRY_INTERVALS;
                Some(Notifier::start(url, &instance, expiry, board, notices)?)
            }
            None => None,
        };
        let mut evaluator = Evaluator::new(rules, external_labels);
        evaluator.limit(max_series);
        let mut worker = Worker {
            surroundings,
            evaluator,
            sampler: Sampler::new(&instance),
            silences,
            notifier,
            told: HashMap::new(),
            failed: Vec::new(),
            start: (Instant::now(), wall_ns()),
        };
        // Counters begin at 0 with the process, whatever they count before the first look at them.
        worker.evaluator.observe(worker.now_ms() - 1, []);
        let (stop, stopping) = bounded(1);
        let (ended, done) = bounded(0);
        let run = move || {
            worker.run(interval, &stopping);
            drop(ended);
        };
        let thread = std::thread::Builder::new().name(ALERT_THREAD.to_owned()).spawn(run)?;
        Ok(Self { stop, done, thread })
    }

    /// Ends the thread after a last evaluation and notification, at `deadline` at the latest.
    pub(crate) fn stop(self, deadline: Instant) {
        // It fails only if the thread has ended.
        let _ = self.stop.try_send(deadline.checked_sub(MARGIN).unwrap_or(deadline));
        if self.done.recv_deadline(deadline) == Err(RecvTimeoutError::Disconnected) {
            // It has ended, so this does not wait; a panic was reported.
            let _ = self.thread.join();
        }
    }
}

impl Worker {
    fn run(&mut self, interval: Duration, stopping: &Receiver<Instant>) {
        let mut next = Instant::now();
        loop {
            match stopping.recv_deadline(next) {
                Err(RecvTimeoutError::Timeout) => self.evaluate_safely(Evaluator::evaluate),
                Ok(deadline) => {
                    // Whatever the intervals of the groups, so that nothing that happened last is missed.
                    self.evaluate_safely(Evaluator::evaluate_all);
                    if let Some(notifier) = self.notifier.take() {
                        notifier.stop(deadline);
                    }
                    return;
                }
                Err(RecvTimeoutError::Disconnected) => return,
            }
            // Evaluations that a busy host has missed are not made up for.
            next = (next + interval).max(Instant::now());
        }
    }

    fn evaluate_safely(&mut self, evaluate: fn(&mut Evaluator, i64) -> Outcome) {
        // After a panic it can continue: samples and alerts are as they were, or the next
        // evaluation brings them up to date.
        if catch_unwind(AssertUnwindSafe(|| self.evaluate(evaluate))).is_err() {
            self.surroundings.board.evaluated(0, 1, Duration::ZERO);
        }
    }

    fn evaluate(&mut self, evaluate: fn(&mut Evaluator, i64) -> Outcome) {
        let (begin, time_ms) = (Instant::now(), self.now_ms());
        let families = self.surroundings.metrics.gather();
        let observations = self.sampler.observations(&families, |name| self.evaluator.needs(name));
        self.evaluator.observe(time_ms, observations);
        let Outcome { transitions, evaluated, failures } = evaluate(&mut self.evaluator, time_ms);
        let board = Arc::clone(&self.surroundings.board);
        board.evaluated(evaluated, failures.len() as u64, begin.elapsed());
        let shown = self.evaluator.alerts().filter(|alert| alert.state != State::Resolved);
        let shown = shown.map(|alert| (alert.clone(), self.is_silenced(alert))).collect();
        board.show(shown, self.evaluator.store().size(), self.evaluator.store().refused());
        for (rule, reason) in failures {
            if !self.failed.contains(&rule) {
                self.surroundings.notices.tell(&format!("the rule {rule} has no result: {reason}"));
                self.failed.push(rule);
            }
        }
        transitions.iter().for_each(|transition| self.tell(transition));
        self.notify();
    }

    /// Milliseconds since the Unix epoch.
    fn now_ms(&self) -> i64 {
        let (start, wall_ns) = self.start;
        let now = u128::from(wall_ns) + start.elapsed().as_nanos();
        i64::try_from(now / 1_000_000).unwrap_or(i64::MAX)
    }

    fn is_silenced(&self, alert: &Alert) -> bool {
        self.silences.iter().any(|silence| silence.matches(&alert.labels))
    }

    /// Publishes an event and prints a line.
    fn tell(&self, alert: &Transition) {
        let text = |text: &str| -> Arc<str> { text.into() };
        let (name, severity) = (text(alert.name()), text(alert.labels.get("severity")));
        let description = text(alert.annotations.get("description"));
        let vm_id = alert.labels.get("vm_id").parse().unwrap_or_else(|_| VmId::default());
        let is_firing = alert.state == State::Firing;
        if !self.is_silenced(alert) {
            let line = if is_firing {
                format!("alert {name} ({severity}) fires: {description}")
            } else {
                format!("alert {name} ({severity}) is resolved; it said: {description}")
            };
            self.surroundings.notices.tell(&line);
        }
        self.surroundings.bus.publish(
            vm_id,
            if is_firing {
                AlertEvent::Firing { name, severity, description }
            } else {
                AlertEvent::Resolved { name, severity, description }
            },
        );
    }

    /// Queues for Alertmanager what it does not know or has not been told for a minute.
    fn notify(&mut self) {
        let Some(notifier) = &self.notifier else { return };
        let now = Instant::now();
        let mut known = HashMap::new();
        let mut due = Vec::new();
        for alert in self.evaluator.alerts().filter(|alert| alert.state != State::Pending) {
            if self.is_silenced(alert) {
                continue;
            }
            // A resolved alert has another key, so that it is told at once.
            let mut key = alert.labels.clone();
            key.set("alertstate", alert.state.as_str());
            let last = self.told.get(&key).copied();
            let is_due = last.is_none_or(|last| now.saturating_duration_since(last) >= RESEND);
            if is_due {
                due.push(alert.clone());
            }
            known.insert(key, last.filter(|_| !is_due).unwrap_or(now));
        }
        self.told = known;
        if !due.is_empty() {
            notifier.send(due);
        }
    }
}
