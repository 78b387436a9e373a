//! Delivery of alerts to Alertmanager, by its API (`POST /api/v2/alerts`).
//!
//! A thread of its own sends what is queued. The queue has an entry per alert, the newest
//! one, and a bound; what does not fit is dropped and counted. Firing alerts are queued again
//! each minute, and carry a time at which Alertmanager regards them as resolved if nothing
//! more comes. A failed request is repeated with growing delays.

use std::collections::BTreeMap;
use std::error::Error as _;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded};
use reqwest::header::CONTENT_TYPE;
use reqwest::redirect::Policy;
use reqwest::{Url, blocking};
use serde_json::{Value, json};

use super::board::{Board, Delivery, object, time};
use super::labels::Labels;
use super::state::{Alert, State};
use crate::http::plain_http;
use crate::label::ErrorType;
use crate::notices::Notices;

/// Time limit of a request.
const REQUEST_LIMIT: Duration = Duration::from_secs(5);
/// Maximum number of alerts that wait.
const MAX_QUEUED: usize = 4096;
/// Maximum number of alerts of a request.
const MAX_BATCH: usize = 256;
/// Delay before a failed request is repeated; each failure doubles it up to the longest.
const SHORTEST_DELAY: Duration = Duration::from_secs(1);
const LONGEST_DELAY: Duration = Duration::from_secs(30);

/// Why notifications cannot be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct NotAUrl(pub(super) String);

/// Alerts that wait, by their labels.
type Queue = Mutex<BTreeMap<Labels, Alert>>;

/// Handle to the thread.
#[derive(Debug)]
pub(super) struct Notifier {
    queue: Arc<Queue>,
    board: Arc<Board>,
    /// At most one wake-up waits.
    wake: Sender<()>,
    stop: Sender<Instant>,
    /// Disconnected when the thread has ended.
    done: Receiver<()>,
    thread: JoinHandle<()>,
}

/// The part of the thread.
struct Worker {
    queue: Arc<Queue>,
    board: Arc<Board>,
    client: blocking::Client,
    url: Url,
    /// How long Alertmanager keeps an alert without further notice, in milliseconds.
    expiry_ms: i64,
    /// Where the alerts can be seen.
    generator: String,
    notices: Notices,
    /// Failures since the last success.
    failures: u32,
}

/// Address of Alertmanager's API below its base URL.
///
/// # Errors
/// If it is not the URL of an HTTP server.
pub(super) fn api(base: &str) -> Result<Url, NotAUrl> {
    let mut url = Url::parse(base).map_err(|error| NotAUrl(error.to_string()))?;
    match (url.scheme(), url.has_host()) {
        ("http", true) => {
            let path = format!("{}/api/v2/alerts", url.path().trim_end_matches('/'));
            url.set_path(&path);
            Ok(url)
        }
        ("https", _) => Err(NotAUrl("only http is supported".to_owned())),
        _ => Err(NotAUrl("an address such as http://127.0.0.1:9093 is expected".to_owned())),
    }
}

/// An address for messages.
fn without_password(url: &Url) -> Url {
    let mut shown = url.clone();
    // Both fail for addresses without a host only, which this is not.
    let _ = shown.set_username("");
    let _ = shown.set_password(None);
    shown
}

impl Notifier {
    /// Starts the thread.
    pub(super) fn start(
        url: Url,
        instance: &str,
        expiry: Duration,
        board: Arc<Board>,
        notices: Notices,
    ) -> io::Result<Self> {
        let queue = Arc::<Queue>::default();
        let (wake, woken) = bounded(1);
        let (stop, stopping) = bounded(1);
        let (ended, done) = bounded(0);
        let (of_thread, counts) = (Arc::clone(&queue), Arc::clone(&board));
        let generator = format!("http://{instance}/api/v1/alerts");
        let expiry_ms = i64::try_from(expiry.as_millis()).unwrap_or(i64::MAX);
        let builder = plain_http().map_err(io::Error::other)?;
        let run = move || {
            // A blocking client cannot be created on a thread of an asynchronous runtime, which this is not.
            let builder = builder.redirect(Policy::none()).no_proxy();
            if let Ok(client) = builder.build() {
                let (queue, board) = (of_thread, counts);
                let worker = Worker { queue, board, client, url, expiry_ms, generator, notices, failures: 0 };
                worker.run(&woken, &stopping);
            }
            drop(ended);
        };
        let thread = std::thread::Builder::new().name("alertmanager".to_owned()).spawn(run)?;
        Ok(Self { queue, board, wake, stop, done, thread })
    }

    /// Queues alerts; never waits for the network.
    pub(super) fn send(&self, alerts: impl IntoIterator<Item = Alert>) {
        let mut queue = lock(&self.queue);
        let mut dropped = 0;
        for alert in alerts {
            if queue.len() < MAX_QUEUED || queue.contains_key(&alert.labels) {
                queue.insert(alert.labels.clone(), alert);
            } else {
                dropped += 1;
            }
        }
        drop(queue);
        if dropped > 0 {
            self.board.delivered(dropped, Delivery::Dropped);
        }
        // Full: it is woken anyway.
        let _ = self.wake.try_send(());
    }

    /// Ends the thread after a last attempt; leaves it alone if that takes until `deadline`.
    pub(super) fn stop(self, deadline: Instant) {
        // It fails only if the thread has ended.
        let _ = self.stop.try_send(deadline);
        let _ = self.wake.try_send(());
        if self.done.recv_deadline(deadline) == Err(RecvTimeoutError::Disconnected) {
            // It has ended, so this does not wait; a panic was reported.
            let _ = self.thread.join();
        }
    }
}

impl Worker {
    fn run(mut self, woken: &Receiver<()>, stopping: &Receiver<Instant>) {
        let mut delay: Option<Duration> = None;
        loop {
            // While it waits for the next attempt, new alerts do not make it earlier.
            let stop = match delay {
                Some(delay) => stopping.recv_timeout(delay).ok(),
                None => {
                    // Disconnected: the owner is gone, which `stopping` tells.
                    let _ = woken.recv();
                    match stopping.try_recv() {
                        Ok(deadline) => Some(deadline),
                        Err(error) if error.is_disconnected() => return,
                        Err(_) => None,
                    }
                }
            };
            let limit = stop.map_or(REQUEST_LIMIT, |deadline| deadline.saturating_duration_since(Instant::now()));
            let is_done = self.send_all(limit.min(REQUEST_LIMIT), stop);
            if stop.is_some() {
                return;
            }
            delay = (!is_done).then(|| backoff(self.failures));
        }
    }

    /// Sends what is queued; false if some of it has to be sent again.
    fn send_all(&mut self, limit: Duration, deadline: Option<Instant>) -> bool {
        loop {
            let batch = self.take();
            if batch.is_empty() || deadline.is_some_and(|deadline| Instant::now() >= deadline) {
                return true;
            }
            let result = self.post(&batch, limit);
            let number = batch.len() as u64;
            match result {
                Ok(()) => {
                    self.board.delivered(number, Delivery::Accepted);
                    if std::mem::take(&mut self.failures) > 0 {
                        self.notices
                            .tell(&format!("Alertmanager at {} takes alerts again", without_password(&self.url)));
                    }
                }
                Err((error, is_temporary)) => {
                    self.board.delivered(number, Delivery::Failed(error));
                    if self.failures == 0 {
                        let what =
                            format!("alerts cannot be sent to {}: {}", without_password(&self.url), error.as_str());
                        self.notices.tell(&format!("{what}; riscope goes on trying"));
                    }
                    self.failures = self.failures.saturating_add(1);
                    if is_temporary {
                        self.put_back(batch);
                        return false;
                    }
                }
            }
        }
    }

    fn take(&self) -> Vec<Alert> {
        let mut queue = lock(&self.queue);
        let mut batch = Vec::new();
        while batch.len() < MAX_BATCH {
            match queue.pop_first() {
                Some((_, alert)) => batch.push(alert),
                None => break,
            }
        }
        batch
    }

    /// Queues alerts again of which there is no newer state.
    fn put_back(&self, batch: Vec<Alert>) {
        let mut queue = lock(&self.queue);
        for alert in batch {
            if queue.len() < MAX_QUEUED {
                queue.entry(alert.labels.clone()).or_insert(alert);
            }
        }
    }

    /// Sends alerts. A failure says whether it may be over soon.
    fn post(&self, batch: &[Alert], limit: Duration) -> Result<(), (ErrorType, bool)> {
        let body = Value::from(batch.iter().map(|alert| self.notification(alert)).collect::<Vec<_>>()).to_string();
        let request = self.client.post(self.url.clone()).header(CONTENT_TYPE, "application/json").body(body);
        let status = request.timeout(limit).send().map_err(|error| (classified(&error), true))?.status();
        if status.is_success() {
            return Ok(());
        }
        let is_temporary = status.is_server_error() || matches!(status.as_u16(), 404 | 408 | 429);
        Err((ErrorType::from_name(status.as_str()).unwrap_or(ErrorType::Other), is_temporary))
    }

    /// An alert in the form of Alertmanager's API.
    fn notification(&self, alert: &Alert) -> Value {
        let ends_ms = match (alert.state, alert.resolved_ms) {
            (State::Resolved, Some(resolved_ms)) => resolved_ms,
            _ => now_ms().saturating_add(self.expiry_ms),
        };
        json!({
            "labels": object(&alert.labels),
            "annotations": object(&alert.annotations),
            "startsAt": time(alert.fired_ms.unwrap_or(alert.active_ms)),
            "endsAt": time(ends_ms),
            "generatorURL": self.generator,
        })
    }
}

fn backoff(failures: u32) -> Duration {
    let doubled = SHORTEST_DELAY.saturating_mul(1 << failures.saturating_sub(1).min(10));
    doubled.min(LONGEST_DELAY)
}

fn now_ms() -> i64 {
    i64::try_from(riscope_core::event::wall_ns() / 1_000_000).unwrap_or(i64::MAX)
}

/// Type of a failure without a response.
fn classified(error: &reqwest::Error) -> ErrorType {
    if error.is_timeout() {
        return ErrorType::Timeout;
    }
    let mut cause = error.source();
    while let Some(error) = cause {
        let is_refusal = |error: &io::Error| error.kind() == io::ErrorKind::ConnectionRefused;
        if error.downcast_ref::<io::Error>().is_some_and(is_refusal) {
            return ErrorType::ConnectionRefused;
        }
        cause = error.source();
    }
    if error.is_dns() {
        ErrorType::NameResolution
    } else if error.is_connect() {
        ErrorType::ConnectionFailed
    } else {
        ErrorType::InvalidResponse
    }
}

fn lock(queue: &Queue) -> MutexGuard<'_, BTreeMap<Labels, Alert>> {
    queue.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_is_that_of_an_http_server() {
        let of = |base: &str| api(base).map(|url| url.to_string());
        assert_eq!(of("http://127.0.0.1:9093"), Ok("http://127.0.0.1:9093/api/v2/alerts".to_owned()));
        assert_eq!(of("http://a.example/am/"), Ok("http://a.example/am/api/v2/alerts".to_owned()));
        for base in ["", "127.0.0.1:9093", "https://a.example", "file:///x", "http://"] {
            assert!(of(base).is_err(), "{base}");
        }
    }

    #[test]
    fn delays_grow_up_to_a_limit() {
        let delays = [1, 2, 3, 5, 6, 100, u32::MAX].map(|failures| backoff(failures).as_secs());
        assert_eq!(delays, [1, 2, 4, 16, 30, 30, 30]);
    }
}
