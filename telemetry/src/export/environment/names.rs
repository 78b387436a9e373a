//! Names of the variables of each signal.

use crate::signal::Signal;

/// Variables of one signal. Where there is a general variable as well, the signal's own takes precedence.
#[derive(Debug)]
pub(super) struct Names {
    pub(super) exporter: &'static str,
    pub(super) endpoint: &'static str,
    pub(super) protocol: [&'static str; 2],
    pub(super) headers: [&'static str; 2],
    pub(super) compression: [&'static str; 2],
    pub(super) timeout: [&'static str; 2],
    /// Root certificates of the receiver.
    pub(super) certificate: [&'static str; 2],
    /// Certificate that the client shows, and its key.
    pub(super) client_certificate: [&'static str; 2],
    pub(super) client_key: [&'static str; 2],
    /// Time limit of an export of the batch processor or the periodic reader.
    pub(super) export_timeout: &'static str,
    /// Delay of batches, or interval of the periodic reader.
    pub(super) delay: &'static str,
    /// Capacity of the queue, and size of a batch.
    pub(super) batches: Option<[&'static str; 2]>,
    /// Limit of attribute values in characters, and limit of the number of attributes.
    pub(super) limits: Option<[&'static str; 2]>,
    /// Prefixes of all variables that concern this signal alone.
    prefixes: &'static [&'static str],
}

/// The exporter's variables of a signal.
macro_rules! of_exporter {
    ($signal:literal, $part:literal) => {
        [concat!("OTEL_EXPORTER_OTLP_", $signal, "_", $part), concat!("OTEL_EXPORTER_OTLP_", $part)]
    };
}

/// A signal's variables.
macro_rules! names {
    ($signal:literal, $($rest:tt)*) => {
        Names {
            exporter: concat!("OTEL_", $signal, "_EXPORTER"),
            endpoint: concat!("OTEL_EXPORTER_OTLP_", $signal, "_ENDPOINT"),
            protocol: of_exporter!($signal, "PROTOCOL"),
            headers: of_exporter!($signal, "HEADERS"),
            compression: of_exporter!($signal, "COMPRESSION"),
            timeout: of_exporter!($signal, "TIMEOUT"),
            certificate: of_exporter!($signal, "CERTIFICATE"),
            client_certificate: of_exporter!($signal, "CLIENT_CERTIFICATE"),
            client_key: of_exporter!($signal, "CLIENT_KEY"),
            $($rest)*
        }
    };
}

const TRACES: Names = names! {
    "TRACES",
    export_timeout: "OTEL_BSP_EXPORT_TIMEOUT",
    delay: "OTEL_BSP_SCHEDULE_DELAY",
    batches: Some(["OTEL_BSP_MAX_QUEUE_SIZE", "OTEL_BSP_MAX_EXPORT_BATCH_SIZE"]),
    limits: Some(["OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT", "OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT"]),
    prefixes: &["OTEL_TRACES_", "OTEL_BSP_", "OTEL_SPAN_", "OTEL_EVENT_", "OTEL_LINK_", "OTEL_EXPORTER_OTLP_TRACES_"],
};

const LOGS: Names = names! {
    "LOGS",
    export_timeout: "OTEL_BLRP_EXPORT_TIMEOUT",
    delay: "OTEL_BLRP_SCHEDULE_DELAY",
    batches: Some(["OTEL_BLRP_MAX_QUEUE_SIZE", "OTEL_BLRP_MAX_EXPORT_BATCH_SIZE"]),
    limits: Some(["OTEL_LOGRECORD_ATTRIBUTE_VALUE_LENGTH_LIMIT", "OTEL_LOGRECORD_ATTRIBUTE_COUNT_LIMIT"]),
    prefixes: &["OTEL_LOGS_", "OTEL_BLRP_", "OTEL_LOGRECORD_", "OTEL_EXPORTER_OTLP_LOGS_"],
};

const METRICS: Names = names! {
    "METRICS",
    export_timeout: "OTEL_METRIC_EXPORT_TIMEOUT",
    delay: "OTEL_METRIC_EXPORT_INTERVAL",
    batches: None,
    limits: None,
    prefixes: &["OTEL_METRICS_", "OTEL_METRIC_", "OTEL_EXPORTER_OTLP_METRICS_"],
};

/// The variables of a signal.
pub(super) const fn names(signal: Signal) -> &'static Names {
    match signal {
        Signal::Traces => &TRACES,
        Signal::Logs => &LOGS,
        Signal::Metrics => &METRICS,
    }
}

/// Name of the variable for the size of batches of a signal; empty if it has none.
pub(crate) const fn batch_size_name(signal: Signal) -> &'static str {
    match names(signal).batches {
        Some([_, size]) => size,
        None => "",
    }
}

/// The signal that a variable concerns, if it concerns one alone.
pub(super) fn signal_of(variable: &str) -> Option<Signal> {
    let concerns = |signal: Signal| names(signal).prefixes.iter().any(|prefix| variable.starts_with(prefix));
    Signal::ALL.iter().copied().find(|signal| concerns(*signal))
}
