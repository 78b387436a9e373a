//! Tests of log records as an OTLP receiver gets them: names, severities, traces, limits, console lines.

use std::collections::BTreeSet;
use std::path::Path;

use opentelemetry_proto::tonic::common::v1::AnyValue;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::logs::v1::LogRecord;
use riscope_core::event::{AlertEvent, CompileFailure, EventType, ExitReason, VmId, VmState};
use riscope_telemetry::log::catalog::{ROWS, Row};
use riscope_telemetry::log::document::markdown;
use riscope_telemetry::{ConsoleLevel, SHUTDOWN_LIMIT, TelemetryConfig};

use crate::fixture::{
    ALL_SIGNALS, Fixture, Happening, PATIENCE, created, deleted, device_failed, environment, event, exited, failed,
    hotspot, reset, state,
};
use crate::receiver::{Manner, Receiver, attribute};

const VM: VmId = VmId::from_u128(5);

/// A fixture that exports spans and log records to `receiver`.
fn logging(receiver: &Receiver, variables: &[(&str, &str)]) -> Fixture {
    let variables = [&ALL_SIGNALS[..1], variables].concat();
    Fixture::new(TelemetryConfig { environment: environment(&variables), ..receiver.config() })
}

/// Records exported for these events, after the shutdown of telemetry.
fn logs(variables: &[(&str, &str)], events: Vec<Happening>) -> (Vec<LogRecord>, Fixture, Receiver) {
    let receiver = Receiver::start(Manner::Accept);
    let fixture = logging(&receiver, variables);
    fixture.publish(events);
    assert!(fixture.telemetry.shutdown(SHUTDOWN_LIMIT), "the receiver answers");
    let logs = receiver.logs();
    let exported = fixture.scrape().value("otel_sdk_exporter_log_exported_total", &[("error_type", "")]);
    assert_eq!(exported, Some(f64::from(u32::try_from(logs.len()).expect("few"))));
    (logs, fixture, receiver)
}

fn body(record: &LogRecord) -> &str {
    match &record.body {
        Some(AnyValue { value: Some(Value::StringValue(text)) }) => text,
        other => panic!("the body is {other:?}"),
    }
}

fn names(logs: &[LogRecord]) -> Vec<&str> {
    logs.iter().map(|record| record.event_name.as_str()).collect()
}

fn suppressed(fixture: &Fixture, event: &str, reason: &str) -> f64 {
    let labels = [("event", event), ("reason", reason)];
    fixture.scrape().value("riscope_telemetry_log_records_suppressed_total", &labels).expect("a series")
}

#[test]
fn a_machines_life_is_a_log_in_its_trace() {
    let (logs, _fixture, receiver) = logs(
        &[],
        vec![
            created(VM, "guest"),
            state(VM, VmState::Created, VmState::Booting),
            hotspot(VM, 0x8020_0000),
            state(VM, VmState::Booting, VmState::Running),
            reset(VM, 2),
            device_failed(VM),
            exited(VM, ExitReason::Poweroff, 0),
            deleted(VM),
        ],
    );
    assert_eq!(
        names(&logs),
        [
            "riscope.vm.created",
            "riscope.vm.state_changed",
            "riscope.execution.hotspot_detected",
            "riscope.vm.state_changed",
            "riscope.vm.reset",
            "riscope.device.failed",
            "riscope.vm.exited",
            "riscope.vm.deleted",
        ]
    );
    let spans = receiver.spans();
    let span = |name: &str| spans.iter().find(|span| span.name == name).expect(name);
    let (run, boot) = (span("vm.run"), span("vm.boot"));
    assert_eq!(logs.len(), 8);
    for (record, span) in logs.iter().zip([run, boot, boot, run, run, run, run, run]) {
        assert_eq!((&record.trace_id, &record.span_id, record.flags), (&run.trace_id, &span.span_id, 1), "{record:?}");
        assert_eq!(attribute(&record.attributes, "riscope.vm.id").as_deref(), Some(VM.to_string().as_str()));
        assert_eq!(attribute(&record.attributes, "riscope.vm.name").as_deref(), Some("guest"));
    }
    let of = |index: usize, name| attribute(&logs[index].attributes, name);
    assert_eq!(of(2, "riscope.guest.pc").as_deref(), Some("0x80200000"));
    assert_eq!(of(3, "riscope.vm.state.to").as_deref(), Some("running"));
    assert_eq!(of(5, "riscope.device.name").as_deref(), Some("disk0"));
    assert_eq!(of(6, "riscope.vm.exit.reason").as_deref(), Some("poweroff"));
    assert_eq!(body(&logs[5]), "virtio-blk disk0 failed: read");
    let times: Vec<_> = logs.iter().map(|record| record.time_unix_nano).collect();
    assert!(times.iter().all(|time| *time > 0) && times.windows(2).all(|pair| pair[0] <= pair[1]), "{times:?}");
}

#[test]
fn requests_are_what_the_specification_says_and_of_the_resource_of_the_spans() {
    let (_, _fixture, receiver) = logs(&[], vec![created(VM, "guest"), exited(VM, ExitReason::Poweroff, 0)]);
    let requests = receiver.requests();
    let of = |path: &str| requests.iter().find(|it| it.head[0] == format!("POST {path} HTTP/1.1")).expect(path);
    let (logs, traces) = (of("/v1/logs"), of("/v1/traces"));
    assert_eq!(logs.header("content-type"), Some("application/x-protobuf"));
    let crate::receiver::Body::Logs(body) = &logs.body else { panic!("log records") };
    let resource = &body.resource_logs[0];
    assert_eq!(resource.resource, traces.traces().resource_spans[0].resource, "service.instance.id and all");
    assert_eq!(resource.scope_logs[0].scope.as_ref().expect("a scope").name, "riscope");
}

#[test]
fn records_have_the_names_severities_and_attributes_of_the_catalogue() {
    let kinds = EventType::ALL.into_iter().filter(|kind| kind.as_str() != "vm.deleted");
    let mut events: Vec<_> = kinds.map(|kind| event(kind, VM)).collect();
    events.extend(["warning", "info"].map(|severity| {
        let (name, severity, description) = ("RiscopeHartStalled".into(), severity.into(), "It hangs.".into());
        (VM, AlertEvent::Firing { name, severity, description }.into())
    }));
    events.extend([state(VM, VmState::Running, VmState::Failed), exited(VM, ExitReason::Poweroff, 0), deleted(VM)]);
    let receiver = Receiver::start(Manner::Accept);
    let fixture = logging(&receiver, &[]);
    fixture.publish([created(VM, "guest")]);
    let mut console = fixture.telemetry.console_log(VM, ConsoleLevel::All).expect("records are sent");
    console.see(b"<0>a\n<1>b\n<2>c\n<3>d\n<4>e\n<5>f\n<6>g\n<7>h\n");
    assert!(fixture.telemetry.flush(PATIENCE), "lines are not handled");
    fixture.publish(events);
    assert!(fixture.telemetry.shutdown(SHUTDOWN_LIMIT));
    let mut seen = BTreeSet::new();
    for record in receiver.logs() {
        let row = ROWS.iter().find(|row| row.name == record.event_name);
        let Row { name, severities, attributes, .. } =
            row.unwrap_or_else(|| panic!("not in the catalogue: {record:?}"));
        let severity = severities.iter().find(|severity| severity.as_str() == record.severity_text);
        let severity = severity.unwrap_or_else(|| panic!("{name} with {}", record.severity_text));
        assert_eq!(record.severity_number, *severity as i32, "{name}");
        let found: Vec<_> = record.attributes.iter().map(|attribute| attribute.key.as_str()).collect();
        assert_eq!(found, [attributes, &["riscope.vm.id", "riscope.vm.name"][..]].concat(), "{name}");
        assert!(!body(&record).is_empty(), "{name}");
        seen.insert((*name, record.severity_text));
    }
    let all =
        ROWS.iter().flat_map(|row| row.severities.iter().map(|severity| (row.name, severity.as_str().to_owned())));
    assert_eq!(seen, all.collect::<BTreeSet<_>>(), "every kind of record with each of its severities");
}

#[test]
fn names_are_those_of_events() {
    for row in ROWS {
        let name = row.name.strip_prefix("riscope.").expect("the name of the application");
        // A console line is no event.
        assert!(EventType::from_name(name).is_some() || name == "vm.console_line", "{name}");
    }
}

#[test]
fn a_kind_beyond_its_rate_is_counted_and_takes_nothing_from_others_or_other_machines() {
    let other = VmId::from_u128(6);
    let mut events = vec![created(VM, "guest"), created(other, "other")];
    events.extend((0..1000).map(|pc| hotspot(VM, pc)));
    events.extend([hotspot(other, 1), failed(VM, 1, CompileFailure::Compiler), failed(VM, 2, CompileFailure::Stale)]);
    let (logs, fixture, _receiver) = logs(&[], events);
    let of = |name: &str, vm: VmId| {
        let vm = vm.to_string();
        let has = |record: &&LogRecord| attribute(&record.attributes, "riscope.vm.id").as_deref() == Some(&*vm);
        logs.iter().filter(|record| record.event_name == name).filter(has).count()
    };
    let hotspots = of("riscope.execution.hotspot_detected", VM);
    assert!(hotspots >= 5, "{hotspots}");
    let lost = suppressed(&fixture, "riscope.execution.hotspot_detected", "rate_limit");
    assert_eq!(lost + f64::from(u32::try_from(hotspots).expect("few")), 1000.0);
    assert_eq!(of("riscope.execution.hotspot_detected", other), 1);
    assert_eq!(of("riscope.execution.compilation_failed", VM), 1, "stale code is to be expected");
    assert_eq!(of("riscope.vm.created", VM), 1);
}

#[test]
fn lines_of_a_console_are_records_in_the_machines_trace() {
    let receiver = Receiver::start(Manner::Accept);
    let fixture = logging(&receiver, &[]);
    fixture.publish([created(VM, "guest"), state(VM, VmState::Created, VmState::Booting)]);
    let mut console = fixture.telemetry.console_log(VM, ConsoleLevel::Warning).expect("records are sent");
    console.see(b"[    0.1] fine\n[    0.2] WARNING: CPU: 0\r\n[    0.3] Kernel pa");
    console.see(b"nic - not syncing: x\n");
    assert!(fixture.telemetry.shutdown(SHUTDOWN_LIMIT));
    let logs = receiver.logs();
    let lines: Vec<_> = logs.iter().filter(|record| record.event_name == "riscope.vm.console_line").collect();
    let said: Vec<_> = lines.iter().map(|line| (line.severity_text.as_str(), body(line))).collect();
    let panic = "[    0.3] Kernel panic - not syncing: x";
    assert_eq!(said, [("WARN", "[    0.2] WARNING: CPU: 0"), ("FATAL", panic)]);
    let spans = receiver.spans();
    let boot = spans.iter().find(|span| span.name == "vm.boot").expect("a boot");
    assert!(lines.iter().all(|line| (&line.trace_id, &line.span_id) == (&boot.trace_id, &boot.span_id)));
}

#[test]
fn limits_of_attributes_are_those_of_the_environment() {
    let limits = [("OTEL_LOGRECORD_ATTRIBUTE_COUNT_LIMIT", "2"), ("OTEL_LOGRECORD_ATTRIBUTE_VALUE_LENGTH_LIMIT", "3")];
    let (logs, _fixture, _receiver) = logs(&limits, vec![created(VM, "guest")]);
    assert_eq!(logs[0].attributes.len(), 2);
    assert_eq!(attribute(&logs[0].attributes, "riscope.vm.engine").as_deref(), Some("tie"));
}

#[test]
fn without_spans_records_have_no_trace_and_without_records_there_is_nothing_about_them() {
    let receiver = Receiver::start(Manner::Accept);
    let endpoint = format!("{}/v1/logs", receiver.url());
    let own = environment(&[("OTEL_EXPORTER_OTLP_LOGS_ENDPOINT", &endpoint)]);
    let fixture = Fixture::new(TelemetryConfig { environment: own, ..TelemetryConfig::default() });
    fixture.publish([created(VM, "guest")]);
    assert!(fixture.telemetry.shutdown(SHUTDOWN_LIMIT));
    assert_eq!((receiver.logs().len(), receiver.spans().len()), (1, 0));
    assert_eq!((receiver.logs()[0].trace_id.len(), receiver.logs()[0].flags), (0, 0));

    let fixture = Fixture::new(receiver.config());
    assert!(fixture.telemetry.console_log(VM, ConsoleLevel::All).is_none());
    let about_logs = |name: &str| name.contains("_log_");
    let found: Vec<_> = fixture.scrape().samples.into_keys().filter(|(name, _)| about_logs(name)).collect();
    assert_eq!(found, []);
}

#[test]
fn the_document_is_current() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("LOGS.md");
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(&path, markdown()).expect("LOGS.md can be written");
    }
    let current = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(current == markdown(), "LOGS.md is out of date: run this test with BLESS=1");
}
