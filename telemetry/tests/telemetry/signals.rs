//! Tests of receivers that are absent, hang, refuse, throttle, are slow or answer garbage, for all signals: what is lost
//! is counted by signal and reason, and nothing else happens.

use std::net::TcpListener;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use riscope_core::event::{ExitReason, VmId};
use riscope_telemetry::{Notices, SHUTDOWN_LIMIT, TelemetryConfig};

use crate::fixture::{ALL_SIGNALS, Fixture, Happening, PATIENCE, created, environment, exited};
use crate::receiver::{Manner, Receiver};

/// Machines of each case, with a span and two log records each.
const MACHINES: u32 = 5;
/// Tolerance of the shutdown time on a host that is busy with other tests.
const BUSY_HOST: Duration = Duration::from_secs(20);

const SPANS: &str = "otel_sdk_exporter_span_exported_total";
const LOGS: &str = "otel_sdk_exporter_log_exported_total";
const POINTS: &str = "otel_sdk_exporter_metric_data_point_exported_total";

fn lives(machines: u32) -> impl Iterator<Item = Happening> {
    (0..u128::from(machines))
        .flat_map(|vm| [created(VmId::from_u128(vm), "guest"), exited(VmId::from_u128(vm), ExitReason::Poweroff, 0)])
}

/// Reported lines.
type Told = Arc<Mutex<Vec<String>>>;

/// A fixture that exports all signals to `url` with these variables, and what it reports.
fn exporting(url: &str, variables: &[(&str, &str)]) -> (Fixture, Told) {
    let told = Told::default();
    let tell = Arc::clone(&told);
    let variables = [&ALL_SIGNALS[..], &[("OTEL_METRIC_EXPORT_INTERVAL", "10")], variables].concat();
    let fixture = Fixture::new(TelemetryConfig {
        otlp_endpoint: Some(url.to_owned()),
        span_delay: Duration::from_millis(10),
        environment: environment(&variables),
        notices: Notices::new(move |line| tell.lock().expect("no panic elsewhere").push(line.to_owned())),
        ..TelemetryConfig::default()
    });
    (fixture, told)
}

fn exported(fixture: &Fixture, family: &str, error_type: &str) -> f64 {
    fixture.scrape().value(family, &[("error_type", error_type)]).expect("a series")
}

/// Waits until each signal has had an outcome of this type.
fn wait(fixture: &Fixture, error_type: &str) {
    let start = Instant::now();
    while [SPANS, LOGS, POINTS].into_iter().any(|family| exported(fixture, family, error_type) == 0.0) {
        assert!(start.elapsed() < PATIENCE, "{error_type}: {}", fixture.text());
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// Exports all signals to `url` until something of each is lost with this `error_type`; nothing arrives, and each signal
/// is reported at the first failure and at the end.
fn lose_all(url: &str, error_type: &str, variables: &[(&str, &str)]) {
    let (fixture, told) = exporting(url, variables);
    fixture.publish(lives(MACHINES));
    wait(&fixture, error_type);
    assert_eq!([SPANS, LOGS, POINTS].map(|family| exported(&fixture, family, "")), [0.0; 3], "{error_type}");
    let start = Instant::now();
    fixture.telemetry.shutdown(SHUTDOWN_LIMIT);
    assert!(start.elapsed() < SHUTDOWN_LIMIT + BUSY_HOST, "{:?}", start.elapsed());
    let told = told.lock().expect("no panic elsewhere");
    for (noun, path) in [("spans", "traces"), ("log records", "logs"), ("metrics", "metrics")] {
        let of_signal: Vec<_> = told.iter().filter(|line| line.starts_with(noun)).collect();
        let [first, last] = of_signal.as_slice() else { panic!("{error_type}: two lines about {noun}: {told:?}") };
        assert!(first.contains(&format!("/v1/{path}")) && first.contains("are not reaching"), "{first}");
        assert!(last.contains("0 delivered"), "{last}");
    }
}

#[test]
fn what_does_not_arrive_is_counted_by_signal_and_reason() {
    let free = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a free port");
    lose_all(&format!("http://{free}"), "connection_refused", &[("OTEL_EXPORTER_OTLP_TIMEOUT", "1000")]);
    for (manner, error_type) in [
        (Manner::Refuse(400), "400"),
        (Manner::Refuse(401), "401"),
        (Manner::Babble(b"\0\0\0\x04\0\0\0\0\0"), "invalid_response"),
        (Manner::Page, "invalid_response"),
        (Manner::Hang, "timeout"),
        (Manner::Slow(2_000), "timeout"),
        (Manner::Refuse(503), "503"),
    ] {
        let receiver = Receiver::start(manner.clone());
        lose_all(&receiver.url(), error_type, &[("OTEL_EXPORTER_OTLP_TIMEOUT", "300")]);
        assert!(!receiver.requests().is_empty(), "{manner:?}");
    }
}

#[test]
fn a_receiver_that_throttles_gets_everything_when_it_has_asked_for() {
    for status in [429, 503] {
        for own in ["TRACES", "LOGS", "METRICS"] {
            let receiver = Receiver::start(Manner::Throttle(status, 1));
            // The other signals go nowhere, so that the first request is of this one.
            let endpoint = format!("OTEL_EXPORTER_OTLP_{own}_ENDPOINT");
            let url = format!("{}/v1/{}", receiver.url(), own.to_lowercase());
            let fixture = Fixture::new(TelemetryConfig {
                span_delay: Duration::from_millis(10),
                environment: environment(&[(&endpoint, &url), ("OTEL_METRIC_EXPORT_INTERVAL", "10")]),
                ..TelemetryConfig::default()
            });
            let start = Instant::now();
            fixture.publish(lives(MACHINES));
            while receiver.requests().len() < 2 {
                assert!(start.elapsed() < PATIENCE, "{own} is not sent again after {status}");
                std::thread::sleep(Duration::from_millis(1));
            }
            assert!(start.elapsed() >= Duration::from_secs(1), "{own} is sent again too early");
            let family = match own {
                "TRACES" => SPANS,
                "LOGS" => LOGS,
                _ => POINTS,
            };
            while exported(&fixture, family, "") == 0.0 {
                assert!(start.elapsed() < PATIENCE, "{own} does not arrive");
                std::thread::sleep(Duration::from_millis(1));
            }
            assert_eq!(exported(&fixture, family, &status.to_string()), 0.0, "{own}");
            let sent = receiver.requests();
            assert_eq!(format!("{:?}", sent[0].body), format!("{:?}", sent[1].body), "the same again");
        }
    }
}

#[test]
fn receivers_that_hang_delay_the_end_once_and_not_once_for_each_signal() {
    let receiver = Receiver::start(Manner::Hang);
    let (fixture, told) = exporting(&receiver.url(), &[("OTEL_EXPORTER_OTLP_TIMEOUT", "0")]);
    fixture.publish(lives(MACHINES));
    let begin = Instant::now();
    while receiver.requests().len() < 3 {
        assert!(begin.elapsed() < PATIENCE, "{} requests", receiver.requests().len());
        std::thread::sleep(Duration::from_millis(1));
    }
    let start = Instant::now();
    fixture.telemetry.shutdown(Duration::from_secs(3600));
    assert!(start.elapsed() < SHUTDOWN_LIMIT + BUSY_HOST, "{:?}", start.elapsed());
    let told = told.lock().expect("no panic elsewhere");
    let unsent = |noun: &str| told.iter().any(|line| line.starts_with(noun) && !line.contains(" 0 not sent in time"));
    assert!(["spans", "log records", "metrics"].into_iter().all(unsent), "{told:?}");
}

#[test]
fn what_a_full_queue_drops_is_counted_by_signal() {
    let receiver = Receiver::start(Manner::Hang);
    let (fixture, _told) = exporting(
        &receiver.url(),
        &[("OTEL_EXPORTER_OTLP_TIMEOUT", "0"), ("OTEL_BSP_MAX_QUEUE_SIZE", "4"), ("OTEL_BLRP_MAX_QUEUE_SIZE", "8")],
    );
    fixture.publish(lives(100));
    let dropped = |family: &str| fixture.scrape().value(family, &[("error_type", "queue_full")]).expect("a series");
    assert_eq!(dropped("otel_sdk_processor_span_processed_total"), 96.0);
    assert_eq!(dropped("otel_sdk_processor_log_processed_total"), 192.0);
    assert_eq!(fixture.scrape().sum("riscope_event_bus_dropped_total", &[]), 0.0);
}
