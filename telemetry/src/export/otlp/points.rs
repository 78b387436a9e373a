//! Encoding of Prometheus's families as OTLP metrics (OpenTelemetry's compatibility specification, "Prometheus Metric
//! points to OTLP").
//!
//! Names stay as they are, so that dashboards and rules work on what receivers store. Counters are monotonic cumulative
//! sums, and histograms have explicit buckets.

use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, InstrumentationScope, KeyValue};
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::metrics::v1::number_data_point::Value as Number;
use opentelemetry_proto::tonic::metrics::v1::{
    AggregationTemporality, Gauge, Histogram, HistogramDataPoint, Metric, NumberDataPoint, ResourceMetrics,
    ScopeMetrics, Sum,
};
use opentelemetry_proto::tonic::resource::v1::Resource;
use prometheus::proto::{LabelPair, Metric as Sample, MetricFamily, MetricType};
use riscope_core::event::VmId;

/// Maximum data points of a request: about two megabytes, as receivers reject large ones.
const MAX_POINTS: usize = 10_000;
/// Label of the series of a machine.
const VM_ID: &str = "vm_id";

/// A request, and the number of its data points.
pub(super) type Counted = (ExportMetricsServiceRequest, u64);

/// What is the same for all data points.
#[derive(Clone, Debug)]
pub(super) struct Origin {
    pub(super) resource: Resource,
    /// When the process started, in nanoseconds since the Unix epoch.
    pub(super) start_ns: u64,
}

/// Encodes the families as they are at `now_ns`, as one or more requests.
pub(super) fn requests(families: &[MetricFamily], origin: &Origin, now_ns: u64) -> Vec<Counted> {
    let mut requests = Vec::new();
    let (mut metrics, mut points) = (Vec::new(), 0);
    for family in families {
        for samples in family.get_metric().chunks(MAX_POINTS) {
            if points + samples.len() > MAX_POINTS {
                requests.push(request(std::mem::take(&mut metrics), std::mem::take(&mut points), origin));
            }
            if let Some(metric) = metric(family, samples, origin.start_ns, now_ns) {
                metrics.push(metric);
                points += samples.len();
            }
        }
    }
    if points > 0 {
        requests.push(request(metrics, points, origin));
    }
    requests
}

fn request(metrics: Vec<Metric>, points: usize, origin: &Origin) -> Counted {
    let scope = InstrumentationScope {
        name: "riscope".to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        ..InstrumentationScope::default()
    };
    let scope_metrics = vec![ScopeMetrics { scope: Some(scope), metrics, ..ScopeMetrics::default() }];
    let resource = Some(origin.resource.clone());
    let of_resource = ResourceMetrics { resource, scope_metrics, ..ResourceMetrics::default() };
    (ExportMetricsServiceRequest { resource_metrics: vec![of_resource] }, points as u64)
}

/// A family with these samples; `None` for kinds that the catalogue does not have.
fn metric(family: &MetricFamily, samples: &[Sample], start_ns: u64, now_ns: u64) -> Option<Metric> {
    let temporality = AggregationTemporality::Cumulative.into();
    let data = match family.get_field_type() {
        MetricType::COUNTER => Data::Sum(Sum {
            data_points: samples.iter().map(|it| counter(it, start_ns, now_ns)).collect(),
            aggregation_temporality: temporality,
            is_monotonic: true,
        }),
        MetricType::GAUGE => Data::Gauge(Gauge { data_points: samples.iter().map(|it| gauge(it, now_ns)).collect() }),
        MetricType::HISTOGRAM => Data::Histogram(Histogram {
            data_points: samples.iter().map(|it| histogram(it, start_ns, now_ns)).collect(),
            aggregation_temporality: temporality,
        }),
        MetricType::SUMMARY | MetricType::UNTYPED => return None,
    };
    Some(Metric {
        name: family.name().to_owned(),
        description: family.help().to_owned(),
        unit: unit(family.name()).to_owned(),
        data: Some(data),
        ..Metric::default()
    })
}

/// Unit in UCUM, by the suffix of the name; empty for numbers of something.
fn unit(name: &str) -> &'static str {
    let name = name.strip_suffix("_total").unwrap_or(name);
    match name.rsplit_once('_') {
        Some((_, "seconds")) => "s",
        Some((_, "bytes")) => "By",
        Some((_, "joules")) => "J",
        _ => "",
    }
}

fn counter(sample: &Sample, start_ns: u64, now_ns: u64) -> NumberDataPoint {
    let start_time_unix_nano = start(sample.get_label(), start_ns).min(now_ns);
    NumberDataPoint { start_time_unix_nano, ..number(sample, sample.get_counter().get_value(), now_ns) }
}

fn gauge(sample: &Sample, now_ns: u64) -> NumberDataPoint {
    number(sample, sample.get_gauge().get_value(), now_ns)
}

fn number(sample: &Sample, value: f64, now_ns: u64) -> NumberDataPoint {
    NumberDataPoint {
        attributes: attributes(sample.get_label()),
        time_unix_nano: now_ns,
        value: Some(Number::AsDouble(value)),
        ..NumberDataPoint::default()
    }
}

fn histogram(sample: &Sample, start_ns: u64, now_ns: u64) -> HistogramDataPoint {
    let histogram = sample.get_histogram();
    let finite = || histogram.get_bucket().iter().filter(|bucket| bucket.upper_bound().is_finite());
    let mut below = 0;
    // The buckets are read one after the other, while others count.
    let mut own = |cumulative: u64| {
        let count = cumulative.saturating_sub(below);
        below = below.max(cumulative);
        count
    };
    let mut bucket_counts: Vec<u64> = finite().map(|bucket| own(bucket.cumulative_count())).collect();
    bucket_counts.push(own(histogram.get_sample_count()));
    HistogramDataPoint {
        attributes: attributes(sample.get_label()),
        start_time_unix_nano: start(sample.get_label(), start_ns).min(now_ns),
        time_unix_nano: now_ns,
        // The sum of the buckets by definition.
        count: bucket_counts.iter().sum(),
        sum: Some(histogram.get_sample_sum()),
        bucket_counts,
        explicit_bounds: finite().map(|bucket| bucket.upper_bound()).collect(),
        ..HistogramDataPoint::default()
    }
}

/// When the series was 0: when the machine got its identity, which tells this time (RFC 9562, section 5.7), otherwise
/// when the process started.
fn start(labels: &[LabelPair], start_ns: u64) -> u64 {
    let vm_id = labels.iter().find(|label| label.name() == VM_ID);
    let bits = vm_id.and_then(|label| label.value().parse().ok()).map(VmId::as_u128);
    let time = bits.filter(|bits| bits >> 76 & 0xf == 7).and_then(|bits| u64::try_from(bits >> 80).ok());
    time.map_or(start_ns, |ms| ms.saturating_mul(1_000_000).max(start_ns))
}

/// Labels as attributes; in Prometheus an empty one is none.
fn attributes(labels: &[LabelPair]) -> Vec<KeyValue> {
    let labels = labels.iter().filter(|label| !label.value().is_empty());
    let attribute = |label: &LabelPair| KeyValue {
        key: label.name().to_owned(),
        value: Some(AnyValue { value: Some(Value::StringValue(label.value().to_owned())) }),
        ..KeyValue::default()
    };
    labels.map(attribute).collect()
}

#[cfg(test)]
mod tests {
    use prometheus::core::Collector as _;
    use prometheus::{HistogramOpts, HistogramVec, IntCounterVec, IntGauge, Opts};

    use super::*;

    fn encoded(families: &[MetricFamily]) -> Vec<Counted> {
        requests(families, &Origin { resource: Resource::default(), start_ns: 5 }, 9_000_000_000_000_000_000)
    }

    fn only(families: &[MetricFamily]) -> Metric {
        let (request, _) = encoded(families).pop().expect("a request");
        request.resource_metrics[0].scope_metrics[0].metrics[0].clone()
    }

    #[test]
    fn counters_are_monotonic_sums_since_the_start() {
        let counters = IntCounterVec::new(Opts::new("a_bytes_total", "Bytes."), &["b", "c"]).expect("valid");
        counters.with_label_values(&["x", ""]).inc_by(3);
        let Metric { name, description, unit, data, .. } = only(&counters.collect());
        assert_eq!([name, description, unit], ["a_bytes_total", "Bytes.", "By"]);
        let Some(Data::Sum(sum)) = data else { panic!("a sum: {data:?}") };
        assert!(sum.is_monotonic);
        assert_eq!(sum.aggregation_temporality, i32::from(AggregationTemporality::Cumulative));
        let point = &sum.data_points[0];
        assert_eq!((point.start_time_unix_nano, point.value), (5, Some(Number::AsDouble(3.0))));
        assert_eq!(point.attributes.iter().map(|it| it.key.as_str()).collect::<Vec<_>>(), ["b"]);
    }

    #[test]
    fn gauges_have_no_start() {
        let gauge = IntGauge::new("a", "A.").expect("valid");
        gauge.set(-4);
        let Some(Data::Gauge(gauge)) = only(&gauge.collect()).data else { panic!("a gauge") };
        assert_eq!(gauge.data_points[0].value, Some(Number::AsDouble(-4.0)));
        assert_eq!((gauge.data_points[0].start_time_unix_nano, unit("a_ratio"), unit("seconds")), (0, "", ""));
    }

    #[test]
    fn buckets_have_their_own_counts() {
        let options = HistogramOpts::new("a_seconds", "A.").buckets(vec![1.0, 2.0, 4.0]);
        let histograms = HistogramVec::new(options, &[]).expect("valid");
        let histogram = histograms.with_label_values::<&str>(&[]);
        [0.5, 1.0, 3.0, 9.0, 9.0].into_iter().for_each(|value| histogram.observe(value));
        let metric = only(&histograms.collect());
        let Some(Data::Histogram(histogram)) = metric.data else { panic!("a histogram") };
        let point = &histogram.data_points[0];
        assert_eq!(
            (point.bucket_counts.as_slice(), point.explicit_bounds.as_slice()),
            (&[2, 0, 1, 2][..], &[1.0, 2.0, 4.0][..])
        );
        assert_eq!((point.count, point.sum, metric.unit.as_str()), (5, Some(22.5), "s"));
    }

    #[test]
    fn series_of_a_machine_start_with_it() {
        let of = |vm_id: &str| {
            let mut pair = LabelPair::default();
            pair.set_name(VM_ID.to_owned());
            pair.set_value(vm_id.to_owned());
            start(&[pair], 5)
        };
        assert_eq!(of("0198f3a2-7c41-7d07-9b1e-5f0c2a3fa9c1"), 0x0198_f3a2_7c41 * 1_000_000);
        assert_eq!(of("0198f3a2-7c41-4d07-9b1e-5f0c2a3fa9c1"), 5, "no time is in it");
        assert_eq!(of("_other"), 5);
        assert_eq!(of("00000000-0000-7000-8000-000000000000"), 5);
    }

    #[test]
    fn requests_are_of_bounded_size_and_lose_nothing() {
        let counters = IntCounterVec::new(Opts::new("a_total", "A."), &["b"]).expect("valid");
        let all = 2 * MAX_POINTS + MAX_POINTS / 2;
        (0..all).for_each(|n| counters.with_label_values(&[n.to_string()]).inc());
        let families = [counters.collect(), IntGauge::new("c", "C.").expect("valid").collect()].concat();
        let sizes: Vec<_> = encoded(&families).into_iter().map(|(_, points)| points).collect();
        assert_eq!(sizes, [MAX_POINTS as u64, MAX_POINTS as u64, MAX_POINTS as u64 / 2 + 1]);
    }
}
