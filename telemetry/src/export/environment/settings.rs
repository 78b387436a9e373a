//! Settings of export, by signal.

use std::ffi::OsString;
use std::sync::Arc;
use std::time::Duration;

use opentelemetry::KeyValue;
use opentelemetry::trace::SpanContext;
use opentelemetry_sdk::trace::Sampler;
use reqwest::header::{AUTHORIZATION, HeaderMap};
use rustls::ClientConfig;

use super::endpoint::{Endpoint, Wanted, redacted, wanted};
use super::headers::{headers, resource};
use super::ignored;
use super::names::{Names, names, signal_of};
use super::tls::Files;
use super::variables::{CARRIERS, Variables};
use crate::signal::Signal;
use crate::span::sink::Limits;
use crate::span::tracer::parsed;

/// Default time limit of an export.
const TIMEOUT: Duration = Duration::from_secs(10);
/// Maximum capacity of an export queue: some tens of megabytes.
const MAX_QUEUE: usize = 1 << 16;
/// Minimum batching delay, which is the wake-up interval of the SDK's thread, and minimum interval of metrics.
const MIN_DELAY: Duration = Duration::from_millis(10);

/// Settings of the export of one signal from the variables.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(crate) headers: HeaderMap,
    /// Whether requests are compressed with gzip.
    pub(crate) gzip: bool,
    /// Certificates; `None` until the endpoint is known.
    pub(crate) tls: Option<Arc<ClientConfig>>,
    /// Time limit of an export; `None` for no limit.
    pub(crate) timeout: Option<Duration>,
    /// Sampler of traces; other signals are not sampled.
    pub(crate) sampler: Sampler,
    /// Capacity of the export queue in spans or log records.
    pub(crate) queue_size: Option<usize>,
    /// Maximum spans or log records per request.
    pub(crate) batch_size: Option<usize>,
    /// Maximum delay of a span or log record for batching; interval of metrics.
    pub(crate) delay: Option<Duration>,
    pub(crate) limits: Limits,
    /// Resource attributes.
    pub(crate) resource: Vec<KeyValue>,
}

/// Result of reading the variables and `--otlp`: an endpoint and settings for each signal that is exported.
#[derive(Clone, Debug, Default)]
pub(crate) struct Reading {
    pub(crate) spans: Option<(Endpoint, Settings)>,
    pub(crate) logs: Option<(Endpoint, Settings)>,
    pub(crate) metrics: Option<(Endpoint, Settings)>,
    /// Parent of the machines' traces.
    pub(crate) parent: Option<SpanContext>,
    /// Messages for users, one sentence each.
    pub(crate) warnings: Vec<String>,
}

/// Reads the value of `--otlp`, `configured`, and the variables of a process.
///
/// # Errors
/// If nothing can be sent to `configured`: its displayable form, and the reason.
pub(crate) fn read(
    process: impl IntoIterator<Item = (OsString, OsString)>,
    configured: Option<&str>,
) -> Result<Reading, (String, String)> {
    let mut variables = Variables::new(process);
    if variables.flag("OTEL_SDK_DISABLED") {
        let in_vain =
            configured.map(|url| format!("OTEL_SDK_DISABLED: it is true, so that nothing goes to {}", redacted(url)));
        return Ok(Reading { warnings: in_vain.into_iter().collect(), ..Reading::default() });
    }
    let mut idle = Vec::new();
    let mut nothing_else = true;
    let [spans, logs, metrics] = [Signal::Traces, Signal::Logs, Signal::Metrics].map(|signal| {
        let wanted = wanted(&mut variables, configured, signal);
        let wanted = wanted.map_err(|reason| (redacted(configured.unwrap_or_default()), reason))?;
        let warned = variables.warnings.len();
        let (settings, tls) = (settings(&mut variables, signal), Files::read(&mut variables, signal));
        match wanted {
            Wanted::Export(endpoint) => {
                nothing_else = false;
                return Ok(completed(&mut variables, signal, endpoint, settings, &tls));
            }
            // Disabled on purpose, or by an error that has its own warning.
            Wanted::Off => nothing_else &= signal != Signal::Traces,
            Wanted::Nothing => idle.push(signal),
        }
        // Warnings about the settings of what is not sent are pointless.
        variables.warnings.truncate(warned);
        Ok::<_, (String, String)>(None)
    });
    let (spans, logs, metrics) = (spans?, logs?, metrics?);
    let parent = parent(&mut variables);
    warn_of_idle(&mut variables, &idle, nothing_else);
    ignored::warn(&mut variables);
    Ok(Reading { spans, logs, metrics, parent, warnings: variables.warnings })
}

/// The settings with what depends on the endpoint; `None` if the signal cannot be sent, which a warning reports.
fn completed(
    variables: &mut Variables,
    signal: Signal,
    endpoint: Endpoint,
    mut settings: Settings,
    tls: &Files,
) -> Option<(Endpoint, Settings)> {
    warn_of_authorization(variables, signal, &endpoint, &settings);
    settings.tls = Some(tls.config(variables, signal, &endpoint)?);
    Some((endpoint, settings))
}

/// Warns about a header that the user information of the URL replaces.
fn warn_of_authorization(variables: &mut Variables, signal: Signal, endpoint: &Endpoint, settings: &Settings) {
    if let Some((name, _)) = variables.first(names(signal).headers)
        && endpoint.credentials.is_some()
        && settings.headers.contains_key(AUTHORIZATION)
    {
        variables.warn(name, "its authorization is not sent: the URL of the receiver has a user");
    }
}

/// Warns about variables of signals that nothing requests, and about all others if nothing at all is exported.
fn warn_of_idle(variables: &mut Variables, idle: &[Signal], nothing_else: bool) {
    let used: Vec<String> = variables.used().into_iter().map(str::to_owned).collect();
    for signal in idle {
        let concerned = |name: &&String| match signal_of(name) {
            Some(concerns) => concerns == *signal,
            None => nothing_else && *signal == Signal::Traces,
        };
        let concerned: Vec<&str> = used.iter().filter(concerned).map(String::as_str).collect();
        let (noun, exporter) = (signal.noun(), names(*signal).exporter);
        match (concerned.is_empty(), signal) {
            (true, _) => {}
            (false, Signal::Traces) => variables.warn(
                &concerned.join(", "),
                "no effect without a receiver of spans (OTEL_EXPORTER_OTLP_ENDPOINT or --otlp)",
            ),
            (false, _) => variables
                .warn(&concerned.join(", "), format_args!("no effect: {noun} are not sent unless {exporter} is otlp")),
        }
    }
}

fn settings(variables: &mut Variables, signal: Signal) -> Settings {
    let names = names(signal);
    let [queue_size, batch_size] = match names.batches {
        Some([queue, batch]) => [queue_size(variables, queue), variables.positive(batch)],
        None => [None, None],
    };
    Settings {
        headers: headers(variables, names.headers),
        gzip: gzip(variables, names),
        tls: None,
        timeout: timeout(variables, names),
        sampler: if signal == Signal::Traces { sampler(variables) } else { Sampler::AlwaysOn },
        queue_size,
        batch_size,
        delay: variables.milliseconds(names.delay).map(|delay| delay.max(MIN_DELAY)),
        limits: limits(variables, signal),
        resource: resource(variables),
    }
}

/// At most [`MAX_QUEUE`]: the SDK allocates the whole queue at once.
fn queue_size(variables: &mut Variables, name: &'static str) -> Option<usize> {
    let size = variables.positive(name)?;
    if size > MAX_QUEUE {
        variables.warn(name, format_args!("{size} is more than {MAX_QUEUE}, which is used"));
    }
    Some(size.min(MAX_QUEUE))
}

fn gzip(variables: &mut Variables, names: &Names) -> bool {
    match variables.choice(names.compression) {
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

/// Time limit of an export: the shorter of those of the exporter and the batch processor or periodic reader.
fn timeout(variables: &mut Variables, names: &Names) -> Option<Duration> {
    let [own, general] = names.timeout.map(|name| variables.milliseconds(name));
    let exporter = own.or(general).unwrap_or(TIMEOUT);
    let processor = variables.milliseconds(names.export_timeout).unwrap_or_default();
    // Zero means no limit.
    [exporter, processor].into_iter().filter(|timeout| !timeout.is_zero()).min()
}

/// The parent in `TRACEPARENT` and `TRACESTATE`, unless `OTEL_PROPAGATORS` does without it.
fn parent(variables: &mut Variables) -> Option<SpanContext> {
    let [traceparent, tracestate] = CARRIERS.map(|name| variables.get(name));
    let name = "OTEL_PROPAGATORS";
    let chosen = variables.choice([name, name]).map_or_else(|| "tracecontext".to_owned(), |(_, chosen)| chosen);
    let mut propagators = chosen.split(',').map(str::trim).filter(|it| !it.is_empty());
    // Nothing is done with baggage, whether it is there or not.
    let unknown: Vec<&str> =
        propagators.clone().filter(|it| !["tracecontext", "baggage", "none"].contains(it)).collect();
    if !unknown.is_empty() {
        variables.warn(name, format_args!("{:?} is not supported, only tracecontext", unknown.join(",")));
    }
    let traceparent = traceparent.filter(|_| propagators.any(|it| it == "tracecontext"))?;
    let parent = parsed(&traceparent, tracestate);
    if parent.is_none() {
        variables.warn(CARRIERS[0], "it is no traceparent of W3C Trace Context and is ignored");
    }
    parent
}

/// Sampler of traces.
fn sampler(variables: &mut Variables) -> Sampler {
    let (name, argument) = ("OTEL_TRACES_SAMPLER", "OTEL_TRACES_SAMPLER_ARG");
    let chosen = variables.choice([name, name]).map(|(_, sampler)| sampler);
    let chosen = chosen.unwrap_or_else(|| "parentbased_always_on".to_owned());
    let root = chosen.strip_prefix("parentbased_").unwrap_or(&chosen);
    let sampler = match root {
        "always_off" => Sampler::AlwaysOff,
        "traceidratio" => Sampler::TraceIdRatioBased(ratio(variables, argument)),
        "always_on" => Sampler::AlwaysOn,
        _ => {
            variables.warn(name, format_args!("there is no sampler {chosen:?}; every trace is sent"));
            Sampler::AlwaysOn
        }
    };
    if variables.get(argument).is_some() && root != "traceidratio" {
        variables.warn(argument, format_args!("no effect unless {name} is traceidratio"));
    }
    if chosen.starts_with("parentbased_") { Sampler::ParentBased(Box::new(sampler)) } else { sampler }
}

fn ratio(variables: &mut Variables, name: &'static str) -> f64 {
    let ratio = variables.number(name).unwrap_or(1.0);
    if (0.0..=1.0).contains(&ratio) {
        return ratio;
    }
    variables.warn(name, format_args!("{ratio} is not between 0 and 1; every trace is sent"));
    1.0
}

/// Limits of a span or log record. Its specific limits take precedence over the general attribute limits.
fn limits(variables: &mut Variables, signal: Signal) -> Limits {
    let Some([length, count]) = names(signal).limits else { return Limits::default() };
    let mut number = |own, general| {
        let [own, general] = [own, general].map(|name| variables.number(name));
        own.or(general)
    };
    let value_length = number(length, "OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT");
    let attributes = number(count, "OTEL_ATTRIBUTE_COUNT_LIMIT");
    if signal != Signal::Traces {
        return Limits { value_length, attributes, links: None };
    }
    let links = variables.number("OTEL_SPAN_LINK_COUNT_LIMIT");
    // Spans have no events and links no attributes, so limits of these are always met.
    for name in ["OTEL_SPAN_EVENT_COUNT_LIMIT", "OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT", "OTEL_LINK_ATTRIBUTE_COUNT_LIMIT"] {
        let _: Option<usize> = variables.number(name);
    }
    Limits { value_length, attributes, links }
}
