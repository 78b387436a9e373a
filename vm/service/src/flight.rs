//! Flight recorder: the last events of the machine as JSON lines, when it crashes or somebody
//! asks (SIGUSR1, `--flight-recorder`).

use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use riscope_core::event::{DomainEventBus, Envelope, FlightRecorder, RecorderLimits, VmId, wall_ns};
use riscope_core::field::Field;
use serde_json::{Map, Value, json};

use crate::error::CommandError;
use crate::message::{line_end, say};
use crate::outputs::try_to_write;

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
    /// Created when the first events are written. Locked while some are.
    file: Mutex<Option<File>>,
}

impl Flight {
    /// A recorder that writes to `path`, if there is one.
    ///
    /// # Errors
    /// [`CommandError::FlightRecorder`] if the file cannot be written.
    pub(crate) fn new(bus: &DomainEventBus, path: Option<&Path>) -> Result<Self, CommandError> {
        if let Some(path) = path {
            let unusable = |source| CommandError::FlightRecorder { path: path.into(), source };
            try_to_write(path).map_err(unusable)?;
        }
        let recorder = FlightRecorder::new(bus, RecorderLimits::default());
        Ok(Self { recorder, path: path.map(Path::to_owned), file: Mutex::default() })
    }

    /// Records the machine `vm_id` from now on.
    pub(crate) fn watch(&self, vm_id: VmId) {
        self.recorder.watch(vm_id);
    }

    /// Writes what was recorded: to the file, or to stderr if there is none and somebody has
    /// asked.
    pub(crate) fn dump(&self, occasion: Occasion) {
        if self.path.is_none() && occasion != Occasion::Signal {
            return;
        }
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        let written = match &self.path {
            Some(path) => self.write_to_file(&mut file, path, occasion),
            None => io::stderr().write_all(self.lines(occasion, line_end()).as_bytes()),
        };
        if let (Err(error), Some(path)) = (written, &self.path) {
            say(&format_args!("cannot write the flight recorder to {}: {error}", path.display()));
        }
    }

    /// As [`Flight::dump`], on a thread of its own, for callers that must not wait for a reader
    /// of stderr.
    pub(crate) fn dump_aside(self: &Arc<Self>, occasion: Occasion) {
        let this = Arc::clone(self);
        // A host without threads has more serious problems.
        let _ = std::thread::Builder::new().name("flight-recorder".into()).spawn(move || this.dump(occasion));
    }

    fn write_to_file(&self, file: &mut Option<File>, path: &Path, occasion: Occasion) -> io::Result<()> {
        let file = match file {
            Some(file) => file,
            None => file.insert(File::create(path)?),
        };
        file.write_all(self.lines(occasion, "\n").as_bytes())
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
    fn a_crash_is_written_to_the_file_and_a_second_one_behind_it() {
        let (bus, vm_id) = (DomainEventBus::new(), VmId::from_u128(7));
        let path = std::env::temp_dir().join(format!("riscope-flight-{}", std::process::id()));
        std::fs::write(&path, "of an earlier run").expect("a folder for temporary files");
        let flight = Flight::new(&bus, Some(&path)).expect("it can be written");
        flight.watch(vm_id);
        assert_eq!(
            std::fs::read_to_string(&path).expect("it is there"),
            "of an earlier run",
            "nothing was written yet"
        );
        bus.publish(vm_id, VmEvent::Deleted {});
        flight.dump(Occasion::GuestPanic);
        flight.dump(Occasion::Error);
        let text = std::fs::read_to_string(&path).expect("it is there");
        let dumps: Vec<Value> = text.lines().map(|line| line.parse().expect("it is JSON")).collect();
        assert_eq!(dumps.len(), 4);
        assert_eq!((&dumps[0]["dump"], &dumps[2]["dump"]), (&json!("guest_panic"), &json!("error")));
        assert_eq!(dumps[1], dumps[3]);
        std::fs::remove_file(&path).expect("it is there");
    }
}
