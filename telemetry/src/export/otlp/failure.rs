//! Reasons of failed delivery: the value of `error.type`, and a message for users.

use std::error::Error;
use std::io;
use std::sync::{Arc, Mutex};

use reqwest::StatusCode;
use reqwest::header::{HeaderMap, LOCATION};

use crate::label::ErrorType;

/// Maximum length of quoted text in a message, in characters.
const EXCERPT: usize = 120;

/// Undelivered items, or a failed request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Failure {
    pub(super) error_type: ErrorType,
    /// Number of rejected items; `None` if no item of the request was delivered.
    pub(super) rejected: Option<u64>,
    /// Message for users.
    pub(super) text: String,
}

/// Failure of the last request of the current export, if it failed.
pub(super) type LastFailure = Arc<Mutex<Option<Failure>>>;

impl Failure {
    pub(super) fn new(error_type: ErrorType, text: impl Into<String>) -> Self {
        Self { error_type, rejected: None, text: text.into() }
    }

    /// No response was received.
    pub(super) fn of_error(error: &(dyn Error + 'static)) -> Self {
        let (error_type, cause) = classified(error);
        let what = match error_type {
            ErrorType::Timeout => return Self::new(error_type, "no response in time"),
            ErrorType::ConnectionRefused => return Self::new(error_type, "connection refused"),
            ErrorType::NameResolution => "the host name cannot be resolved",
            ErrorType::Tls => "TLS failed",
            ErrorType::InvalidResponse => "the response is not HTTP/1.1 (port 4317 is usually gRPC, 4318 OTLP/HTTP)",
            _ => "the connection failed",
        };
        Self::new(error_type, format!("{what}: {}", printable(&cause)))
    }

    /// The response reports that nothing was accepted. `said` is the text in its body, if
    /// it has one.
    pub(super) fn of_status(status: StatusCode, headers: &HeaderMap, said: &str) -> Self {
        let error_type = ErrorType::from_name(status.as_str()).unwrap_or(ErrorType::Other);
        let mut text = match status {
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => format!("credentials are missing or wrong ({status})"),
            StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED => {
                format!("no receiver at this path ({status})")
            }
            status if status.is_redirection() => {
                let target = headers.get(LOCATION).and_then(|location| location.to_str().ok()).unwrap_or("nowhere");
                format!("it redirects to {}, which is not followed ({status})", printable(target))
            }
            status => format!("response {status}"),
        };
        if !said.is_empty() {
            text = format!("{text}: {}", printable(said));
        }
        Self::new(error_type, text)
    }

    /// The request was accepted, but not all of its items.
    pub(super) fn of_rejected(items: u64, said: &str) -> Self {
        let reason = if said.is_empty() { "without a reason".to_owned() } else { printable(said) };
        let text = format!("the receiver rejects them: {reason}");
        Self { error_type: ErrorType::Rejected, rejected: Some(items), text }
    }
}

/// Error type, with the text of the innermost error.
fn classified(error: &(dyn Error + 'static)) -> (ErrorType, String) {
    let mut found = None;
    let mut cause = error.to_string();
    let mut next = Some(error);
    while let Some(error) = next {
        cause = error.to_string();
        if let Some(error) = error.downcast_ref::<reqwest::Error>() {
            if error.is_timeout() {
                return (ErrorType::Timeout, cause);
            }
            if error.is_dns() {
                found = Some(ErrorType::NameResolution);
            } else if error.is_connect() {
                found.get_or_insert(ErrorType::ConnectionFailed);
            }
        }
        if error.is::<rustls::Error>() {
            return (ErrorType::Tls, cause);
        }
        next = error.source();
        if let Some(error) = error.downcast_ref::<io::Error>() {
            match error.kind() {
                io::ErrorKind::TimedOut => return (ErrorType::Timeout, cause),
                io::ErrorKind::ConnectionRefused => return (ErrorType::ConnectionRefused, cause),
                _ => {}
            }
            // An error of a crate wrapped in a system error.
            match error.get_ref() {
                Some(inner) => next = Some(inner),
                None => {
                    found.get_or_insert(ErrorType::ConnectionFailed);
                }
            }
        }
    }
    (found.unwrap_or(ErrorType::InvalidResponse), cause)
}

/// Foreign text as one short line that is safe to print on a terminal.
pub(super) fn printable(text: &str) -> String {
    let mut words = String::new();
    for word in text.split(|c: char| c.is_whitespace() || c.is_control()).filter(|word| !word.is_empty()) {
        if !words.is_empty() {
            words.push(' ');
        }
        words.push_str(word);
    }
    match words.char_indices().nth(EXCERPT) {
        Some((end, _)) => format!("{}..", &words[..end]),
        None => words,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_is_its_own_type_or_other() {
        let of = |status: u16| {
            let status = StatusCode::from_u16(status).expect("a status");
            Failure::of_status(status, &HeaderMap::new(), "").error_type.as_str()
        };
        assert_eq!([301, 404, 503].map(of), ["301", "404", "503"]);
        assert_eq!([402, 418, 511].map(of), ["_OTHER"; 3]);
    }

    #[test]
    fn errors_of_the_system_are_found_wherever_they_are() {
        let of = |kind: io::ErrorKind| {
            let plain = io::Error::from(kind);
            let inside = io::Error::other(io::Error::from(kind));
            assert_eq!(classified(&plain).0, classified(&inside).0, "{kind:?}");
            classified(&plain).0.as_str()
        };
        assert_eq!(of(io::ErrorKind::ConnectionRefused), "connection_refused");
        assert_eq!(of(io::ErrorKind::TimedOut), "timeout");
        assert_eq!(of(io::ErrorKind::HostUnreachable), "connection_failed");
        assert_eq!(classified(&std::fmt::Error).0, ErrorType::InvalidResponse);
    }

    #[test]
    fn text_of_others_is_one_short_line() {
        assert_eq!(printable(" a\r\n b\x1b[31m \t"), "a b [31m");
        assert_eq!(printable(&"ä".repeat(500)), "ä".repeat(EXCERPT) + "..");
    }
}
