//! Rows of the catalogue about the export of log records and metrics, in addition to those about spans.

use super::family::Family;
use crate::label::{ErrorType, LogKind, LogSuppression, QueueLoss};

/// Outcomes of an export: the reason of the failure, or empty on success.
pub(super) const EXPORT_OUTCOMES: [&str; ErrorType::ALL.len() + 1] = with(ErrorType::NAMES, "");

/// Outcomes of queueing: the reason of the loss, or empty on success.
pub(super) const QUEUE_OUTCOMES: [&str; QueueLoss::ALL.len() + 1] = with(QueueLoss::NAMES, "");

/// `names` with one more.
pub(super) const fn with<const N: usize, const M: usize>(
    names: [&'static str; N],
    more: &'static str,
) -> [&'static str; M] {
    assert!(M == N + 1);
    let mut all = [more; M];
    let mut index = 0;
    while index < N {
        all[index] = names[index];
        index += 1;
    }
    all
}

/// Log records that left the queue.
pub(crate) const LOGS_PROCESSED: &Family = &Family::counter(
    "otel_sdk_processor_log_processed_total",
    "Log records that left the queue; error_type is empty for those that went to the exporter.",
)
.labels(&["error_type"])
.otel("otel.sdk.processor.log.processed")
.values(&[("error_type", &QUEUE_OUTCOMES)]);

/// Log records whose export has finished.
pub(crate) const LOGS_EXPORTED: &Family = &Family::counter(
    "otel_sdk_exporter_log_exported_total",
    "Log records for which export has finished; error_type is empty for those that arrived.",
)
.labels(&["error_type"])
.otel("otel.sdk.exporter.log.exported")
.values(&[("error_type", &EXPORT_OUTCOMES)]);

/// Log records that were not made.
pub(crate) const LOGS_SUPPRESSED: &Family =
    &Family::counter("riscope_telemetry_log_records_suppressed_total", "Log records not created because of limits.")
        .labels(&["event", "reason"])
        .values(&[("event", &LogKind::NAMES), ("reason", &LogSuppression::NAMES)]);

/// Data points of metrics whose export has finished.
pub(crate) const POINTS_EXPORTED: &Family = &Family::counter(
    "otel_sdk_exporter_metric_data_point_exported_total",
    "Data points of metrics for which export has finished; error_type is empty for those that arrived.",
)
.labels(&["error_type"])
.otel("otel.sdk.exporter.metric_data_point.exported")
.values(&[("error_type", &EXPORT_OUTCOMES)]);
