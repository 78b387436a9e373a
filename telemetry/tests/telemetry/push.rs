//! Tests of metrics as an OTLP receiver gets them: the values of a scrape, at an interval and at the end.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::metrics::v1::number_data_point::Value;
use opentelemetry_proto::tonic::metrics::v1::{Metric, NumberDataPoint};
use riscope_core::event::{ExitReason, VmId, wall_ns};
use riscope_telemetry::metric::catalog::FAMILIES;
use riscope_telemetry::metric::family::{Kind, Unit};
use riscope_telemetry::{SHUTDOWN_LIMIT, TelemetryConfig};

use crate::exposition::Exposition;
use crate::fixture::{ALL_SIGNALS, Fixture, PATIENCE, compiled, counters, created, environment, exited, hotspot};
use crate::receiver::{Manner, Receiver, attribute};

/// A fixture that exports metrics to `receiver`, and spans.
fn pushing(receiver: &Receiver, variables: &[(&str, &str)]) -> Fixture {
    let variables = [&ALL_SIGNALS[1..], variables].concat();
    Fixture::new(TelemetryConfig { environment: environment(&variables), ..receiver.config() })
}

/// Waits for this many exports.
fn wait(receiver: &Receiver, exports: usize) -> Vec<Vec<Metric>> {
    let start = Instant::now();
    while receiver.metrics().len() < exports {
        assert!(start.elapsed() < PATIENCE, "{} exports", receiver.metrics().len());
        std::thread::sleep(Duration::from_millis(1));
    }
    receiver.metrics()
}

fn labels(attributes: &[KeyValue]) -> BTreeMap<String, String> {
    let value = |it: &KeyValue| attribute(attributes, &it.key).expect("it is there");
    attributes.iter().map(|it| (it.key.clone(), value(it))).collect()
}

/// The value of a series with these labels, and with others that are empty, which is the same to Prometheus.
fn shown(scrape: &Exposition, name: &str, labels: &BTreeMap<String, String>) -> Option<f64> {
    let is_it = |found: &BTreeMap<String, String>| found.iter().filter(|(_, value)| !value.is_empty()).eq(labels);
    let mut series = scrape.samples.iter().filter(|((found, of), _)| found == name && is_it(of));
    series.next().map(|(_, value)| *value)
}

fn points(metric: &Metric) -> &[NumberDataPoint] {
    match &metric.data {
        Some(Data::Sum(sum)) => &sum.data_points,
        Some(Data::Gauge(gauge)) => &gauge.data_points,
        other => panic!("no numbers: {other:?}"),
    }
}

#[test]
fn what_is_sent_last_is_what_a_scrape_shows() {
    let receiver = Receiver::start(Manner::Accept);
    let fixture = pushing(&receiver, &[("OTEL_METRIC_EXPORT_INTERVAL", "3600000")]);
    let vm = VmId::generate();
    fixture.telemetry.register_vm(counters(vm, "guest", 2));
    fixture.publish([created(vm, "guest"), hotspot(vm, 0x1000), compiled(vm, 0x1000, 300_000)]);
    assert_eq!(receiver.metrics().len(), 0, "the interval is long");
    let scrape = fixture.scrape();
    assert!(fixture.telemetry.shutdown(SHUTDOWN_LIMIT));
    let exports = receiver.metrics();
    let [metrics] = exports.as_slice() else { panic!("one export: {}", exports.len()) };
    // These differ from read to read, are about the exports, or end with the shutdown.
    let other = ["process_", "riscope_host_", "otel_sdk_", "riscope_telemetry_", "riscope_event_bus_"];
    let steady = |name: &str| !other.iter().any(|it| name.starts_with(it));
    let mut compared = 0;
    for metric in metrics.iter().filter(|metric| steady(&metric.name)) {
        let family = FAMILIES.iter().find(|family| family.name == metric.name).expect("a family of the catalogue");
        let unit = match family.unit {
            Unit::None => "",
            Unit::Seconds => "s",
            Unit::Bytes => "By",
            Unit::Joules => "J",
        };
        assert_eq!((metric.description.as_str(), metric.unit.as_str()), (family.help, unit));
        match &metric.data {
            Some(Data::Histogram(histogram)) => {
                assert_eq!(family.kind, Kind::Histogram, "{}", family.name);
                for point in &histogram.data_points {
                    let labels = labels(&point.attributes);
                    let count = shown(&scrape, &format!("{}_count", family.name), &labels);
                    assert_eq!(count, Some(f64::from(u32::try_from(point.count).expect("few"))), "{}", family.name);
                    assert_eq!(point.explicit_bounds, family.buckets);
                    assert_eq!(point.bucket_counts.iter().sum::<u64>(), point.count);
                    compared += 1;
                }
            }
            data => {
                assert_eq!(matches!(data, Some(Data::Sum(_))), family.kind == Kind::Counter, "{}", family.name);
                for point in points(metric) {
                    let labels = labels(&point.attributes);
                    let Some(Value::AsDouble(value)) = point.value else { panic!("a number: {point:?}") };
                    assert_eq!(shown(&scrape, family.name, &labels), Some(value), "{} {labels:?}", family.name);
                    compared += 1;
                }
            }
        }
    }
    let all = scrape.samples.keys().filter(|(name, _)| steady(name) && !name.contains("_bucket"));
    let sums = scrape.samples.keys().filter(|(name, _)| steady(name) && name.ends_with("_sum")).count();
    assert_eq!(compared, all.count() - sums, "every series is sent");
}

#[test]
fn sums_start_with_what_they_count_and_go_on_from_export_to_export() {
    let receiver = Receiver::start(Manner::Accept);
    let before = wall_ns();
    let fixture = pushing(&receiver, &[("OTEL_METRIC_EXPORT_INTERVAL", "10")]);
    let vm = VmId::generate();
    fixture.publish([created(vm, "guest"), hotspot(vm, 0x1000)]);
    wait(&receiver, 3);
    assert!(fixture.telemetry.shutdown(SHUTDOWN_LIMIT));
    let exports = receiver.metrics();
    let last = exports.last().expect("an export");
    let hotspots = last.iter().find(|metric| metric.name == "riscope_jit_hotspots_detected_total").expect("it is sent");
    let counted = points(hotspots).iter().find(|it| it.value == Some(Value::AsDouble(1.0))).expect("one hotspot");
    assert!(counted.start_time_unix_nano + 1_000_000 >= before, "it started with its machine");
    let exits = |metrics: &[Metric]| {
        let exits = metrics.iter().find(|metric| metric.name == "riscope_vm_exits_total").expect("it is sent");
        points(exits)[0].clone()
    };
    let all: Vec<_> = exports.iter().map(|metrics| exits(metrics)).collect();
    assert!(all.iter().all(|it| it.start_time_unix_nano == all[0].start_time_unix_nano), "{all:?}");
    assert!(all[0].start_time_unix_nano < before + 1_000_000_000 && all[0].start_time_unix_nano > 0);
    assert!(all.windows(2).all(|pair| pair[0].time_unix_nano < pair[1].time_unix_nano), "{all:?}");
}

#[test]
fn requests_are_compressed_where_that_is_asked_for_and_of_the_resource_of_the_spans() {
    let receiver = Receiver::start(Manner::Accept);
    let fixture = pushing(&receiver, &[("OTEL_EXPORTER_OTLP_METRICS_COMPRESSION", "gzip")]);
    let vm = VmId::from_u128(1);
    fixture.publish([created(vm, "guest"), exited(vm, ExitReason::Poweroff, 0)]);
    assert!(fixture.telemetry.shutdown(SHUTDOWN_LIMIT));
    let requests = receiver.requests();
    let of = |path: &str| requests.iter().find(|it| it.head[0] == format!("POST {path} HTTP/1.1")).expect(path);
    let (metrics, traces) = (of("/v1/metrics"), of("/v1/traces"));
    assert_eq!(metrics.header("content-encoding"), Some("gzip"));
    assert_eq!(
        (metrics.header("content-type"), traces.header("content-encoding")),
        (Some("application/x-protobuf"), None)
    );
    let crate::receiver::Body::Metrics(body) = &metrics.body else { panic!("metrics") };
    assert_eq!(body.resource_metrics[0].resource, traces.traces().resource_spans[0].resource);
    let scope = body.resource_metrics[0].scope_metrics[0].scope.as_ref().expect("a scope");
    assert_eq!(scope.name, "riscope");
}
