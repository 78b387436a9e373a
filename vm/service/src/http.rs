//! The HTTP endpoint of a machine in the foreground: a page of links, `/metrics`,
//! and health.
//!
//! A client can be slow, silent or hostile: headers have to arrive within
//! [`HEADER_TIMEOUT`], and only [`MAX_CONNECTIONS`] are served at a time.

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

/// Longest time that a client may take to send the headers of a request.
const HEADER_TIMEOUT: Duration = Duration::from_secs(5);
/// Connections that are served at a time; more wait.
const MAX_CONNECTIONS: usize = 64;
/// Pause after a failed accept, for example when file descriptors have run out.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Serves until the task is dropped.
pub(crate) async fn serve(listener: TcpListener, telemetry: Arc<Telemetry>) {
    let router = router(telemetry);
    let slots = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    loop {
        let Ok(slot) = Arc::clone(&slots).acquire_owned().await else { return };
        match listener.accept().await {
            Ok((stream, _)) => {
                let router = router.clone();
                tokio::spawn(async move {
                    serve_connection(stream, router).await;
                    drop(slot);
                });
            }
            Err(_) => tokio::time::sleep(ACCEPT_PAUSE).await,
        }
    }
}

async fn serve_connection(stream: TcpStream, router: Router) {
    let mut builder = hyper::server::conn::http1::Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(HEADER_TIMEOUT);
    // The client's errors are the client's.
    let _ = builder.serve_connection(TokioIo::new(stream), TowerToHyperService::new(router)).await;
}

fn router(telemetry: Arc<Telemetry>) -> Router {
    Router::new()
        .route("/", get(page))
        .route("/metrics", get(metrics))
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/readyz", get(|| async { "ok\n" }))
        .fallback(not_found)
        .with_state(telemetry)
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
        "</ul></html>\n",
    ))
}

/// Gathering reads counters and a few files of `/proc`: off the thread that serves.
async fn metrics(State(telemetry): State<Arc<Telemetry>>, headers: HeaderMap) -> Response {
    let accept = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()).map(str::to_owned);
    match tokio::task::spawn_blocking(move || telemetry.render(accept.as_deref())).await {
        Ok((content_type, body)) => ([(header::CONTENT_TYPE, content_type)], body).into_response(),
        Err(_) => problem(StatusCode::INTERNAL_SERVER_ERROR, "the metrics could not be gathered"),
    }
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
