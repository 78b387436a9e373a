//! Machines that follow each other under one identity, as a guest's resets make them:
//! what is exported is the newest, however late the news of the older ones is.

use std::sync::atomic::Ordering;
use std::thread;
use std::time::Duration;

use riscope_core::counters::VmCounters;
use riscope_core::event::{Event, Tier, VmEvent, VmId, VmState};
use riscope_telemetry::TelemetryConfig;

use crate::exposition::Exposition;
use crate::fixture::{Fixture, PATIENCE, counters, created, hotspot, state};

const VM: VmId = VmId(1);

/// Counters of a machine that has retired so many instructions, and whose compiler
/// has rejected as many requests.
fn busy(number: u64) -> VmCounters {
    let counters = counters(VM, "guest", 1);
    counters.harts[0].count_instructions(Tier::Interpreter, number);
    counters.engine.queue_rejected.store(number, Ordering::Relaxed);
    counters
}

fn deleted() -> Event {
    VmEvent::Deleted { vm_id: VM }.into()
}

fn instructions(scrape: &Exposition) -> Option<f64> {
    scrape.value("riscope_guest_instructions_total", &[("vm_id", "1"), ("vcpu", "0"), ("tier", "interpreter")])
}

fn rejected(scrape: &Exposition) -> f64 {
    scrape.sum("riscope_jit_compile_queue_rejected_total", &[])
}

fn hotspots(scrape: &Exposition) -> Option<f64> {
    scrape.value("riscope_jit_hotspots_detected_total", &[("vm_id", "1")])
}

#[test]
fn late_news_of_a_deletion_takes_only_the_old_machine_away() {
    let fixture = Fixture::new(TelemetryConfig::default());
    fixture.telemetry.register_vm(busy(1000));
    fixture.publish([created(VM, "guest"), hotspot(VM, 1), hotspot(VM, 2)]);
    let old = fixture.scrape();
    assert_eq!((instructions(&old), rejected(&old), hotspots(&old)), (Some(1000.0), 1000.0, Some(2.0)));

    fixture.telemetry.register_vm(busy(5));
    let both = fixture.scrape();
    assert_eq!((instructions(&both), rejected(&both), hotspots(&both)), (Some(5.0), 1005.0, Some(0.0)));
    // Still about the old one.
    fixture.publish([hotspot(VM, 3), state(VM, VmState::Running, VmState::Stopping)]);
    let both = fixture.scrape();
    assert_eq!((instructions(&both), hotspots(&both)), (Some(5.0), Some(0.0)));
    assert_eq!(both.value("riscope_vms", &[("state", "stopping")]), Some(0.0));
    assert_eq!(both.sum("riscope_vms", &[]), 1.0);

    fixture.publish([deleted(), created(VM, "guest"), hotspot(VM, 4)]);
    let new = fixture.scrape();
    assert_eq!((instructions(&new), rejected(&new), hotspots(&new)), (Some(5.0), 1005.0, Some(1.0)));
    fixture.publish([deleted()]);
    let none = fixture.scrape();
    assert_eq!((instructions(&none), rejected(&none), hotspots(&none)), (None, 1005.0, None));
    assert_eq!(none.sum("riscope_vms", &[]), 0.0);
}

#[test]
fn events_may_be_faster_than_registrations() {
    let fixture = Fixture::new(TelemetryConfig::default());
    fixture.publish([created(VM, "guest"), hotspot(VM, 1)]);
    fixture.telemetry.register_vm(busy(7));
    let scrape = fixture.scrape();
    assert_eq!((instructions(&scrape), hotspots(&scrape)), (Some(7.0), Some(1.0)));
    fixture.publish([deleted()]);
    assert_eq!(instructions(&fixture.scrape()), None);
}

/// A machine's life as its owner sees it: it is registered and runs, and when it resets
/// the next one is registered before anybody has handled the deletion.
#[test]
fn a_machine_that_runs_has_its_counters_whatever_the_pump_is_doing() {
    const LIVES: u64 = 300;
    let fixture = Fixture::new(TelemetryConfig { queue_capacity: 8, ..TelemetryConfig::default() });
    let running = |scrape: &Exposition| scrape.value("riscope_vm_state", &[("vm_id", "1"), ("state", "running")]);
    thread::scope(|scope| {
        let lives = scope.spawn(|| {
            for life in 1..=LIVES {
                fixture.bus.publish(created(VM, "guest"));
                let counters = busy(life);
                fixture.telemetry.register_vm(counters.clone());
                fixture.bus.publish(state(VM, VmState::Created, VmState::Running));
                // More than the queue holds, as a burst of compilations is.
                (0..100).for_each(|pc| fixture.bus.publish(hotspot(VM, pc)));
                fixture.bus.publish(state(VM, VmState::Running, VmState::Stopped));
                thread::sleep(Duration::from_micros(life % 7 * 100));
                fixture.bus.publish(deleted());
            }
        });
        let mut before = 0.0;
        while !lives.is_finished() {
            let scrape = fixture.scrape();
            if running(&scrape) == Some(1.0) {
                assert!(instructions(&scrape).is_some(), "it runs and has no counters");
            }
            assert!(rejected(&scrape) >= before, "a counter has gone back");
            before = rejected(&scrape);
        }
    });
    assert!(fixture.telemetry.flush(PATIENCE));
    let scrape = fixture.scrape();
    assert_eq!(scrape.sum("riscope_vms", &[]), 0.0, "no deletion is lost");
    assert_eq!(instructions(&scrape), None);
    assert_eq!(rejected(&scrape), f64::from(u32::try_from(LIVES * (LIVES + 1) / 2).expect("it is small")));
    let lost = scrape.sum("riscope_event_bus_dropped_total", &[("subscriber", "telemetry_lifecycle")]);
    assert_eq!(lost, 0.0);
}
