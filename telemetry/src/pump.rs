//! Pump: the thread that takes events from the bus, and lines from consoles, and passes them to metrics, spans and log
//! records.
//!
//! It survives a handler that panics, and handles all queued events before it ends.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender, bounded, unbounded};
use riscope_core::event::Envelope;

use crate::feed::Feed;
use crate::log::console::Line;

/// Handler of events.
pub(crate) trait Handler: Send + 'static {
    /// Handles an event.
    fn handle(&mut self, envelope: &Envelope);
    /// Handles a line of a console.
    fn console_line(&mut self, line: Line);
    /// Called after the last event; `deadline` is the time at which the pump's owner stops
    /// waiting.
    fn finish(&mut self, deadline: Instant);
}

#[derive(Debug)]
enum Command {
    /// Handle queued events, then respond.
    Flush(Sender<()>),
    /// Handle a line of a console. A [`ConsoleLog`](crate::ConsoleLog) bounds the number of those that wait.
    Line(Line),
    /// Handle queued events, then end.
    Stop { deadline: Instant },
}

/// Name of the pump's thread. A panic there loses one event.
pub const PUMP_THREAD: &str = "telemetry";

/// Handle to the pump's thread.
#[derive(Debug)]
pub(crate) struct Pump {
    commands: Sender<Command>,
    thread: JoinHandle<()>,
    /// Disconnected when the thread has finished.
    done: Receiver<()>,
}

impl Pump {
    /// Starts the thread. `panics` counts the events that made `handler` panic.
    pub(crate) fn start(feed: Feed, handler: impl Handler, panics: Arc<AtomicU64>) -> Result<Self, io::Error> {
        let (commands, receiver) = unbounded();
        let (done_sender, done) = bounded(0);
        let thread = std::thread::Builder::new().name(PUMP_THREAD.to_owned()).spawn(move || {
            run(feed, handler, &receiver, &panics);
            drop(done_sender);
        })?;
        Ok(Self { commands, thread, done })
    }

    /// Handle that waits for all events published before. It does not keep the pump alive.
    pub(crate) fn flusher(&self) -> Flusher {
        Flusher(self.commands.clone())
    }

    /// Handle that passes lines of consoles. It does not keep the pump alive.
    pub(crate) fn lines(&self) -> Lines {
        Lines(self.commands.clone())
    }

    /// Ends the thread; detaches it if it has not ended by `deadline`.
    pub(crate) fn stop(self, deadline: Instant) -> bool {
        // A failure means that the thread has ended already.
        let _ = self.commands.send(Command::Stop { deadline });
        let ended = self.done.recv_deadline(deadline) == Err(crossbeam_channel::RecvTimeoutError::Disconnected);
        ended && self.thread.join().is_ok()
    }
}

/// Handle that waits for the pump; see [`Pump::flusher`].
#[derive(Debug)]
pub(crate) struct Flusher(Sender<Command>);

impl Flusher {
    /// False if `timeout` is too short, or the pump has ended.
    pub(crate) fn flush(&self, timeout: Duration) -> bool {
        let (answer, answered) = bounded(1);
        self.0.send(Command::Flush(answer)).is_ok() && answered.recv_timeout(timeout).is_ok()
    }
}

/// Handle that passes lines of consoles; see [`Pump::lines`].
#[derive(Debug)]
pub(crate) struct Lines(Sender<Command>);

impl Lines {
    /// Passes a line on, unless the pump has ended.
    pub(crate) fn send(&self, line: Line) {
        let _ = self.0.send(Command::Line(line));
    }
}

fn run(mut feed: Feed, mut handler: impl Handler, commands: &Receiver<Command>, panics: &AtomicU64) {
    let handle = |handler: &mut dyn Handler, envelope: &Envelope| {
        // After a panic the handler can continue: its state consists of independent
        // counters and maps, which only miss parts of that event.
        if catch_unwind(AssertUnwindSafe(|| handler.handle(envelope))).is_err() {
            panics.fetch_add(1, Ordering::Relaxed);
        }
    };
    loop {
        match feed.next(commands, |envelope| handle(&mut handler, envelope)) {
            None => {}
            Some(Ok(Command::Flush(answer))) => {
                feed.drain(|envelope| handle(&mut handler, envelope));
                // The requester may have stopped waiting.
                let _ = answer.send(());
            }
            Some(Ok(Command::Line(line))) => {
                // Its trace is that of what happened before.
                feed.drain(|envelope| handle(&mut handler, envelope));
                handler.console_line(line);
            }
            Some(Ok(Command::Stop { deadline })) => {
                feed.drain(|envelope| handle(&mut handler, envelope));
                handler.finish(deadline);
                return;
            }
            Some(Err(_)) => return,
        }
    }
}

#[cfg(test)]
mod tests {
    use riscope_core::event::{DomainEventBus, VmEvent, VmId};

    use super::*;

    const PATIENCE: Duration = Duration::from_secs(60);

    /// Records its events; panics on odd machines.
    struct Fussy(Sender<Option<VmId>>);

    impl Handler for Fussy {
        fn handle(&mut self, envelope: &Envelope) {
            let vm_id = envelope.vm_id;
            assert!(vm_id.as_u128().is_multiple_of(2), "an odd machine, as the test wants it");
            self.0.send(Some(vm_id)).expect("the test listens");
        }

        fn console_line(&mut self, _line: Line) {}

        fn finish(&mut self, _deadline: Instant) {
            self.0.send(None).expect("the test listens");
        }
    }

    fn start(bus: &DomainEventBus) -> (Pump, Receiver<Option<VmId>>, Arc<AtomicU64>) {
        let (seen, receiver) = unbounded();
        let panics = Arc::new(AtomicU64::new(0));
        let feed = Feed::subscribe(bus, 64);
        let pump = Pump::start(feed, Fussy(seen), Arc::clone(&panics)).expect("a thread");
        (pump, receiver, panics)
    }

    fn publish(bus: &DomainEventBus, machines: impl IntoIterator<Item = u128>) {
        machines.into_iter().for_each(|vm| bus.publish(VmId::from_u128(vm), VmEvent::Deleted {}));
    }

    #[test]
    fn an_event_that_panics_costs_itself_only() {
        let bus = DomainEventBus::new();
        let (pump, seen, panics) = start(&bus);
        publish(&bus, 0..5);
        assert!(pump.flusher().flush(PATIENCE));
        let handled: Vec<_> = seen.try_iter().collect();
        assert_eq!(handled, [0, 2, 4].map(|vm| Some(VmId::from_u128(vm))));
        assert_eq!(panics.load(Ordering::Relaxed), 2);
        assert!(pump.stop(Instant::now() + PATIENCE));
    }

    #[test]
    fn what_is_queued_is_handled_before_the_end() {
        let bus = DomainEventBus::new();
        let (pump, seen, _) = start(&bus);
        publish(&bus, [2, 4, 6]);
        // A thread that waits for the pump does not prevent another from ending it.
        let flusher = pump.flusher();
        assert!(pump.stop(Instant::now() + PATIENCE));
        assert!(!flusher.flush(PATIENCE));
        let handled: Vec<_> = seen.try_iter().collect();
        let expected = [2, 4, 6].map(|vm| Some(VmId::from_u128(vm)));
        assert_eq!(handled, [&expected[..], &[None]].concat());
        assert!(!bus.has_subscribers());
    }

    #[test]
    fn a_handler_that_does_not_end_is_left_alone() {
        struct Stuck(Receiver<()>);
        impl Handler for Stuck {
            fn handle(&mut self, _envelope: &Envelope) {}
            fn console_line(&mut self, _line: Line) {}

            fn finish(&mut self, _deadline: Instant) {
                // Blocks until the test drops the other end.
                assert!(self.0.recv().is_err());
            }
        }
        let bus = DomainEventBus::new();
        let (hold, held) = bounded(0);
        let feed = Feed::subscribe(&bus, 1);
        let pump = Pump::start(feed, Stuck(held), Arc::default()).expect("a thread");
        assert!(!pump.stop(Instant::now()));
        drop(hold);
    }
}
