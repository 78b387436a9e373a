//! Endpoint of a signal: from `--otlp`, or from environment variables.

use std::fmt;

use reqwest::Url;

use super::names::names;
use super::variables::Variables;
use crate::signal::Signal;

/// Base URL if the variables select OTLP without naming one.
const DEFAULT_BASE: &str = "http://localhost:4318";

const GENERAL: &str = "OTEL_EXPORTER_OTLP_ENDPOINT";

/// OTLP receiver.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Endpoint {
    /// URL without user information and fragment, which can be displayed.
    pub(crate) url: Url,
    /// From the URL's user information.
    pub(crate) credentials: Option<Credentials>,
}

/// User and password for HTTP's Basic authentication.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Credentials {
    pub(crate) user: String,
    pub(crate) password: Option<String>,
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials").field("user", &self.user).finish_non_exhaustive()
    }
}

/// Requested export of a signal.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Wanted {
    /// Not requested.
    Nothing,
    /// Disabled, or requested for an unusable receiver, which a warning reports.
    Off,
    /// Export to this endpoint.
    Export(Endpoint),
}

/// The signal's endpoint by `--otlp`, or that of the variables. A receiver alone requests spans; the other
/// signals are requested by their exporter, or by an endpoint of their own.
///
/// # Errors
/// Describes what is wrong with `configured`.
pub(super) fn wanted(variables: &mut Variables, configured: Option<&str>, signal: Signal) -> Result<Wanted, String> {
    let (names, traces) = (names(signal), signal == Signal::Traces);
    if let Some(base) = configured.filter(|_| traces) {
        let endpoint = parse(base).map(|endpoint| below(endpoint, signal, true))?;
        // The command line takes precedence over these.
        let _ = [names.exporter, names.endpoint, GENERAL].map(|name| variables.get(name));
        let _ = variables.choice(names.protocol);
        return Ok(Wanted::Export(endpoint));
    }
    let (exporter, protocol) = (exporter(variables, signal), variables.choice(names.protocol));
    let (own, general) = (variables.get(names.endpoint), variables.get(GENERAL));
    let Some(is_chosen) = exporter else { return Ok(Wanted::Off) };
    if !is_chosen && own.is_none() && !(traces && general.is_some()) {
        return Ok(Wanted::Nothing);
    }
    if own.is_none()
        && let Some(base) = configured
    {
        return parse(base).map(|endpoint| Wanted::Export(below(endpoint, signal, true)));
    }
    if let Some((name, protocol)) = protocol.filter(|(_, protocol)| protocol != "http/protobuf") {
        let noun = signal.noun();
        variables.warn(name, format_args!("{protocol:?} is not supported, only http/protobuf; no {noun} are sent"));
        return Ok(Wanted::Off);
    }
    let (name, url) = match (own, general) {
        (Some(url), _) => (names.endpoint, url),
        (None, Some(url)) => (GENERAL, url),
        (None, None) => (names.exporter, DEFAULT_BASE.to_owned()),
    };
    match parse(&url) {
        Ok(endpoint) if name == names.endpoint => Ok(Wanted::Export(endpoint)),
        Ok(endpoint) => {
            let (path, own) = (signal.path(), names.endpoint);
            if endpoint.url.path().trim_end_matches('/').ends_with(path) {
                variables
                    .warn(name, format_args!("{path} is appended to its path, which has it; {own} is taken as is"));
            }
            Ok(Wanted::Export(below(endpoint, signal, false)))
        }
        Err(reason) => {
            let (url, noun) = (redacted(&url), signal.noun());
            variables.warn(name, format_args!("{url:?} cannot be used: {reason}; no {noun} are sent"));
            Ok(Wanted::Off)
        }
    }
}

/// Whether the variables select OTLP; `None` if they select another exporter or none.
fn exporter(variables: &mut Variables, signal: Signal) -> Option<bool> {
    let (name, noun) = (names(signal).exporter, signal.noun());
    let Some((name, exporters)) = variables.choice([name, name]) else { return Some(false) };
    // Prometheus reads metrics in any case.
    let known = |exporter: &str| {
        ["otlp", "none"].contains(&exporter) || (signal == Signal::Metrics && exporter == "prometheus")
    };
    let (known, unknown): (Vec<&str>, Vec<&str>) = exporters.split(',').map(str::trim).partition(|it| known(it));
    let is_otlp = known.contains(&"otlp");
    if !unknown.is_empty() {
        let result = if is_otlp { format!("{noun} go by OTLP alone") } else { format!("no {noun} are sent") };
        variables.warn(name, format_args!("{:?} is not supported, only otlp and none; {result}", unknown.join(",")));
    }
    is_otlp.then_some(true)
}

/// Parses the URL of an endpoint.
fn parse(text: &str) -> Result<Endpoint, String> {
    let mut url = Url::parse(text).map_err(|error| format!("{error}"))?;
    match url.scheme() {
        "http" | "https" => {}
        _ => return Err("it does not begin with http:// or https://".to_owned()),
    }
    let decoded = |text: &str| super::headers::percent_decoded(text).and_then(|bytes| String::from_utf8(bytes).ok());
    let not_text = || "its user or password is not UTF-8".to_owned();
    let password = url.password().map(|password| decoded(password).ok_or_else(not_text)).transpose()?;
    let user = decoded(url.username()).ok_or_else(not_text)?;
    if user.contains(':') {
        return Err("its user name contains a colon, which Basic authentication cannot send".to_owned());
    }
    let credentials = (!user.is_empty() || password.is_some()).then_some(Credentials { user, password });
    // Cannot fail: such a URL has a host.
    let _ = (url.set_username(""), url.set_password(None));
    url.set_fragment(None);
    Ok(Endpoint { url, credentials })
}

/// The signal's endpoint below a base URL; with `lenient`, the URL may already end with the path of a signal.
fn below(mut endpoint: Endpoint, signal: Signal, lenient: bool) -> Endpoint {
    let base = endpoint.url.path().trim_end_matches('/');
    let known = Signal::ALL.iter().find_map(|signal| base.strip_suffix(signal.path()));
    let base = known.filter(|_| lenient).unwrap_or(base).to_owned();
    endpoint.url.set_path(&(base + signal.path()));
    endpoint
}

/// `url` without user and password, even if it is malformed.
pub(crate) fn redacted(url: &str) -> String {
    let start = url.find("//").map_or(0, |slashes| slashes + 2);
    let end = url[start..].find(['/', '?', '#']).map_or(url.len(), |length| start + length);
    match url[start..end].rfind('@') {
        Some(at) => format!("{}..{}", &url[..start], &url[start + at..]),
        None => url.to_owned(),
    }
}
