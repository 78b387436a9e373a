//! Lists of names and values in the variables for headers and resource attributes:
//! `name=value`, separated by commas, with percent-encoded values (W3C Baggage).

use opentelemetry::KeyValue;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};

use super::variables::Variables;

/// Headers set by the client, which cannot be configured.
const OWN_HEADERS: [&str; 5] =
    ["connection", "content-encoding", "content-length", "content-type", "transfer-encoding"];

/// Headers of each request, from the first of the variables `names` that is set. Omits invalid entries; as their text
/// may be secret, warnings give only their position.
pub(super) fn headers(variables: &mut Variables, names: [&'static str; 2]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    let Some((variable, list)) = variables.first(names) else { return headers };
    for (place, entry) in (1..).zip(list.split(',')).filter(|(_, entry)| !entry.trim().is_empty()) {
        match header(entry) {
            Ok((name, value)) => {
                headers.insert(name, value);
            }
            Err(problem) => variables.warn(variable, format_args!("entry {place} {problem} and is not sent")),
        }
    }
    headers
}

fn header(entry: &str) -> Result<(HeaderName, HeaderValue), &'static str> {
    let (name, value) = entry.split_once('=').ok_or("is not name=value")?;
    let name: HeaderName = name.trim().parse().map_err(|_| "does not begin with the name of a header")?;
    if OWN_HEADERS.contains(&name.as_str()) {
        return Err("names a header that is set by how requests are made");
    }
    let value = value.trim();
    // A percent sign that encodes nothing stands for itself: values are often not encoded.
    let bytes = percent_decoded(value).unwrap_or_else(|| value.as_bytes().to_vec());
    let mut value = HeaderValue::from_bytes(&bytes).map_err(|_| "has a value that no header can have")?;
    value.set_sensitive(true);
    Ok((name, value))
}

/// Resource attributes. A list with an error is ignored as a whole (specification,
/// "Resource SDK").
pub(super) fn resource(variables: &mut Variables) -> Vec<KeyValue> {
    let name = "OTEL_RESOURCE_ATTRIBUTES";
    let text = variables.get(name).unwrap_or_default();
    let decoded = |text: &str| percent_decoded(text.trim()).and_then(|bytes| String::from_utf8(bytes).ok());
    let pairs = text.split(',').filter(|pair| !pair.trim().is_empty());
    let attributes: Option<Vec<_>> = pairs
        .map(|pair| {
            let (key, value) = pair.split_once('=')?;
            Some(KeyValue::new(decoded(key).filter(|key| !key.is_empty())?, decoded(value)?))
        })
        .collect();
    if attributes.is_none() {
        variables.warn(name, "it is not a list of key=value with commas and is ignored");
    }
    let service = variables.get("OTEL_SERVICE_NAME").map(|service| KeyValue::new("service.name", service));
    attributes.unwrap_or_default().into_iter().chain(service).collect()
}

/// Decodes `%XX`; `None` if a `%` is not followed by two hexadecimal digits.
pub(super) fn percent_decoded(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((&first, behind)) = rest.split_first() {
        let digit = |index: usize| char::from(*behind.get(index)?).to_digit(16);
        if first == b'%' {
            bytes.push(u8::try_from(digit(0)? * 16 + digit(1)?).ok()?);
            rest = &behind[2..];
        } else {
            bytes.push(first);
            rest = behind;
        }
    }
    Some(bytes)
}
