//! Tests of the HTTP endpoint, byte by byte: allowed hosts, persistent connections, gzip,
//! `HEAD`, and malformed requests.

mod support;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};

use flate2::read::GzDecoder;
use rustix::process::Signal;
use support::PATIENCE;
use support::http::{Answer, address_in, ask, get};
use support::process::{Process, riscope};

/// A demo on a port of its own.
struct Demo {
    process: Process,
    address: SocketAddr,
}

impl Demo {
    fn start(options: &[&str]) -> Self {
        let listen = ["demo", "--phases", "integer", "--listen"];
        let process = Process::start(riscope(listen.iter().chain(options)));
        let address = process.stderr.wait_for(PATIENCE, address_in);
        let address = address.unwrap_or_else(|| panic!("its first line has no address: {}", process.stderr.text()));
        Self { process, address }
    }

    /// Response to a request of these lines, on a connection of its own.
    fn ask(&self, lines: &[&str]) -> Answer {
        ask(self.address, &request(lines)).unwrap_or_else(|error| panic!("{lines:?}: {error}"))
    }

    fn end(self) {
        self.process.signal(Signal::INT);
        self.process.finish().assert_code(130);
    }
}

/// A request of these lines.
fn request(lines: &[&str]) -> String {
    lines.iter().map(|line| format!("{line}\r\n")).collect::<String>() + "\r\n"
}

/// Client that keeps its connection.
struct Client(BufReader<TcpStream>);

impl Client {
    fn connect(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).expect("a connection");
        stream.set_read_timeout(Some(PATIENCE)).expect("a time-out");
        Self(BufReader::new(stream))
    }

    fn send(&mut self, text: &str) {
        self.0.get_mut().write_all(text.as_bytes()).expect("it takes requests");
    }

    /// The next response: its head, and a body of `Content-Length` bytes, or none after
    /// `HEAD`.
    fn answer(&mut self, has_body: bool) -> (String, Vec<u8>) {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            assert_ne!(self.0.read_line(&mut head).expect("an answer"), 0, "the connection ended: {head}");
        }
        let length = field(&head, "content-length").and_then(|value| value.parse().ok()).expect("a length");
        let mut body = vec![0; if has_body { length } else { 0 }];
        self.0.read_exact(&mut body).expect("a body");
        (head, body)
    }

    /// Whether the other end has closed the connection.
    fn is_at_end(&mut self) -> bool {
        self.0.read(&mut [0]).expect("an end") == 0
    }
}

/// The value of a header.
fn field<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    let mut fields = head.lines().filter_map(|line| line.split_once(':'));
    fields.find(|(found, _)| found.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_without_exactly_one_host_is_refused() {
        let demo = Demo::start(&["127.0.0.1:0"]);
        for lines in [
            &["GET /metrics HTTP/1.1", "Connection: close"][..],
            &["GET /metrics HTTP/1.1", "Host: localhost", "Host: localhost", "Connection: close"],
            &["GET /metrics HTTP/1.1", "Host: localhost", "Host: other", "Connection: close"],
            &["GET /metrics HTTP/1.1", "Host: a b", "Connection: close"],
            &["GET /metrics HTTP/1.1", "Host: user@localhost", "Connection: close"],
            &["GET /nothing HTTP/1.1", "Connection: close"],
        ] {
            let answer = demo.ask(lines);
            assert_eq!(answer.status, 400, "{lines:?}: {answer:?}");
            assert_eq!(answer.header("content-type"), Some("application/problem+json"), "{lines:?}");
        }
        assert_eq!(demo.ask(&["GET /healthz HTTP/1.0"]).status, 200, "HTTP/1.0 has no Host");
        demo.end();
    }

    #[test]
    fn only_hosts_that_somebody_chose_are_served() {
        let demo = Demo::start(&["localhost:0", "--allow-host", "vm.example"]);
        let port = demo.address.port();
        let ask = |host: &str| demo.ask(&["GET /metrics HTTP/1.1", &format!("Host: {host}"), "Connection: close"]);
        for host in ["127.0.0.1", &format!("127.0.0.1:{port}"), "[::1]:80", "localhost", "LocalHost:1", "vm.example"] {
            assert_eq!(ask(host).status, 200, "{host}");
        }
        for host in ["evil.example", "vm.example.evil.example", &format!("evil.example:{port}")] {
            let answer = ask(host);
            assert_eq!(answer.status, 421, "{host}: {answer:?}");
            assert!(answer.body.contains("--allow-host"), "{answer:?}");
        }
        let target = demo.ask(&["GET http://evil.example/metrics HTTP/1.1", "Host: localhost", "Connection: close"]);
        assert_eq!(target.status, 421, "the target counts: {target:?}");
        demo.end();
    }

    #[test]
    fn every_host_is_served_if_that_is_wanted() {
        let demo = Demo::start(&["127.0.0.1:0", "--allow-host", "*"]);
        assert_eq!(demo.ask(&["GET /healthz HTTP/1.1", "Host: anything", "Connection: close"]).status, 200);
        demo.end();
    }

    #[test]
    fn a_connection_serves_many_requests_and_not_endlessly_many() {
        let demo = Demo::start(&["127.0.0.1:0"]);
        let mut client = Client::connect(demo.address);
        let (mut count, mut is_last) = (0, false);
        while !is_last {
            client.send(&request(&["GET /healthz HTTP/1.1", "Host: localhost"]));
            let (head, body) = client.answer(true);
            assert!(head.starts_with("HTTP/1.1 200 ") && body == b"ok\n", "{head}");
            count += 1;
            is_last = field(&head, "connection") == Some("close");
            assert!(count <= 10_000, "no end of requests on one connection");
        }
        assert!(count > 100, "only {count} requests");
        assert!(client.is_at_end());
        demo.end();
    }

    #[test]
    fn a_scraper_keeps_its_connection_beside_clients_that_come_and_go() {
        let demo = Demo::start(&["127.0.0.1:0"]);
        let mut client = Client::connect(demo.address);
        for _ in 0..5 {
            client.send(&request(&["GET /metrics HTTP/1.1", "Host: localhost"]));
            let (head, body) = client.answer(true);
            assert!(head.starts_with("HTTP/1.1 200 ") && !body.is_empty(), "{head}");
            for _ in 0..20 {
                assert_eq!(get(demo.address, "/healthz").status, 200);
            }
        }
        demo.end();
    }

    #[test]
    fn requests_that_come_at_once_are_answered_in_order() {
        let demo = Demo::start(&["127.0.0.1:0"]);
        let mut client = Client::connect(demo.address);
        let [first, second] =
            ["/", "/healthz"].map(|path| request(&[&format!("GET {path} HTTP/1.1"), "Host: localhost"]));
        client.send(&(first + &second));
        assert!(String::from_utf8_lossy(&client.answer(true).1).contains("riscope"));
        assert_eq!(client.answer(true).1, b"ok\n");
        demo.end();
    }

    #[test]
    fn metrics_are_compressed_for_those_who_accept_it() {
        let demo = Demo::start(&["127.0.0.1:0"]);
        let mut client = Client::connect(demo.address);
        let mut metrics = |accept: &str| {
            client.send(&request(&["GET /metrics HTTP/1.1", "Host: localhost", accept]));
            client.answer(true)
        };
        for accept in ["Accept-Encoding: gzip", "accept-encoding: br;q=1.0, gzip;q=0.5"] {
            let (head, body) = metrics(accept);
            assert_eq!(field(&head, "content-encoding"), Some("gzip"), "{accept}: {head}");
            assert!(
                field(&head, "vary").is_some_and(|value| value.to_lowercase().contains("accept-encoding")),
                "{head}"
            );
            let mut text = String::new();
            GzDecoder::new(body.as_slice()).read_to_string(&mut text).expect("it is gzip");
            assert!(text.contains("\nriscope_"), "{text}");
            assert!(body.len() * 3 < text.len(), "{} of {} bytes", body.len(), text.len());
        }
        for accept in ["Accept-Encoding: identity", "Accept-Encoding: gzip;q=0", "Accept: text/plain"] {
            let (head, body) = metrics(accept);
            assert_eq!(field(&head, "content-encoding"), None, "{accept}: {head}");
            assert!(String::from_utf8_lossy(&body).contains("\nriscope_"), "{accept}");
        }
        demo.end();
    }

    #[test]
    fn head_is_get_without_a_body() {
        let demo = Demo::start(&["127.0.0.1:0"]);
        let mut client = Client::connect(demo.address);
        for (path, status, kind) in [
            ("/", 200, "text/html"),
            ("/metrics", 200, "text/plain; version=0.0.4"),
            ("/healthz", 200, "text/plain"),
            ("/nothing", 404, "application/problem+json"),
        ] {
            client.send(&request(&[&format!("HEAD {path} HTTP/1.1"), "Host: localhost"]));
            // A body would be read as the start of the next head.
            let (head, _) = client.answer(false);
            assert!(head.starts_with(&format!("HTTP/1.1 {status} ")), "{path}: {head}");
            assert!(field(&head, "content-type").is_some_and(|value| value.starts_with(kind)), "{path}: {head}");
        }
        demo.end();
    }

    #[test]
    fn what_is_no_request_is_refused_and_its_connection_ends() {
        let demo = Demo::start(&["127.0.0.1:0"]);
        for text in [
            "nonsense\r\n\r\n",
            "GET\r\n\r\n",
            "GET /metrics\r\n\r\n",
            "GET /metrics HTTP/9.9\r\nHost: localhost\r\n\r\n",
            "GET /me trics HTTP/1.1\r\nHost: localhost\r\n\r\n",
            "GET /metrics HTTP/1.1\r\nHost localhost\r\n\r\n",
            "GET /metrics HTTP/1.1\r\nHost: localhost\r\nContent-Length: x\r\n\r\n",
            "GET /metrics HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
            "\0\0\0\0\r\n\r\n",
        ] {
            let answer = ask(demo.address, text).unwrap_or_else(|error| panic!("{text:?}: {error}"));
            assert_eq!(answer.status, 400, "{text:?}: {answer:?}");
        }
        let long = format!("GET /metrics HTTP/1.1\r\nHost: localhost\r\nX: {}\r\n\r\n", "x".repeat(1 << 20));
        let answer = ask(demo.address, &long);
        // The server may close before everything is sent.
        assert!(answer.as_ref().map_or(true, |answer| answer.status == 431), "{answer:?}");
        assert_eq!(get(demo.address, "/healthz").status, 200, "others are served on");
        demo.end();
    }
}
