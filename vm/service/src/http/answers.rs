//! The thread that makes the answers of `/metrics`: gathering reads counters and files of
//! `/proc`, which is too slow for the thread that serves.
//!
//! Answers are made one at a time, so that many requests do not become many threads, and
//! the thread is there from the start, so that no request fails for want of one.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::{Sender, channel};

use riscope_telemetry::Telemetry;
use tokio::sync::oneshot;

use super::encoding::gzip;

/// Name of the thread. It survives a panic of what it does.
pub(crate) const THREAD: &str = "http-answer";

/// The body of an answer and what it is.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) content_type: &'static str,
    pub(super) is_gzip: bool,
    pub(super) body: Vec<u8>,
}

#[derive(Debug)]
struct Question {
    accept: Option<String>,
    gzip: bool,
    reply: oneshot::Sender<Answer>,
}

/// The way to the thread, which ends with the last of these.
#[derive(Clone, Debug)]
pub(crate) struct Answers(Sender<Question>);

impl Answers {
    /// Starts the thread.
    ///
    /// # Errors
    /// When the host is out of threads.
    pub(crate) fn start(telemetry: Arc<Telemetry>) -> io::Result<Self> {
        // Not bounded: each open connection has at most one question in it.
        let (sender, questions) = channel::<Question>();
        std::thread::Builder::new().name(THREAD.into()).spawn(move || {
            for question in questions {
                // A client that has gone needs no answer.
                if !question.reply.is_closed() {
                    let made = catch_unwind(AssertUnwindSafe(|| answer(&telemetry, &question)));
                    // A panic has been reported; without a reply, the client is told of a failure.
                    let _ = made.map(|answer| question.reply.send(answer));
                }
            }
        })?;
        Ok(Self(sender))
    }

    /// The metrics for a client that sent this `Accept` and may or may not want gzip;
    /// `None` if they could not be gathered.
    pub(super) async fn metrics(&self, accept: Option<String>, gzip: bool) -> Option<Answer> {
        let (reply, answer) = oneshot::channel();
        self.0.send(Question { accept, gzip, reply }).ok()?;
        answer.await.ok()
    }
}

fn answer(telemetry: &Telemetry, question: &Question) -> Answer {
    let (content_type, text) = telemetry.render(question.accept.as_deref());
    match question.gzip.then(|| gzip(&text)).flatten() {
        Some(body) => Answer { content_type, is_gzip: true, body },
        None => Answer { content_type, is_gzip: false, body: text },
    }
}
