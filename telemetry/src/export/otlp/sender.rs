//! Requests with compression and retries, for what the exporters of opentelemetry-otlp cannot send.

use std::io::Write as _;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use flate2::Compression;
use flate2::write::GzEncoder;
use opentelemetry_http::Bytes;
use reqwest::StatusCode;
use reqwest::header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderMap, HeaderValue, RETRY_AFTER};

use super::client::{Answer, Client};
use super::delivery::Delivery;
use super::failure::Failure;
use crate::export::environment::{Endpoint, Settings};

/// Maximum repetitions of a request, as in opentelemetry-otlp.
const RETRIES: u32 = 3;
/// Pause before the first repetition; each further one doubles it.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
/// Maximum pause that a receiver can ask for.
const MAX_PAUSE: Duration = Duration::from_secs(30);

/// Sender of messages to one receiver.
#[derive(Debug)]
pub(super) struct Sender {
    client: Client,
    gzip: bool,
    timeout: Option<Duration>,
}

impl Sender {
    /// A sender to `endpoint` with these settings.
    ///
    /// # Errors
    /// The reason, if the system does not allow one.
    pub(super) fn new(endpoint: &Endpoint, settings: &Settings, delivery: &Arc<Delivery>) -> Result<Self, String> {
        let client = Client::new(endpoint, settings, delivery.last_failure())?;
        Ok(Self { client, gzip: settings.gzip, timeout: settings.timeout })
    }

    /// Sends a message, repeatedly if that can help, within the time limit and until `deadline`. `pause` waits, and
    /// tells whether to go on. Returns the failure of the last request, if it failed.
    pub(super) fn send(
        &self,
        message: Vec<u8>,
        deadline: Option<Instant>,
        pause: impl Fn(Duration) -> bool,
    ) -> Option<Failure> {
        let start = Instant::now();
        let limit = self.timeout.and_then(|timeout| start.checked_add(timeout));
        let deadline = [limit, deadline].into_iter().flatten().min();
        let (headers, body) = self.encoded(message);
        for attempt in 0.. {
            let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
            let answer = self.client.ask(headers.clone(), body.clone(), left);
            let backoff = FIRST_PAUSE * 2_u32.pow(attempt);
            let (failure, wait) = match answer {
                Ok(Answer { status, headers, failure, .. }) => (failure?, wait(status, &headers, backoff)),
                Err(error) => (Failure::of_error(&*error), Some(backoff)),
            };
            let in_time = |wait: &Duration| {
                deadline.is_none_or(|deadline| Instant::now().checked_add(*wait).is_some_and(|then| then < deadline))
            };
            let wait = wait.filter(|_| attempt < RETRIES).filter(in_time);
            if !wait.is_some_and(&pause) {
                return Some(failure);
            }
        }
        None
    }

    /// Headers and body of a request.
    fn encoded(&self, message: Vec<u8>) -> (HeaderMap, Bytes) {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/x-protobuf"));
        if !self.gzip {
            return (headers, message.into());
        }
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        match encoder.write_all(&message).and_then(|()| encoder.finish()) {
            Ok(body) => {
                headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
                (headers, body.into())
            }
            // Writing to memory does not fail.
            Err(_) => (headers, message.into()),
        }
    }
}

/// Pause before a request with this response is repeated (OTLP specification, "OTLP/HTTP Throttling" and "All Other
/// Responses"); `None` if that cannot help.
fn wait(status: StatusCode, headers: &HeaderMap, backoff: Duration) -> Option<Duration> {
    match status {
        StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => {
            let asked = headers.get(RETRY_AFTER).and_then(|value| value.to_str().ok()).and_then(retry_after);
            Some(asked.unwrap_or(backoff))
        }
        StatusCode::BAD_GATEWAY | StatusCode::GATEWAY_TIMEOUT => Some(backoff),
        _ => None,
    }
}

/// The delay of a header `Retry-After` (RFC 9110, section 10.2.3): seconds, or a date.
fn retry_after(value: &str) -> Option<Duration> {
    let delay = match value.trim().parse() {
        Ok(seconds) => Duration::from_secs(seconds),
        Err(_) => {
            let date = httpdate::parse_http_date(value.trim()).ok()?;
            date.duration_since(SystemTime::now()).unwrap_or_default()
        }
    };
    Some(delay.min(MAX_PAUSE))
}

#[cfg(test)]
mod tests {
    use super::*;

    const BACKOFF: Duration = Duration::from_millis(7);

    #[test]
    fn a_receiver_that_throttles_says_for_how_long() {
        let wait = |status, value: &'static str| {
            let headers = HeaderMap::from_iter([(RETRY_AFTER, HeaderValue::from_static(value))]);
            wait(StatusCode::from_u16(status).expect("a status"), &headers, BACKOFF)
        };
        for status in [429, 503] {
            assert_eq!(wait(status, "2"), Some(Duration::from_secs(2)));
            assert_eq!(wait(status, "86400"), Some(MAX_PAUSE));
            assert_eq!(wait(status, "Fri, 31 Dec 1999 23:59:59 GMT"), Some(Duration::ZERO));
            assert_eq!(wait(status, "soon"), Some(BACKOFF));
        }
        assert_eq!([502, 504].map(|status| wait(status, "2")), [Some(BACKOFF); 2]);
        assert_eq!([200, 400, 401, 404, 500].map(|status| wait(status, "2")), [None; 5]);
    }
}
