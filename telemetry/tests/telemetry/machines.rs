//! Tests of the series of a machine: they start with the machine, continue over resets, and
//! end with it.

use std::sync::atomic::Ordering;
use std::thread;
use std::time::Duration;

use riscope_core::counters::{ConsolePeer, DiskOperation, VmCounters};
use riscope_core::event::{CompileFailure, Event, ExitReason, PanicSource, Tier, VmEvent, VmId, VmState};
use riscope_telemetry::TelemetryConfig;

use crate::exposition::Exposition;
use crate::fixture::{Fixture, PATIENCE, compiled, counters, created, deleted, exited, failed, hotspot, reset, state};

const VM: VmId = VmId::from_u128(1);

/// Counters of a machine that has retired `number` instructions and rejected as many
/// compile requests.
fn busy(vm: VmId, number: u64) -> VmCounters {
    let counters = counters(vm, "guest", 1);
    counters.harts[0].count_instructions(Tier::Interpreter, number);
    counters.engine.queue_rejected.store(number, Ordering::Relaxed);
    counters
}

fn instructions(scrape: &Exposition, vm: VmId) -> Option<f64> {
    let labels = [("vm_id", &*vm.to_string()), ("vcpu", "0"), ("tier", "interpreter")];
    scrape.value("riscope_guest_instructions_total", &labels)
}

fn rejected(scrape: &Exposition) -> f64 {
    scrape.sum("riscope_jit_compile_queue_rejected_total", &[])
}

fn of_vm(scrape: &Exposition, name: &str) -> Option<f64> {
    scrape.value(name, &[("vm_id", &VM.to_string())])
}

/// Hotspots of the machine that the baseline tier was to translate.
fn hotspots(scrape: &Exposition) -> Option<f64> {
    let labels = [("vm_id", &*VM.to_string()), ("from", "interpreter"), ("to", "baseline")];
    scrape.value("riscope_jit_hotspots_detected_total", &labels)
}

#[test]
fn a_reset_keeps_the_series_and_is_counted() {
    let fixture = Fixture::new(TelemetryConfig::default());
    let counters = busy(VM, 1000);
    fixture.telemetry.register_vm(counters.clone());
    fixture.publish([created(VM, "guest"), state(VM, VmState::Created, VmState::Booting), hotspot(VM, 1)]);
    let before = fixture.scrape();
    let booted = of_vm(&before, "riscope_vm_boot_time_seconds").expect("it has booted");
    assert_eq!(of_vm(&before, "riscope_vm_resets_total"), Some(0.0));

    counters.harts[0].count_instructions(Tier::Interpreter, 5);
    fixture.publish([
        state(VM, VmState::Booting, VmState::Stopping),
        reset(VM, 2),
        state(VM, VmState::Stopping, VmState::Creating),
        state(VM, VmState::Creating, VmState::Created),
        state(VM, VmState::Created, VmState::Booting),
        hotspot(VM, 2),
    ]);
    let after = fixture.scrape();
    assert_eq!(instructions(&after, VM), Some(1005.0));
    assert_eq!(hotspots(&after), Some(2.0));
    assert_eq!(of_vm(&after, "riscope_vm_resets_total"), Some(1.0));
    assert!(of_vm(&after, "riscope_vm_boot_time_seconds") > Some(booted));
    assert_eq!(after.sum("riscope_vms", &[]), 1.0);
}

/// Label values of the machine's series that are 1.
fn current(scrape: &Exposition, name: &str, label: &str) -> Vec<String> {
    let vm_id = VM.to_string();
    let of_vm = scrape.samples.iter().filter(|((found, labels), _)| found == name && labels["vm_id"] == vm_id);
    of_vm.filter(|(_, value)| **value == 1.0).map(|((_, labels), _)| labels[label].clone()).collect()
}

#[test]
fn a_machine_has_one_condition_at_a_time_and_remembers_how_it_ended() {
    let fixture = Fixture::new(TelemetryConfig::default());
    let vm = |event: VmEvent| (VM, event.into());
    let (created_, running) = (VmState::Created, VmState::Running);
    let check = |condition: &str, end: &[&str], status: f64| {
        let scrape = fixture.scrape();
        assert_eq!(current(&scrape, "riscope_vm_condition", "condition"), [condition]);
        assert_eq!(current(&scrape, "riscope_vm_last_end", "reason"), end, "{condition}");
        assert_eq!(of_vm(&scrape, "riscope_vm_exit_status"), Some(status), "{condition}");
        let ended = of_vm(&scrape, "riscope_vm_last_end_timestamp_seconds").expect("it exists from the start");
        assert_eq!(ended > 0.0, !end.is_empty(), "{condition}");
    };
    fixture.publish([created(VM, "guest")]);
    check("created", &[], -1.0);
    fixture.publish([state(VM, created_, VmState::Booting)]);
    check("booting", &[], -1.0);
    fixture.publish([state(VM, VmState::Booting, running)]);
    check("up", &[], -1.0);
    fixture.publish([vm(VmEvent::HartStalled { vcpu: 0 })]);
    check("hung", &[], -1.0);
    fixture.publish([vm(VmEvent::GuestPanicked { source: PanicSource::Console })]);
    check("panicked", &[], -1.0);
    fixture.publish([reset(VM, 2), state(VM, VmState::Creating, created_)]);
    check("booting", &["guest_panic"], -1.0);
    fixture.publish([state(VM, created_, running), reset(VM, 3)]);
    check("up", &["reset"], -1.0);
    fixture.publish([reset(VM, 4)]);
    check("looping", &["reset"], -1.0);
    fixture.publish([exited(VM, ExitReason::GuestFailure, 7), state(VM, running, VmState::Stopped)]);
    check("ended", &["guest_failure"], 7.0);
}

#[test]
fn disks_are_told_by_name_and_their_durations_outlive_them() {
    let fixture = Fixture::new(TelemetryConfig::default());
    let counters = counters(VM, "guest", 1);
    let disk = counters.devices[0].disk.clone().expect("it is a disk");
    counters.consoles[0].page.attach(ConsolePeer::Terminal);
    fixture.telemetry.register_vm(counters);
    for failed in [false, false, true] {
        disk.finish(&disk.start(DiskOperation::Read), 4096, failed);
    }
    let vm_id = VM.to_string();
    let of_disk = |scrape: &Exposition, name: &str, operation: &str| {
        scrape.value(name, &[("vm_id", &*vm_id), ("disk", "disk0"), ("operation", operation)])
    };
    let scrape = fixture.scrape();
    assert_eq!(of_disk(&scrape, "riscope_block_operations_total", "read"), Some(3.0));
    assert_eq!(of_disk(&scrape, "riscope_block_io_bytes_total", "read"), Some(8192.0));
    assert_eq!(of_disk(&scrape, "riscope_block_errors_total", "read"), Some(1.0));
    assert_eq!(of_disk(&scrape, "riscope_block_errors_total", "write"), Some(0.0));
    assert_eq!(current(&scrape, "riscope_console_attached", "peer"), ["terminal"]);
    let durations = |scrape: &Exposition| {
        let name = "riscope_block_operation_duration_seconds";
        let read = ("operation", "read");
        let count = scrape.value(&format!("{name}_count"), &[read]);
        (count, scrape.value(&format!("{name}_bucket"), &[read, ("le", "+Inf")]))
    };
    assert_eq!(durations(&scrape), (Some(3.0), Some(3.0)));
    fixture.publish([deleted(VM)]);
    let scrape = fixture.scrape();
    assert_eq!(of_disk(&scrape, "riscope_block_operations_total", "read"), None);
    assert_eq!(durations(&scrape), (Some(3.0), Some(3.0)), "a histogram without vm_id does not fall");
}

#[test]
fn events_may_be_faster_than_registrations() {
    let fixture = Fixture::new(TelemetryConfig::default());
    fixture.publish([created(VM, "guest"), hotspot(VM, 1)]);
    fixture.telemetry.register_vm(busy(VM, 7));
    let scrape = fixture.scrape();
    assert_eq!(instructions(&scrape, VM), Some(7.0));
    assert_eq!(hotspots(&scrape), Some(1.0));
    fixture.publish([deleted(VM)]);
    assert_eq!(instructions(&fixture.scrape(), VM), None);
}

/// Events that an engine has counted because it had too many.
#[test]
fn events_that_are_not_published_are_in_the_counters_of_their_machine_and_outlive_it() {
    let fixture = Fixture::new(TelemetryConfig::default());
    let counters = counters(VM, "guest", 1);
    fixture.telemetry.register_vm(counters.clone());
    let events = [compiled(VM, 1, 2_000_000_000), hotspot(VM, 1), failed(VM, 2, CompileFailure::Stale)];
    fixture.publish(events.clone());
    for (_, event) in &events {
        let Event::Execution(event) = event else { panic!("{event:?}") };
        (0..3).for_each(|_| counters.engine.coalesced.add(event));
    }
    let check = |scrape: &Exposition, when: &str| {
        let sum = |name: &str, labels: &[(&str, &str)]| scrape.sum(name, labels);
        assert_eq!(sum("riscope_jit_compilations_total", &[("result", "ok")]), 4.0, "{when}");
        assert_eq!(sum("riscope_jit_compilations_total", &[("result", "bailout")]), 4.0, "{when}");
        assert_eq!(sum("riscope_jit_compilation_failures_total", &[("reason", "stale")]), 4.0, "{when}");
        assert_eq!(sum("riscope_jit_compilation_seconds_total", &[("tier", "baseline")]), 8.0, "{when}");
        assert_eq!(sum("riscope_jit_compiled_guest_instructions_total", &[("tier", "baseline")]), 52.0, "{when}");
        assert_eq!(sum("riscope_jit_compiled_guest_bytes_total", &[]), 192.0, "{when}");
        let coalesced = ("event", "execution.code_block_compiled");
        assert_eq!(sum("riscope_event_bus_coalesced_total", &[coalesced]), 3.0, "{when}");
        assert_eq!(sum("riscope_event_bus_published_total", &[coalesced]), 1.0, "{when}");
        // The distribution is that of the published ones.
        assert_eq!(sum("riscope_jit_compilation_duration_seconds_count", &[]), 1.0, "{when}");
    };
    let scrape = fixture.scrape();
    check(&scrape, "while it lives");
    assert_eq!(hotspots(&scrape), Some(4.0));
    fixture.publish([deleted(VM)]);
    let scrape = fixture.scrape();
    check(&scrape, "after its end");
    assert_eq!(hotspots(&scrape), None);
}

/// Successive machines, as in a service, with more events than the pump can handle.
#[test]
fn a_machine_that_runs_has_its_counters_whatever_the_pump_is_doing() {
    const LIVES: u64 = 300;
    let fixture = Fixture::new(TelemetryConfig { queue_capacity: 8, ..TelemetryConfig::default() });
    thread::scope(|scope| {
        let lives = scope.spawn(|| {
            for life in 1..=LIVES {
                let vm = VmId::from_u128(life.into());
                fixture.send(created(vm, "guest"));
                fixture.telemetry.register_vm(busy(vm, life));
                fixture.send(state(vm, VmState::Created, VmState::Running));
                // More than the queue's capacity, like a burst of compilations.
                (0..100).for_each(|pc| fixture.send(hotspot(vm, pc)));
                fixture.send(state(vm, VmState::Running, VmState::Stopped));
                thread::sleep(Duration::from_micros(life % 7 * 100));
                fixture.send(deleted(vm));
            }
        });
        let mut before = 0.0;
        while !lives.is_finished() {
            let scrape = fixture.scrape();
            for ((name, labels), &value) in &scrape.samples {
                if name == "riscope_vm_state" && labels["state"] == "running" && value == 1.0 {
                    let vm = labels["vm_id"].parse().expect("an identity");
                    assert!(instructions(&scrape, vm).is_some(), "it runs and has no counters");
                }
            }
            assert!(rejected(&scrape) >= before, "a counter has gone back");
            before = rejected(&scrape);
        }
    });
    assert!(fixture.telemetry.flush(PATIENCE));
    let scrape = fixture.scrape();
    assert_eq!(scrape.sum("riscope_vms", &[]), 0.0, "no deletion is lost");
    assert_eq!(rejected(&scrape), f64::from(u32::try_from(LIVES * (LIVES + 1) / 2).expect("it is small")));
    let lost = scrape.sum("riscope_event_bus_dropped_total", &[("subscriber", "telemetry_lifecycle")]);
    assert_eq!(lost, 0.0);
}
