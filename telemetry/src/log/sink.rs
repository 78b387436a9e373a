//! Sink of log records: the SDK's batch processor, with every loss counted.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use opentelemetry::logs::{AnyValue, LogRecord as _, Logger as _, LoggerProvider as _, Severity as Number};
use opentelemetry::trace::TraceFlags;
use opentelemetry::{InstrumentationScope, Key};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::logs::{BatchLogProcessor, SdkLogger, SdkLoggerProvider};

use super::catalog::Severity;
use super::record::Record;
use crate::span::context::Context;
use crate::span::sink::{Limits, Queue};

/// Access to the exporter's queue.
#[derive(Debug)]
pub(crate) struct Sink {
    provider: SdkLoggerProvider,
    logger: SdkLogger,
    queue: Queue,
    limits: Limits,
}

impl Sink {
    /// A sink to `processor`, whose queue `queue` describes.
    pub(crate) fn new(processor: BatchLogProcessor, resource: Resource, queue: Queue, limits: Limits) -> Self {
        let scope = InstrumentationScope::builder("riscope").with_version(env!("CARGO_PKG_VERSION")).build();
        let provider = SdkLoggerProvider::builder().with_resource(resource).with_log_processor(processor).build();
        let logger = provider.logger_with_scope(scope);
        Self { provider, logger, queue, limits }
    }

    /// Queues a record of what happened at `time_ns` since the Unix epoch; drops and counts it if the queue is full.
    /// The processor's own queue has the same capacity, so accepted records fit.
    pub(super) fn send(&self, record: Record, time_ns: u64, context: Option<Context>) {
        if self.queue.in_flight.fetch_add(1, Ordering::Relaxed) >= self.queue.capacity {
            self.queue.in_flight.fetch_sub(1, Ordering::Relaxed);
            self.queue.full.inc();
            return;
        }
        let length = self.limits.value_length;
        let mut log = self.logger.create_log_record();
        log.set_event_name(record.kind.as_str());
        log.set_timestamp(UNIX_EPOCH + Duration::from_nanos(time_ns));
        log.set_observed_timestamp(SystemTime::now());
        log.set_severity_number(number(record.severity));
        log.set_severity_text(record.severity.as_str());
        log.set_body(AnyValue::String(record.body.into()));
        let count = self.limits.attributes.unwrap_or(usize::MAX);
        for (name, value) in record.attributes.into_iter().take(count) {
            log.add_attribute(Key::from_static_str(name), shortened(value, length));
        }
        if let Some(Context { trace, span, sampled }) = context {
            let flags = if sampled { TraceFlags::SAMPLED } else { TraceFlags::NOT_SAMPLED };
            log.set_trace_context(trace, span, Some(flags));
        }
        self.logger.emit(log);
    }

    /// Exports queued records and ends the exporter; detaches it at `deadline`.
    pub(super) fn shutdown(&self, deadline: Instant) {
        let left = deadline.saturating_duration_since(Instant::now());
        // The exporter counts records that it could not export.
        let _ = self.provider.shutdown_with_timeout(left);
    }
}

const fn number(severity: Severity) -> Number {
    match severity {
        Severity::Debug => Number::Debug,
        Severity::Info => Number::Info,
        Severity::Info2 => Number::Info2,
        Severity::Warn => Number::Warn,
        Severity::Error => Number::Error,
        Severity::Error2 => Number::Error2,
        Severity::Error3 => Number::Error3,
        Severity::Fatal => Number::Fatal,
    }
}

/// A text cut to `length` characters.
fn shortened(value: AnyValue, length: Option<usize>) -> AnyValue {
    match (&value, length) {
        (AnyValue::String(text), Some(length)) => {
            let text = text.as_str();
            match text.char_indices().nth(length) {
                Some((end, _)) => AnyValue::String(text[..end].to_owned().into()),
                None => value,
            }
        }
        _ => value,
    }
}
