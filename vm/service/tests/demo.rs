//! The demo as a newcomer sees it: it tells where to look, within seconds there is something to see, and Ctrl-C ends it.

mod support;

use std::io::Write;
use std::net::{SocketAddr, TcpStream};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::Signal;
use support::PATIENCE;
use support::http::{address_in, get, try_get};
use support::process::{Process, riscope};

/// From the demo's first line to metrics that show compiled code.
const FIRST_METRICS: Duration = Duration::from_secs(10);
/// From Ctrl-C to the end.
const END: Duration = Duration::from_secs(2);

/// A demo on a port of its own.
struct Demo {
    process: Process,
    address: SocketAddr,
    /// When its first line came.
    since: Instant,
}

impl Demo {
    fn start() -> Self {
        let process = Process::start(riscope(["demo", "--listen", "127.0.0.1:0"]));
        let address = process.stderr.wait_for(PATIENCE, address_in);
        let address = address.unwrap_or_else(|| panic!("its first line has no address: {}", process.stderr.text()));
        Self { process, address, since: Instant::now() }
    }

    fn metrics(&self) -> String {
        get(self.address, "/metrics").body
    }

    /// Ends it by `signal`; how long that took.
    fn end(self, signal: Signal) -> Duration {
        let before = Instant::now();
        self.process.signal(signal);
        let outcome = self.process.finish();
        let took = before.elapsed();
        outcome.assert_code(130);
        took
    }
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
    fn clients_that_never_finish_keep_nobody_waiting() {
        let demo = Demo::start();
        // More than are served at a time: silent ones, ones that stop in the middle, ones that do not read the answer.
        let beginnings = ["", "GET /metrics HTTP/1.1\r\nHost:", "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n"];
        let open: Vec<TcpStream> = (0..150)
            .map(|number| {
                let mut stream = TcpStream::connect(demo.address).expect("a connection");
                stream.write_all(beginnings[number % beginnings.len()].as_bytes()).expect("it can be written to");
                stream
            })
            .collect();
        let answer = get(demo.address, "/metrics");
        assert_eq!(answer.status, 200);
        let took = demo.end(Signal::INT);
        assert!(took < END, "Ctrl-C ended it after {took:?} with {} clients", open.len());
    }
}
