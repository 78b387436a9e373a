//! Endpoint of spans: from `--otlp`, or from environment variables.

use std::fmt;

use reqwest::Url;

use super::variables::Variables;

/// Path of the span endpoint below its base URL (OTLP specification, "OTLP/HTTP Request").
const PATH: &str = "/v1/traces";
/// Base URL if the variables select OTLP without naming one.
const DEFAULT_BASE: &str = "http://localhost:4318";

const OWN: &str = "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT";
const GENERAL: &str = "OTEL_EXPORTER_OTLP_ENDPOINT";
const EXPORTER: &str = "OTEL_TRACES_EXPORTER";

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

/// Requested span export.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Wanted {
    /// Not requested.
    Nothing,
    /// Disabled, or requested for an unusable receiver, which a warning reports.
    Off,
    /// Export to this endpoint.
    Spans(Endpoint),
}

/// The endpoint of `--otlp`, or that of the variables.
///
/// # Errors
/// Describes what is wrong with `configured`.
pub(super) fn wanted(variables: &mut Variables, configured: Option<&str>) -> Result<Wanted, String> {
    if let Some(base) = configured {
        let endpoint = parse(base).map(|endpoint| below(endpoint, true))?;
        // The command line takes precedence over these.
        let _ = [EXPORTER, OWN, GENERAL].map(|name| variables.get(name));
        let _ = protocol(variables);
        return Ok(Wanted::Spans(endpoint));
    }
    let (exporter, protocol) = (exporter(variables), protocol(variables));
    let named = variables.first([OWN, GENERAL]);
    let Some(is_chosen) = exporter else { return Ok(Wanted::Off) };
    let (name, url) = match named {
        Some(named) => named,
        None if is_chosen => (EXPORTER, DEFAULT_BASE.to_owned()),
        None => return Ok(Wanted::Nothing),
    };
    if let Some((name, protocol)) = protocol.filter(|(_, protocol)| protocol != "http/protobuf") {
        variables.warn(name, format_args!("{protocol:?} is not supported, only http/protobuf; no spans are sent"));
        return Ok(Wanted::Off);
    }
    match parse(&url) {
        Ok(endpoint) if name == OWN => Ok(Wanted::Spans(endpoint)),
        Ok(endpoint) => {
            if endpoint.url.path().trim_end_matches('/').ends_with(PATH) {
                variables
                    .warn(name, format_args!("{PATH} is appended to its path, which has it; {OWN} is taken as is"));
            }
            Ok(Wanted::Spans(below(endpoint, false)))
        }
        Err(reason) => {
            variables.warn(name, format_args!("{:?} cannot be used: {reason}; no spans are sent", redacted(&url)));
            Ok(Wanted::Off)
        }
    }
}

/// Whether the variables select OTLP; `None` if they select another exporter or none.
fn exporter(variables: &mut Variables) -> Option<bool> {
    let Some((name, exporters)) = variables.choice([EXPORTER, EXPORTER]) else { return Some(false) };
    let known = |exporter: &str| ["otlp", "none"].contains(&exporter);
    let (known, unknown): (Vec<&str>, Vec<&str>) = exporters.split(',').map(str::trim).partition(|it| known(it));
    let is_otlp = known.contains(&"otlp");
    if !unknown.is_empty() {
        let result = if is_otlp { "spans go by OTLP alone" } else { "no spans are sent" };
        variables.warn(name, format_args!("{:?} is not supported, only otlp and none; {result}", unknown.join(",")));
    }
    is_otlp.then_some(true)
}

fn protocol(variables: &mut Variables) -> Option<(&'static str, String)> {
    variables.choice(["OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL"])
}

/// Parses the URL of an endpoint.
fn parse(text: &str) -> Result<Endpoint, String> {
    let mut url = Url::parse(text).map_err(|error| format!("{error}"))?;
    match url.scheme() {
        "http" => {}
        "https" => return Err("TLS is not supported; send to a collector on this host by http://".to_owned()),
        _ => return Err("it does not begin with http://".to_owned()),
    }
    let decoded = |text: &str| super::headers::percent_decoded(text).and_then(|bytes| String::from_utf8(bytes).ok());
    let not_text = || "its user or password is not UTF-8".to_owned();
    let password = url.password().map(|password| decoded(password).ok_or_else(not_text)).transpose()?;
    let user = decoded(url.username()).ok_or_else(not_text)?;
    if user.contains(':') {
        return Err("its user name contains a colon, which Basic authentication cannot send".to_owned());
    }
    let credentials = (!user.is_empty() || password.is_some()).then_some(Credentials { user, password });
    // Cannot fail: an http URL has a host.
    let _ = (url.set_username(""), url.set_password(None));
    url.set_fragment(None);
    Ok(Endpoint { url, credentials })
}

/// The span endpoint below a base URL; with `lenient`, the URL may already end with its
/// path.
fn below(mut endpoint: Endpoint, lenient: bool) -> Endpoint {
    let base = endpoint.url.path().trim_end_matches('/').to_owned();
    let path = if lenient && base.ends_with(PATH) { base } else { base + PATH };
    endpoint.url.set_path(&path);
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
