//! `/runbooks`: what to do when an alert fires. Alerts link here, so that their links work
//! wherever riscope runs.

use axum::Router;
use axum::extract::Path;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use riscope_telemetry::{runbook, runbook_names};

/// Plain text, because browsers download `text/markdown` instead of displaying it.
const TEXT: [(header::HeaderName, &str); 1] = [(header::CONTENT_TYPE, "text/plain; charset=utf-8")];

/// Index of runbooks, and the runbooks.
pub(crate) fn routes<S: Clone + Send + Sync + 'static>() -> Router<S> {
    Router::new().route("/runbooks", get(list)).route("/runbooks/{name}", get(show))
}

async fn list() -> impl IntoResponse {
    let lines: String = runbook_names().map(|name| format!("/runbooks/{name}.md\n")).collect();
    (TEXT, lines)
}

async fn show(Path(name): Path<String>) -> Response {
    match runbook(&name) {
        Some(text) => (TEXT, text).into_response(),
        None => (StatusCode::NOT_FOUND, TEXT, "there is no such runbook; /runbooks lists them\n").into_response(),
    }
}
