//! Agreement with Prometheus on expressions: every function, aggregation and operator of the
//! subset, over series with resets, gaps and ends. What is evaluated in process is what
//! `promtool` is told to expect, to the last bit.

use std::sync::Arc;

use riscope_telemetry::alert::promql::{Sample, Value as Result, compile, evaluate};
use riscope_telemetry::alert::{Labels, Store};
use serde_json::{Value, json};

use crate::notation::{series, values};
use crate::promtool_passes;

/// Milliseconds between two samples of a series.
const INTERVAL_MS: i64 = 15_000;

/// Series in `promtool`'s notation.
const SERIES: &[(&str, &str)] = &[
    (r#"c{vm_id="1", device="blk"}"#, "0+15x20 0+30x20"),
    (r#"c{vm_id="1", device="rng"}"#, "7 9 9 14 2 3 3 3 8x10 5+1x20"),
    (r#"c{vm_id="2", device="blk"}"#, "_x10 100+25x8 _x3 400+25x20"),
    (r#"c{vm_id="3", device="blk"}"#, "0+2x10 stale _x5 0+3x20"),
    (r#"c{vm_id="4", device="blk"}"#, "0x12 1x28"),
    (r#"g{vm_id="1"}"#, "5 3 8 -2 0.5x10 4-1x20"),
    (r#"g{vm_id="2"}"#, "1x15 2x5 1x20"),
    (r#"g{vm_id="5"}"#, "12x8"),
    (r#"info{vm_id="1", name="web", engine="tiered"}"#, "1x40"),
    (r#"info{vm_id="2", name="db", engine="interpreter"}"#, "1x40"),
    (r#"h_bucket{vm_id="1", le="0.1"}"#, "0+1x40"),
    (r#"h_bucket{vm_id="1", le="0.5"}"#, "0+4x40"),
    (r#"h_bucket{vm_id="1", le="2.5"}"#, "0+6x40"),
    (r#"h_bucket{vm_id="1", le="+Inf"}"#, "0+8x40"),
    (r#"h_bucket{vm_id="2", le="0.1"}"#, "0+1x40"),
    (r#"h_bucket{vm_id="2", le="0.5"}"#, "0+9x40"),
    (r#"h_bucket{vm_id="2", le="+Inf"}"#, "0+9x40"),
    (r#"h_sum{vm_id="1"}"#, "0+3x40"),
    (r#"h_count{vm_id="1"}"#, "0+8x40"),
];

/// Expressions whose results have no name of a metric.
const EXPRESSIONS: &[&str] = &[
    "rate(c[1m])",
    "rate(c[47s])",
    "rate(c[5m])",
    "increase(c[1m])",
    "increase(c[10m])",
    "increase(c[20s])",
    "delta(g[1m])",
    "delta(g[3m])",
    "changes(g[5m])",
    "changes(c[2m])",
    "resets(c[10m])",
    "resets(g[10m])",
    "avg_over_time(g[2m])",
    "min_over_time(g[2m])",
    "max_over_time(g[2m])",
    "sum_over_time(g[2m])",
    "count_over_time(c[2m])",
    "count_over_time(c[30s])",
    "last_over_time(g[2m]) * 1",
    "rate(c[1m] offset 1m)",
    "g offset 2m * 1",
    "sum_over_time((rate(c[1m]) > bool 0.5)[3m:15s])",
    "5 * sum_over_time((g > bool 1)[2m:5s]) >= 20",
    "avg_over_time(rate(c[1m])[4m:20s] offset 1m)",
    "max_over_time(increase(c[1m])[2m:7s])",
    "rate(sum without (device) (c)[2m:15s])",
    // In which order Prometheus adds series is its own business.
    "floor(sum(rate(c[1m])) * 1e9)",
    "sum by (vm_id) (c)",
    "sum by (vm_id, gone) (c)",
    "sum without (device) (c)",
    "max by (device) (c)",
    "min by (device) (c)",
    "count by (device) (c)",
    "count(g)",
    "avg by (device) (g)",
    "avg without (vm_id) (c{vm_id=~\"1|2\"})",
    "sum without (vm_id, device) (c{device!=\"rng\", vm_id!~\"3.*\"})",
    "histogram_quantile(0.5, rate(h_bucket[2m]))",
    "histogram_quantile(0.05, h_bucket)",
    "histogram_quantile(0.99, sum by (le) (rate(h_bucket[2m])))",
    "histogram_quantile(0.99, h_bucket)",
    "histogram_quantile(1, h_bucket)",
    "histogram_quantile(0, rate(h_bucket[2m]))",
    "rate(h_sum[2m]) / rate(h_count[2m])",
    "rate(h_sum[2m]) / rate(h_count[2m]) > 0.1 and on (vm_id) g > -100",
    "c + on (vm_id, device) c",
    "c * ignoring (device) group_left () g",
    "c * on (vm_id) group_left (name) info",
    "(sum without (device) (increase(c[2m])) > 0) * on (vm_id) group_left (name) info",
    "info * on (vm_id) group_right (engine) c",
    "c > bool on (vm_id) group_left () g",
    "(c > on (vm_id) group_left () g) * 1",
    "c * 1 unless on (vm_id) g == 1",
    "c * 1 unless on (vm_id) info",
    "c * 1 and on (vm_id) g > 0",
    "sum by (vm_id) (c) or g * 1",
    "g * 2 or on (vm_id) c * 1",
    "g * 1 and c",
    "g % 3 == 1 or g ^ 2",
    "2 - g",
    "-g",
    "7 > bool g",
    "1 == bool 1",
    "3 < g * 1",
    "g * 1 != 0.5",
    "g * 1 <= 1",
    "10 / (g + 100)",
    "clamp(g * 1, 0, 3)",
    "clamp(g * 1, 3, 0)",
    "clamp_min(g, 1)",
    "clamp_max(8e-6 * c, 0.001)",
    "abs(g)",
    "ceil(g / 3)",
    "floor(g / 3)",
    "absent(gone)",
    "absent(gone{vm_id=\"1\", device=~\"a\", vm_id=\"2\", x=\"y\"})",
    "absent(g)",
    "absent(sum(gone))",
    "vector(3) + 1",
    "scalar(g{vm_id=\"2\"}) + g",
    "time() / 60",
    "vector(time())",
    "rate(c[1m]) > 0.5 and rate(c[1m]) > 1.1 * avg_over_time(rate(c[1m])[3m:15s] offset 1m)",
    "sum without (device) (rate(c[1m])) - on (vm_id) (g * 0)",
];

/// Times of evaluation in milliseconds, not only those of samples.
const TIMES_MS: [i64; 9] = [0, 15_000, 61_000, 90_000, 150_000, 200_001, 275_000, 421_500, 599_999];

/// The samples up to a time.
fn store(until_ms: i64) -> Store {
    let parsed: Vec<_> = SERIES.iter().map(|(text, numbers)| (series(text), values(numbers))).collect();
    let mut store = Store::new(parsed.iter().map(|((name, _), _)| (Arc::clone(name), 3_600_000)));
    for ((name, labels), values) in parsed {
        for (time_ms, value) in (0..).map(|n| n * INTERVAL_MS).zip(values) {
            if let Some(value) = value.filter(|_| time_ms <= until_ms) {
                store.append(&name, labels.clone(), (time_ms, value));
            }
        }
    }
    store
}

fn expected(samples: &[Sample]) -> Vec<Value> {
    let sample = |Sample { labels, value }: &Sample| {
        // Infinity is a text to JSON and a number to YAML.
        let value = if value.is_finite() { json!(value) } else { json!(if *value > 0.0 { "+Inf" } else { "-Inf" }) };
        json!({"labels": labels.to_string(), "value": value})
    };
    samples.iter().map(sample).collect()
}

#[test]
fn results_are_those_of_prometheus() {
    let mut checks = Vec::new();
    let mut results = 0;
    for time_ms in TIMES_MS {
        let store = store(time_ms);
        for text in EXPRESSIONS {
            let compiled = compile(text).unwrap_or_else(|error| panic!("{text}: {error}"));
            let value = evaluate(&compiled, &store, time_ms).unwrap_or_else(|error| panic!("{text}: {error}"));
            let samples = match value {
                Result::Scalar(value) => vec![Sample { labels: Labels::default(), value }],
                Result::Vector(samples) => samples,
            };
            results += samples.len();
            // promtool does not regard NaN as equal to itself; neither does PromQL.
            let numbers: Vec<_> = samples.iter().filter(|sample| !sample.value.is_nan()).cloned().collect();
            let text = if numbers.len() == samples.len() { text.to_string() } else { format!("({text}) == ({text})") };
            let time = format!("{time_ms}ms");
            checks.push(json!({"expr": text, "eval_time": time, "exp_samples": expected(&numbers)}));
        }
    }
    let input: Vec<_> = SERIES.iter().map(|(series, values)| json!({"series": series, "values": values})).collect();
    let test = json!({"interval": "15s", "input_series": input, "promql_expr_test": checks});
    promtool_passes("expressions.yml", &json!({"evaluation_interval": "15s", "tests": [test]}).to_string());
    assert!(results > 1_000, "only {results} results");
}

#[test]
fn operands_that_do_not_match_are_an_error() {
    let store = store(600_000);
    for text in ["c + on (vm_id) c", "g + on (gone) c", "c * on (vm_id) g", "c * on (gone) group_left () g"] {
        let compiled = compile(text).unwrap_or_else(|error| panic!("{text}: {error}"));
        assert!(evaluate(&compiled, &store, 300_000).is_err(), "{text}");
    }
}
