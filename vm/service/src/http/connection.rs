//! HTTP connection: its requests in sequence, and their time limits.
//!
//! ```text
//!         first byte of a request            answer is written
//!  idle ──────────────────────────► asking ───────────────────► idle
//! ```
//!
//! An answer that is [`Endless`] stays one that is being written, as long as its client takes
//! what is written.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use axum::http::{HeaderValue, header};
use axum::response::Response;
use hyper::body::Incoming;
use hyper::service::{Service, service_fn};
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use rustix::net::sockopt::set_socket_send_buffer_size;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::Instant;

/// Time limit for the first request of a connection.
const FIRST_TIMEOUT: Duration = Duration::from_secs(5);
/// Time limit between two requests: longer than the common scrape interval of a minute.
const IDLE_TIMEOUT: Duration = Duration::from_secs(90);
/// Time limit from the first byte of a request to the last byte of its response, or of each part of
/// one that is [`Endless`].
const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);
/// Bytes that the kernel holds for a client: several snapshots of the live view, and little
/// for one that takes none.
const SEND_BUFFER: usize = 128 << 10;
/// Maximum requests per connection: a scraper with an interval of a second reconnects after
/// some minutes, so that no client occupies a connection for ever.
const MAX_REQUESTS: u32 = 250;

/// State of a connection.
#[derive(Clone, Debug)]
pub(super) struct Connection(Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    is_idle: bool,
    /// Start of the present state: idle, or serving a request.
    since: Instant,
    requests: u32,
    /// Whether the response is being sent.
    is_answered: bool,
    /// Time that the request may take longer than others.
    allowance: Duration,
    /// Whether it is [`Endless`].
    is_endless: bool,
}

/// Mark of a response without an end, whose client may take its time for the whole but not for a
/// part: nothing that is written may wait for longer than `REQUEST_TIMEOUT`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Endless;

impl Default for Connection {
    fn default() -> Self {
        let state = State {
            is_idle: true,
            since: Instant::now(),
            requests: 0,
            is_answered: false,
            allowance: Duration::ZERO,
            is_endless: false,
        };
        Self(Arc::new(Mutex::new(state)))
    }
}

impl Connection {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether it waits for a request.
    pub(super) fn is_idle(&self) -> bool {
        self.state().is_idle
    }

    /// Start of the present state, idle or serving.
    pub(super) fn since(&self) -> Instant {
        self.state().since
    }

    /// Records the first byte of a request.
    pub(super) fn request_begins(&self) {
        let mut state = self.state();
        if state.is_idle {
            (state.is_idle, state.since) = (false, Instant::now());
        }
    }

    /// Records a complete request; true if it is the last one served.
    fn request_comes(&self) -> bool {
        self.request_begins();
        let mut state = self.state();
        state.requests += 1;
        state.requests >= MAX_REQUESTS
    }

    /// Lets the present request take this much longer than others, as its client has asked for.
    pub(super) fn allow(&self, longer: Duration) {
        self.state().allowance = longer;
    }

    /// Records that the response is available and is sent next.
    fn request_is_answered(&self, is_endless: bool) {
        let mut state = self.state();
        (state.is_answered, state.is_endless) = (true, is_endless);
    }

    /// Records that all output is sent.
    fn is_flushed(&self) {
        let mut state = self.state();
        if state.is_endless {
            state.since = Instant::now();
        } else if std::mem::take(&mut state.is_answered) {
            (state.is_idle, state.since) = (true, Instant::now());
            state.allowance = Duration::ZERO;
        }
    }

    /// Time at which the connection ends in its present state.
    fn deadline(&self) -> Instant {
        let state = self.state();
        let limit = match (state.is_idle, state.requests) {
            (true, 0) => FIRST_TIMEOUT,
            (true, _) => IDLE_TIMEOUT,
            (false, _) => REQUEST_TIMEOUT + state.allowance,
        };
        state.since + limit
    }

    /// Serves requests by `router` until the client or a limit ends the connection.
    pub(super) async fn serve(self, stream: TcpStream, router: Router) {
        // An optimisation and a limit besides the kernel's own; failure is harmless.
        let _ = stream.set_nodelay(true);
        let _ = set_socket_send_buffer_size(&stream, SEND_BUFFER);
        let asked = self.clone();
        let router = TowerToHyperService::new(router);
        let service = service_fn(move |request| answer(asked.clone(), router.clone(), request));
        let mut builder = hyper::server::conn::http1::Builder::new();
        // `deadline` enforces this limit, with the others.
        builder.header_read_timeout(None);
        let io = TokioIo::new(Watched { stream, connection: self.clone() });
        let served = builder.serve_connection(io, service);
        tokio::select! {
            // Errors of the connection concern only the client.
            _ = served => {}
            () = self.expires() => {}
        }
    }

    async fn expires(&self) {
        loop {
            let deadline = self.deadline();
            if deadline <= Instant::now() {
                return;
            }
            tokio::time::sleep_until(deadline).await;
        }
    }
}

async fn answer(
    connection: Connection,
    router: TowerToHyperService<Router>,
    mut request: Request<Incoming>,
) -> Result<Response, std::convert::Infallible> {
    let is_last = connection.request_comes();
    request.extensions_mut().insert(connection.clone());
    let mut response = router.call(request).await?;
    if is_last {
        response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    connection.request_is_answered(response.extensions().get::<Endless>().is_some());
    Ok(response)
}

/// Stream that reports its traffic to the connection.
#[derive(Debug)]
struct Watched {
    stream: TcpStream,
    connection: Connection,
}

impl AsyncRead for Watched {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(cx, buffer))?;
        if buffer.filled().len() > before {
            self.connection.request_begins();
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Watched {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(Pin::new(&mut self.stream).poll_flush(cx))?;
        self.connection.is_flushed();
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn each_state_has_its_limit() {
        let (connection, start) = (Connection::default(), Instant::now());
        assert_eq!((connection.deadline(), connection.is_idle()), (start + FIRST_TIMEOUT, true));
        connection.request_begins();
        tokio::time::advance(Duration::from_secs(1)).await;
        connection.request_begins();
        assert!(!connection.request_comes());
        assert_eq!((connection.deadline(), connection.is_idle()), (start + REQUEST_TIMEOUT, false));
        connection.is_flushed();
        assert!(!connection.is_idle(), "there is no answer yet");
        connection.allow(Duration::from_secs(60));
        assert_eq!(connection.deadline(), start + Duration::from_secs(60) + REQUEST_TIMEOUT);
        connection.request_is_answered(false);
        connection.is_flushed();
        assert_eq!((connection.deadline(), connection.is_idle()), (Instant::now() + IDLE_TIMEOUT, true));
    }

    #[tokio::test(start_paused = true)]
    async fn an_endless_answer_lasts_while_its_client_takes_it() {
        let connection = Connection::default();
        connection.request_comes();
        connection.request_is_answered(true);
        for _ in 0..100 {
            tokio::time::advance(REQUEST_TIMEOUT / 2).await;
            connection.is_flushed();
            assert_eq!((connection.deadline(), connection.is_idle()), (Instant::now() + REQUEST_TIMEOUT, false));
        }
        let taken = Instant::now();
        connection.expires().await;
        assert_eq!(taken.elapsed(), REQUEST_TIMEOUT);
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_that_does_nothing_expires() {
        let (connection, start) = (Connection::default(), Instant::now());
        connection.expires().await;
        assert_eq!(start.elapsed(), FIRST_TIMEOUT);
    }

    #[tokio::test]
    async fn the_last_request_is_told() {
        let connection = Connection::default();
        assert!((1..MAX_REQUESTS).all(|_| !connection.request_comes()));
        assert!(connection.request_comes());
    }
}
