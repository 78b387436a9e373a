//! How spans are sent.

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

/// Time that an export may take where no variable says.
const TIMEOUT: Duration = Duration::from_secs(10);
/// Most spans that may wait to be sent: some tens of megabytes.
const MAX_QUEUE: usize = 1 << 16;
/// Shortest time that spans wait for others: the SDK's thread wakes up as often.
const MIN_DELAY: Duration = Duration::from_millis(10);

/// Everything that variables say about how spans are sent.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(crate) headers: HeaderMap,
    /// Whether requests are compressed by gzip.
    pub(crate) gzip: bool,
    /// Longest time that an export may take; none for no limit.
    pub(crate) timeout: Option<Duration>,
    pub(crate) sampler: Sampler,
    /// Spans that may wait to be sent.
    pub(crate) queue_size: Option<usize>,
    /// Spans in a request.
    pub(crate) batch_size: Option<usize>,
    /// Time that spans wait for others to be sent with.
    pub(crate) delay: Option<Duration>,
    pub(crate) limits: Limits,
    /// What is said about the process.
    pub(crate) resource: Vec<KeyValue>,
}

/// What variables and `--otlp` amount to.
#[derive(Clone, Debug)]
pub(crate) struct Reading {
    /// Where spans go, and how; none when no spans are sent.
    pub(crate) spans: Option<(Endpoint, Settings)>,
    /// A sentence each, for people.
    pub(crate) warnings: Vec<String>,
}

/// Reads `configured`, which is what `--otlp` says, and a process's variables.
///
/// # Errors
/// When spans cannot be sent to `configured`: it, fit to be shown, and why.
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
        // Warnings about how spans are sent are pointless where they are off on purpose or a warning says why they are.
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

/// At most [`MAX_QUEUE`]: the SDK sets all the memory for the queue aside at once.
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

/// What the exporter and the batch processor may take; both hold, so the shorter one counts.
fn timeout(variables: &mut Variables) -> Option<Duration> {
    let [own, general] =
        ["OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", "OTEL_EXPORTER_OTLP_TIMEOUT"].map(|name| variables.milliseconds(name));
    let exporter = own.or(general).unwrap_or(TIMEOUT);
    let processor = variables.milliseconds("OTEL_BSP_EXPORT_TIMEOUT").unwrap_or_default();
    // Zero is no limit.
    [exporter, processor].into_iter().filter(|timeout| !timeout.is_zero()).min()
}

/// Which traces are sent. A machine's trace begins here, so that the samplers which ask for a parent's decision are
/// those for traces without one.
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

/// How much a span may hold. A span's own limit goes before that of all attributes.
fn limits(variables: &mut Variables) -> Limits {
    let mut number = |own, general| {
        let [own, general] = [own, general].map(|name| variables.number(name));
        own.or(general)
    };
    let value_length = number("OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT", "OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT");
    let attributes = number("OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT", "OTEL_ATTRIBUTE_COUNT_LIMIT");
    let links = variables.number("OTEL_SPAN_LINK_COUNT_LIMIT");
    // Spans have no events, and links no attributes: any limit of those is kept.
    for name in ["OTEL_SPAN_EVENT_COUNT_LIMIT", "OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT", "OTEL_LINK_ATTRIBUTE_COUNT_LIMIT"] {
        let _: Option<usize> = variables.number(name);
    }
    Limits { value_length, attributes, links }
}
