//! End-to-end tests of the demo: it announces its address, exports metrics within seconds,
//! and ends on Ctrl-C.

mod support;

use std::io::Write;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use riscope_jit::JitConfig;
use riscope_telemetry::metric::family::EXECUTIONS_BUCKETS;
use rustix::process::Signal;
use support::PATIENCE;
use support::http::{address_in, ask, get, try_get};
use support::process::{Process, riscope};

/// Time limit from the demo's first line to metrics of compiled code.
const FIRST_METRICS: Duration = Duration::from_secs(10);
/// Time limit from Ctrl-C to the end.
const END: Duration = Duration::from_secs(2);
/// Time limit of a scrape whatever other clients do: half of that in the shipped Prometheus
/// configuration.
const SCRAPE: Duration = Duration::from_secs(2);

/// Connections that never finish: more than are served at a time.
const UNFINISHED: usize = 150;
/// Connections that read no response: as many as are served at a time.
const DEAF: usize = 64;
/// Requests on each of these, whose responses exceed all buffers.
const REQUESTS: usize = 200;
/// Connections that stay open after the response.
const IDLE: usize = 100;

/// A demo on a port of its own.
struct Demo {
    process: Process,
    address: SocketAddr,
    /// When its first line came.
    since: Instant,
}

impl Demo {
    fn start() -> Self {
        Self::start_with(&[])
    }

    fn start_with(options: &[&str]) -> Self {
        Self::start_in(options, &[])
    }

    /// A demo with these options, in an environment with these variables.
    fn start_in(options: &[&str], variables: &[(&str, &str)]) -> Self {
        let mut command = riscope(["demo", "--listen", "127.0.0.1:0"].iter().chain(options));
        command.envs(variables.iter().copied());
        let process = Process::start(command);
        let address = process.stderr.wait_for(PATIENCE, address_in);
        let address = address.unwrap_or_else(|| panic!("its first line has no address: {}", process.stderr.text()));
        Self { process, address, since: Instant::now() }
    }

    fn metrics(&self) -> String {
        get(self.address, "/metrics").body
    }

    /// Scrapes repeatedly for as long as idle clients are tolerated; fails if a scrape is
    /// slow.
    fn assert_scrapes_are_quick(&self) {
        let start = Instant::now();
        while start.elapsed() < Duration::from_secs(7) {
            let before = Instant::now();
            assert_eq!(get(self.address, "/metrics").status, 200);
            let took = before.elapsed();
            assert!(took < SCRAPE, "a scrape took {took:?} after {:?}", start.elapsed());
            std::thread::sleep(Duration::from_millis(250));
        }
    }

    /// Ends the demo by `signal`; returns the time that it takes.
    fn end(self, signal: Signal) -> Duration {
        let before = Instant::now();
        self.process.signal(signal);
        let outcome = self.process.finish();
        let took = before.elapsed();
        outcome.assert_code(130);
        took
    }
}

/// Clients that never read and have minimal receive buffers; each has sent `requests`
/// requests.
fn deaf_clients(address: SocketAddr, number: usize, requests: usize) -> Vec<TcpStream> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let mut clients = Vec::new();
        for _ in 0..number {
            let socket = tokio::net::TcpSocket::new_v4().expect("a socket");
            socket.set_recv_buffer_size(2048).expect("a small buffer");
            let client = socket.connect(address).await.and_then(tokio::net::TcpStream::into_std);
            let mut client = client.expect("a connection");
            client.set_nonblocking(false).expect("it can wait");
            // The connection may have been closed in favour of others already.
            let _ = client.write_all("GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n".repeat(requests).as_bytes());
            clients.push(client);
        }
        clients
    })
}

/// The sum of all series of a metric; 0 if there is none.
fn sum(metrics: &str, name: &str) -> f64 {
    let of_name = |line: &&str| line.strip_prefix(name).is_some_and(|rest| rest.starts_with(['{', ' ']));
    let value = |line: &str| -> f64 {
        let text = line.rsplit(' ').next().unwrap_or_default();
        text.parse().unwrap_or_else(|error| panic!("{line}: {error}"))
    };
    metrics.lines().filter(of_name).map(value).sum()
}

/// Fails unless `promtool` accepts the metrics.
fn assert_promtool_accepts(metrics: &str) {
    let mut promtool = Command::new("promtool");
    promtool.args(["check", "metrics"]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = promtool.spawn().unwrap_or_else(|error| panic!("{error}: install Debian's package `prometheus`"));
    child.stdin.take().expect("a pipe").write_all(metrics.as_bytes()).expect("promtool reads");
    let output = child.wait_with_output().expect("it ends");
    let said = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
    assert!(output.status.success() && said.is_empty(), "promtool: {said}\n{metrics}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metrics_show_compiled_code_within_ten_seconds() {
        let demo = Demo::start();
        const NAMES: [&str; 3] = [
            "riscope_jit_compilations_total",
            "riscope_jit_block_guest_bytes_count",
            "riscope_jit_hotspots_detected_total",
        ];
        let metrics = loop {
            let metrics = demo.metrics();
            if NAMES.iter().all(|name| sum(&metrics, name) > 0.0) {
                break metrics;
            }
            assert!(demo.since.elapsed() < FIRST_METRICS, "nothing is compiled:\n{metrics}");
            std::thread::sleep(Duration::from_millis(50));
        };
        assert!(demo.since.elapsed() < FIRST_METRICS, "it took {:?}", demo.since.elapsed());
        assert_promtool_accepts(&metrics);
        let took = demo.end(Signal::INT);
        assert!(took < END, "Ctrl-C ended it after {took:?}");
    }

    #[test]
    fn metrics_come_in_the_format_that_is_asked_for() {
        let demo = Demo::start();
        let text = get(demo.address, "/metrics");
        assert_eq!(text.status, 200);
        assert!(text.header("content-type").is_some_and(|it| it.starts_with("text/plain; version=0.0.4")), "{text:?}");
        assert!(!text.body.contains("# EOF"));
        let accept = "application/openmetrics-text; version=1.0.0, text/plain; q=0.5";
        let open = try_get(demo.address, "/metrics", accept).expect("an answer");
        assert_eq!(open.status, 200);
        let kind = open.header("content-type").expect("there is one");
        assert!(kind.starts_with("application/openmetrics-text; version=1.0.0"), "{kind}");
        assert!(open.body.ends_with("\n# EOF\n"), "{}", open.body);
        assert!(open.body.contains("# TYPE riscope_jit_compilations counter\n"), "{}", open.body);
        demo.end(Signal::TERM);
    }

    #[test]
    fn what_is_not_there_is_a_problem_as_json() {
        let demo = Demo::start();
        for path in ["/nothing", "/metrics/", "/api/v1/vms", "/..", "/%00"] {
            let answer = get(demo.address, path);
            assert_eq!(answer.status, 404, "{path}: {answer:?}");
            assert_eq!(answer.header("content-type"), Some("application/problem+json"), "{path}");
            let problem: serde_json::Value = serde_json::from_str(&answer.body).expect("JSON");
            assert_eq!(problem["status"], 404, "{path}");
            assert!(problem["title"].is_string() && problem["type"].is_string(), "{problem}");
        }
        let page = get(demo.address, "/");
        assert_eq!(page.status, 200);
        assert!(page.body.contains("href=\"/metrics\""), "{}", page.body);
        assert_eq!(get(demo.address, "/healthz").status, 200);
        assert_eq!(get(demo.address, "/readyz").status, 200);
        demo.end(Signal::INT);
    }

    #[test]
    fn what_can_only_be_read_is_a_problem_to_write() {
        let demo = Demo::start();
        let request = "POST /metrics HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
        let answer = ask(demo.address, request).expect("an answer");
        assert_eq!(
            (answer.status, answer.header("content-type")),
            (405, Some("application/problem+json")),
            "{answer:?}"
        );
        assert!(answer.header("allow").is_some_and(|methods| methods.contains("GET")), "{answer:?}");
        demo.end(Signal::INT);
    }

    #[test]
    fn what_is_accepted_may_be_said_in_several_lines() {
        let demo = Demo::start();
        let request = "GET /metrics HTTP/1.1\r\nHost: localhost\r\nAccept: text/plain;q=0.5\r\n\
                       Accept: application/openmetrics-text;version=1.0.0\r\nConnection: close\r\n\r\n";
        let answer = ask(demo.address, request).expect("an answer");
        let kind = answer.header("content-type").unwrap_or_default();
        assert!(kind.starts_with("application/openmetrics-text"), "{kind}");
        demo.end(Signal::INT);
    }

    #[test]
    fn hotspots_are_measured_where_they_are() {
        let threshold = f64::from(JitConfig::default().hot_threshold);
        assert!(EXECUTIONS_BUCKETS[..2].contains(&threshold), "{threshold} is not one of the first bounds");
        let demo = Demo::start();
        let metrics = demo.process.stderr.text()
            + &loop {
                let metrics = demo.metrics();
                if sum(&metrics, "riscope_jit_hotspot_executions_count") > 0.0 {
                    break metrics;
                }
                assert!(demo.since.elapsed() < PATIENCE, "no hotspots:\n{metrics}");
                std::thread::sleep(Duration::from_millis(50));
            };
        let count = sum(&metrics, "riscope_jit_hotspot_executions_count");
        let mean = sum(&metrics, "riscope_jit_hotspot_executions_sum") / count;
        let last = EXECUTIONS_BUCKETS[EXECUTIONS_BUCKETS.len() - 1];
        assert!((EXECUTIONS_BUCKETS[0]..=last).contains(&mean), "{mean} is outside of the bounds");
        let bucket = format!("riscope_jit_hotspot_executions_bucket{{le=\"{last}\"}} {count}\n");
        assert!(metrics.contains(&bucket), "no {bucket} in\n{metrics}");
        demo.end(Signal::INT);
    }

    #[test]
    fn a_busy_hart_is_seen_to_be_busy() {
        let demo = Demo::start();
        let busy = || -> f64 {
            let metrics = demo.metrics();
            let of_guest = |line: &&str| line.starts_with("riscope_vcpu_time_seconds_total{state=\"guest\"");
            let line = metrics.lines().find(of_guest).unwrap_or_else(|| panic!("no time:\n{metrics}"));
            line.rsplit(' ').next().and_then(|value| value.parse().ok()).expect("a number")
        };
        // The value must change while the guest runs, at whatever pace: the test does not
        // depend on the speed of the host.
        let patience = Instant::now() + Duration::from_secs(60);
        let first = busy();
        while busy() < first + 0.5 {
            assert!(Instant::now() < patience, "the demo's hart was busy for {} s in a minute", busy());
            std::thread::sleep(Duration::from_millis(100));
        }
        demo.end(Signal::INT);
    }

    #[test]
    fn clients_that_never_finish_keep_nobody_waiting() {
        let demo = Demo::start();
        // Silent ones, incomplete requests, and clients that do not read the response.
        let beginnings = ["", "GET /metrics HTTP/1.1\r\nHost:", "GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n"];
        let open: Vec<TcpStream> = (0..UNFINISHED)
            .map(|number| {
                let mut stream = TcpStream::connect(demo.address).expect("a connection");
                stream.write_all(beginnings[number % beginnings.len()].as_bytes()).expect("it can be written to");
                stream
            })
            .collect();
        demo.assert_scrapes_are_quick();
        let took = demo.end(Signal::INT);
        assert!(took < END, "Ctrl-C ended it after {took:?} with {} clients", open.len());
    }

    #[test]
    fn clients_that_do_not_read_keep_nobody_waiting() {
        let demo = Demo::start();
        let deaf = deaf_clients(demo.address, DEAF, REQUESTS);
        demo.assert_scrapes_are_quick();
        let took = demo.end(Signal::INT);
        assert!(took < END, "Ctrl-C ended it after {took:?} with {} clients", deaf.len());
    }

    #[test]
    fn clients_that_stay_after_their_answer_keep_nobody_waiting() {
        let demo = Demo::start();
        let idle = deaf_clients(demo.address, IDLE, 1);
        demo.assert_scrapes_are_quick();
        let took = demo.end(Signal::INT);
        assert!(took < END, "Ctrl-C ended it after {took:?} with {} clients", idle.len());
    }

    #[test]
    fn a_receiver_that_hangs_does_not_hold_up_the_end() {
        // The host accepts its connections; it never responds.
        let hung = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let url = format!("http://{}", hung.local_addr().expect("it has one"));
        let all = [("OTEL_LOGS_EXPORTER", "otlp"), ("OTEL_METRICS_EXPORTER", "otlp")];
        let interval = [("OTEL_METRIC_EXPORT_INTERVAL", "100")];
        let demo = Demo::start_in(&["--otlp", &url, "--log-console", "all"], &[&all[..], &interval].concat());
        // Spans, log records and metrics are being sent.
        let _exports = [(); 3].map(|()| hung.accept().expect("each signal comes"));
        let took = demo.end(Signal::INT);
        assert!(took < END, "Ctrl-C ended it after {took:?}");
    }
}
