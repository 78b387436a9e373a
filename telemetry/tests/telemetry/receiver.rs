//! OTLP/HTTP receivers for tests, conforming and faulty.

use std::io::{BufRead as _, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;

use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTracePartialSuccess, ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use opentelemetry_proto::tonic::logs::v1::LogRecord;
use opentelemetry_proto::tonic::metrics::v1::Metric;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message as _;
use riscope_telemetry::TelemetryConfig;
use rustls::{ServerConfig, ServerConnection, StreamOwned};

use crate::fixture::PATIENCE;

/// Behaviour of the receiver.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Manner {
    /// Accepts requests.
    Accept,
    /// Responds with this status.
    Refuse(u16),
    /// Reads the request and never responds.
    Hang,
    /// Accepts the request, but rejects this many of its spans.
    Reject(i64),
    /// Redirects to this URL with this status.
    Redirect(u16, String),
    /// Accepts requests to this path, and redirects all others there with this status.
    RedirectTo(u16, &'static str),
    /// Sends these bytes instead of an HTTP/1.1 response, and closes the connection.
    Babble(&'static [u8]),
    /// Responds with a web page, like a web server that is not a receiver.
    Page,
    /// Refuses this many requests, then accepts.
    Recover(usize),
    /// Throttles the first request with this status for this many seconds, then accepts.
    Throttle(u16, u64),
    /// Takes this many milliseconds for each response.
    Slow(u64),
}

/// What a request carries.
#[derive(Clone, Debug)]
pub(crate) enum Body {
    Traces(ExportTraceServiceRequest),
    Logs(ExportLogsServiceRequest),
    Metrics(ExportMetricsServiceRequest),
}

impl Body {
    /// The body of a request to this path; one that is not a signal's has spans.
    fn decode(path: &str, body: &[u8]) -> Self {
        let path = path.split('?').next().unwrap_or_default();
        if path.ends_with("/v1/logs") {
            Self::Logs(ExportLogsServiceRequest::decode(body).expect("log records in protobuf"))
        } else if path.ends_with("/v1/metrics") {
            Self::Metrics(ExportMetricsServiceRequest::decode(body).expect("metrics in protobuf"))
        } else {
            Self::Traces(ExportTraceServiceRequest::decode(body).expect("spans in protobuf"))
        }
    }
}

/// Received request.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) head: Vec<String>,
    pub(crate) body: Body,
}

impl Request {
    /// Its spans, with those of their resources.
    pub(crate) fn traces(&self) -> &ExportTraceServiceRequest {
        match &self.body {
            Body::Traces(request) => request,
            other => panic!("no spans: {other:?}"),
        }
    }

    /// The value of a header.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        header(&self.head, name)
    }
}

fn header<'a>(head: &'a [String], name: &str) -> Option<&'a str> {
    let mut lines = head.iter().filter_map(|line| line.split_once(':'));
    lines.find(|(found, _)| found.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim())
}

type Requests = Arc<(Mutex<Vec<Request>>, Condvar)>;

/// A receiver on a free port. Its threads end with the test process.
pub(crate) struct Receiver {
    address: SocketAddr,
    requests: Requests,
}

impl Receiver {
    pub(crate) fn start(manner: Manner) -> Self {
        Self::start_by(move |connection, received| serve(connection, &manner, received))
    }

    /// A receiver that accepts requests by TLS.
    pub(crate) fn start_tls(config: Arc<ServerConfig>) -> Self {
        Self::start_by(move |connection, received| {
            let session = ServerConnection::new(Arc::clone(&config)).expect("the configuration is valid");
            serve(StreamOwned::new(session, connection), &Manner::Accept, received);
        })
    }

    /// Serves each connection by `serve`, on a thread of its own.
    fn start_by(serve: impl Fn(TcpStream, &Requests) + Clone + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("its number");
        let requests = Requests::default();
        let received = Arc::clone(&requests);
        thread::spawn(move || {
            for connection in listener.incoming().flatten() {
                let (received, serve) = (Arc::clone(&received), serve.clone());
                thread::spawn(move || serve(connection, &received));
            }
        });
        Self { address, requests }
    }

    /// Configuration that exports to this receiver without delay.
    pub(crate) fn config(&self) -> TelemetryConfig {
        TelemetryConfig { otlp_endpoint: Some(format!("http://{}", self.address)), ..TelemetryConfig::default() }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Requests received so far.
    pub(crate) fn requests(&self) -> Vec<Request> {
        self.requests.0.lock().expect("no panic elsewhere").clone()
    }

    /// Waits for a request.
    pub(crate) fn wait_for_request(&self) {
        let requests = self.requests.0.lock().expect("no panic elsewhere");
        let (_requests, result) =
            self.requests.1.wait_timeout_while(requests, PATIENCE, |it| it.is_empty()).expect("no panic elsewhere");
        assert!(!result.timed_out(), "nothing was sent");
    }

    /// All received spans.
    pub(crate) fn spans(&self) -> Vec<Span> {
        let spans = self.requests().into_iter().filter_map(|request| match request.body {
            Body::Traces(request) => Some(request.resource_spans),
            _ => None,
        });
        spans.flatten().flat_map(|resource| resource.scope_spans).flat_map(|scope| scope.spans).collect()
    }

    /// All received log records.
    pub(crate) fn logs(&self) -> Vec<LogRecord> {
        let logs = self.requests().into_iter().filter_map(|request| match request.body {
            Body::Logs(request) => Some(request.resource_logs),
            _ => None,
        });
        logs.flatten().flat_map(|resource| resource.scope_logs).flat_map(|scope| scope.log_records).collect()
    }

    /// The metrics of each export, oldest first.
    pub(crate) fn metrics(&self) -> Vec<Vec<Metric>> {
        let metrics = self.requests().into_iter().filter_map(|request| match request.body {
            Body::Metrics(request) => Some(request.resource_metrics),
            _ => None,
        });
        let of_request = metrics.map(|resources| {
            resources.into_iter().flat_map(|resource| resource.scope_metrics).flat_map(|scope| scope.metrics).collect()
        });
        of_request.collect()
    }
}

fn serve(connection: impl Read + Write, manner: &Manner, requests: &Requests) {
    let mut reader = BufReader::new(connection);
    loop {
        let head: Vec<String> =
            (&mut reader).lines().map_while(Result::ok).take_while(|line| !line.is_empty()).collect();
        let length = header(&head, "content-length").and_then(|length| length.parse::<usize>().ok());
        // The client has closed the connection, or sent another request.
        let Some(length) = length else { return };
        let mut body = vec![0; length];
        reader.read_exact(&mut body).expect("the whole body");
        if header(&head, "content-encoding") == Some("gzip") {
            let mut plain = Vec::new();
            flate2::read::GzDecoder::new(body.as_slice()).read_to_end(&mut plain).expect("gzip");
            body = plain;
        }
        let path = head[0].split(' ').nth(1).unwrap_or_default().to_owned();
        let body = Body::decode(&path, &body);
        let number = {
            let mut requests = requests.0.lock().expect("no panic elsewhere");
            requests.push(Request { head, body });
            requests.len()
        };
        requests.1.notify_all();
        let answer = answer(manner, &path, number);
        let ends = matches!(manner, Manner::Babble(_));
        let stream = reader.get_mut();
        if stream.write_all(&answer).and_then(|()| stream.flush()).is_err() || ends {
            return;
        }
    }
}

/// Response to the request with this number, counted from 1.
fn answer(manner: &Manner, path: &str, number: usize) -> Vec<u8> {
    let protobuf = "Content-Type: application/x-protobuf";
    let (status, header, body) = match manner {
        Manner::Accept => (200, protobuf.to_owned(), Vec::new()),
        Manner::Refuse(status) => (*status, protobuf.to_owned(), Vec::new()),
        Manner::Hang => loop {
            thread::park();
        },
        Manner::Reject(rejected_spans) => {
            let partial =
                ExportTracePartialSuccess { rejected_spans: *rejected_spans, error_message: "too old".to_owned() };
            let body = ExportTraceServiceResponse { partial_success: Some(partial) }.encode_to_vec();
            (200, protobuf.to_owned(), body)
        }
        Manner::Redirect(status, target) => (*status, format!("Location: {target}"), Vec::new()),
        Manner::RedirectTo(_, target) if path == *target => (200, protobuf.to_owned(), Vec::new()),
        Manner::RedirectTo(status, target) => (*status, format!("Location: {target}"), Vec::new()),
        Manner::Babble(bytes) => return bytes.to_vec(),
        Manner::Page => (200, "Content-Type: text/html".to_owned(), b"<!doctype html>".to_vec()),
        Manner::Throttle(status, seconds) if number == 1 => {
            (*status, format!("{protobuf}\r\nRetry-After: {seconds}"), Vec::new())
        }
        Manner::Throttle(..) => (200, protobuf.to_owned(), Vec::new()),
        Manner::Slow(milliseconds) => {
            thread::sleep(std::time::Duration::from_millis(*milliseconds));
            (200, protobuf.to_owned(), Vec::new())
        }
        Manner::Recover(failures) => {
            let status = if number <= *failures { 400 } else { 200 };
            (status, protobuf.to_owned(), Vec::new())
        }
    };
    let head = format!("HTTP/1.1 {status} Whatever\r\n{header}\r\nContent-Length: {}\r\n\r\n", body.len());
    [head.into_bytes(), body].concat()
}

/// The value of an attribute, as text.
pub(crate) fn attribute(attributes: &[KeyValue], name: &str) -> Option<String> {
    let found = attributes.iter().find(|attribute| attribute.key == name)?;
    match found.value.as_ref() {
        Some(AnyValue { value: Some(Value::StringValue(text)) }) => Some(text.clone()),
        Some(AnyValue { value: Some(Value::IntValue(number)) }) => Some(number.to_string()),
        Some(AnyValue { value: Some(Value::DoubleValue(number)) }) => Some(number.to_string()),
        other => panic!("{name} is {other:?}"),
    }
}
