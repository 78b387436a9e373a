//! The HTTP endpoint of a machine in the foreground: a page of links, `/metrics`,
//! and health.
//!
//! A client can be slow, silent or hostile, and no other may wait for it:
//!
//! - a connection serves one request and ends; a scraper needs no more, and nobody
//!   holds a place without using it;
//! - headers have to arrive within [`HEADER_TIMEOUT`], and everything, the writing of
//!   the answer included, has to be done within [`CONNECTION_TIMEOUT`];
//! - when [`MAX_CONNECTIONS`] are open, the next one takes the place of the oldest, as
//!   soon as that has had [`GRACE`];
//! - answers are made one at a time, so that many requests do not become many threads.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use riscope_telemetry::Telemetry;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::AbortHandle;
use tokio::time::Instant;

/// Longest time that a client may take to send the headers of a request.
const HEADER_TIMEOUT: Duration = Duration::from_secs(5);
/// Longest time that a connection may take.
const CONNECTION_TIMEOUT: Duration = Duration::from_secs(10);
/// Connections that are open at a time.
const MAX_CONNECTIONS: usize = 64;
/// Time that a connection has for itself, however many others want its place: what a
/// scrape takes on a busy host, and short enough that hundreds of silent clients hold
/// nobody up for longer than a scraper waits.
const GRACE: Duration = Duration::from_millis(250);
/// Pause after a failed accept, for example when file descriptors have run out.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// What the handlers share.
#[derive(Clone, Debug)]
struct Shared {
    telemetry: Arc<Telemetry>,
    /// Whose turn it is to make an answer.
    turn: Arc<Semaphore>,
}

/// Serves until the task is dropped.
pub(crate) async fn serve(listener: TcpListener, telemetry: Arc<Telemetry>) {
    let router = router(Shared { telemetry, turn: Arc::new(Semaphore::new(1)) });
    let mut open = Connections::default();
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                open.make_room().await;
                let router = router.clone();
                let task = tokio::spawn(async move {
                    // One that takes too long ends here, unanswered.
                    let _ = tokio::time::timeout(CONNECTION_TIMEOUT, serve_connection(stream, router)).await;
                });
                open.0.push_back((Instant::now(), task.abort_handle()));
            }
            Err(_) => tokio::time::sleep(ACCEPT_PAUSE).await,
        }
    }
}

/// Open connections and when they began, oldest first.
#[derive(Debug, Default)]
struct Connections(VecDeque<(Instant, AbortHandle)>);

impl Connections {
    /// Waits until there is room for another, which is not for long.
    async fn make_room(&mut self) {
        self.forget_ended();
        if self.0.len() < MAX_CONNECTIONS {
            return;
        }
        if let Some((since, _)) = self.0.front() {
            tokio::time::sleep_until(*since + GRACE).await;
        }
        self.forget_ended();
        if self.0.len() >= MAX_CONNECTIONS
            && let Some((_, oldest)) = self.0.pop_front()
        {
            oldest.abort();
        }
    }

    fn forget_ended(&mut self) {
        self.0.retain(|(_, task)| !task.is_finished());
    }
}

async fn serve_connection(stream: TcpStream, router: Router) {
    let mut builder = hyper::server::conn::http1::Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(HEADER_TIMEOUT).keep_alive(false);
    // The client's errors are the client's.
    let _ = builder.serve_connection(TokioIo::new(stream), TowerToHyperService::new(router)).await;
}

fn router(shared: Shared) -> Router {
    Router::new()
        .route("/", get(page))
        .route("/metrics", get(metrics))
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/readyz", get(|| async { "ok\n" }))
        .merge(crate::runbooks::routes())
        .method_not_allowed_fallback(not_allowed)
        .fallback(not_found)
        .with_state(shared)
}

async fn page() -> Html<&'static str> {
    Html(concat!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>riscope</title>",
        "<h1>riscope ",
        env!("CARGO_PKG_VERSION"),
        "</h1><ul>",
        "<li><a href=\"/metrics\">/metrics</a>: Prometheus metrics, text or OpenMetrics by <code>Accept</code>",
        "<li><a href=\"/healthz\">/healthz</a>: is the process alive",
        "<li><a href=\"/readyz\">/readyz</a>: can it serve",
        "<li><a href=\"/runbooks\">/runbooks</a>: what to do when an alert fires",
        "</ul></html>\n",
    ))
}

/// Gathering reads counters and a few files of `/proc`: off the thread that serves.
async fn metrics(State(shared): State<Shared>, headers: HeaderMap) -> Response {
    let accept = accepted(&headers);
    let Ok(turn) = shared.turn.acquire_owned().await else {
        return problem(StatusCode::INTERNAL_SERVER_ERROR, "the metrics are not served any more");
    };
    let rendered = tokio::task::spawn_blocking(move || {
        let rendered = shared.telemetry.render(accept.as_deref());
        // Here and not outside: the work goes on when the client has gone.
        drop(turn);
        rendered
    });
    match rendered.await {
        Ok((content_type, body)) => ([(header::CONTENT_TYPE, content_type)], body).into_response(),
        Err(_) => problem(StatusCode::INTERNAL_SERVER_ERROR, "the metrics could not be gathered"),
    }
}

/// What the client accepts. Several lines are one list (RFC 9110, section 5.2).
fn accepted(headers: &HeaderMap) -> Option<String> {
    let lines: Vec<&str> = headers.get_all(header::ACCEPT).iter().filter_map(|line| line.to_str().ok()).collect();
    (!lines.is_empty()).then(|| lines.join(","))
}

async fn not_allowed() -> Response {
    problem(StatusCode::METHOD_NOT_ALLOWED, "this can only be read: use GET")
}

async fn not_found() -> Response {
    problem(StatusCode::NOT_FOUND, "there is nothing here; see / for what there is")
}

/// An error as RFC 9457 has it.
fn problem(status: StatusCode, detail: &str) -> Response {
    let title = status.canonical_reason().unwrap_or("error");
    let body = format!(
        "{{\"type\":\"about:blank\",\"title\":\"{title}\",\"status\":{},\"detail\":\"{detail}\"}}\n",
        status.as_u16()
    );
    (status, [(header::CONTENT_TYPE, "application/problem+json")], body).into_response()
}
