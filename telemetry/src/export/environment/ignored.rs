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

const TLS: &str = "TLS is not supported";
const METRICS: &str = "metrics are not sent by OTLP; Prometheus reads them from --listen";
const LOGS: &str = "no log records are sent";
const EXPORTER: &str = "there is no such exporter";
const FILE: &str = "configuration files are not read";

/// The first matching row counts.
const IGNORED: &[Ignored] = &[
    Ignored { prefix: "OTEL_METRICS_EXPORTER", satisfied: &["none", "prometheus"], why: METRICS },
    ignored("OTEL_METRICS_", METRICS),
    ignored("OTEL_METRIC_", METRICS),
    ignored("OTEL_EXPORTER_OTLP_METRICS_", METRICS),
    ignored("OTEL_EXPORTER_PROMETHEUS_", "--listen says where metrics are served"),
    Ignored { prefix: "OTEL_LOGS_EXPORTER", satisfied: &["none"], why: LOGS },
    ignored("OTEL_BLRP_", LOGS),
    ignored("OTEL_LOGRECORD_", LOGS),
    ignored("OTEL_EXPORTER_OTLP_LOGS_", LOGS),
    // Applies to gRPC only; all connections here are insecure.
    Ignored { prefix: "OTEL_EXPORTER_OTLP_INSECURE", satisfied: &["true"], why: TLS },
    Ignored { prefix: "OTEL_EXPORTER_OTLP_TRACES_INSECURE", satisfied: &["true"], why: TLS },
    ignored("OTEL_EXPORTER_OTLP_CERTIFICATE", TLS),
    ignored("OTEL_EXPORTER_OTLP_CLIENT_", TLS),
    ignored("OTEL_EXPORTER_OTLP_TRACES_CERTIFICATE", TLS),
    ignored("OTEL_EXPORTER_OTLP_TRACES_CLIENT_", TLS),
    ignored("OTEL_EXPORTER_ZIPKIN_", EXPORTER),
    ignored("OTEL_EXPORTER_JAEGER_", EXPORTER),
    Ignored { prefix: "OTEL_PROPAGATORS", satisfied: &["none"], why: "requests carry no context in or out" },
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
