//! Cost of telemetry: pairs of seconds with and without it, of one continuously running
//! machine.
//!
//! A host's speed drifts by far more than the cost of telemetry, so adjacent seconds are
//! compared, in alternating order: with, without; without, with; and so on. The measure is
//! the number of instructions that the guest retires in each.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use riscope_core::event::DomainEventBus;
use riscope_jit::JitFactory;
use riscope_machine::Machine;
use riscope_telemetry::{Telemetry, TelemetryConfig};

use crate::run::specification;
use crate::workload::Workload;

/// Runs for days: as many steps as the demo guest takes.
const WORKLOAD: Workload = Workload::Phase { name: "integer", steps: 999_999_999 };
/// Time until its code is translated.
const WARM_UP: Duration = Duration::from_secs(5);
/// Length of half a pair, and thus the scrape interval: ten times as often as usual with
/// Prometheus.
const SLICE: Duration = Duration::from_secs(1);

/// Instructions per second of the guest.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pair {
    pub(crate) without: f64,
    pub(crate) with: f64,
}

/// Measures `count` pairs.
pub(crate) fn pairs(count: u32) -> Vec<Pair> {
    let bus = DomainEventBus::new();
    let mut specification = specification(Arc::new(JitFactory::default()), WORKLOAD);
    specification.machine.bus = Some(bus.clone());
    let machine = Machine::new(&specification.machine).expect("the machine can be built");
    machine.start().expect("the machine can be started");
    std::thread::sleep(WARM_UP);
    let pair = |n: u32| {
        if n.is_multiple_of(2) {
            let without = speed(&machine);
            Pair { without, with: speed_with_telemetry(&machine, &bus) }
        } else {
            let with = speed_with_telemetry(&machine, &bus);
            Pair { without: speed(&machine), with }
        }
    };
    let pairs = (0..count).map(pair).collect();
    machine.stop();
    machine.wait();
    pairs
}

/// Instructions per second during the next [`SLICE`].
fn speed(machine: &Machine) -> f64 {
    let retired = || machine.counters().harts.iter().flat_map(|hart| hart.instructions()).sum::<u64>();
    let (start, before) = (Instant::now(), retired());
    std::thread::sleep(SLICE);
    let (after, time) = (retired(), start.elapsed());
    assert!(after > before, "the guest does not run");
    (after - before) as f64 / time.as_secs_f64()
}

/// The same with telemetry that is scraped; the time excludes its start and end.
fn speed_with_telemetry(machine: &Machine, bus: &DomainEventBus) -> f64 {
    let telemetry = Arc::new(Telemetry::start(bus, TelemetryConfig::default()).expect("telemetry starts"));
    telemetry.register_vm(machine.counters().clone());
    let scraper = Scraper::start(telemetry);
    let speed = speed(machine);
    drop(scraper);
    speed
}

/// Scrapes until it is dropped.
struct Scraper {
    ended: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Scraper {
    fn start(telemetry: Arc<Telemetry>) -> Self {
        let ended = Arc::new(AtomicBool::new(false));
        let seen = Arc::clone(&ended);
        let scrape = move || {
            while !seen.load(Ordering::Relaxed) {
                assert!(!telemetry.render(None).1.is_empty());
                std::thread::park_timeout(SLICE);
            }
        };
        let thread = std::thread::Builder::new().name("scraper".into()).spawn(scrape);
        Self { ended, thread: Some(thread.expect("a thread that scrapes")) }
    }
}

impl Drop for Scraper {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            thread.thread().unpark();
            thread.join().expect("the scrapes succeed");
        }
    }
}
