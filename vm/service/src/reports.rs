//! Reports of guest problems on stderr: panics, stalled harts, reset loops, device failures.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use crossbeam_channel::{Receiver, Sender, bounded};
use riscope_core::event::{
    DeviceEvent, DeviceEventType, DomainEventBus, Envelope, Event, EventType, Filter, PanicSource, VmEvent,
    VmEventType, VmId,
};
use riscope_machine::device::virtio::block::HostFault;

use crate::flight::{Flight, Occasion};
use crate::message::say;
use crate::terminal::output::LAST_WORDS;

/// Capacity of the event queue; with a slow reader of stderr, lines are dropped.
const CAPACITY: usize = 1024;
/// Maximum number of device and error combinations tracked; further ones are not reported.
const MAX_FAILURES: usize = 64;
/// Minimum time between two lines about the same error of a device, about panics, or about a
/// reset loop, in nanoseconds.
const REPEAT_NS: u64 = 60_000_000_000;
/// Resets within [`LOOP_NS`] that count as a reset loop, as for the alert `RiscopeGuestResetLoop`.
const LOOP_RESETS: usize = 4;
/// Period of a reset loop in nanoseconds: half an hour.
const LOOP_NS: u64 = 30 * 60 * 1_000_000_000;

const PANICKED: EventType = EventType::Vm(VmEventType::GuestPanicked);

/// Types of events that are reported.
const REPORTED: [EventType; 5] = [
    EventType::Vm(VmEventType::Reset),
    PANICKED,
    EventType::Vm(VmEventType::HartStalled),
    EventType::Vm(VmEventType::HartResumed),
    EventType::Device(DeviceEventType::Failed),
];

/// Reporter thread; reports what is left when dropped.
#[derive(Debug)]
pub(crate) struct Reports {
    quit: Option<Sender<()>>,
    /// Disconnected when everything is reported.
    done: Receiver<()>,
}

impl Reports {
    /// Reports events of the machine `vm` on `bus`, on a thread of its own, and has a guest panic
    /// that is reported recorded.
    ///
    /// # Errors
    /// When the host cannot create a thread.
    pub(crate) fn start(bus: &DomainEventBus, vm: VmId, flight: &Arc<Flight>) -> std::io::Result<Self> {
        let events = bus.subscribe("reports", Filter::all().types(&REPORTED).vm(vm), CAPACITY);
        let (quit, quitting) = bounded(0);
        let (ending, done) = bounded(0);
        let flight = Arc::clone(flight);
        std::thread::Builder::new().name("reports".into()).spawn(move || {
            let mut reporter = Reporter::default();
            let mut report = |envelope: &Envelope| {
                if reporter.report(envelope) && envelope.event.kind() == PANICKED {
                    flight.dump(Occasion::GuestPanic);
                }
            };
            events.iter_until(&quitting).for_each(|envelope| report(&envelope));
            events.drain().for_each(|envelope| report(&envelope));
            drop::<Sender<()>>(ending);
        })?;
        Ok(Self { quit: Some(quit), done })
    }
}

impl Drop for Reports {
    fn drop(&mut self) {
        drop(self.quit.take());
        // The thread has finished, or stderr is not read.
        let _ = self.done.recv_timeout(LAST_WORDS);
    }
}

#[derive(Debug, Default)]
struct Reporter {
    /// Failures by device and error: a full disk fails every request.
    failures: HashMap<(Arc<str>, &'static str), Repeated>,
    /// A guest that panics and resets itself may do so many times a second.
    panics: Option<Repeated>,
    /// Times of the last [`LOOP_RESETS`] resets.
    resets: VecDeque<u64>,
    loops: Option<Repeated>,
}

/// Repeated problem.
#[derive(Debug)]
struct Repeated {
    /// Time of the last report, on the clock of events.
    said_ns: u64,
    /// Occurrences since the last report.
    unsaid: u64,
}

impl Repeated {
    /// A problem that is first reported at `now_ns`.
    fn said(now_ns: u64) -> Self {
        Self { said_ns: now_ns, unsaid: 0 }
    }

    /// Counts another occurrence. If it must be reported, returns the number of occurrences
    /// since the last report.
    fn again(&mut self, now_ns: u64) -> Option<u64> {
        self.unsaid += 1;
        (now_ns.saturating_sub(self.said_ns) >= REPEAT_NS).then(|| {
            self.said_ns = now_ns;
            std::mem::take(&mut self.unsaid)
        })
    }
}

/// Counts an occurrence. If it must be reported, returns the number of occurrences since the
/// last report, 0 the first time.
fn count(repeated: &mut Option<Repeated>, now_ns: u64) -> Option<u64> {
    match repeated {
        Some(repeated) => repeated.again(now_ns),
        None => {
            *repeated = Some(Repeated::said(now_ns));
            Some(0)
        }
    }
}

/// The end of a line about a problem with this many occurrences since its last report.
fn more(times: u64) -> String {
    if times > 0 { format!("; {times} times more since it was said last") } else { String::new() }
}

impl Reporter {
    /// Reports an event; false if there is nothing to say.
    fn report(&mut self, envelope: &Envelope) -> bool {
        let line = self.line(&envelope.event, envelope.monotonic_ns);
        line.inspect(say).is_some()
    }

    /// Line to print for `event`, one of [`REPORTED`], which happened at `now_ns`.
    fn line(&mut self, event: &Event, now_ns: u64) -> Option<String> {
        match event {
            Event::Vm(VmEvent::GuestPanicked { source }) => {
                let how = match source {
                    PanicSource::Console => "its kernel says so on the console",
                    PanicSource::Sbi => "it asks for a reset because of a system failure",
                    PanicSource::Pvpanic => "its pvpanic driver says so",
                };
                let times = count(&mut self.panics, now_ns)?;
                Some(format!("the guest has panicked: {how}{}", more(times)))
            }
            Event::Vm(VmEvent::Reset { .. }) => {
                let seconds = self.loop_seconds(now_ns)?;
                let times = count(&mut self.loops, now_ns)?;
                let what = format!("the guest resets itself again and again: {LOOP_RESETS} times within {seconds} s");
                Some(format!("{what}{}", more(times)))
            }
            Event::Vm(VmEvent::HartStalled { vcpu }) => {
                Some(format!("hart {vcpu} hangs: it executes and takes no interrupt, although one is pending"))
            }
            Event::Vm(VmEvent::HartResumed { vcpu }) => Some(format!("hart {vcpu} takes interrupts again")),
            Event::Device(DeviceEvent::Failed { device, name, error }) => {
                let times = self.count_failure(name, error, now_ns)?;
                let what = HostFault::from_name(error).map_or("it fails", HostFault::message);
                Some(format!("{device} {name}: {what} ({error}); the guest gets errors{}", more(times)))
            }
            _ => None,
        }
    }

    /// Records a reset. If it is part of a loop, returns the time from the loop's first reset
    /// in seconds, rounded up.
    fn loop_seconds(&mut self, now_ns: u64) -> Option<u64> {
        self.resets.push_back(now_ns);
        if self.resets.len() > LOOP_RESETS {
            self.resets.pop_front();
        }
        let first = self.resets.front().filter(|_| self.resets.len() == LOOP_RESETS)?;
        let taken_ns = now_ns.saturating_sub(*first);
        (taken_ns <= LOOP_NS).then(|| taken_ns.div_ceil(1_000_000_000))
    }

    /// Counts a failure. If it must be reported, returns the number of failures since the
    /// last report.
    fn count_failure(&mut self, name: &Arc<str>, error: &'static str, now_ns: u64) -> Option<u64> {
        let kind = (Arc::clone(name), error);
        if let Some(failure) = self.failures.get_mut(&kind) {
            return failure.again(now_ns);
        }
        let is_told = self.failures.len() < MAX_FAILURES;
        is_told.then(|| {
            self.failures.insert(kind, Repeated::said(now_ns));
            0
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failed(name: &str, error: &'static str) -> Event {
        DeviceEvent::Failed { device: "virtio-blk", name: name.into(), error }.into()
    }

    #[test]
    fn trouble_is_one_line_and_the_rest_of_a_life_none() {
        let mut reporter = Reporter::default();
        let panic = reporter.line(&VmEvent::GuestPanicked { source: PanicSource::Sbi }.into(), 0).unwrap();
        assert!(panic.starts_with("the guest has panicked") && !panic.contains('\n'), "{panic}");
        for (event, wanted) in
            [(VmEvent::HartStalled { vcpu: 3 }, "hangs"), (VmEvent::HartResumed { vcpu: 3 }, "again")]
        {
            let line = reporter.line(&event.into(), 0).unwrap();
            assert!(line.starts_with("hart 3 ") && line.contains(wanted), "{line}");
        }
        assert_eq!(reporter.line(&VmEvent::Reset { boots: 2 }.into(), 0), None);
    }

    #[test]
    fn there_are_lines_about_what_is_subscribed_to_and_nothing_else() {
        for kind in EventType::ALL {
            // One reset is no loop.
            let mut reporter = Reporter::default();
            let is_reported = (0..=LOOP_RESETS).any(|_| reporter.line(&Event::blank(kind), 0).is_some());
            assert_eq!(is_reported, REPORTED.contains(&kind), "{kind:?}");
        }
    }

    #[test]
    fn a_failure_is_said_when_it_begins_and_once_a_minute_with_its_number() {
        let mut reporter = Reporter::default();
        let mut line = |name, error, second: u64| reporter.line(&failed(name, error), second * 1_000_000_000);
        let first = line("root", "no_space", 100).unwrap();
        assert!(first.starts_with("virtio-blk root: the host has no space left") && !first.contains("more"), "{first}");
        assert_eq!([101, 120, 159].map(|second| line("root", "no_space", second)), [None, None, None]);
        let again = line("root", "no_space", 160).unwrap();
        assert!(again.ends_with("4 times more since it was said last"), "{again}");
        assert_eq!(line("root", "no_space", 161), None);
        assert!(line("root", "no_space", 400).unwrap().contains("2 times more"));
        // Other disks and errors are counted separately.
        assert!(line("data", "no_space", 401).is_some());
        assert!(line("root", "io_error", 401).is_some());
    }

    #[test]
    fn a_guest_that_panics_again_and_again_is_said_once_a_minute() {
        let mut reporter = Reporter::default();
        let mut line =
            |second: u64, source| reporter.line(&VmEvent::GuestPanicked { source }.into(), second * 1_000_000_000);
        assert!(line(100, PanicSource::Console).unwrap().ends_with("on the console"));
        assert_eq!([line(100, PanicSource::Console), line(159, PanicSource::Sbi)], [None, None]);
        assert!(line(160, PanicSource::Console).unwrap().ends_with("3 times more since it was said last"));
    }

    #[test]
    fn a_guest_that_resets_itself_again_and_again_is_said_to_do_so() {
        let mut reporter = Reporter::default();
        let mut said = |second: u64| reporter.line(&VmEvent::Reset { boots: 2 }.into(), second * 1_000_000_000);
        assert_eq!([0, 600, 1200, 1801].map(&mut said), [None, None, None, None], "three within half an hour");
        let line = said(1802).unwrap();
        assert!(line.ends_with("again and again: 4 times within 1202 s"), "{line}");
        assert_eq!(said(1810), None);
        assert!(said(1862).unwrap().ends_with("2 times more since it was said last"));
        assert_eq!([10_000, 11_000].map(said), [None, None], "it is over");
    }

    #[test]
    fn failures_of_many_kinds_take_bounded_memory() {
        let mut reporter = Reporter::default();
        let mut is_said = |index: usize| reporter.line(&failed(&format!("disk{index}"), "io_error"), 0).is_some();
        assert_eq!((0..2 * MAX_FAILURES).filter(|&index| is_said(index)).count(), MAX_FAILURES);
    }
}
