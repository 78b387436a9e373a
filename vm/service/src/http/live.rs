//! `/api/v1/live`: snapshots of the machines, one at a time or as server-sent events.

use std::convert::Infallible;
use std::sync::Arc;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use futures_util::stream::unfold;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::connection::Endless;
use super::encoding::{accepts_gzip, gzip};
use super::problem::problem;
use crate::live::{Frames, Live};

/// Maximum number of clients with an event stream.
const MAX_STREAMS: usize = 16;
/// Milliseconds after which a client whose stream has ended asks again.
const RETRY: &str = "retry: 2000\n\n";

#[derive(Clone)]
struct Shared {
    live: Arc<Live>,
    streams: Arc<Semaphore>,
}

/// Routes of the live view.
pub(super) fn routes<S: Clone + Send + Sync + 'static>(live: Arc<Live>) -> Router<S> {
    let shared = Shared { live, streams: Arc::new(Semaphore::new(MAX_STREAMS)) };
    Router::new().route("/api/v1/live", get(snapshot)).route("/api/v1/live/events", get(events)).with_state(shared)
}

/// The newest snapshot.
async fn snapshot(State(shared): State<Shared>, headers: HeaderMap) -> Response {
    let Ok(mut frames) = shared.live.look() else { return refused() };
    let json = match frames.wait_for(Option::is_some).await {
        Ok(frame) => frame.as_ref().map(|frame| frame.json.clone()).unwrap_or_default(),
        Err(_) => return problem(StatusCode::INTERNAL_SERVER_ERROR, "the snapshot could not be made"),
    };
    let compressed = accepts_gzip(&headers).then(|| gzip(&json)).flatten();
    let is_gzip = compressed.is_some();
    let mut response = compressed.map_or(json, Bytes::from).into_response();
    describe(response.headers_mut(), "application/json");
    response.headers_mut().insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    if is_gzip {
        response.headers_mut().insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    response
}

/// A snapshot each second, until the client leaves or takes none for too long.
async fn events(State(shared): State<Shared>) -> Response {
    let Ok(permit) = shared.streams.try_acquire_owned() else {
        let detail = format!("{MAX_STREAMS} clients have an event stream already; ask /api/v1/live instead");
        let mut response = problem(StatusCode::SERVICE_UNAVAILABLE, &detail);
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("10"));
        return response;
    };
    let Ok(frames) = shared.live.look() else { return refused() };
    let mut response =
        Body::from_stream(unfold(Stream { frames, _permit: permit, is_new: true }, Stream::next)).into_response();
    describe(response.headers_mut(), "text/event-stream");
    response.extensions_mut().insert(Endless);
    response
}

/// What is sent to a client.
struct Stream {
    frames: Frames,
    /// Given back when the client has left.
    _permit: OwnedSemaphorePermit,
    is_new: bool,
}

impl Stream {
    /// The next bytes. Frames that have come while others were sent are left out, except the newest.
    async fn next(mut self) -> Option<(Result<Bytes, Infallible>, Self)> {
        if std::mem::take(&mut self.is_new) {
            self.frames.mark_changed();
            return Some((Ok(Bytes::from_static(RETRY.as_bytes())), self));
        }
        loop {
            self.frames.changed().await.ok()?;
            let event = self.frames.borrow_and_update().as_ref().map(|frame| frame.event.clone());
            if let Some(event) = event {
                return Some((Ok(event), self));
            }
        }
    }
}

fn describe(headers: &mut HeaderMap, content_type: &'static str) {
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
}

fn refused() -> Response {
    problem(StatusCode::SERVICE_UNAVAILABLE, "the host gives no thread for this; try again later")
}
