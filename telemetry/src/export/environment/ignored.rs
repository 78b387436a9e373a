//! Variables without effect, with the reasons.

use super::variables::Variables;

/// Variables with this name prefix.
struct Ignored {
    prefix: &'static str,
    /// Values that request what riscope does anyway.
    satisfied: &'static [&'static str],
    why: &'static str,
}

const fn ignored(prefix: &'static str, why: &'static str) -> Ignored {
    Ignored { prefix, satisfied: &[], why }
}

const INSECURE: &str = "it is about gRPC; https:// asks for TLS, and http:// for none";
const EXPORTER: &str = "there is no such exporter";
const FILE: &str = "configuration files are not read";

/// The first matching row counts.
const IGNORED: &[Ignored] = &[
    ignored("OTEL_METRICS_EXEMPLAR_FILTER", "exemplars are not sent by OTLP"),
    Ignored {
        prefix: "OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE",
        satisfied: &["cumulative"],
        why: "sums and histograms are cumulative, as in Prometheus",
    },
    Ignored {
        prefix: "OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION",
        satisfied: &["explicit_bucket_histogram"],
        why: "histograms have explicit buckets, as in Prometheus",
    },
    ignored("OTEL_EXPORTER_PROMETHEUS_", "--listen says where metrics are served"),
    ignored("OTEL_EXPORTER_OTLP_INSECURE", INSECURE),
    ignored("OTEL_EXPORTER_OTLP_TRACES_INSECURE", INSECURE),
    ignored("OTEL_EXPORTER_OTLP_LOGS_INSECURE", INSECURE),
    ignored("OTEL_EXPORTER_OTLP_METRICS_INSECURE", INSECURE),
    ignored("OTEL_EXPORTER_ZIPKIN_", EXPORTER),
    ignored("OTEL_EXPORTER_JAEGER_", EXPORTER),
    ignored("OTEL_LOG_LEVEL", "the exporter has no log of its own"),
    ignored("OTEL_CONFIG_FILE", FILE),
    ignored("OTEL_EXPERIMENTAL_CONFIG_FILE", FILE),
    ignored("OTEL_", "riscope does not know it"),
];

/// Warns about variables that are set and were not read, once per reason.
pub(super) fn warn(variables: &mut Variables) {
    let mut by_reason: Vec<(&str, Vec<String>)> = Vec::new();
    for (name, value) in variables.unread() {
        let Some(row) = IGNORED.iter().find(|row| name.starts_with(row.prefix)) else { continue };
        let is_satisfied = |value: &str| row.satisfied.contains(&value.trim().to_ascii_lowercase().as_str());
        if value.split(',').all(is_satisfied) {
            continue;
        }
        match by_reason.iter_mut().find(|(why, _)| *why == row.why) {
            Some((_, names)) => names.push(name),
            None => by_reason.push((row.why, vec![name])),
        }
    }
    for (why, names) in by_reason {
        variables.warn(&names.join(", "), format_args!("no effect: {why}"));
    }
}
