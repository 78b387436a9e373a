//! Families of the event bus and of telemetry itself.

use riscope_core::event::{EventType, ExecutionEventType};

use super::sets::{EXPORT_OUTCOMES, QUEUE_OUTCOMES};
use crate::label::{CollectorName, LogKind, LogSuppression, Loss, Suppressible, Suppression};
use crate::metric::family::{Family, Unit};

families! {
    BUS_PUBLISHED = Family::counter("riscope_event_bus_published_total", "Events published by type.")
        .labels(&["event"]).otel("riscope.event_bus.published")
        .values(&[("event", &EventType::NAMES)]);
    BUS_COALESCED = Family::counter(
        "riscope_event_bus_coalesced_total",
        "Events that were counted instead of published because there were too many of their type.",
    )
    .labels(&["event"])
        .values(&[("event", &ExecutionEventType::NAMES)]);
    BUS_DELIVERED = Family::counter("riscope_event_bus_delivered_total", "Events handled by a subscriber.")
        .labels(&["subscriber"]).otel("riscope.event_bus.delivered");
    BUS_DROPPED = Family::counter(
        "riscope_event_bus_dropped_total",
        "Events that a subscriber did not handle (full, closed, panicked).",
    )
    .labels(&["subscriber", "reason"]).otel("riscope.event_bus.dropped")
        .values(&[("reason", &Loss::NAMES)]);
    BUS_SUBSCRIBER_COALESCED = Family::counter(
        "riscope_event_bus_subscriber_coalesced_total",
        "Events that became part of another one in the full queue of a subscriber.",
    )
    .labels(&["subscriber"]);
    BUS_SUBSCRIBER_PANICS = Family::counter(
        "riscope_event_bus_subscriber_panics_total",
        "Subscriptions that ended because their subscriber panicked.",
    )
    .labels(&["subscriber"]);
    BUS_QUEUE_DEPTH = Family::gauge("riscope_event_bus_queue_depth", "Events waiting for a subscriber.")
        .labels(&["subscriber"]).otel("riscope.event_bus.queue.size");
    BUS_QUEUE_CAPACITY = Family::gauge("riscope_event_bus_queue_capacity", "Capacity of a subscriber queue.")
        .labels(&["subscriber"]).otel("riscope.event_bus.queue.capacity");
    BUS_SUBSCRIBERS = Family::gauge("riscope_event_bus_subscribers", "Registered subscribers.");

    SPANS_SUPPRESSED = Family::counter(
        "riscope_telemetry_spans_suppressed_total",
        "Spans not created because of thresholds or limits.",
    )
    .labels(&["span", "reason"])
        .values(&[("span", &Suppressible::NAMES), ("reason", &Suppression::NAMES)]);
    SPANS_PROCESSED = Family::counter(
        "otel_sdk_processor_span_processed_total",
        "Spans that left the queue; error_type is empty for those that went to the exporter.",
    )
    .labels(&["error_type"]).otel("otel.sdk.processor.span.processed")
        .values(&[("error_type", &QUEUE_OUTCOMES)]);
    SPANS_EXPORTED = Family::counter(
        "otel_sdk_exporter_span_exported_total",
        "Spans for which export has finished; error_type is empty for those that arrived.",
    )
    .labels(&["error_type"]).otel("otel.sdk.exporter.span.exported")
        .values(&[("error_type", &EXPORT_OUTCOMES)]);
    LOGS_PROCESSED = Family::counter(
        "otel_sdk_processor_log_processed_total",
        "Log records that left the queue; error_type is empty for those that went to the exporter.",
    )
    .labels(&["error_type"]).otel("otel.sdk.processor.log.processed")
        .values(&[("error_type", &QUEUE_OUTCOMES)]);
    LOGS_EXPORTED = Family::counter(
        "otel_sdk_exporter_log_exported_total",
        "Log records for which export has finished; error_type is empty for those that arrived.",
    )
    .labels(&["error_type"]).otel("otel.sdk.exporter.log.exported")
        .values(&[("error_type", &EXPORT_OUTCOMES)]);
    LOGS_SUPPRESSED = Family::counter(
        "riscope_telemetry_log_records_suppressed_total",
        "Log records not created because of limits.",
    )
    .labels(&["event", "reason"])
        .values(&[("event", &LogKind::NAMES), ("reason", &LogSuppression::NAMES)]);
    POINTS_EXPORTED = Family::counter(
        "otel_sdk_exporter_metric_data_point_exported_total",
        "Data points of metrics for which export has finished; error_type is empty for those that arrived.",
    )
    .labels(&["error_type"]).otel("otel.sdk.exporter.metric_data_point.exported")
        .values(&[("error_type", &EXPORT_OUTCOMES)]);
    SERIES = Family::gauge("riscope_telemetry_series", "Series exported by this scrape, without this one.");
    SCRAPE_DURATION = Family::gauge(
        "riscope_telemetry_scrape_duration_seconds",
        "Duration of the last collection by collector.",
    )
    .unit(Unit::Seconds).labels(&["collector"])
        .values(&[("collector", &CollectorName::NAMES)]);
}
