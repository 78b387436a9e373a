//! Tests that undelivered spans are counted by reason and reported.

use std::net::TcpListener;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use riscope_core::event::{ExitReason, VmId};
use riscope_telemetry::{Notices, SHUTDOWN_LIMIT, TelemetryConfig};

use crate::fixture::{Fixture, Happening, PATIENCE, created, exited};
use crate::receiver::{Manner, Receiver};

/// Spans sent by each case.
const SPANS: u32 = 5;

/// Reported lines.
#[derive(Clone, Default)]
struct Told(Arc<Mutex<Vec<String>>>);

impl Told {
    fn notices(&self) -> Notices {
        let told = Arc::clone(&self.0);
        Notices::new(move |line| told.lock().expect("no panic elsewhere").push(line.to_owned()))
    }

    fn lines(&self) -> Vec<String> {
        self.0.lock().expect("no panic elsewhere").clone()
    }

    /// Waits for this many lines.
    fn wait(&self, lines: usize) {
        let start = Instant::now();
        while self.lines().len() < lines {
            assert!(start.elapsed() < PATIENCE, "only {:?}", self.lines());
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}

/// Machines that are created and end, with a span each.
fn lives(machines: u32) -> impl Iterator<Item = Happening> {
    (0..u128::from(machines))
        .flat_map(|vm| [created(VmId::from_u128(vm), "guest"), exited(VmId::from_u128(vm), ExitReason::Poweroff, 0)])
}

fn exported(fixture: &Fixture, error_type: &str) -> f64 {
    let scrape = fixture.scrape();
    scrape.value("otel_sdk_exporter_span_exported_total", &[("error_type", error_type)]).expect("a series")
}

/// Sends [`SPANS`] spans to `url` and expects `lost` losses with this `error_type`; returns
/// the lines reported from the first failure to the end.
fn lose(url: &str, error_type: &str, lost: u32) -> Vec<String> {
    let told = Told::default();
    let fixture = Fixture::new(TelemetryConfig {
        otlp_endpoint: Some(url.to_owned()),
        span_delay: Duration::from_millis(10),
        export_timeout: Some(if error_type == "timeout" { Duration::from_millis(200) } else { PATIENCE }),
        notices: told.notices(),
        ..TelemetryConfig::default()
    });
    fixture.publish(lives(SPANS));
    let start = Instant::now();
    while exported(&fixture, "") + exported(&fixture, error_type) < f64::from(SPANS) {
        assert!(start.elapsed() < PATIENCE, "{error_type} at {url}: {}", fixture.text());
        std::thread::sleep(Duration::from_millis(1));
    }
    assert_eq!(exported(&fixture, error_type), f64::from(lost), "{error_type} at {url}");
    assert_eq!(exported(&fixture, ""), f64::from(SPANS - lost), "{error_type} at {url}");
    fixture.telemetry.shutdown(SHUTDOWN_LIMIT);
    told.lines()
}

/// Like [`lose`], with one line at the start and one at the end, both of which contain
/// `words`.
fn lose_all_and_tell(url: &str, error_type: &str, words: &[&str]) {
    let lines = lose(url, error_type, SPANS);
    let [first, last] = lines.as_slice() else { panic!("{error_type}: two lines: {lines:?}") };
    for word in words.iter().chain(&["/v1/traces"]) {
        assert!(first.contains(word) && last.contains(word), "{error_type}: {word} in {lines:?}");
    }
    assert!(last.contains(&format!("0 delivered, {SPANS} failed")), "{last}");
}

#[test]
fn statuses_are_error_types_of_their_own() {
    for (status, error_type, word) in [
        (400, "400", "400"),
        (401, "401", "credentials"),
        (404, "404", "no receiver"),
        (418, "_OTHER", "418"),
        (500, "500", "500"),
        (503, "503", "503"),
    ] {
        let receiver = Receiver::start(Manner::Refuse(status));
        lose_all_and_tell(&receiver.url(), error_type, &[word]);
        assert!(receiver.spans().len() >= SPANS as usize, "{status}");
    }
}

#[test]
fn receivers_that_are_not_there_are_told_from_those_that_are_something_else() {
    let free = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a free port");
    lose_all_and_tell(&format!("http://{free}"), "connection_refused", &["connection refused"]);
    lose_all_and_tell("http://collector.invalid:4318", "name_resolution", &["resolved"]);
    // First bytes of a gRPC server (RFC 9113, section 3.4), and the alert of a TLS server
    // to other protocols.
    let settings = b"\0\0\0\x04\0\0\0\0\0";
    let alert = b"\x15\x03\x01\0\x02\x02\x46";
    for bytes in [&settings[..], alert, b""] {
        let receiver = Receiver::start(Manner::Babble(bytes));
        lose_all_and_tell(&receiver.url(), "invalid_response", &["4317"]);
    }
    let receiver = Receiver::start(Manner::Page);
    lose_all_and_tell(&receiver.url(), "invalid_response", &["OTLP receiver"]);
}

#[test]
fn a_receiver_that_is_too_slow_is_a_timeout() {
    let receiver = Receiver::start(Manner::Hang);
    lose_all_and_tell(&receiver.url(), "timeout", &["in time"]);
}

#[test]
fn redirects_that_would_lose_the_spans_are_failures_and_others_are_followed() {
    let elsewhere = Receiver::start(Manner::Accept);
    for status in [301, 302, 303, 307, 308] {
        // Headers may contain secrets that another server must not see.
        let receiver = Receiver::start(Manner::Redirect(status, format!("{}/v1/traces", elsewhere.url())));
        lose_all_and_tell(&receiver.url(), &status.to_string(), &["redirects", &elsewhere.url()]);
    }
    assert_eq!(elsewhere.requests().len(), 0);
    for status in [301, 302, 303] {
        let receiver = Receiver::start(Manner::RedirectTo(status, "/here"));
        lose_all_and_tell(&receiver.url(), &status.to_string(), &["redirects", "/here"]);
    }
    for status in [307, 308] {
        let receiver = Receiver::start(Manner::RedirectTo(status, "/here"));
        assert_eq!(lose(&receiver.url(), &status.to_string(), 0), [""; 0]);
        let requests = receiver.requests();
        assert!(
            requests.iter().any(|it| it.head[0] == "POST /here HTTP/1.1" && !it.traces().resource_spans.is_empty())
        );
    }
    let receiver = Receiver::start(Manner::Redirect(308, "/v1/traces".to_owned()));
    lose_all_and_tell(&receiver.url(), "308", &["redirects"]);
    assert!(receiver.requests().len() < 100, "a circle ends");
}

#[test]
fn rejected_spans_are_failed_spans() {
    let receiver = Receiver::start(Manner::Reject(2));
    let lines = lose(&receiver.url(), "rejected", 2);
    assert!(lines[0].contains("too old"), "{lines:?}");
    assert!(lines.last().is_some_and(|line| line.contains("3 delivered, 2 failed")), "{lines:?}");
    // No more spans can be rejected than were sent.
    let receiver = Receiver::start(Manner::Reject(i64::MAX));
    lose(&receiver.url(), "rejected", SPANS);
    let receiver = Receiver::start(Manner::Reject(0));
    assert_eq!(lose(&receiver.url(), "rejected", 0), [""; 0], "a warning is no failure");
}

#[test]
fn the_beginning_and_the_end_of_a_failure_are_told_once_each() {
    let receiver = Receiver::start(Manner::Recover(2));
    let told = Told::default();
    let fixture = Fixture::new(TelemetryConfig {
        span_delay: Duration::from_millis(1),
        notices: told.notices(),
        ..receiver.config()
    });
    let wait = |spans: u32| {
        let start = Instant::now();
        while exported(&fixture, "") + exported(&fixture, "400") < f64::from(spans) {
            assert!(start.elapsed() < PATIENCE, "{}", fixture.text());
            std::thread::sleep(Duration::from_millis(1));
        }
    };
    for round in 1..=4 {
        fixture.publish(lives(1));
        wait(round);
    }
    told.wait(2);
    let lines = told.lines();
    let [fails, works] = lines.as_slice() else { panic!("two lines: {lines:?}") };
    assert!(fails.contains("are not reaching") && fails.contains("400"), "{fails}");
    assert!(works.contains("again") && works.contains("2 were lost"), "{works}");
    assert!(fixture.telemetry.shutdown(SHUTDOWN_LIMIT));
    let end = told.lines().pop().expect("a line at the end");
    assert!(end.contains("2 delivered, 2 failed, 0 dropped from a full queue, 0 not sent"), "{end}");
}

#[test]
fn nothing_is_told_when_everything_arrives() {
    let receiver = Receiver::start(Manner::Accept);
    let told = Told::default();
    let fixture = Fixture::new(TelemetryConfig { notices: told.notices(), ..receiver.config() });
    fixture.publish(lives(SPANS));
    assert!(fixture.telemetry.shutdown(SHUTDOWN_LIMIT));
    assert_eq!((receiver.spans().len(), told.lines()), (SPANS as usize, vec![]));
}

#[test]
fn spans_that_are_still_under_way_at_the_end_are_told() {
    let receiver = Receiver::start(Manner::Hang);
    let told = Told::default();
    let fixture = Fixture::new(TelemetryConfig {
        export_timeout: Some(Duration::from_secs(3600)),
        notices: told.notices(),
        ..receiver.config()
    });
    fixture.publish(lives(SPANS));
    fixture.telemetry.shutdown(SHUTDOWN_LIMIT);
    let lines = told.lines();
    assert!(matches!(&lines[..], [line] if line.contains(&format!("{SPANS} not sent in time"))), "{lines:?}");
}

#[test]
fn user_and_password_of_the_url_are_sent_and_not_shown() {
    let receiver = Receiver::start(Manner::Refuse(401));
    let url = receiver.url().replace("http://", "http://me:pass%20word@");
    let lines = lose(&url, "401", SPANS);
    // RFC 7617: base64 of "me:pass word".
    let sent = receiver.requests();
    assert!(sent.iter().all(|it| it.header("authorization") == Some("Basic bWU6cGFzcyB3b3Jk")), "{sent:?}");
    assert!(lines.iter().all(|line| !line.contains("pass")), "{lines:?}");
}

#[test]
fn a_query_goes_along_with_the_path() {
    let receiver = Receiver::start(Manner::Accept);
    let url = format!("{}?tenant=a", receiver.url());
    assert_eq!(lose(&url, "_OTHER", 0), [""; 0]);
    assert!(receiver.requests().iter().all(|it| it.head[0] == "POST /v1/traces?tenant=a HTTP/1.1"));
}
