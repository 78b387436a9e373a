//! Tests of `/api/v1/live`: snapshots, their stream, and what clients of it cost.

mod support;

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use rustix::process::Signal;
use serde_json::Value;
use support::PATIENCE;
use support::http::{address_in, get};
use support::process::{Process, riscope};

/// Most clients with a stream.
const MAX_STREAMS: usize = 16;
/// Clients that read nothing: with one that does, as many as there may be.
const DEAF: usize = 15;
/// Most bytes that clients which read nothing may take: about what the host's sockets buffer of
/// each.
const DEAF_MIB: u64 = 32;

/// A demo on a port of its own.
struct Demo {
    process: Process,
    address: SocketAddr,
}

impl Demo {
    fn start() -> Self {
        let process = Process::start(riscope(["demo", "--seconds", "2", "--name", "live", "--listen", "127.0.0.1:0"]));
        let address = process.stderr.wait_for(PATIENCE, address_in).expect("an address");
        Self { process, address }
    }

    fn end(self) {
        self.process.signal(Signal::INT);
        self.process.finish().assert_code(130);
    }

    /// Whether there is a thread that makes snapshots.
    fn is_looked_at(&self) -> bool {
        let threads = std::fs::read_dir(format!("/proc/{}/task", self.process.id())).expect("the process is there");
        let mut names = threads.filter_map(|thread| std::fs::read_to_string(thread.ok()?.path().join("comm")).ok());
        names.any(|name| name.trim_end() == "live")
    }
}

/// A snapshot in JSON.
fn snapshot(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

/// A client of the stream.
struct Client(BufReader<TcpStream>);

impl Client {
    /// Asks for the stream; returns its status too.
    fn connect(address: SocketAddr) -> (Self, u16) {
        let mut stream = TcpStream::connect(address).expect("a connection");
        stream.set_read_timeout(Some(PATIENCE)).expect("a time-out");
        write!(stream, "GET /api/v1/live/events HTTP/1.1\r\nHost: {address}\r\n\r\n").expect("it takes requests");
        let mut client = Self(BufReader::new(stream));
        let status = client.line();
        let status = status.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status");
        (client, status)
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        assert_ne!(self.0.read_line(&mut line).expect("a line"), 0, "the stream ended");
        line
    }

    /// The next snapshot.
    fn next(&mut self) -> Value {
        loop {
            if let Some(data) = self.line().strip_prefix("data: ") {
                return snapshot(data);
            }
        }
    }
}

/// Waits until `is_so`.
fn wait_until(what: &str, is_so: impl Fn() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !is_so() {
        assert!(Instant::now() < deadline, "{what} does not come true");
        std::thread::sleep(Duration::from_millis(50));
    }
}

fn number(value: &Value, path: &str) -> f64 {
    value.pointer(path).and_then(Value::as_f64).unwrap_or_else(|| panic!("no number {path} in {value}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_snapshot_shows_what_the_machine_does() {
        let demo = Demo::start();
        let deadline = Instant::now() + PATIENCE;
        let snapshot = loop {
            let answer = get(demo.address, "/api/v1/live");
            assert_eq!((answer.status, answer.header("content-type")), (200, Some("application/json")));
            assert_eq!(answer.header("cache-control"), Some("no-store"));
            let snapshot = snapshot(&answer.body);
            let is_complete = number(&snapshot, "/machines/0/mips") > 0.0
                && snapshot.pointer("/machines/0/hot_blocks/0").is_some()
                && snapshot
                    .pointer("/machines/0/console/text")
                    .and_then(Value::as_str)
                    .is_some_and(|it| it.contains("round"));
            if is_complete {
                break snapshot;
            }
            assert!(Instant::now() < deadline, "{snapshot}");
        };
        let text = |path: &str| snapshot.pointer(path).and_then(Value::as_str).unwrap_or_else(|| panic!("{path}"));
        assert_eq!((text("/machines/0/name"), text("/machines/0/engine")), ("live", "tiered"));
        assert_eq!((text("/machines/0/state"), text("/machines/0/condition/level")), ("running", "ok"));
        for path in [
            "/version",
            "/process/cpus",
            "/machines/0/booted_ms",
            "/machines/0/jit/compiled",
            "/machines/0/cache/used_bytes",
        ] {
            assert!(number(&snapshot, path) > 0.0, "{path}");
        }
        let events = snapshot.pointer("/machines/0/events").and_then(Value::as_array).expect("events");
        let kinds: Vec<&str> = events.iter().filter_map(|event| event["event"].as_str()).collect();
        for kind in ["vm.created", "vm.state_changed", "execution.hotspot_detected"] {
            assert!(kinds.contains(&kind), "{kind} is not in {kinds:?}");
        }
        let metrics = get(demo.address, "/metrics").body;
        let compiled = metrics.lines().filter_map(|line| line.strip_prefix("riscope_jit_compilations_total{"));
        let compiled: f64 = compiled.filter_map(|line| line.split(' ').nth(1)?.parse::<f64>().ok()).sum();
        assert!(compiled >= number(&snapshot, "/machines/0/jit/compiled"), "the metrics are younger: {metrics}");
        demo.end();
    }

    #[test]
    fn a_stream_brings_snapshots_and_costs_nothing_once_nobody_looks() {
        let demo = Demo::start();
        assert!(!demo.is_looked_at(), "nobody looks yet");
        let (mut client, status) = Client::connect(demo.address);
        assert_eq!(status, 200);
        let (first, second, third) = (client.next(), client.next(), client.next());
        assert!(demo.is_looked_at());
        let sequence = |snapshot: &Value| number(snapshot, "/sequence");
        assert!(sequence(&first) < sequence(&second) && sequence(&second) < sequence(&third));
        assert!(number(&second, "/interval_seconds") > 0.0);
        drop(client);
        wait_until("that nobody looks", || !demo.is_looked_at());
        // Who comes then begins anew.
        let (mut client, _) = Client::connect(demo.address);
        assert!(sequence(&client.next()) <= 2.0);
        demo.end();
    }

    #[test]
    fn there_are_as_many_streams_as_said_and_who_leaves_makes_room() {
        let demo = Demo::start();
        let clients: Vec<Client> = (0..MAX_STREAMS)
            .map(|_| {
                let (client, status) = Client::connect(demo.address);
                assert_eq!(status, 200);
                client
            })
            .collect();
        let (_, status) = Client::connect(demo.address);
        assert_eq!(status, 503);
        assert_eq!(get(demo.address, "/api/v1/live").status, 200, "there is another way");
        assert_eq!(get(demo.address, "/metrics").status, 200);
        drop(clients);
        wait_until("room for another stream", || Client::connect(demo.address).1 == 200);
        demo.end();
    }

    #[test]
    fn clients_that_read_nothing_take_bounded_memory_and_are_dropped() {
        let demo = Demo::start();
        let (mut client, _) = Client::connect(demo.address);
        client.next();
        let before = demo.process.resident_bytes();
        let deaf: Vec<Client> = (0..DEAF).map(|_| Client::connect(demo.address).0).collect();
        let deadline = Instant::now() + PATIENCE;
        // Somebody else gets a place once the sockets of those who read nothing are full.
        while Client::connect(demo.address).1 != 200 {
            client.next();
            let grown = demo.process.resident_bytes().saturating_sub(before);
            assert!(grown < DEAF_MIB << 20, "{grown} bytes more");
            assert!(Instant::now() < deadline, "they are not dropped");
        }
        client.next();
        drop(deaf);
        demo.end();
    }
}
