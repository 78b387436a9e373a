//! Domain events as lines of a log.

use std::fmt::Write;

use riscope_core::event::{DeviceEventType, Envelope, EventType, Family, VmEvent, VmEventType};
use riscope_core::event::{Event, wall_ns};
use riscope_core::field::Field;

use super::snapshot::EventView;

/// Engine events shown.
const ENGINE: usize = 60;

/// The last events of a machine, oldest first: all of `history`, the newest engine events of
/// `recorded`.
pub(super) fn journal(history: &[Envelope], recorded: &[Envelope]) -> Vec<EventView> {
    let engine = recorded.iter().rev().filter(|envelope| envelope.event.family() == Family::Execution).take(ENGINE);
    let mut envelopes: Vec<&Envelope> = history.iter().chain(engine).collect();
    envelopes.sort_by_key(|envelope| envelope.sequence);
    envelopes.into_iter().map(line).collect()
}

fn line(envelope: &Envelope) -> EventView {
    EventView {
        sequence: envelope.sequence,
        time_ms: envelope.wall_ns.min(wall_ns()) / 1_000_000,
        event: envelope.event.event_type().to_owned(),
        level: level(envelope.event.kind()).to_owned(),
        text: text(&envelope.event),
    }
}

/// How much an event of this type matters to whoever is responsible for the machine.
fn level(kind: EventType) -> &'static str {
    match kind {
        EventType::Vm(VmEventType::GuestPanicked | VmEventType::HartStalled) => "critical",
        EventType::Vm(VmEventType::Reset) | EventType::Device(DeviceEventType::Failed) => "warning",
        _ => "info",
    }
}

/// The fields of an event, for people.
fn text(event: &Event) -> String {
    if let Event::Vm(VmEvent::BootPhaseCompleted { phase, start_ns, end_ns }) = event {
        return format!("{} in {}", phase.as_str(), duration(end_ns.saturating_sub(*start_ns)));
    }
    if let Event::Vm(VmEvent::StateChanged { from, to }) = event {
        return format!("{} → {}", from.as_str(), to.as_str());
    }
    let mut text = String::new();
    event.visit_fields(&mut |name, value| {
        // The address in the guest's own terms is enough for a line.
        if name == "phys" || (name == "queue_wait_ns" && value == Field::Unsigned(0)) {
            return;
        }
        if !text.is_empty() {
            text.push(' ');
        }
        // Writing to a string cannot fail.
        let _ = write_field(&mut text, name, value);
    });
    text
}

fn write_field(text: &mut String, name: &str, value: Field<'_>) -> std::fmt::Result {
    match value {
        Field::Unsigned(address) if name == "pc" => write!(text, "pc={address:#x}"),
        Field::Unsigned(time) if name.ends_with("_ns") => {
            write!(text, "{}={}", name.trim_end_matches("_ns"), duration(time))
        }
        Field::Unsigned(number) => write!(text, "{name}={number}"),
        Field::Signed(number) => write!(text, "{name}={number}"),
        Field::Text(word) => {
            write!(text, "{name}=")?;
            text.extend(word.chars().filter(|c| !c.is_control()));
            Ok(())
        }
    }
}

/// A duration with three digits.
#[expect(clippy::cast_precision_loss, reason = "three digits are shown")]
fn duration(ns: u64) -> String {
    let (value, unit) = match ns {
        0..1_000 => (ns as f64, "ns"),
        1_000..1_000_000 => (ns as f64 / 1e3, "µs"),
        1_000_000..1_000_000_000 => (ns as f64 / 1e6, "ms"),
        _ => (ns as f64 / 1e9, "s"),
    };
    let decimals = if value < 10.0 && unit != "ns" { 2 } else { usize::from(value < 100.0 && unit != "ns") };
    format!("{value:.decimals$} {unit}")
}

#[cfg(test)]
mod tests {
    use riscope_core::event::{BootPhase, ExecutionEvent, PanicSource, Tier, VmId, VmState};

    use super::*;

    fn envelope(sequence: u64, event: impl Into<Event>) -> Envelope {
        let vm_id = VmId::from_u128(1);
        Envelope { sequence, monotonic_ns: 0, wall_ns: 5_000_000, vm_id, event: event.into(), count: 1 }
    }

    fn hotspot(sequence: u64) -> Envelope {
        let (from, to) = (Tier::Interpreter, Tier::Baseline);
        let event = ExecutionEvent::HotspotDetected { vcpu: 0, pc: 0x80, phys: 1, execution_count: 16, from, to };
        envelope(sequence, event)
    }

    #[test]
    fn a_log_is_in_order_and_bounded() {
        let state = VmEvent::StateChanged { from: VmState::Created, to: VmState::Booting };
        let panic = VmEvent::GuestPanicked { source: PanicSource::Sbi };
        let history = [envelope(3, state.clone()), envelope(990, panic)];
        let mut recorded = vec![envelope(3, state)];
        recorded.extend((4..1000).filter(|number| *number != 990).map(hotspot));
        let lines = journal(&history, &recorded);
        assert_eq!(lines.len(), ENGINE + 2);
        assert!(lines.is_sorted_by_key(|line| line.sequence));
        assert_eq!((lines[0].event.as_str(), lines[0].text.as_str()), ("vm.state_changed", "created → booting"));
        let panic = lines.iter().find(|line| line.sequence == 990).expect("it is there");
        assert_eq!((panic.level.as_str(), panic.time_ms), ("critical", 5));
        assert_eq!(lines[ENGINE].text, "vcpu=0 pc=0x80 execution_count=16 from=interpreter to=baseline");
    }

    #[test]
    fn every_event_is_a_line_without_control_characters() {
        for kind in EventType::ALL {
            let line = line(&envelope(0, Event::blank(kind)));
            assert_eq!(line.event, kind.as_str());
            assert!(!line.text.contains(char::is_control), "{line:?}");
        }
        let named = VmEvent::Created { name: "a\nb\u{1b}".into(), engine: "tiered", vcpus: 1, memory_bytes: 64 };
        assert_eq!(line(&envelope(0, named)).text, "name=ab engine=tiered vcpus=1 memory_bytes=64");
    }

    #[test]
    fn durations_have_three_digits() {
        let phase = VmEvent::BootPhaseCompleted { phase: BootPhase::Load, start_ns: 1_000, end_ns: 2_500_000 };
        assert_eq!(line(&envelope(0, phase)).text, "load in 2.50 ms");
        for (ns, text) in [(7, "7 ns"), (1_500, "1.50 µs"), (25_000_000, "25.0 ms"), (250_000_000_000, "250 s")] {
            assert_eq!(duration(ns), text);
        }
    }
}
