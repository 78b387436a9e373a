//! Delivery of alerts: who is told, and what an Alertmanager that does not listen costs.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use riscope_core::counters::VmCounters;
use riscope_core::event::{AlertEvent, DomainEventBus, Event, Family, Filter, VmEvent, VmId};
use riscope_telemetry::alert::{AlertConfig, Labels, MAX_SERIES, Rules};
use riscope_telemetry::{Notices, Telemetry, TelemetryConfig};
use serde_json::Value;

/// Time limit for what must happen.
const PATIENCE: Duration = Duration::from_secs(60);
/// Longest end of telemetry, as promised.
const END: Duration = Duration::from_secs(2);
const VM: VmId = VmId::from_u128(7);

/// Rules that are evaluated each tenth of a second.
const RULES: &str = "
groups:
  - name: test
    interval: INTERVAL
    rules:
      - alert: Stalled
        expr: (riscope_vcpu_stalled{job='riscope'} == 1) * on (vm_id) group_left (name) riscope_vm_info
        labels: {severity: critical}
        annotations: {description: 'Hart {{ $labels.vcpu }} of {{ $labels.name }} hangs: {{ $value }}.'}
      - alert: Waiting
        expr: riscope_vcpu_stalled == 1
        for: 1h
        labels: {severity: info}
      - alert: Ambiguous
        expr: riscope_vcpu_stalled * on () riscope_vcpu_stalled
";

/// Behaviour of an Alertmanager.
#[derive(Clone, Copy, Debug)]
enum Manner {
    Accept,
    /// Refuses the first requests with a status.
    Refuse(u16, usize),
    Hang,
    Babble,
}

/// An Alertmanager on a free port; returns its URL and the bodies of requests.
fn alertmanager(manner: Manner) -> (String, Receiver<Value>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let url = format!("http://{}", listener.local_addr().expect("its number"));
    let (tell, told) = channel();
    std::thread::spawn(move || {
        let mut number = 0;
        let mut held = Vec::new();
        for connection in listener.incoming().flatten() {
            number += 1;
            let answer: &[u8] = match manner {
                Manner::Hang => {
                    held.push(connection);
                    let _ = tell.send(Value::Null);
                    continue;
                }
                Manner::Babble => b"what?\n",
                Manner::Refuse(503, times) if number <= times => {
                    b"HTTP/1.1 503 No\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
                }
                Manner::Refuse(400, times) if number <= times => {
                    b"HTTP/1.1 400 No\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
                }
                Manner::Accept | Manner::Refuse(..) => {
                    b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
                }
            };
            serve(connection, answer, &tell);
        }
    });
    (url, told)
}

fn serve(connection: TcpStream, answer: &[u8], tell: &Sender<Value>) {
    let mut reader = BufReader::new(connection);
    let head: Vec<String> = (&mut reader).lines().map_while(Result::ok).take_while(|line| !line.is_empty()).collect();
    assert!(head.first().is_none_or(|line| line == "POST /api/v2/alerts HTTP/1.1"), "{head:?}");
    let lengths = head
        .iter()
        .filter_map(|line| line.to_ascii_lowercase().strip_prefix("content-length:")?.trim().parse::<usize>().ok());
    let mut body = vec![0; lengths.sum()];
    if reader.read_exact(&mut body).is_ok() {
        // The client may have gone, and the test may have ended.
        let _ = (reader.get_mut().write_all(answer), tell.send(serde_json::from_slice(&body).unwrap_or_default()));
    }
}

/// Telemetry with rules, and what it told.
struct Fixture {
    bus: DomainEventBus,
    telemetry: Telemetry,
    lines: Arc<Mutex<Vec<String>>>,
}

impl Fixture {
    fn new(alertmanager: Option<String>, interval: &str, silences: &[&str]) -> Self {
        let (bus, lines) = (DomainEventBus::new(), Arc::<Mutex<Vec<String>>>::default());
        let told = Arc::clone(&lines);
        let mut rules = Rules::default();
        rules.add("test.yml", &RULES.replace("INTERVAL", interval)).expect("they are valid");
        let alerts = AlertConfig {
            rules,
            instance: "127.0.0.1:8440".to_owned(),
            external_labels: Labels::default(),
            alertmanager,
            silences: silences.iter().map(|text| text.parse().expect("a silence")).collect(),
            max_series: MAX_SERIES,
        };
        let notices = Notices::new(move |line| told.lock().expect("no panic elsewhere").push(line.to_owned()));
        let config = TelemetryConfig {
            alerts: Some(alerts),
            notices,
            environment: Some(Vec::new()),
            ..TelemetryConfig::default()
        };
        let telemetry = Telemetry::start(&bus, config).expect("telemetry starts");
        telemetry.register_vm(VmCounters {
            vm_id: VM,
            name: "web".into(),
            engine_name: "tiered",
            memory_bytes: 1 << 20,
            settings: Vec::new(),
            devices: Vec::new(),
            consoles: Vec::new(),
            hot_pages: Arc::default(),
            harts: vec![Arc::default(), Arc::default()],
            engine: Arc::default(),
        });
        Self { bus, telemetry, lines }
    }

    fn publish(&self, event: VmEvent) {
        self.bus.publish(VM, event);
        assert!(self.telemetry.flush(PATIENCE), "events are not handled");
    }

    /// Waits until the metrics have a line, or no longer have it.
    fn wait_for(&self, line: &str, is_there: bool) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let text = String::from_utf8(self.telemetry.render(None).1).expect("text");
            if text.lines().any(|it| it.starts_with(line)) == is_there {
                return;
            }
            assert!(Instant::now() < deadline, "{line} is there: {}\n{text}", !is_there);
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    fn said(&self, part: &str) -> usize {
        self.lines.lock().expect("no panic elsewhere").iter().filter(|line| line.contains(part)).count()
    }

    fn ends_in_time(&self) {
        let begin = Instant::now();
        assert!(self.telemetry.shutdown(END), "the pump has not ended");
        assert!(begin.elapsed() < END, "it took {:?}", begin.elapsed());
    }
}

/// The first alert of this name that an Alertmanager is told.
fn told(told: &Receiver<Value>, is_wanted: impl Fn(&Value) -> bool) -> Value {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        let body = told.recv_timeout(left).expect("Alertmanager is told in time");
        let alerts = body.as_array().cloned().unwrap_or_default();
        if let Some(found) = alerts.into_iter().find(&is_wanted) {
            return found;
        }
    }
}

fn firing() -> String {
    format!("riscope_alerts{{alertname=\"Stalled\",alertstate=\"firing\",severity=\"critical\",vm_id=\"{VM}\"}} 1")
}

#[test]
fn an_alert_is_told_everywhere_and_so_is_its_end() {
    let (url, requests) = alertmanager(Manner::Accept);
    let fixture = Fixture::new(Some(url), "100ms", &[]);
    let events = fixture.bus.subscribe("test", Filter::all().families(&[Family::Alert]), 64);
    fixture.publish(VmEvent::HartStalled { vcpu: 1 });
    let begun = told(&requests, |alert| alert["labels"]["alertname"] == "Stalled");
    assert_eq!(begun["labels"]["vm_id"], VM.to_string());
    assert_eq!(begun["labels"]["instance"], "127.0.0.1:8440");
    assert_eq!(begun["annotations"]["description"], "Hart 1 of web hangs: 1.");
    assert!(begun["endsAt"].as_str() > begun["startsAt"].as_str(), "{begun}");
    assert_eq!(begun["generatorURL"], "http://127.0.0.1:8440/api/v1/alerts");
    fixture.wait_for(&firing(), true);
    fixture.wait_for("riscope_alerts{alertname=\"Waiting\",alertstate=\"pending\"", true);
    fixture.wait_for("riscope_alert_notifications_total{error_type=\"\"} 1", true);
    let shown: Value = serde_json::from_str(&fixture.telemetry.alerts()).expect("JSON");
    assert_eq!((&shown["status"], &shown["data"]["alerts"][0]["state"]), (&"success".into(), &"firing".into()));
    assert_eq!(shown["data"]["alerts"][0]["value"], "1");
    assert_eq!(fixture.said("alert Stalled (critical) fires: Hart 1 of web hangs: 1."), 1);
    // A rule without a result is counted, and told once.
    fixture.wait_for("riscope_alert_evaluation_failures_total 0", false);
    assert_eq!(fixture.said("the rule Ambiguous has no result"), 1);

    fixture.publish(VmEvent::HartResumed { vcpu: 1 });
    let ended = told(&requests, |alert| {
        alert["startsAt"] == begun["startsAt"] && alert["endsAt"].as_str() < begun["endsAt"].as_str()
    });
    assert_eq!(ended["labels"], begun["labels"]);
    fixture.wait_for(&firing(), false);
    assert_eq!(fixture.said("alert Stalled (critical) is resolved"), 1);
    let (first, second) = (events.recv().expect("an event"), events.recv().expect("another"));
    assert_eq!((first.vm_id, second.vm_id), (VM, VM));
    assert!(matches!(&first.event, Event::Alert(AlertEvent::Firing { name, .. }) if &**name == "Stalled"), "{first:?}");
    assert!(
        matches!(&second.event, Event::Alert(AlertEvent::Resolved { name, .. }) if &**name == "Stalled"),
        "{second:?}"
    );
    fixture.wait_for("riscope_alert_transitions_total{alertstate=\"resolved\"} 1", true);
    fixture.ends_in_time();
}

#[test]
fn nobody_is_told_of_a_silenced_alert() {
    let (url, requests) = alertmanager(Manner::Accept);
    let fixture = Fixture::new(Some(url), "100ms", &["alertname=~\"St.*\", vm_id!=\"8\""]);
    fixture.publish(VmEvent::HartStalled { vcpu: 1 });
    fixture.wait_for(&firing(), true);
    fixture.ends_in_time();
    assert_eq!(fixture.said("alert Stalled"), 0);
    let shown: Value = serde_json::from_str(&fixture.telemetry.alerts()).expect("JSON");
    assert_eq!(shown["data"]["alerts"][0]["silenced"], true);
    assert!(requests.try_recv().is_err(), "Alertmanager is told");
}

#[test]
fn what_happens_last_is_evaluated_and_sent_at_the_end() {
    let (url, requests) = alertmanager(Manner::Accept);
    let fixture = Fixture::new(Some(url), "1h", &[]);
    fixture.publish(VmEvent::HartStalled { vcpu: 0 });
    fixture.ends_in_time();
    told(&requests, |alert| alert["labels"]["alertname"] == "Stalled");
}

#[test]
fn a_refusing_alertmanager_is_asked_again() {
    let (url, requests) = alertmanager(Manner::Refuse(503, 2));
    let fixture = Fixture::new(Some(url), "100ms", &[]);
    fixture.publish(VmEvent::HartStalled { vcpu: 1 });
    for _ in 0..3 {
        told(&requests, |alert| alert["labels"]["alertname"] == "Stalled");
    }
    fixture.wait_for("riscope_alert_notifications_total{error_type=\"\"} 1", true);
    fixture.wait_for("riscope_alert_notifications_total{error_type=\"503\"} 2", true);
    assert_eq!((fixture.said("alerts cannot be sent to"), fixture.said("takes alerts again")), (1, 1));
    fixture.ends_in_time();
}

#[test]
fn an_alertmanager_that_does_not_listen_changes_nothing() {
    let closed = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a free port");
    let (hanging, held) = alertmanager(Manner::Hang);
    let (wrong, _) = alertmanager(Manner::Refuse(400, usize::MAX));
    let (babbling, _) = alertmanager(Manner::Babble);
    for (url, error) in [
        (format!("http://{closed}"), Some("connection_refused")),
        (hanging, None),
        (wrong, Some("400")),
        (babbling, Some("invalid_response")),
    ] {
        let fixture = Fixture::new(Some(url), "100ms", &[]);
        fixture.publish(VmEvent::HartStalled { vcpu: 1 });
        fixture.wait_for(&firing(), true);
        match error {
            Some(error) => {
                fixture.wait_for(&format!("riscope_alert_notifications_total{{error_type=\"{error}\"}} 0"), false);
            }
            None => drop(held.recv_timeout(PATIENCE).expect("a connection")),
        }
        fixture.publish(VmEvent::HartResumed { vcpu: 1 });
        fixture.wait_for(&firing(), false);
        fixture.ends_in_time();
    }
}
