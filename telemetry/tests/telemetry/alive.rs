//! Tests that an event or counter updates every family of the catalogue, and that every
//! event and counter updates a family.

use std::collections::BTreeSet;
use std::sync::atomic::Ordering;
use std::time::Duration;

use riscope_core::counters::{CounterPage, DiskOperation, HartCounter, VmCounters};
use riscope_core::event::{
    AlertEventType, CompileFailure, DeviceEventType, Event, EventType, ExecutionEventType, Filter, Queue, Tier,
    VmEvent, VmEventType, VmId, WhenFull,
};
use riscope_telemetry::TelemetryConfig;
use riscope_telemetry::alert::{AlertConfig, Labels, Rules};
use riscope_telemetry::metric::catalog::FAMILIES;
use riscope_telemetry::metric::family::{Family, Kind, Unit};

use crate::exposition::Exposition;
use crate::fixture::{ALL_SIGNALS, Fixture, compiled, counters, created, environment, event, failed};
use crate::receiver::{Manner, Receiver};

const VM: VmId = VmId::from_u128(7);
const OF_VM: (&str, &str) = ("vm_id", "00000000-0000-0000-0000-000000000007");

const CREATED: EventType = EventType::Vm(VmEventType::Created);
const DELETED: EventType = EventType::Vm(VmEventType::Deleted);

/// Adds a different number to each word of each row.
fn count_everything(page: &CounterPage) {
    let words = HartCounter::ALL.iter().flat_map(|row| (0..row.names().len()).map(move |index| (*row, index)));
    for ((row, index), n) in words.zip(1..) {
        page.advance(row, index, n);
    }
}

/// Family of a row.
fn family(row: HartCounter) -> &'static Family {
    let mut shown = FAMILIES.iter().filter(|family| family.row == Some(row));
    let family = shown.next().unwrap_or_else(|| panic!("nothing shows {row:?}"));
    assert!(shown.next().is_none(), "{row:?} is shown twice");
    family
}

/// Name and labels of a sum, with its change by an event.
type Change = (&'static str, &'static [(&'static str, &'static str)], f64);

/// The main effect of an event.
fn own_change(kind: EventType) -> Change {
    match kind {
        EventType::Execution(kind) => change_of_execution(kind),
        EventType::Vm(kind) => change_of_vm(kind),
        EventType::Device(DeviceEventType::Failed) => {
            ("riscope_device_errors_total", &[OF_VM, ("device_name", "disk0"), ("error_type", "read")], 1.0)
        }
        EventType::Alert(AlertEventType::Firing) => {
            ("riscope_alert_transitions_total", &[("alertstate", "firing")], 1.0)
        }
        EventType::Alert(AlertEventType::Resolved) => {
            ("riscope_alert_transitions_total", &[("alertstate", "resolved")], 1.0)
        }
    }
}

fn change_of_execution(kind: ExecutionEventType) -> Change {
    match kind {
        ExecutionEventType::CodeBlockCompiled => ("riscope_jit_compilations_total", &[("result", "ok")], 1.0),
        ExecutionEventType::HotspotDetected => ("riscope_jit_hotspots_detected_total", &[OF_VM], 1.0),
        ExecutionEventType::CompilationFailed => ("riscope_jit_compilations_total", &[("result", "error")], 1.0),
        ExecutionEventType::CodeBlocksInvalidated => {
            ("riscope_jit_block_invalidations_total", &[("reason", "fence_i")], 3.0)
        }
        ExecutionEventType::CodeCacheEvicted => {
            ("riscope_jit_code_cache_evictions_total", &[("reason", "capacity")], 9.0)
        }
    }
}

fn change_of_vm(kind: VmEventType) -> Change {
    match kind {
        VmEventType::Created => ("riscope_vm_info", &[OF_VM, ("name", "guest"), ("engine", "tiered")], 1.0),
        VmEventType::StateChanged => ("riscope_vm_state_transitions_total", &[("to", "booting")], 1.0),
        VmEventType::BootPhaseCompleted => ("riscope_vm_boot_phase_duration_seconds_count", &[("phase", "load")], 1.0),
        VmEventType::Reset => ("riscope_vm_resets_total", &[OF_VM], 1.0),
        VmEventType::GuestPanicked => ("riscope_vm_guest_panics_total", &[OF_VM, ("source", "console")], 1.0),
        VmEventType::HartStalled => ("riscope_vcpu_stalled", &[OF_VM, ("vcpu", "1")], 1.0),
        // The fixture stalls the hart first.
        VmEventType::HartResumed => ("riscope_vcpu_stalled", &[OF_VM, ("vcpu", "0")], -1.0),
        VmEventType::Exited => ("riscope_vm_exits_total", &[("reason", "guest_failure")], 1.0),
        VmEventType::Deleted => ("riscope_vm_vcpus", &[OF_VM], -2.0),
    }
}

fn busy_engine(counters: &VmCounters) {
    counters.engine.code_cache_limit.store(1 << 20, Ordering::Relaxed);
    counters.engine.code_cache_used[Tier::Baseline.index()].store(1 << 16, Ordering::Relaxed);
    counters.engine.resident_blocks[Tier::Baseline.index()].store(12, Ordering::Relaxed);
    counters.engine.queue_depth.store(4, Ordering::Relaxed);
    counters.engine.queue_rejected.store(2, Ordering::Relaxed);
    counters.engine.oldest_request_ns.store(1, Ordering::Relaxed);
    counters.engine.compiler_cpu_ns.store(5, Ordering::Relaxed);
    let Event::Execution(event) = compiled(VM, 1, 1).1 else { panic!("it is an engine's") };
    counters.engine.coalesced.add(&event);
}

/// A disk with a request that failed and one in progress, a queue and a console in use.
fn busy_devices(counters: &VmCounters) {
    let device = &counters.devices[0];
    let disk = device.disk.as_ref().expect("it is a disk");
    let started = disk.start(DiskOperation::Read);
    disk.finish(&started, 512, false);
    disk.finish(&disk.start(DiskOperation::Write), 512, true);
    let _in_progress = disk.start(DiskOperation::Flush);
    device.queues.count_notification();
    device.queues.count_used();
    let console = &counters.consoles[0].page;
    console.count_output(b"a line\n");
    console.count_input(1);
    counters.hot_pages.record(0x8000_1234);
}

/// An alert that fires, a rule without a result, more series than are kept, and an Alertmanager that is not there.
fn busy_alerts() -> AlertConfig {
    let mut rules = Rules::default();
    let text = "groups: [{name: test, rules: [{alert: Here, expr: riscope_build_info > 0}, \
                {alert: Ambiguous, expr: riscope_vms * on () riscope_vms}]}]";
    rules.add("test.yml", text).expect("they are valid");
    AlertConfig {
        rules,
        instance: "test".to_owned(),
        external_labels: Labels::default(),
        alertmanager: Some("http://127.0.0.1:1".to_owned()),
        silences: Vec::new(),
        max_series: 4,
    }
}

/// Whether a family has a non-zero sample.
fn has_moved(exposition: &Exposition, name: &str, kind: Kind) -> bool {
    let series = if kind == Kind::Histogram { format!("{name}_count") } else { name.to_owned() };
    exposition.samples.iter().any(|((found, _), &value)| *found == series && value != 0.0)
}

/// Families with non-zero samples.
fn moved(exposition: &Exposition) -> BTreeSet<&'static str> {
    FAMILIES.iter().filter(|family| has_moved(exposition, family.name, family.kind)).map(|family| family.name).collect()
}

#[test]
fn every_family_is_moved_by_something() {
    let receiver = Receiver::start(Manner::Accept);
    let fixture = Fixture::new(TelemetryConfig {
        slow_compilation: Duration::from_millis(5),
        environment: environment(&ALL_SIGNALS),
        alerts: Some(busy_alerts()),
        ..receiver.config()
    });
    let before = fixture.scrape();
    let stuck = fixture.bus.subscribe("stuck", Filter::all(), 1);
    let queue = Queue { capacity: 1, when_full: WhenFull::Coalesce };
    let compilations = Filter::all().vm(VmId::from_u128(8)).types(&[ExecutionEventType::CodeBlockCompiled.into()]);
    let merging = fixture.bus.subscribe("merging", compilations, queue);
    let fragile = fixture.bus.subscribe("fragile", Filter::all(), 1);
    let panicked = std::thread::spawn(move || {
        drop(fragile.recv());
        panic!("a panic, as the test wants it");
    });
    let counters = counters(VM, "guest", 2);
    counters.harts.iter().for_each(|page| count_everything(page));
    busy_engine(&counters);
    busy_devices(&counters);
    fixture.telemetry.register_vm(counters);
    let lasting = EventType::ALL.into_iter().filter(|&kind| kind != DELETED);
    // A machine that is not deleted, one whose spans end, and a compilation too fast for a
    // span.
    fixture.publish(lasting.map(|kind| event(kind, VM)));
    fixture.publish([
        created(VmId::from_u128(8), "other"),
        compiled(VmId::from_u128(8), 0x1000, 20_000_000),
        compiled(VmId::from_u128(8), 0x1000, 1),
        compiled(VmId::from_u128(8), 0x1000, 1),
    ]);
    // More than log records may say.
    fixture.publish((0..100).map(|pc| failed(VM, pc, CompileFailure::Compiler)));
    fixture.publish(EventType::ALL.map(|kind| event(kind, VmId::from_u128(8))));
    assert!(panicked.join().is_err());
    // Spans are exported when telemetry ends.
    assert!(fixture.telemetry.shutdown(Duration::from_secs(2)));
    let after = fixture.scrape();
    let expected = FAMILIES.iter().filter(|family| !family.needs_host).map(|family| family.name);
    let dead: Vec<_> = expected.filter(|name| !moved(&after).contains(name)).collect();
    assert!(dead.is_empty(), "nothing moves {dead:?}");
    // Rules are evaluated from the start, and the host was busy before.
    let own = ["process_", "riscope_host_", "riscope_alert_"];
    let is_own = |name: &str| own.iter().any(|start| name.starts_with(start));
    let counts = FAMILIES.iter().filter(|family| family.kind != Kind::Gauge && !is_own(family.name));
    let early: Vec<_> =
        counts.filter(|family| has_moved(&before, family.name, family.kind)).map(|it| it.name).collect();
    assert!(early.is_empty(), "moved before anything happened: {early:?}");
    drop((stuck, merging));
}

#[test]
fn every_type_of_event_moves_a_family_of_its_own() {
    // Series of a machine start and end with it.
    let of_machines = [CREATED, DELETED];
    for kind in EventType::ALL {
        let fixture = Fixture::new(TelemetryConfig::default());
        if kind != CREATED {
            fixture.publish([created(VM, "guest")]);
        }
        if kind == VmEventType::HartResumed.into() {
            fixture.publish([(VM, VmEvent::HartStalled { vcpu: 0 }.into())]);
        }
        let before = fixture.scrape();
        fixture.publish([event(kind, VM)]);
        let after = fixture.scrape();
        for other in EventType::ALL {
            let (name, labels, change) = own_change(other);
            let expected = if other == kind { change } else { 0.0 };
            if other == kind || !of_machines.contains(&kind) {
                let moved = after.sum(name, labels) - before.sum(name, labels);
                assert_eq!(moved, expected, "{} moves {name} {labels:?}", kind.as_str());
            }
        }
    }
}

#[test]
fn compilations_without_code_are_counted_by_reason() {
    let fixture = Fixture::new(TelemetryConfig::default());
    for (reason, number) in CompileFailure::ALL.iter().zip(1..) {
        fixture.publish((0..number).map(|pc| failed(VM, pc, *reason)));
    }
    let scrape = fixture.scrape();
    for (reason, number) in CompileFailure::NAMES.iter().zip(1_u32..) {
        let counted = scrape.value("riscope_jit_compilation_failures_total", &[("reason", reason)]);
        assert_eq!(counted, Some(number.into()), "{reason}");
    }
}

#[test]
fn every_word_of_a_counter_page_is_a_series() {
    let fixture = Fixture::new(TelemetryConfig::default());
    let counters = counters(VM, "guest", 1);
    count_everything(&counters.harts[0]);
    let page = std::sync::Arc::clone(&counters.harts[0]);
    fixture.telemetry.register_vm(counters);
    let scrape = fixture.scrape();
    for (row, name, value) in page.iter() {
        let family = family(row);
        let labels: Vec<_> = std::iter::once(OF_VM)
            .chain(family.labels.contains(&"vcpu").then_some(("vcpu", "0")))
            .chain(Some((row.label(), name)).filter(|(label, _)| !label.is_empty()))
            .collect();
        let whole = f64::from(u32::try_from(value).expect("small"));
        let expected = if family.unit == Unit::Seconds { whole / 1e9 } else { whole };
        assert_eq!(scrape.value(family.name, &labels), Some(expected), "{row:?} {name}");
    }
}
