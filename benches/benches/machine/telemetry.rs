//! What telemetry costs a guest: pairs of runs, with and without.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use riscope_core::event::DomainEventBus;
use riscope_jit::JitFactory;
use riscope_telemetry::{Telemetry, TelemetryConfig};

use crate::run::{machine, specification};
use crate::workload::Workload;

/// A few seconds, so that scrapes and drift of the host both have their share.
const WORKLOAD: Workload = Workload::Phase { name: "integer", steps: 3000 };
/// Ten times as often as Prometheus usually scrapes.
const SCRAPE_INTERVAL: Duration = Duration::from_secs(1);

/// Times without and with telemetry.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pair {
    pub(crate) without: Duration,
    pub(crate) with: Duration,
}

/// Runs pairs, one after the other; who goes first alternates.
pub(crate) fn pairs(count: u32) -> Vec<Pair> {
    let pair = |n: u32| {
        if n.is_multiple_of(2) {
            let without = without();
            Pair { without, with: with() }
        } else {
            let with = with();
            Pair { without: without(), with }
        }
    };
    (0..count).map(pair).collect()
}

fn without() -> Duration {
    machine(&specification(Arc::new(JitFactory::default()), WORKLOAD), WORKLOAD, |_| ()).0.time
}

fn with() -> Duration {
    let bus = DomainEventBus::new();
    let telemetry = Arc::new(Telemetry::start(&bus, TelemetryConfig::default()).expect("telemetry starts"));
    let mut specification = specification(Arc::new(JitFactory::default()), WORKLOAD);
    specification.machine.bus = Some(bus);
    let scraped = Arc::clone(&telemetry);
    let (outcome, scraper) = machine(&specification, WORKLOAD, |machine| {
        telemetry.register_vm(machine.counters().clone());
        Scraper::start(scraped)
    });
    drop(scraper);
    outcome.time
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
                std::thread::park_timeout(SCRAPE_INTERVAL);
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
