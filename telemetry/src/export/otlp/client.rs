//! The exporter's HTTP client, which inspects responses.
//!
//! opentelemetry-otlp checks the status of a response only. This client does not follow a redirect that would drop the
//! request's body, treats a response that no OTLP receiver gives as a failure, and counts what is rejected. It keeps the
//! outcome of the last request for the exporter.

use std::io::Read as _;
use std::net::IpAddr;
use std::sync::PoisonError;
use std::time::Duration;

use async_trait::async_trait;
use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceResponse;
use prost::Message as _;
use reqwest::header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderMap, RETRY_AFTER, USER_AGENT};
use reqwest::redirect::{Action, Attempt, Policy};
use reqwest::{StatusCode, Url, blocking};
use rustls::ClientConfig;

use super::failure::{Failure, LastFailure};
use crate::export::environment::{Credentials, Endpoint, Settings};
use crate::label::ErrorType;

/// Maximum size of a response that is read, in bytes; receivers need a few hundred.
const MAX_ANSWER: u64 = 64 << 10;
/// Maximum redirects per request.
const MAX_REDIRECTS: usize = 5;

/// HTTP client for one receiver.
#[derive(Debug)]
pub(super) struct Client {
    http: blocking::Client,
    url: Url,
    credentials: Option<Credentials>,
    /// Sent with each request.
    headers: HeaderMap,
    last: LastFailure,
}

impl Client {
    /// A client for `endpoint` whose requests have these settings, and which stores failures in `last`.
    ///
    /// # Errors
    /// The reason, if the system does not allow one.
    pub(super) fn new(endpoint: &Endpoint, settings: &Settings, last: LastFailure) -> Result<Self, String> {
        let builder = blocking::Client::builder().timeout(settings.timeout).redirect(Policy::custom(redirect));
        let builder = match &settings.tls {
            Some(tls) => builder.tls_backend_preconfigured(ClientConfig::clone(tls)),
            None => builder,
        };
        // Requests to this host never go through a proxy, for which the host name would
        // mean the proxy itself.
        let builder = if is_loopback(&endpoint.url) { builder.no_proxy() } else { builder };
        // A blocking client cannot be created on a thread of an asynchronous runtime.
        let thread = std::thread::Builder::new().name("otlp-start".to_owned()).spawn(move || builder.build());
        let http = thread.map_err(|error| error.to_string())?.join();
        let http = http.map_err(|_| "the HTTP client cannot be made".to_owned())?.map_err(|error| error.to_string())?;
        let Endpoint { url, credentials } = endpoint.clone();
        Ok(Self { http, url, credentials, headers: settings.headers.clone(), last })
    }

    /// The response, and the failure that it reports.
    fn send(&self, request: Request<Bytes>) -> Result<(Response<Bytes>, Option<Failure>), HttpError> {
        let mut headers = HeaderMap::new();
        for name in [CONTENT_TYPE, CONTENT_ENCODING, USER_AGENT] {
            headers.extend(request.headers().get(&name).map(|value| (name, value.clone())));
        }
        let Answer { status, headers, body, failure } = self.ask(headers, request.into_body(), None)?;
        let mut response = Response::builder().status(status);
        response = headers.get(RETRY_AFTER).into_iter().fold(response, |it, value| it.header(RETRY_AFTER, value));
        Ok((response.body(body.into())?, failure))
    }

    /// Sends a message in protobuf with these headers; takes at most `limit`, if there is one.
    ///
    /// # Errors
    /// If no response was received.
    pub(super) fn ask(&self, own: HeaderMap, body: Bytes, limit: Option<Duration>) -> Result<Answer, HttpError> {
        let mut headers = self.headers.clone();
        headers.extend(own);
        let mut builder = self.http.post(self.url.clone()).headers(headers);
        if let Some(limit) = limit {
            builder = builder.timeout(limit);
        }
        if let Some(Credentials { user, password }) = &self.credentials {
            builder = builder.basic_auth(user, password.as_ref());
        }
        let answer = builder.body(body).send()?;
        let (status, headers) = (answer.status(), answer.headers().clone());
        let mut body = Vec::new();
        answer.take(MAX_ANSWER).read_to_end(&mut body)?;
        let failure = judge(status, &headers, &body);
        Ok(Answer { status, headers, body, failure })
    }
}

/// Response of a receiver.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    body: Vec<u8>,
    /// What it reports.
    pub(super) failure: Option<Failure>,
}

#[async_trait]
impl HttpClient for Client {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let (result, failure) = match self.send(request) {
            Ok((response, failure)) => (Ok(response), failure),
            Err(error) => {
                let failure = Failure::of_error(&*error);
                (Err(error), Some(failure))
            }
        };
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = failure;
        result
    }
}

/// Follows redirects that keep method and body (RFC 9110, sections 15.4.8 and 15.4.9), as long as they lead to the
/// configured server: headers may hold secrets that no other server may see. Any other redirect is returned as the response.
fn redirect(attempt: Attempt<'_>) -> Action {
    let keeps_body = [StatusCode::TEMPORARY_REDIRECT, StatusCode::PERMANENT_REDIRECT].contains(&attempt.status());
    let is_same = attempt.previous().first().is_some_and(|first| first.origin() == attempt.url().origin());
    if keeps_body && is_same && attempt.previous().len() <= MAX_REDIRECTS { attempt.follow() } else { attempt.stop() }
}

/// Failure that a response reports (OTLP specification, "OTLP/HTTP Response"). The responses of all signals have the
/// fields of that for traces.
fn judge(status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Option<Failure> {
    if !status.is_success() {
        return Some(Failure::of_status(status, headers, &error_text(headers, body)));
    }
    // Some receivers respond in JSON whatever the encoding of the request; such responses
    // are not examined.
    if body.is_empty() || content_type(headers) == "application/json" {
        return None;
    }
    let Ok(answer) = ExportTraceServiceResponse::decode(body) else {
        return Some(Failure::new(ErrorType::InvalidResponse, "its response is not that of an OTLP receiver"));
    };
    let partial = answer.partial_success?;
    let rejected = u64::try_from(partial.rejected_spans).ok().filter(|items| *items > 0)?;
    Some(Failure::of_rejected(rejected, &partial.error_message))
}

/// Media type of a response, without parameters.
fn content_type(headers: &HeaderMap) -> String {
    let value = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

/// Text of an error response: receivers send the message `google.rpc.Status`, others a
/// text.
fn error_text(headers: &HeaderMap, body: &[u8]) -> String {
    match content_type(headers).as_str() {
        "application/x-protobuf" => Status::decode(body).unwrap_or_default().message,
        "text/html" => String::new(),
        _ => std::str::from_utf8(body).unwrap_or_default().to_owned(),
    }
}

/// The user-readable part of `google.rpc.Status`.
#[derive(Clone, PartialEq, prost::Message)]
struct Status {
    #[prost(string, tag = "2")]
    message: String,
}

fn is_loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    host == "localhost" || address.is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use opentelemetry_proto::tonic::collector::trace::v1::ExportTracePartialSuccess;
    use reqwest::header::HeaderValue;

    use super::*;

    fn of_type(content_type: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static(content_type))])
    }

    #[test]
    fn this_host_is_known_by_its_names() {
        let is_loopback = |url: &str| is_loopback(&Url::parse(url).expect("a URL"));
        for url in ["http://127.0.0.1:4318", "http://127.1.2.3", "http://[::1]:4318/v1/traces", "http://LOCALHOST:1/"] {
            assert!(is_loopback(url), "{url}");
        }
        for url in
            ["http://10.0.0.1:4318", "http://collector:4318", "http://[2001:db8::1]:1", "http://localhost.example"]
        {
            assert!(!is_loopback(url), "{url}");
        }
    }

    #[test]
    fn an_answer_is_that_of_a_receiver_or_a_failure() {
        let protobuf = of_type("application/x-protobuf");
        let answer = |rejected_spans, message: &str| {
            let partial = ExportTracePartialSuccess { rejected_spans, error_message: message.to_owned() };
            ExportTraceServiceResponse { partial_success: Some(partial) }.encode_to_vec()
        };
        let judge = |headers: &HeaderMap, body: &[u8]| judge(StatusCode::OK, headers, body);
        assert_eq!(judge(&protobuf, b""), None);
        assert_eq!(judge(&protobuf, &answer(0, "nearly full")), None, "a warning");
        assert_eq!(judge(&protobuf, &answer(-1, "")), None);
        assert_eq!(judge(&of_type("application/json; charset=utf-8"), b"{}"), None);
        let rejected = judge(&protobuf, &answer(3, "too\nold")).expect("a failure");
        assert_eq!((rejected.error_type, rejected.rejected), (ErrorType::Rejected, Some(3)));
        assert!(rejected.text.ends_with("too old"), "{}", rejected.text);
        let page = judge(&of_type("text/html"), b"<!doctype html>").expect("a failure");
        assert_eq!((page.error_type, page.rejected), (ErrorType::InvalidResponse, None));
    }

    #[test]
    fn errors_say_what_the_receiver_says() {
        let text =
            |headers: &HeaderMap, body: &[u8]| judge(StatusCode::BAD_REQUEST, headers, body).expect("a failure").text;
        let status = Status { message: "no tenant".to_owned() }.encode_to_vec();
        assert!(text(&of_type("application/x-protobuf"), &status).ends_with(": no tenant"));
        assert!(text(&HeaderMap::new(), b"Client sent an HTTP request to an HTTPS server.\n").contains("HTTPS server"));
        assert!(!text(&of_type("text/html"), b"<!doctype html>").contains("doctype"));
        assert!(!text(&HeaderMap::new(), &[0xff]).contains(": "));
    }
}
