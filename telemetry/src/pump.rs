//! The pump: the one thread that takes events from the bus and hands them to
//! metrics and spans.
//!
//! It survives whatever an event does to its handler, and it ends when told to, not
//! before it has handled what was queued by then.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::JoinHandle;

use crossbeam_channel::{Receiver, Sender, bounded, unbounded};
use riscope_core::event::{Envelope, Received, Subscription};

/// What is done with events.
pub(crate) trait Handler: Send + 'static {
    /// Takes the next event.
    fn handle(&mut self, envelope: &Envelope);
    /// There are no more; `deadline` is when the pump's owner stops waiting.
    fn finish(&mut self, deadline: std::time::Instant);
}

enum Command {
    /// Handle what is queued, then answer.
    Flush(Sender<()>),
    /// Handle what is queued, then end.
    Stop { deadline: std::time::Instant },
}

/// Handle to the thread.
#[derive(Debug)]
pub(crate) struct Pump {
    commands: Sender<Command>,
    thread: JoinHandle<()>,
    /// Closed when the thread has done everything.
    done: Receiver<()>,
}

impl std::fmt::Debug for Command {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Flush(_) => "Flush",
            Self::Stop { .. } => "Stop",
        })
    }
}

impl Pump {
    /// Starts the thread. `panics` counts the events that made `handler` panic.
    pub(crate) fn start(
        subscription: Subscription,
        handler: impl Handler,
        panics: Arc<AtomicU64>,
    ) -> Result<Self, io::Error> {
        let (commands, receiver) = unbounded();
        let (done_sender, done) = bounded(0);
        let thread = std::thread::Builder::new().name("telemetry".to_owned()).spawn(move || {
            run(&subscription, handler, &receiver, &panics);
            drop(done_sender);
        })?;
        Ok(Self { commands, thread, done })
    }

    /// Waits until every event is handled that was published before the call.
    pub(crate) fn flush(&self, timeout: std::time::Duration) -> bool {
        let (answer, answered) = bounded(1);
        self.commands.send(Command::Flush(answer)).is_ok() && answered.recv_timeout(timeout).is_ok()
    }

    /// Ends the thread, or leaves it to itself when it has not ended at `deadline`.
    pub(crate) fn stop(self, deadline: std::time::Instant) -> bool {
        // A failure means that the thread has ended already.
        let _ = self.commands.send(Command::Stop { deadline });
        let ended = self.done.recv_deadline(deadline) == Err(crossbeam_channel::RecvTimeoutError::Disconnected);
        ended && self.thread.join().is_ok()
    }
}

fn run(subscription: &Subscription, mut handler: impl Handler, commands: &Receiver<Command>, panics: &AtomicU64) {
    let handle = |handler: &mut dyn Handler, envelope: &Envelope| {
        // A handler that panics half-way leaves counts that lack that event, and
        // nothing else: what it works on are single counters and maps.
        if catch_unwind(AssertUnwindSafe(|| handler.handle(envelope))).is_err() {
            panics.fetch_add(1, Ordering::Relaxed);
        }
    };
    loop {
        match subscription.recv_or(commands) {
            Received::Event(envelope) => handle(&mut handler, &envelope),
            Received::Other(Ok(Command::Flush(answer))) => {
                subscription.drain().for_each(|envelope| handle(&mut handler, &envelope));
                // Whoever asked may have stopped waiting.
                let _ = answer.send(());
            }
            Received::Other(Ok(Command::Stop { deadline })) => {
                subscription.drain().for_each(|envelope| handle(&mut handler, &envelope));
                handler.finish(deadline);
                return;
            }
            Received::Other(Err(_)) => return,
        }
    }
}
