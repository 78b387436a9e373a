//! `/debug/pprof/guest`: a profile of the guest, as `go tool pprof` fetches it.
//!
//! The answer comes when the profile is complete. If the client goes away before, the capture ends.

use std::num::NonZeroU32;
use std::time::Duration;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use riscope_machine::profile::{CaptureError, CaptureSpec};
use riscope_telemetry::profile::Format;
use tokio::sync::oneshot;

use super::connection::Connection;
use super::problem::problem;
use crate::cli::{RATE, parse_rate};
use crate::profile::Profiles;

/// Length of a profile in seconds unless another is asked for, and the longest one.
const SECONDS: u64 = 10;
const MAX_SECONDS: u64 = 300;

/// The path and its handler.
pub(super) fn routes<S: Clone + Send + Sync + 'static>(profiles: Profiles) -> Router<S> {
    Router::new().route("/debug/pprof/guest", get(guest)).with_state(profiles)
}

/// What a client asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Wanted {
    seconds: u64,
    rate: NonZeroU32,
    format: Format,
}

impl Wanted {
    /// Parses the query of a request.
    fn parse(query: &str) -> Result<Self, String> {
        let mut wanted = Self { seconds: SECONDS, rate: RATE, format: Format::Pprof };
        for part in query.split('&').filter(|part| !part.is_empty()) {
            let (name, value) = part.split_once('=').unwrap_or((part, ""));
            match name {
                "seconds" => {
                    let seconds = value.parse().ok().filter(|seconds| (1..=MAX_SECONDS).contains(seconds));
                    wanted.seconds = seconds.ok_or_else(|| format!("seconds are 1 to {MAX_SECONDS}"))?;
                }
                "rate" | "hz" => wanted.rate = parse_rate(value)?,
                "format" => wanted.format = Format::of_name(value).map_err(|error| error.to_string())?,
                _ => return Err(format!("{name:?} is unknown; there are seconds, rate and format")),
            }
        }
        Ok(wanted)
    }
}

async fn guest(State(profiles): State<Profiles>, request: Request) -> Response {
    let Wanted { seconds, rate, format } = match Wanted::parse(request.uri().query().unwrap_or_default()) {
        Ok(wanted) => wanted,
        Err(message) => return problem(StatusCode::BAD_REQUEST, &message),
    };
    let length = Duration::from_secs(seconds);
    if let Some(connection) = request.extensions().get::<Connection>() {
        connection.allow(length);
    }
    let (reply, answer) = oneshot::channel();
    let done = move |profile| {
        // A client that has gone needs no answer.
        let _ = reply.send(format.encode(&profile));
    };
    // Dropped with this future when the client goes away, which ends it.
    let _capture = match profiles.capture(CaptureSpec { rate, limit: Some(length) }, done) {
        Ok(capture) => capture,
        Err(error) => return refusal(&error),
    };
    match answer.await {
        Ok(Ok(body)) => ([(header::CONTENT_TYPE, format.content_type())], body).into_response(),
        Ok(Err(error)) => problem(StatusCode::INTERNAL_SERVER_ERROR, &error.to_string()),
        Err(_) => problem(StatusCode::INTERNAL_SERVER_ERROR, "the profile could not be made"),
    }
}

fn refusal(error: &CaptureError) -> Response {
    let mut response = problem(StatusCode::SERVICE_UNAVAILABLE, &error.to_string());
    response.headers_mut().insert(header::RETRY_AFTER, header::HeaderValue::from_static("10"));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_says_length_rate_and_format() {
        let wanted = |query| Wanted::parse(query).ok();
        assert_eq!(wanted(""), Some(Wanted { seconds: SECONDS, rate: RATE, format: Format::Pprof }));
        let all = wanted("seconds=300&rate=1000&format=svg").expect("it is valid");
        assert_eq!((all.seconds, all.rate.get(), all.format), (300, 1000, Format::Svg));
    }

    #[test]
    fn what_is_out_of_bounds_or_unknown_is_refused() {
        for query in ["seconds=0", "seconds=301", "seconds=", "seconds=x", "rate=0", "rate=1001", "format=pdf", "n=1"] {
            assert!(Wanted::parse(query).is_err(), "{query}");
        }
    }
}
