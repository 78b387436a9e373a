//! Client of `/api/v1/live`: a thread that fetches a snapshot each second.

use std::io::Read;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender, bounded};
use reqwest::Url;
use reqwest::blocking;
use riscope_telemetry::plain_http;

use super::TopError;
use crate::live::Snapshot;

/// Time between two requests.
const PERIOD: Duration = Duration::from_secs(1);
/// Time limit of a request.
const TIMEOUT: Duration = Duration::from_secs(5);
/// Bytes of a snapshot at most. One machine takes about 30 thousand.
const MAX_BYTES: u64 = 8 << 20;

/// A snapshot, and how it came.
#[derive(Debug)]
pub(super) struct Fetched {
    pub(super) snapshot: Snapshot,
    pub(super) json: Vec<u8>,
}

/// What becomes of a request: a snapshot, or why there is none.
type Outcome = Result<Fetched, String>;

/// The thread, which ends with this.
#[derive(Debug)]
pub(super) struct Client {
    url: String,
    outcomes: Receiver<Outcome>,
}

impl Client {
    /// Starts to fetch from the riscope at `url`.
    ///
    /// # Errors
    /// If that is no HTTP URL, or the host cannot create a thread.
    pub(super) fn start(url: &str) -> Result<Self, TopError> {
        let wrong = |reason: String| TopError::Url { url: url.to_owned(), reason };
        let base = Url::parse(url).map_err(|error| wrong(error.to_string()))?;
        if base.scheme() != "http" {
            return Err(wrong(format!("{} is not http", base.scheme())));
        }
        let target = base.join("/api/v1/live").map_err(|error| wrong(error.to_string()))?;
        // A snapshot that is not shown yet is enough.
        let (sender, outcomes) = bounded(1);
        let fetch = move || fetch_all(&target, &sender);
        std::thread::Builder::new().name("fetch".into()).spawn(fetch).map_err(TopError::Thread)?;
        Ok(Self { url: base.as_str().trim_end_matches('/').to_owned(), outcomes })
    }

    /// The URL without a path.
    pub(super) fn url(&self) -> &str {
        &self.url
    }

    /// The first snapshot.
    ///
    /// # Errors
    /// If there is no live view.
    pub(super) fn first(&self) -> Result<Fetched, TopError> {
        let outcome = self.outcomes.recv().unwrap_or_else(|_| Err("the client has failed".to_owned()));
        outcome.map_err(|reason| TopError::Unreachable { url: self.url.clone(), reason })
    }

    /// The next snapshot.
    ///
    /// # Errors
    /// If the other end has gone.
    pub(super) fn next(&self) -> Result<Fetched, TopError> {
        self.first()
    }

    /// What has come of the next request, if it is known.
    pub(super) fn try_next(&self) -> Option<Outcome> {
        self.outcomes.try_recv().ok()
    }
}

/// Sends what comes of one request a second, until nobody wants it.
fn fetch_all(target: &Url, outcomes: &Sender<Outcome>) {
    let client = plain_http().ok().and_then(|builder| builder.timeout(TIMEOUT).no_proxy().build().ok());
    let Some(client) = client else {
        // The receiver reports it.
        let _ = outcomes.send(Err("the host gives no HTTP client".to_owned()));
        return;
    };
    let mut due = Instant::now();
    while outcomes.send(fetch(&client, target)).is_ok() {
        due = (due + PERIOD).max(Instant::now());
        std::thread::sleep(due.saturating_duration_since(Instant::now()));
    }
}

fn fetch(client: &blocking::Client, target: &Url) -> Outcome {
    let response = client.get(target.clone()).send().map_err(|error| cause(&error))?;
    if !response.status().is_success() {
        return Err(format!("it answers {}", response.status()));
    }
    let mut json = Vec::new();
    response.take(MAX_BYTES).read_to_end(&mut json).map_err(|error| error.to_string())?;
    let snapshot = serde_json::from_slice(&json).map_err(|error| format!("it answers something else ({error})"))?;
    Ok(Fetched { snapshot, json })
}

/// The innermost cause, which is what users can do something about.
fn cause(error: &dyn std::error::Error) -> String {
    let last = std::iter::successors(Some(error), |error| error.source()).last();
    last.map(ToString::to_string).unwrap_or_default()
}
