//! Says on stderr what goes wrong with the guest: panics, harts that hang, devices that
//! fail.

use std::collections::HashSet;
use std::sync::Arc;

use crossbeam_channel::{Receiver, Sender, bounded};
use riscope_core::event::{DeviceEvent, DomainEventBus, Event, Family, Filter, PanicSource, Received, VmEvent};

use crate::message::say;
use crate::terminal::output::LAST_WORDS;

/// Events that wait at most; a reader of stderr that is slower loses lines.
const CAPACITY: usize = 1024;
/// Kinds of failures that are told apart; whatever fails in more ways than this has been
/// told to fail.
const MAX_FAILURES: usize = 64;

/// Reports until it is dropped, and then what is left.
#[derive(Debug)]
pub(crate) struct Reports {
    quit: Option<Sender<()>>,
    /// Yields when everything is said.
    done: Receiver<()>,
}

impl Reports {
    /// Reports what is published on `bus`, from a thread of its own.
    ///
    /// # Errors
    /// When the host is out of threads.
    pub(crate) fn start(bus: &DomainEventBus) -> std::io::Result<Self> {
        let events = bus.subscribe("reports", Filter::all().families(&[Family::Vm, Family::Device]), CAPACITY);
        let (quit, quitting) = bounded(0);
        let (ending, done) = bounded(0);
        std::thread::Builder::new().name("reports".into()).spawn(move || {
            let mut reporter = Reporter::default();
            while let Received::Event(envelope) = events.recv_or(&quitting) {
                reporter.report(&envelope.event);
            }
            events.drain().for_each(|envelope| reporter.report(&envelope.event));
            drop::<Sender<()>>(ending);
        })?;
        Ok(Self { quit: Some(quit), done })
    }
}

impl Drop for Reports {
    fn drop(&mut self) {
        drop(self.quit.take());
        // The other end is dropped when everything is said, or nobody reads stderr.
        let _ = self.done.recv_timeout(LAST_WORDS);
    }
}

#[derive(Debug, Default)]
struct Reporter {
    /// Failures that were told: a disk that is full says so for each request.
    failures: HashSet<(Arc<str>, &'static str)>,
}

impl Reporter {
    fn report(&mut self, event: &Event) {
        if let Some(line) = self.line(event) {
            say(&line);
        }
    }

    /// What is to be said about `event`.
    fn line(&mut self, event: &Event) -> Option<String> {
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
                let is_new = self.failures.len() < MAX_FAILURES && self.failures.insert((Arc::clone(name), *error));
                is_new.then(|| format!("{device} {name} fails: {error}; this is said once"))
            }
            _ => None,
        }
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
        let panic = reporter.line(&VmEvent::GuestPanicked { source: PanicSource::Sbi }.into()).unwrap();
        assert!(panic.starts_with("the guest has panicked") && !panic.contains('\n'), "{panic}");
        for (event, wanted) in
            [(VmEvent::HartStalled { vcpu: 3 }, "hangs"), (VmEvent::HartResumed { vcpu: 3 }, "again")]
        {
            let line = reporter.line(&event.into()).unwrap();
            assert!(line.starts_with("hart 3 ") && line.contains(wanted), "{line}");
        }
        assert_eq!(reporter.line(&VmEvent::Reset { boots: 2 }.into()), None);
    }

    #[test]
    fn a_device_that_fails_again_and_again_says_so_once() {
        let mut reporter = Reporter::default();
        let mut count = |name, error| usize::from(reporter.line(&failed(name, error)).is_some());
        let counts = [count("disk0", "no_space"), count("disk0", "no_space"), count("disk1", "no_space")];
        assert_eq!((counts, count("disk0", "io_error")), ([1, 0, 1], 1));
    }
}
