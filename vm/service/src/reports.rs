//! Reports of guest problems on stderr: panics, stalled harts, device failures.

use std::collections::HashMap;
use std::sync::Arc;

use crossbeam_channel::{Receiver, Sender, bounded};
use riscope_core::event::{
    DeviceEvent, DomainEventBus, Envelope, Event, Family, Filter, PanicSource, Received, VmEvent,
};
use riscope_machine::device::virtio::block::HostFault;

use crate::message::say;
use crate::terminal::output::LAST_WORDS;

/// Capacity of the event queue; with a slow reader of stderr, lines are dropped.
const CAPACITY: usize = 1024;
/// Maximum number of device and error combinations tracked; further ones are not reported.
const MAX_FAILURES: usize = 64;
/// Minimum time between two lines about the same error of a device, in nanoseconds.
const REPEAT_NS: u64 = 60_000_000_000;

/// Reporter thread; reports what is left when dropped.
#[derive(Debug)]
pub(crate) struct Reports {
    quit: Option<Sender<()>>,
    /// Disconnected when everything is reported.
    done: Receiver<()>,
}

impl Reports {
    /// Reports events of `bus` on a thread of its own.
    ///
    /// # Errors
    /// When the host cannot create a thread.
    pub(crate) fn start(bus: &DomainEventBus) -> std::io::Result<Self> {
        let events = bus.subscribe("reports", Filter::all().families(&[Family::Vm, Family::Device]), CAPACITY);
        let (quit, quitting) = bounded(0);
        let (ending, done) = bounded(0);
        std::thread::Builder::new().name("reports".into()).spawn(move || {
            let mut reporter = Reporter::default();
            while let Received::Event(envelope) = events.recv_or(&quitting) {
                reporter.report(&envelope);
            }
            events.drain().for_each(|envelope| reporter.report(&envelope));
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
    failures: HashMap<(Arc<str>, &'static str), Failure>,
}

/// Repeated failure of one device.
#[derive(Debug)]
struct Failure {
    /// Time of the last report, on the clock of events.
    said_ns: u64,
    /// Failures since the last report.
    unsaid: u64,
}

impl Reporter {
    fn report(&mut self, envelope: &Envelope) {
        if let Some(line) = self.line(&envelope.event, envelope.monotonic_ns) {
            say(&line);
        }
    }

    /// Line to print for `event`, which happened at `now_ns`.
    fn line(&mut self, event: &Event, now_ns: u64) -> Option<String> {
        match event {
            Event::Vm(VmEvent::GuestPanicked { source }) => {
                let how = match source {
                    PanicSource::Console => "its kernel says so on the console",
                    PanicSource::Sbi => "it asks for a reset because of a system failure",
                    PanicSource::Pvpanic => "its pvpanic driver says so",
                };
                Some(format!("the guest has panicked: {how}"))
            }
            Event::Vm(VmEvent::HartStalled { vcpu }) => {
                Some(format!("hart {vcpu} hangs: it executes and takes no interrupt, although one is pending"))
            }
            Event::Vm(VmEvent::HartResumed { vcpu }) => Some(format!("hart {vcpu} takes interrupts again")),
            Event::Device(DeviceEvent::Failed { device, name, error }) => {
                let more = self.count_failure(name, error, now_ns)?;
                let what = HostFault::from_name(error).map_or("it fails", HostFault::message);
                let more = if more > 0 { format!("; {more} times more since it was said last") } else { String::new() };
                Some(format!("{device} {name}: {what} ({error}); the guest gets errors{more}"))
            }
            _ => None,
        }
    }

    /// Counts a failure. If it must be reported, returns the number of failures since the
    /// last report.
    fn count_failure(&mut self, name: &Arc<str>, error: &'static str, now_ns: u64) -> Option<u64> {
        let kind = (Arc::clone(name), error);
        let Some(failure) = self.failures.get_mut(&kind) else {
            let is_told = self.failures.len() < MAX_FAILURES;
            return is_told.then(|| {
                self.failures.insert(kind, Failure { said_ns: now_ns, unsaid: 0 });
                0
            });
        };
        failure.unsaid += 1;
        (now_ns.saturating_sub(failure.said_ns) >= REPEAT_NS).then(|| {
            failure.said_ns = now_ns;
            std::mem::take(&mut failure.unsaid)
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
    fn failures_of_many_kinds_take_bounded_memory() {
        let mut reporter = Reporter::default();
        let mut is_said = |index: usize| reporter.line(&failed(&format!("disk{index}"), "io_error"), 0).is_some();
        assert_eq!((0..2 * MAX_FAILURES).filter(|&index| is_said(index)).count(), MAX_FAILURES);
    }
}
