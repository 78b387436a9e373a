//! Flight recorder: the last events of the machine as JSON lines, when it crashes or somebody
//! asks (SIGUSR1, `--flight-recorder`).

use std::io;
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use riscope_core::event::{DomainEventBus, Envelope, FlightRecorder, RecorderLimits, VmId, wall_ns};
use riscope_core::field::Field;
use serde_json::{Map, Value, json};

use crate::error::CommandError;
use crate::message::{line_end, say};
use crate::outputs::{replace, try_to_replace};
use crate::terminal::descriptor::{unblocked, write_patiently};

/// Seconds after which events are not written to a stderr that takes nothing.
const PATIENCE_SECONDS: u64 = 10;

/// Why events are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Occasion {
    /// SIGUSR1.
    Signal,
    /// The guest has panicked.
    GuestPanic,
    /// riscope or its host has failed.
    Error,
}

impl Occasion {
    fn as_str(self) -> &'static str {
        match self {
            Self::Signal => "signal",
            Self::GuestPanic => "guest_panic",
            Self::Error => "error",
        }
    }
}

/// The recorder, and the file of `--flight-recorder`.
#[derive(Debug)]
pub(crate) struct Flight {
    recorder: FlightRecorder,
    path: Option<PathBuf>,
    /// Held while the file is replaced, as that takes a temporary file.
    writing: Mutex<()>,
    requests: Requests,
}

/// Requests for events that are to be written one after another, on one thread.
#[derive(Debug, Default)]
struct Requests(AtomicUsize);

impl Requests {
    /// Adds a request. Whether the caller is to have it served; otherwise somebody does so.
    fn add(&self) -> bool {
        self.0.fetch_add(1, Ordering::AcqRel) == 0
    }

    /// Serves all requests: those that come while one is served, together by another time.
    fn serve(&self, mut work: impl FnMut()) {
        loop {
            let known = self.0.load(Ordering::Acquire);
            work();
            if self.0.compare_exchange(known, 0, Ordering::AcqRel, Ordering::Acquire).is_ok() {
                return;
            }
        }
    }

    /// Forgets them all.
    fn forget(&self) {
        self.0.store(0, Ordering::Release);
    }
}

impl Flight {
    /// A recorder that writes to `path`, if there is one.
    ///
    /// # Errors
    /// [`CommandError::FlightRecorder`] if the file cannot be written.
    pub(crate) fn new(bus: &DomainEventBus, path: Option<&Path>) -> Result<Self, CommandError> {
        if let Some(path) = path {
            let unusable = |source| CommandError::FlightRecorder { path: path.into(), source };
            try_to_replace(path).map_err(unusable)?;
        }
        let recorder = FlightRecorder::new(bus, RecorderLimits::default());
        Ok(Self { recorder, path: path.map(Path::to_owned), writing: Mutex::default(), requests: Requests::default() })
    }

    /// Records the machine `vm_id` from now on.
    pub(crate) fn watch(&self, vm_id: VmId) {
        self.recorder.watch(vm_id);
    }

    /// The last events of a machine, oldest first.
    pub(crate) fn latest(&self, vm_id: VmId) -> Vec<Envelope> {
        self.recorder.dump(vm_id)
    }

    /// Writes what was recorded: to the file, whose contents it replaces, or to stderr if there is
    /// none and somebody has asked.
    pub(crate) fn dump(&self, occasion: Occasion) {
        match &self.path {
            Some(path) => {
                if let Err(error) = self.write_to_file(path, occasion) {
                    say(&format_args!("cannot write the flight recorder to {}: {error}", path.display()));
                }
            }
            None if occasion == Occasion::Signal => write_to_stderr(&self.lines(occasion, line_end())),
            None => {}
        }
    }

    /// As [`Flight::dump`] after a signal, on a thread of its own, as the caller must not wait for
    /// a reader of stderr. Signals that come while it writes are answered together behind that.
    pub(crate) fn dump_aside(self: &Arc<Self>) {
        if !self.requests.add() {
            return;
        }
        let this = Arc::clone(self);
        let serve = move || this.requests.serve(|| this.dump(Occasion::Signal));
        if std::thread::Builder::new().name("flight-recorder".into()).spawn(serve).is_err() {
            // A host without threads has more serious problems.
            self.requests.forget();
        }
    }

    /// Replaces the file, which therefore stays small however often a guest panics.
    fn write_to_file(&self, path: &Path, occasion: Occasion) -> io::Result<()> {
        let _turn = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        replace(path, self.lines(occasion, "\n"))
    }

    /// A line about each machine, and one for each of its events.
    fn lines(&self, occasion: Occasion, end: &str) -> String {
        let mut lines = String::new();
        let mut line = |value: &Value| {
            lines.push_str(&value.to_string());
            lines.push_str(end);
        };
        for vm_id in self.recorder.machines() {
            let events = self.recorder.dump(vm_id);
            line(&json!({
                "dump": occasion.as_str(),
                "vm_id": vm_id.to_string(),
                "wall_ns": wall_ns(),
                "events": events.len(),
            }));
            events.iter().map(value).for_each(|value| line(&value));
        }
        lines
    }
}

/// Writes to stderr, line by line with the messages of other threads, unless nobody reads it.
fn write_to_stderr(lines: &str) {
    let stderr = io::stderr();
    let own = unblocked(&stderr);
    let sink = own.as_ref().map_or_else(|| stderr.as_fd(), AsFd::as_fd);
    // A failure of stderr cannot be reported.
    let _ = write_patiently(&sink, || stderr.lock(), lines.as_bytes(), Duration::from_secs(PATIENCE_SECONDS));
}

/// An event as JSON.
fn value(envelope: &Envelope) -> Value {
    let mut fields = Map::new();
    envelope.event.visit_fields(&mut |name, field| {
        let value = match field {
            Field::Unsigned(number) => number.into(),
            Field::Signed(number) => number.into(),
            Field::Text(text) => text.into(),
        };
        fields.insert(name.to_owned(), value);
    });
    json!({
        "event": envelope.event.event_type(),
        "vm_id": envelope.vm_id.to_string(),
        "sequence": envelope.sequence,
        "wall_ns": envelope.wall_ns,
        "monotonic_ns": envelope.monotonic_ns,
        "fields": fields,
    })
}

#[cfg(test)]
mod tests {
    use riscope_core::event::{Event, EventType, VmEvent};

    use super::*;

    fn lines(flight: &Flight, occasion: Occasion) -> Vec<Value> {
        flight.lines(occasion, "\n").lines().map(|line| line.parse().expect("it is JSON")).collect()
    }

    #[test]
    fn every_type_of_event_is_a_line_with_its_fields() {
        let bus = DomainEventBus::new();
        let flight = Flight::new(&bus, None).expect("it has no file");
        let vm_id = VmId::from_u128(7);
        flight.watch(vm_id);
        EventType::ALL.iter().for_each(|&kind| bus.publish(vm_id, Event::blank(kind)));
        bus.publish(vm_id, VmEvent::Exited { reason: riscope_core::event::ExitReason::Timeout, code: -1 });
        let lines = lines(&flight, Occasion::Signal);
        assert_eq!(lines[0]["dump"], "signal");
        assert_eq!(lines[0]["vm_id"], vm_id.to_string());
        assert_eq!(lines[0]["events"], EventType::ALL.len() + 1);
        let names: Vec<_> = lines[1..].iter().map(|line| line["event"].as_str().expect("a name")).collect();
        assert_eq!(names[..EventType::ALL.len()], EventType::NAMES);
        let last = lines.last().expect("there are lines");
        assert_eq!(last["fields"], json!({"reason": "timeout", "code": -1}));
        assert_eq!(last["sequence"], EventType::ALL.len());
    }

    #[test]
    fn a_crash_is_written_to_the_file_and_a_second_one_replaces_it() {
        let (bus, vm_id) = (DomainEventBus::new(), VmId::from_u128(7));
        let path = std::env::temp_dir().join(format!("riscope-flight-{}", std::process::id()));
        let link = path.with_extension("link");
        std::fs::write(&path, "of an earlier run").expect("a folder for temporary files");
        std::os::unix::fs::symlink(&path, &link).expect("the folder takes links");
        let flight = Flight::new(&bus, Some(&link)).expect("it can be written");
        flight.watch(vm_id);
        assert_eq!(
            std::fs::read_to_string(&path).expect("it is there"),
            "of an earlier run",
            "nothing was written yet"
        );
        bus.publish(vm_id, VmEvent::Deleted {});
        for (occasion, name) in [(Occasion::GuestPanic, "guest_panic"), (Occasion::Error, "error")] {
            flight.dump(occasion);
            let text = std::fs::read_to_string(&path).expect("it is there");
            let dump: Vec<Value> = text.lines().map(|line| line.parse().expect("it is JSON")).collect();
            assert_eq!(dump.len(), 2, "{text}");
            assert_eq!((&dump[0]["dump"], &dump[1]["event"]), (&json!(name), &json!("vm.deleted")));
        }
        assert!(link.is_symlink(), "the file that it leads to was replaced");
        [path, link].iter().for_each(|path| std::fs::remove_file(path).expect("it is there"));
    }

    #[test]
    fn signals_that_come_while_events_are_written_are_answered_together() {
        let requests = Requests::default();
        assert!(requests.add());
        assert!(!requests.add(), "one thread is enough");
        let mut times = 0;
        requests.serve(|| {
            times += 1;
            if times == 1 {
                assert!(!requests.add());
                assert!(!requests.add());
            }
        });
        assert_eq!(times, 2);
        assert!(requests.add());
    }
}
