//! Tests of a scrape in both formats.

use std::collections::BTreeSet;
use std::io::Write as _;
use std::process::{Command, Stdio};
use std::time::Duration;

use riscope_core::event::{BootPhase, EventType, ExitReason, Tier, VmEventType, VmId, VmState};
use riscope_telemetry::TelemetryConfig;
use riscope_telemetry::alert::{AlertConfig, Labels as AlertLabels, Rules};
use riscope_telemetry::metric::catalog::FAMILIES;
use riscope_telemetry::metric::family::{Family, Kind, Unit};

use crate::exposition::{Exposition, Labels};
use crate::fixture::{
    ALL_SIGNALS, Fixture, compiled, counters, created, deleted, device_failed, environment, event, exited, hotspot,
    phase, reset, state,
};
use crate::receiver::{Manner, Receiver};

const VM: VmId = VmId::from_u128(3);
const OTHER: VmId = VmId::from_u128(4);

/// Spans have an endpoint, so that the families about them exist. They are exported when
/// telemetry ends, not between two scrapes.
fn exporting() -> TelemetryConfig {
    let (span_delay, environment) = (Duration::from_secs(3600), environment(&ALL_SIGNALS));
    TelemetryConfig { span_delay, environment, ..Receiver::start(Manner::Accept).config() }
}

/// An alert that fires from the start; its rule is not evaluated again.
fn always() -> AlertConfig {
    let mut rules = Rules::default();
    let text = "groups: [{name: test, interval: 1h, rules: [{alert: Always, expr: vector(1)}]}]";
    rules.add("test.yml", text).expect("they are valid");
    let (instance, external_labels) = ("test".to_owned(), AlertLabels::default());
    AlertConfig { rules, instance, external_labels, alertmanager: None, silences: Vec::new(), max_series: 8 }
}

/// A process with two machines, on which every event except their end has occurred.
fn busy() -> Fixture {
    let fixture = Fixture::new(TelemetryConfig { alerts: Some(always()), ..exporting() });
    fixture.wait_for("\nriscope_alerts{");
    for vm in [VM, OTHER] {
        fixture.telemetry.register_vm(counters(vm, "guest", 2));
        let lasting = EventType::ALL.into_iter().filter(|&kind| kind != VmEventType::Deleted.into());
        fixture.publish(lasting.map(|kind| event(kind, vm)));
    }
    fixture
}

/// Values that do not change from scrape to scrape.
fn lasting(exposition: Exposition) -> Vec<((String, Labels), f64)> {
    let changes =
        |name: &str| ["process_", "riscope_host_", "riscope_telemetry_scrape"].iter().any(|it| name.starts_with(it));
    exposition.samples.into_iter().filter(|((name, _), _)| !changes(name)).collect()
}

#[test]
fn both_formats_say_the_same() {
    let fixture = busy();
    let mut text = lasting(fixture.scrape());
    let mut open_metrics = lasting(fixture.scrape_open_metrics());
    for samples in [&mut text, &mut open_metrics] {
        for ((_, labels), _) in samples.iter_mut() {
            if let Some(bound) = labels.get_mut("le").filter(|bound| *bound != "+Inf") {
                *bound = bound.parse::<f64>().expect("a number").to_string();
            }
        }
        samples.sort_by(|a, b| a.0.cmp(&b.0));
    }
    assert_eq!(text, open_metrics);
    assert!(text.len() > 200, "{} samples", text.len());
}

#[test]
fn both_formats_declare_what_the_catalogue_does() {
    let fixture = busy();
    let (text, open_metrics) = (fixture.scrape(), fixture.scrape_open_metrics());
    let is_there = |family: &&&Family| !family.needs_host || text.families.contains_key(family.name);
    assert_eq!(text.families.len(), FAMILIES.iter().filter(is_there).count());
    assert_eq!(open_metrics.families.len(), text.families.len());
    for family in FAMILIES.iter().filter(is_there) {
        let declared = &text.families[family.name];
        assert_eq!((declared.kind.as_str(), declared.help.as_str()), (family.kind.as_str(), family.help));
        let name = family.name.strip_suffix("_total").unwrap_or(family.name);
        let declared = &open_metrics.families[name];
        assert_eq!((declared.kind.as_str(), declared.help.as_str()), (family.kind.as_str(), family.help));
        let unit = Some(family.unit).filter(|unit| *unit != Unit::None).map(|unit| unit.as_str().to_owned());
        assert_eq!(declared.unit, unit, "{name}");
    }
}

#[test]
fn every_series_has_the_labels_of_its_row() {
    let scrape = busy().scrape();
    for family in FAMILIES {
        let names: Vec<String> = match family.kind {
            Kind::Histogram => ["_sum", "_count"].map(|suffix| format!("{}{suffix}", family.name)).into(),
            Kind::Counter | Kind::Gauge => vec![family.name.to_owned()],
        };
        let mut expected: Vec<_> = family.labels.to_vec();
        expected.sort_unstable();
        for ((_, labels), _) in scrape.samples.iter().filter(|((name, _), _)| names.contains(name)) {
            assert_eq!(labels.keys().collect::<Vec<_>>(), expected, "{}", family.name);
        }
    }
}

#[test]
fn promtool_finds_nothing_to_complain_about() {
    let (_, body) = busy().telemetry.render(None);
    let mut promtool = Command::new("promtool")
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("promtool is required ({error}): install Debian's package `prometheus`"));
    promtool.stdin.take().expect("a pipe").write_all(&body).expect("promtool reads");
    let output = promtool.wait_with_output().expect("promtool ends");
    let complaints = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success() && complaints.is_empty(), "{complaints}");
}

/// Labels whose values telemetry and core do not define.
const OPEN: [&str; 20] = [
    "vm_id",
    "vcpu",
    "name",
    "engine",
    "version",
    "target",
    "subscriber",
    "device",
    "device_name",
    "disk",
    "console",
    "value",
    "alertname",
    "severity",
    "vendor_id",
    "family",
    "model_id",
    "model_name",
    "stepping",
    "microcode",
];

#[test]
fn labels_have_the_values_that_the_catalogue_declares() {
    let scrape = busy().scrape();
    for family in FAMILIES {
        for &label in family.labels {
            let declared = family.closed_sets().find(|(name, _)| *name == label).map(|(_, values)| values);
            let of_device = (family.name, label) == ("riscope_device_errors_total", "error_type");
            assert_eq!(declared.is_none(), OPEN.contains(&label) || of_device, "{} {label}", family.name);
            let Some(declared) = declared else { continue };
            let suffix = if family.kind == Kind::Histogram { "_count" } else { "" };
            let of_family = scrape.samples.keys().filter(|(name, _)| *name == format!("{}{suffix}", family.name));
            let found: BTreeSet<_> = of_family.map(|(_, labels)| labels[label].as_str()).collect();
            assert!(
                (!found.is_empty() || family.needs_host) && found.is_subset(&declared.iter().copied().collect()),
                "{} {found:?}",
                family.name
            );
        }
    }
}

#[test]
fn nothing_is_exported_of_tiers_and_states_that_no_machine_enters() {
    let scrape = busy().scrape();
    for absent in ["optimized", "snapshotting", "restoring"] {
        let found = scrape.samples.keys().find(|(_, labels)| labels.values().any(|value| value == absent));
        assert_eq!(found, None, "{absent}");
    }
}

#[test]
fn known_label_sets_are_there_before_anything_happens() {
    let fixture = Fixture::new(exporting());
    let scrape = fixture.scrape();
    for state in VmState::ALL {
        assert_eq!(scrape.value("riscope_vms", &[("state", state.as_str())]), Some(0.0));
    }
    for reason in ExitReason::ALL {
        assert_eq!(scrape.value("riscope_vm_exits_total", &[("reason", reason.as_str())]), Some(0.0));
    }
    for phase in BootPhase::ALL {
        assert_eq!(
            scrape.value("riscope_vm_boot_phase_duration_seconds_count", &[("phase", phase.as_str())]),
            Some(0.0)
        );
    }
    for event in EventType::NAMES {
        assert_eq!(scrape.value("riscope_event_bus_published_total", &[("event", event)]), Some(0.0));
    }
    for tier in [Tier::Baseline].map(Tier::as_str) {
        for result in ["ok", "bailout", "error"] {
            let labels = [("tier", tier), ("trigger", "hot"), ("result", result)];
            assert_eq!(scrape.value("riscope_jit_compilations_total", &labels), Some(0.0));
        }
        assert_eq!(scrape.value("riscope_jit_block_guest_bytes_count", &[("tier", tier)]), Some(0.0));
    }
    for (span, reason) in [("jit.compile", "threshold"), ("jit.compile", "rate_limit"), ("jit.hotspot", "rate_limit")] {
        let labels = [("span", span), ("reason", reason)];
        assert_eq!(scrape.value("riscope_telemetry_spans_suppressed_total", &labels), Some(0.0));
    }
    for (name, error) in [
        ("otel_sdk_exporter_span_exported_total", ""),
        ("otel_sdk_exporter_span_exported_total", "connection_refused"),
        ("otel_sdk_exporter_span_exported_total", "503"),
        ("otel_sdk_processor_span_processed_total", ""),
        ("otel_sdk_processor_span_processed_total", "queue_full"),
    ] {
        assert_eq!(scrape.value(name, &[("error_type", error)]), Some(0.0), "{name} {error}");
    }
    // Families without closed labels appear with a machine or an alert.
    let missing = FAMILIES.iter().filter(|family| !family.needs_host && !scrape.families.contains_key(family.name));
    let waiting: BTreeSet<_> = missing.map(|family| family.labels[0]).collect();
    assert_eq!(waiting, BTreeSet::from(["alertname", "vm_id"]));
}

#[test]
fn a_machine_has_all_its_series_at_once() {
    let fixture = Fixture::new(TelemetryConfig::default());
    fixture.telemetry.register_vm(counters(VM, "guest", 2));
    // The rest appears at the start of a boot.
    fixture.publish([state(VM, VmState::Created, VmState::Booting)]);
    let scrape = fixture.scrape();
    let missing: Vec<_> = FAMILIES
        .iter()
        // Alerts appear when they are pending.
        .filter(|family| family.labels.contains(&"vm_id") && family.name != "riscope_alerts" && !family.needs_host)
        .filter(|family| {
            !scrape.samples.keys().any(|(name, labels)| *name == family.name && labels["vm_id"] == VM.to_string())
        })
        .map(|family| family.name)
        .collect();
    assert!(missing.is_empty(), "{missing:?}");
    for (cause, expected) in
        [("illegal_instruction", Some(0.0)), ("store_page_fault", Some(0.0)), ("load_guest_page_fault", None)]
    {
        assert_eq!(
            scrape.value(
                "riscope_guest_exceptions_total",
                &[("vm_id", "00000000-0000-0000-0000-000000000003"), ("cause", cause)]
            ),
            expected
        );
    }
    for vcpu in ["0", "1"] {
        let labels = [("vm_id", "00000000-0000-0000-0000-000000000003"), ("vcpu", vcpu), ("tier", "interpreter")];
        assert_eq!(scrape.value("riscope_guest_instructions_total", &labels), Some(0.0));
    }
    for error in ["read", "write"] {
        let labels = [
            ("vm_id", "00000000-0000-0000-0000-000000000003"),
            ("device", "virtio-blk"),
            ("device_name", "disk0"),
            ("error_type", error),
        ];
        assert_eq!(scrape.value("riscope_device_errors_total", &labels), Some(0.0));
    }
    assert_eq!(scrape.value("riscope_vm_vcpus", &[("vm_id", "00000000-0000-0000-0000-000000000003")]), Some(2.0));
    assert_eq!(
        scrape.value(
            "riscope_vm_info",
            &[("vm_id", "00000000-0000-0000-0000-000000000003"), ("name", "guest"), ("engine", "tiered")]
        ),
        Some(1.0)
    );
}

#[test]
fn a_deleted_machine_leaves_no_series_and_takes_no_count_along() {
    let fixture = Fixture::new(TelemetryConfig::default());
    for vm in [VM, OTHER] {
        let counters = counters(vm, "guest", 2);
        counters
            .engine
            .queue_rejected
            .store(u64::try_from(vm.as_u128()).expect("small"), std::sync::atomic::Ordering::Relaxed);
        fixture.telemetry.register_vm(counters);
        fixture.publish([created(vm, "guest"), hotspot(vm, 1), device_failed(vm)]);
    }
    let of_vm = |exposition: &Exposition, vm: VmId| {
        let vm = vm.to_string();
        exposition.samples.keys().filter(|(_, labels)| labels.get("vm_id").is_some_and(|it| *it == vm)).count()
    };
    let before = fixture.scrape();
    assert!(of_vm(&before, VM) > 50);
    fixture.publish([deleted(VM)]);
    // Late events of a deleted machine.
    fixture.publish([hotspot(VM, 1), device_failed(VM), compiled(VM, 1, 1), reset(VM, 2)]);
    let trouble = [VmEventType::GuestPanicked, VmEventType::HartStalled, VmEventType::HartResumed];
    fixture.publish(trouble.map(|kind| event(EventType::Vm(kind), VM)));
    let after = fixture.scrape();
    assert_eq!(of_vm(&after, VM), 0);
    assert_eq!(of_vm(&after, OTHER), of_vm(&before, OTHER));
    let rejected = "riscope_jit_compile_queue_rejected_total";
    assert_eq!((before.sum(rejected, &[]), after.sum(rejected, &[])), (7.0, 7.0));
    for family in FAMILIES.iter().filter(|it| it.kind == Kind::Counter && !it.labels.contains(&"vm_id")) {
        assert!(after.sum(family.name, &[]) >= before.sum(family.name, &[]), "{}", family.name);
    }
    assert_eq!(after.sum("riscope_vms", &[]), 1.0);
}

#[test]
fn states_are_counted_and_exclusive() {
    let fixture = Fixture::new(TelemetryConfig::default());
    fixture.publish([
        state(VM, VmState::Creating, VmState::Created),
        created(VM, "guest"),
        state(VM, VmState::Created, VmState::Booting),
        state(VM, VmState::Booting, VmState::Running),
        created(OTHER, "other"),
        state(OTHER, VmState::Paused, VmState::Failed),
    ]);
    let scrape = fixture.scrape();
    assert_eq!(scrape.sum("riscope_vms", &[]), 2.0);
    for (vm_id, of_vm) in [(VM, "running"), (OTHER, "failed")] {
        let vm_id = vm_id.to_string();
        assert_eq!(scrape.value("riscope_vms", &[("state", of_vm)]), Some(1.0));
        for state in VmState::ALL {
            let labels = [("vm_id", vm_id.as_str()), ("state", state.as_str())];
            let expected = if state.as_str() == of_vm { 1.0 } else { 0.0 };
            assert_eq!(scrape.value("riscope_vm_state", &labels), Some(expected));
        }
    }
    let transitions = |from, to| scrape.value("riscope_vm_state_transitions_total", &[("from", from), ("to", to)]);
    assert_eq!(transitions("created", "booting"), Some(1.0));
    assert_eq!(transitions("paused", "failed"), Some(1.0), "an unexpected one appears when it happens");
    assert_eq!(transitions("running", "pausing"), Some(0.0));
}

#[test]
fn figures_of_events_arrive_in_base_units() {
    let fixture = Fixture::new(TelemetryConfig::default());
    fixture.publish([
        created(VM, "guest"),
        compiled(VM, 0x1000, 2_000_000),
        phase(VM, BootPhase::Kernel, 1_000_000_000, 1_250_000_000),
        exited(VM, ExitReason::GuestFailure, 7),
    ]);
    let scrape = fixture.scrape();
    let tier = [("tier", "baseline")];
    assert_eq!(scrape.value("riscope_jit_compilation_duration_seconds_sum", &tier), Some(0.002));
    assert_eq!(scrape.value("riscope_jit_compile_queue_wait_seconds_sum", &tier), Some(4e-5));
    assert_eq!(scrape.value("riscope_jit_compiled_guest_bytes_total", &tier), Some(48.0));
    assert_eq!(scrape.value("riscope_jit_compiled_host_bytes_total", &tier), Some(300.0));
    let bucket = |bound| scrape.value("riscope_jit_block_guest_bytes_bucket", &[("tier", "baseline"), ("le", bound)]);
    assert_eq!((bucket("32"), bucket("64")), (Some(0.0), Some(1.0)));
    let phase = [("phase", "kernel")];
    assert_eq!(scrape.value("riscope_vm_boot_phase_duration_seconds_sum", &phase), Some(0.25));
    assert_eq!(scrape.value("riscope_vm_exits_total", &[("reason", "guest_failure")]), Some(1.0));
}

#[test]
fn names_of_machines_cannot_break_the_format() {
    let fixture = Fixture::new(TelemetryConfig::default());
    let name = "a \"quoted\\\" name,\nwith} a line {end=\"x\"} 1";
    fixture.publish([created(VM, name)]);
    let labels = [("vm_id", "00000000-0000-0000-0000-000000000003"), ("name", name), ("engine", "tiered")];
    assert_eq!(fixture.scrape().value("riscope_vm_info", &labels), Some(1.0));
    assert_eq!(fixture.scrape_open_metrics().value("riscope_vm_info", &labels), Some(1.0));
}

#[test]
fn the_scrape_counts_its_series() {
    let scrape = busy().scrape();
    let series = scrape.samples.len() - 1;
    assert_eq!(scrape.value("riscope_telemetry_series", &[]), Some(f64::from(u32::try_from(series).expect("few"))));
}

#[test]
fn the_process_is_this_one() {
    let fixture = Fixture::new(TelemetryConfig::default());
    let scrape = fixture.scrape();
    let value = |name| scrape.value(name, &[]).expect(name);
    let resident = value("process_resident_memory_bytes");
    assert!(resident > 1e5 && resident < value("process_virtual_memory_bytes"));
    assert!(value("process_threads") >= 2.0);
    assert!(value("process_open_fds") >= 1.0 && value("process_open_fds") <= value("process_max_fds"));
    assert!(value("process_cpu_seconds_total") > 0.0);
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("after 1970").as_secs_f64();
    let start = value("process_start_time_seconds");
    assert!(start > now - 86_400.0 && start < now + 5.0, "{start} is not shortly before {now}");
    assert_eq!(scrape.sum("riscope_build_info", &[("version", env!("CARGO_PKG_VERSION"))]), 1.0);
}
