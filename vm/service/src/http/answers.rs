//! Thread that generates `/metrics` responses, because gathering reads counters and
//! `/proc`, which is too slow for the serving thread.
//!
//! Responses are generated one at a time, which bounds the threads; the thread exists from
//! the start, so that no request fails for lack of one.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::{Sender, channel};

use riscope_telemetry::Telemetry;
use tokio::sync::oneshot;

use super::encoding::gzip;

/// Name of the thread. It survives panics in its work.
pub(crate) const ANSWER_THREAD: &str = "http-answer";

/// Response body with its type and encoding.
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

/// Sender to the thread, which ends with the last of them.
#[derive(Clone, Debug)]
pub(crate) struct Answers {
    questions: Sender<Question>,
    telemetry: Arc<Telemetry>,
}

impl Answers {
    /// Starts the thread.
    ///
    /// # Errors
    /// When the host cannot create a thread.
    pub(crate) fn start(telemetry: Arc<Telemetry>) -> io::Result<Self> {
        // Unbounded: each open connection has at most one request in it.
        let (sender, questions) = channel::<Question>();
        let source = Arc::clone(&telemetry);
        std::thread::Builder::new().name(ANSWER_THREAD.into()).spawn(move || {
            for question in questions {
                // A client that has disconnected needs no response.
                if !question.reply.is_closed() {
                    let made = catch_unwind(AssertUnwindSafe(|| answer(&source, &question)));
                    // A panic has been reported; a missing reply becomes an error response.
                    let _ = made.map(|answer| question.reply.send(answer));
                }
            }
        })?;
        Ok(Self { questions: sender, telemetry })
    }

    /// Telemetry, for what needs no thread.
    pub(crate) fn telemetry(&self) -> Arc<Telemetry> {
        Arc::clone(&self.telemetry)
    }

    /// Metrics for a client that sent this `Accept` header, compressed if `gzip`; `None` if
    /// gathering failed.
    pub(super) async fn metrics(&self, accept: Option<String>, gzip: bool) -> Option<Answer> {
        let (reply, answer) = oneshot::channel();
        self.questions.send(Question { accept, gzip, reply }).ok()?;
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
