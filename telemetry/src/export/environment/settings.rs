//! Settings of span export.

use std::ffi::OsString;
use std::time::Duration;

use opentelemetry::KeyValue;
use opentelemetry_sdk::trace::Sampler;
use reqwest::header::{AUTHORIZATION, HeaderMap};

use super::endpoint::{Endpoint, Wanted, redacted, wanted};
use super::headers::{HEADERS, headers, resource};
use super::ignored;
use super::variables::Variables;
use crate::span::sink::Limits;

/// Default time limit of an export.
const TIMEOUT: Duration = Duration::from_secs(10);
/// Maximum capacity of the export queue in spans: some tens of megabytes.
const MAX_QUEUE: usize = 1 << 16;
/// Minimum batching delay, which is the wake-up interval of the SDK's thread.
const MIN_DELAY: Duration = Duration::from_millis(10);

/// Settings of span export from the variables.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(crate) headers: HeaderMap,
    /// Whether requests are compressed with gzip.
    pub(crate) gzip: bool,
    /// Time limit of an export; `None` for no limit.
    pub(crate) timeout: Option<Duration>,
    pub(crate) sampler: Sampler,
    /// Capacity of the export queue in spans.
    pub(crate) queue_size: Option<usize>,
    /// Maximum spans per request.
    pub(crate) batch_size: Option<usize>,
    /// Maximum delay of a span for batching.
    pub(crate) delay: Option<Duration>,
    pub(crate) limits: Limits,
    /// Resource attributes.
    pub(crate) resource: Vec<KeyValue>,
}

/// Result of reading the variables and `--otlp`.
#[derive(Clone, Debug)]
pub(crate) struct Reading {
    /// Endpoint and settings; `None` if no spans are exported.
    pub(crate) spans: Option<(Endpoint, Settings)>,
    /// Messages for users, one sentence each.
    pub(crate) warnings: Vec<String>,
}

/// Reads the value of `--otlp`, `configured`, and the variables of a process.
///
/// # Errors
/// If spans cannot be sent to `configured`: its displayable form, and the reason.
pub(crate) fn read(
    process: impl IntoIterator<Item = (OsString, OsString)>,
    configured: Option<&str>,
) -> Result<Reading, (String, String)> {
    let mut variables = Variables::new(process);
    if variables.flag("OTEL_SDK_DISABLED") {
        let in_vain =
            configured.map(|url| format!("OTEL_SDK_DISABLED: it is true, so that no spans go to {}", redacted(url)));
        return Ok(Reading { spans: None, warnings: in_vain.into_iter().collect() });
    }
    let wanted = wanted(&mut variables, configured);
    let wanted = wanted.map_err(|reason| (redacted(configured.unwrap_or_default()), reason))?;
    let warned = variables.warnings.len();
    let settings = settings(&mut variables);
    let spans = match wanted {
        Wanted::Spans(endpoint) => {
            if let Some((name, _)) = variables.first(HEADERS)
                && endpoint.credentials.is_some()
                && settings.headers.contains_key(AUTHORIZATION)
            {
                variables.warn(name, "its authorization is not sent: the URL of the receiver has a user");
            }
            Some((endpoint, settings))
        }
        // Warnings about settings are pointless if export is disabled on purpose or by an
        // error that has its own warning.
        Wanted::Off => {
            variables.warnings.truncate(warned);
            None
        }
        Wanted::Nothing => {
            variables.warnings.truncate(warned);
            let unused = variables.used().join(", ");
            if !unused.is_empty() {
                variables
                    .warn(&unused, "no effect without a receiver of spans (OTEL_EXPORTER_OTLP_ENDPOINT or --otlp)");
            }
            None
        }
    };
    ignored::warn(&mut variables);
    Ok(Reading { spans, warnings: variables.warnings })
}

fn settings(variables: &mut Variables) -> Settings {
    let queue_size = queue_size(variables);
    Settings {
        headers: headers(variables),
        gzip: gzip(variables),
        timeout: timeout(variables),
        sampler: sampler(variables),
        queue_size,
        batch_size: variables.positive("OTEL_BSP_MAX_EXPORT_BATCH_SIZE"),
        delay: delay(variables),
        limits: limits(variables),
        resource: resource(variables),
    }
}

/// At most [`MAX_QUEUE`]: the SDK allocates the whole queue at once.
fn queue_size(variables: &mut Variables) -> Option<usize> {
    let name = "OTEL_BSP_MAX_QUEUE_SIZE";
    let size = variables.positive(name)?;
    if size > MAX_QUEUE {
        variables.warn(name, format_args!("{size} is more than {MAX_QUEUE}, which is used"));
    }
    Some(size.min(MAX_QUEUE))
}

fn delay(variables: &mut Variables) -> Option<Duration> {
    variables.milliseconds("OTEL_BSP_SCHEDULE_DELAY").map(|delay| delay.max(MIN_DELAY))
}

fn gzip(variables: &mut Variables) -> bool {
    let names = ["OTEL_EXPORTER_OTLP_TRACES_COMPRESSION", "OTEL_EXPORTER_OTLP_COMPRESSION"];
    match variables.choice(names) {
        Some((name, method)) if method != "none" => {
            if method != "gzip" {
                variables
                    .warn(name, format_args!("{method:?} is not supported, only gzip; requests are not compressed"));
            }
            method == "gzip"
        }
        _ => false,
    }
}

/// Time limit of an export: the shorter of those of the exporter and the batch processor.
fn timeout(variables: &mut Variables) -> Option<Duration> {
    let [own, general] =
        ["OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", "OTEL_EXPORTER_OTLP_TIMEOUT"].map(|name| variables.milliseconds(name));
    let exporter = own.or(general).unwrap_or(TIMEOUT);
    let processor = variables.milliseconds("OTEL_BSP_EXPORT_TIMEOUT").unwrap_or_default();
    // Zero means no limit.
    [exporter, processor].into_iter().filter(|timeout| !timeout.is_zero()).min()
}

/// Sampler of traces. A machine's trace has no remote parent, so parent-based samplers
/// apply their decision for root spans.
fn sampler(variables: &mut Variables) -> Sampler {
    let (name, argument) = ("OTEL_TRACES_SAMPLER", "OTEL_TRACES_SAMPLER_ARG");
    let chosen = variables.choice([name, name]).map(|(_, sampler)| sampler);
    let sampler = match chosen.as_deref().map(|sampler| sampler.strip_prefix("parentbased_").unwrap_or(sampler)) {
        None | Some("always_on") => Sampler::AlwaysOn,
        Some("always_off") => Sampler::AlwaysOff,
        Some("traceidratio") => return Sampler::TraceIdRatioBased(ratio(variables, argument)),
        Some(_) => {
            variables
                .warn(name, format_args!("there is no sampler {:?}; every trace is sent", chosen.unwrap_or_default()));
            Sampler::AlwaysOn
        }
    };
    if variables.get(argument).is_some() {
        variables.warn(argument, format_args!("no effect unless {name} is traceidratio"));
    }
    sampler
}

fn ratio(variables: &mut Variables, name: &'static str) -> f64 {
    let ratio = variables.number(name).unwrap_or(1.0);
    if (0.0..=1.0).contains(&ratio) {
        return ratio;
    }
    variables.warn(name, format_args!("{ratio} is not between 0 and 1; every trace is sent"));
    1.0
}

/// Limits of a span. Its specific limits take precedence over the general attribute limits.
fn limits(variables: &mut Variables) -> Limits {
    let mut number = |own, general| {
        let [own, general] = [own, general].map(|name| variables.number(name));
        own.or(general)
    };
    let value_length = number("OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT", "OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT");
    let attributes = number("OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT", "OTEL_ATTRIBUTE_COUNT_LIMIT");
    let links = variables.number("OTEL_SPAN_LINK_COUNT_LIMIT");
    // Spans have no events and links no attributes, so limits of these are always met.
    for name in ["OTEL_SPAN_EVENT_COUNT_LIMIT", "OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT", "OTEL_LINK_ATTRIBUTE_COUNT_LIMIT"] {
        let _: Option<usize> = variables.number(name);
    }
    Limits { value_length, attributes, links }
}
