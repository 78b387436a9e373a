//! A small OTLP/HTTP receiver, and some that do not behave.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message as _;
use riscope_telemetry::TelemetryConfig;

use crate::fixture::PATIENCE;

/// What the receiver does with a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Manner {
    /// Takes it.
    Accept,
    /// Answers with this status.
    Refuse(u16),
    /// Reads it and never answers.
    Hang,
}

/// A request as it came.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) head: Vec<String>,
    pub(crate) body: ExportTraceServiceRequest,
}

type Requests = Arc<(Mutex<Vec<Request>>, Condvar)>;

/// A receiver on a port of its own. Its threads end with the test process.
pub(crate) struct Receiver {
    address: SocketAddr,
    requests: Requests,
}

impl Receiver {
    pub(crate) fn start(manner: Manner) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("its number");
        let requests = Requests::default();
        let received = Arc::clone(&requests);
        thread::spawn(move || {
            for connection in listener.incoming().flatten() {
                let received = Arc::clone(&received);
                thread::spawn(move || serve(connection, manner, &received));
            }
        });
        Self { address, requests }
    }

    /// Configuration that sends here at once.
    pub(crate) fn config(&self) -> TelemetryConfig {
        TelemetryConfig { otlp_endpoint: Some(format!("http://{}", self.address)), ..TelemetryConfig::default() }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// What came so far.
    pub(crate) fn requests(&self) -> Vec<Request> {
        self.requests.0.lock().expect("no panic elsewhere").clone()
    }

    /// Waits until something came.
    pub(crate) fn wait_for_request(&self) {
        let requests = self.requests.0.lock().expect("no panic elsewhere");
        let (_requests, result) =
            self.requests.1.wait_timeout_while(requests, PATIENCE, |it| it.is_empty()).expect("no panic elsewhere");
        assert!(!result.timed_out(), "nothing was sent");
    }

    /// All spans that came.
    pub(crate) fn spans(&self) -> Vec<Span> {
        let of_resource = self.requests().into_iter().flat_map(|request| request.body.resource_spans);
        of_resource.flat_map(|resource| resource.scope_spans).flat_map(|scope| scope.spans).collect()
    }
}

fn serve(connection: TcpStream, manner: Manner, requests: &Requests) {
    let mut reader = BufReader::new(connection);
    loop {
        let head: Vec<String> =
            (&mut reader).lines().map_while(Result::ok).take_while(|line| !line.is_empty()).collect();
        let length = head.iter().find_map(|line| {
            let (name, value) = line.split_once(':')?;
            name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>().ok())?
        });
        // The client closed the connection.
        let Some(length) = length else { return };
        let mut body = vec![0; length];
        reader.read_exact(&mut body).expect("the whole body");
        let body = ExportTraceServiceRequest::decode(body.as_slice()).expect("OTLP in protobuf");
        requests.0.lock().expect("no panic elsewhere").push(Request { head, body });
        requests.1.notify_all();
        let status = match manner {
            Manner::Accept => "200 OK".to_owned(),
            Manner::Refuse(status) => format!("{status} Refused"),
            Manner::Hang => loop {
                thread::park();
            },
        };
        let answer = format!("HTTP/1.1 {status}\r\nContent-Type: application/x-protobuf\r\nContent-Length: 0\r\n\r\n");
        if reader.get_mut().write_all(answer.as_bytes()).is_err() {
            return;
        }
    }
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
