//! HTTP endpoint of a machine in the foreground: page, live view, `/metrics`, alerts, profiles and health.
//!
//! | file | holds |
//! |---|---|
//! | `connection.rs` | one connection: its requests and their time limits |
//! | `open.rs` | open connections, and which is closed to make room |
//! | `host.rs` | check of the `Host` header |
//! | `encoding.rs` | negotiation of gzip, and compression |
//! | `answers.rs` | thread that generates `/metrics` responses |
//! | `profile.rs` | profiles of the guest |
//! | `page.rs` | the page and its files |
//! | `live.rs` | snapshots of the machines |
//! | `problem.rs` | errors as `application/problem+json` |
//!
//! Slow, silent and hostile clients do not delay others; `open.rs` has the policy.

mod answers;
mod connection;
mod encoding;
mod host;
mod live;
mod open;
mod page;
mod problem;
mod profile;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::from_fn_with_state;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use tokio::net::TcpListener;

use crate::live::Live;
pub(crate) use answers::{ANSWER_THREAD, Answers};
use connection::Connection;
use encoding::accepts_gzip;
pub(crate) use host::AllowedHosts;
use open::OpenConnections;
use problem::problem;

use crate::profile::Profiles;

/// Delay after a failed accept, for example when file descriptors have run out.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Serves until the task is dropped.
pub(crate) async fn serve(
    listener: TcpListener,
    answers: Answers,
    profiles: Profiles,
    view: Arc<Live>,
    hosts: AllowedHosts,
) {
    let router = router(answers, profiles, view, Arc::new(hosts));
    let mut open = OpenConnections::default();
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                open.make_room().await;
                let connection = Connection::default();
                let served = tokio::spawn(connection.clone().serve(stream, router.clone()));
                open.add(connection, served.abort_handle());
            }
            Err(_) => tokio::time::sleep(ACCEPT_PAUSE).await,
        }
    }
}

fn router(answers: Answers, profiles: Profiles, view: Arc<Live>, hosts: Arc<AllowedHosts>) -> Router {
    Router::new()
        .route("/metrics", get(metrics))
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/readyz", get(|| async { "ok\n" }))
        .merge(crate::runbooks::routes())
        .merge(crate::alerts::routes(answers.telemetry()))
        .merge(profile::routes(profiles))
        .merge(page::routes())
        .merge(live::routes(view))
        .method_not_allowed_fallback(not_allowed)
        .fallback(not_found)
        .layer(from_fn_with_state(hosts, host::check))
        .with_state(answers)
}

async fn metrics(State(answers): State<Answers>, headers: HeaderMap) -> Response {
    let Some(answer) = answers.metrics(accepted(&headers), accepts_gzip(&headers)).await else {
        return problem(StatusCode::INTERNAL_SERVER_ERROR, "the metrics could not be gathered");
    };
    let mut response = answer.body.into_response();
    let fields = response.headers_mut();
    fields.insert(header::CONTENT_TYPE, header::HeaderValue::from_static(answer.content_type));
    fields.insert(header::VARY, header::HeaderValue::from_static("accept, accept-encoding"));
    if answer.is_gzip {
        fields.insert(header::CONTENT_ENCODING, header::HeaderValue::from_static("gzip"));
    }
    response
}

/// Value of `Accept`. Several header lines form one list (RFC 9110, section 5.2).
fn accepted(headers: &HeaderMap) -> Option<String> {
    let lines: Vec<&str> = headers.get_all(header::ACCEPT).iter().filter_map(|line| line.to_str().ok()).collect();
    (!lines.is_empty()).then(|| lines.join(","))
}

async fn not_allowed() -> Response {
    problem(StatusCode::METHOD_NOT_ALLOWED, "this can only be read: use GET or HEAD")
}

async fn not_found() -> Response {
    problem(StatusCode::NOT_FOUND, "there is nothing here; see / for what there is")
}
