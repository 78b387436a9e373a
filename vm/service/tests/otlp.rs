//! End-to-end tests of all signals by OTLP with independent receivers: `oteltap`, the collector `rotel`, and
//! VictoriaMetrics, which stores the metrics.

mod support;

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use rustix::process::Signal;
use serde_json::Value;
use support::PATIENCE;
use support::assembly::assemble;
use support::guest::{exec, linux};
use support::http::try_get;
use support::process::{Process, riscope};
use support::scratch::Scratch;

/// Time between two queries.
const LOOK: Duration = Duration::from_millis(200);

/// Path of an installed test tool.
fn tool(path: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../.cache/test-tools").join(path);
    assert!(path.exists(), "{} is missing: run `make tools`", path.display());
    path
}

/// A port without a listener.
fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a free port").port()
}

/// Starts a receiver and waits until it listens on `port`.
fn serve(mut command: Command, port: u16) -> Process {
    command.env("PYTHONUNBUFFERED", "1");
    let mut process = Process::start(command);
    let deadline = Instant::now() + PATIENCE;
    while TcpStream::connect(("127.0.0.1", port)).is_err() {
        assert!(!process.has_ended() && Instant::now() < deadline, "not ready: {}", process.stderr.text());
        std::thread::sleep(LOOK);
    }
    process
}

/// `oteltap` on a free port, with its URL.
fn oteltap() -> (Process, String) {
    let port = free_port();
    let mut command = Command::new(tool("venv/bin/oteltap"));
    command.args(["--port", &port.to_string()]);
    (serve(command, port), format!("http://127.0.0.1:{port}"))
}

/// A command of riscope that sends all signals to `url`.
fn sending<S: AsRef<std::ffi::OsStr>>(url: &str, arguments: impl IntoIterator<Item = S>) -> Command {
    let mut command = riscope(arguments);
    command.env("OTEL_EXPORTER_OTLP_ENDPOINT", url);
    command.env("OTEL_LOGS_EXPORTER", "otlp").env("OTEL_METRICS_EXPORTER", "otlp");
    command.env("OTEL_METRIC_EXPORT_INTERVAL", "1000");
    command
}

/// A program that powers off.
fn off(scratch: &Scratch) -> PathBuf {
    assemble(scratch, "off", ".globl _start\n_start: li t0, 0x100000\nli t1, 0x5555\nsw t1, 0(t0)\nj .\n")
}

/// Every object in the lines of `oteltap` that has one of these fields, at any depth.
fn objects(text: &str, fields: [&str; 2]) -> Vec<Value> {
    let complete = text.rsplit_once('\n').map_or("", |(lines, _)| lines);
    let mut found = Vec::new();
    for line in complete.lines().filter(|line| line.starts_with('{')) {
        let value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        collect(&value, fields, &mut found);
    }
    found
}

fn collect(value: &Value, fields: [&str; 2], found: &mut Vec<Value>) {
    match value {
        Value::Array(values) => values.iter().for_each(|value| collect(value, fields, found)),
        Value::Object(members) if fields.iter().any(|field| members.contains_key(*field)) => found.push(value.clone()),
        Value::Object(members) => members.values().for_each(|value| collect(value, fields, found)),
        _ => {}
    }
}

/// A text of an object, by either name.
fn text(object: &Value, names: [&str; 2]) -> String {
    let field = names.iter().find_map(|name| object.get(name));
    field.map_or_else(String::new, |field| field.as_str().map_or_else(|| field.to_string(), str::to_owned))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn oteltap_gets_a_guest_panic_as_log_records_in_the_trace_and_the_metrics_of_the_boot() {
        let (receiver, url) = oteltap();
        let command = "echo '<4>riscope: low on patience' >/dev/kmsg; echo c >/proc/sysrq-trigger";
        let mut arguments = linux(&format!("console_msg_format=syslog panic=0 {}", exec(command)));
        arguments.extend(["--on-panic", "exit", "--log-console", "warning"].map(str::to_owned));
        let outcome = Process::start(sending(&url, arguments)).finish();
        outcome.assert_code(71);
        let logs = receiver.stdout.wait_for(PATIENCE, |text| {
            let logs = objects(text, ["eventName", "event_name"]);
            logs.iter().any(|log| log.to_string().contains("riscope.vm.exited")).then_some(logs)
        });
        let logs = logs.unwrap_or_else(|| panic!("no log of the end in\n{}", receiver.stdout.text()));
        let named = |name: &str| logs.iter().filter(|log| text(log, ["eventName", "event_name"]) == name).collect();
        let panicked: Vec<&Value> = named("riscope.vm.guest_panicked");
        assert_eq!(panicked.len(), 1, "{logs:#?}");
        let lines: Vec<&Value> = named("riscope.vm.console_line");
        let said = |words: &str| lines.iter().find(|line| line.to_string().contains(words)).expect(words);
        let severity = |line: &Value| text(line, ["severityText", "severity_text"]);
        assert_eq!(severity(said("low on patience")), "WARN");
        assert_eq!(severity(said("Kernel panic - not syncing: sysrq triggered crash")), "FATAL");
        assert!(lines.iter().all(|line| !line.to_string().contains("Linux version")), "that is no warning");
        assert!(!Vec::<&Value>::is_empty(&named("riscope.execution.hotspot_detected")), "a boot has hotspots");
        // Of one trace, that of the spans.
        let spans = receiver.stdout.wait_for(PATIENCE, |text| {
            let spans = objects(text, ["startTimeUnixNano", "start_time_unix_nano"]);
            let spans: Vec<_> = spans.into_iter().filter(|it| it.get("name").is_some()).collect();
            spans.iter().any(|span| text_is(span, "vm.run")).then_some(spans)
        });
        let spans = spans.unwrap_or_else(|| panic!("no vm.run in\n{}", receiver.stdout.text()));
        let trace = |object: &Value| text(object, ["traceId", "trace_id"]);
        let run = spans.iter().find(|span| text_is(span, "vm.run")).expect("it is there");
        for log in panicked.iter().chain(&lines) {
            assert_eq!(trace(log), trace(run), "{log}");
        }
        let metrics = receiver.stdout.text();
        for name in ["riscope_vm_guest_panics_total", "riscope_jit_block_guest_bytes", "riscope_vms"] {
            assert!(metrics.contains(name), "no metric {name}");
        }
    }

    fn text_is(span: &Value, name: &str) -> bool {
        text(span, ["name", "name"]) == name
    }

    #[test]
    fn a_collector_gets_all_signals() {
        let (http, grpc) = (free_port(), free_port());
        let mut command = Command::new(tool("rotel/rotel/rotel-agent"));
        command.args(["start", "--exporter", "blackhole", "--debug-log-verbosity", "detailed"]);
        command.args(["--debug-log", "traces", "--debug-log", "metrics", "--debug-log", "logs"]);
        command.args(["--otlp-http-endpoint", &format!("127.0.0.1:{http}")]);
        command.args(["--otlp-grpc-endpoint", &format!("127.0.0.1:{grpc}")]);
        let collector = serve(command, http);
        let scratch = Scratch::new();
        let program = off(&scratch);
        let arguments = ["run", "--memory", "1M", "--bios", program.to_str().expect("the path is UTF-8")];
        for compression in ["none", "gzip"] {
            let mut command = sending(&format!("http://127.0.0.1:{http}"), arguments);
            command.env("OTEL_EXPORTER_OTLP_COMPRESSION", compression).env("OTEL_SERVICE_NAME", compression);
            let outcome = Process::start(command).finish();
            outcome.assert_code(0);
            assert_eq!(outcome.stderr, "", "everything has arrived");
        }
        for expected in ["vm.run", "riscope.vm.exited", "riscope_vm_exits_total", "gzip"] {
            collector.expect_stdout(expected);
        }
    }

    /// The value of a query; `None` without a result.
    fn query(store: SocketAddr, query: &str) -> Option<f64> {
        let path = format!("/api/v1/query?query={}", query.replace('{', "%7B").replace('}', "%7D").replace('"', "%22"));
        let answer = try_get(store, &path, "application/json").ok()?;
        let value: Value =
            serde_json::from_str(&answer.body).unwrap_or_else(|error| panic!("{error}: {}", answer.body));
        value["data"]["result"][0]["value"][1].as_str()?.parse().ok()
    }

    /// Waits for a query to have a value above `least`.
    fn expect(store: SocketAddr, text: &str, least: f64) {
        let deadline = Instant::now() + PATIENCE;
        while query(store, text).is_none_or(|value| value <= least) {
            assert!(Instant::now() < deadline, "{text} gives {:?}", query(store, text));
            std::thread::sleep(LOOK);
        }
    }

    #[test]
    fn a_store_of_metrics_answers_the_queries_of_the_dashboards() {
        let scratch = Scratch::new();
        let port = free_port();
        let mut command = Command::new(tool("bin/victoria-metrics"));
        command.arg(format!("-httpListenAddr=127.0.0.1:{port}"));
        command.arg(format!("-storageDataPath={}", scratch.join("store").display()));
        command.args(["-search.latencyOffset=0s", "-memory.allowedBytes=256MB", "-retentionPeriod=1d"]);
        let _store = serve(command, port);
        let store = SocketAddr::from(([127, 0, 0, 1], port));
        let mut command = riscope(["demo", "--listen", "127.0.0.1:0", "--name", "pushed"]);
        command.env("OTEL_METRICS_EXPORTER", "otlp").env("OTEL_METRIC_EXPORT_INTERVAL", "500");
        let url = format!("http://127.0.0.1:{port}/opentelemetry/v1/metrics");
        command.env("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", url);
        let demo = Process::start(command);
        expect(store, "sum(riscope_vm_info{name=\"pushed\"})", 0.0);
        expect(store, "sum(riscope_jit_compilations_total{result=\"ok\"})", 0.0);
        expect(store, "sum(rate(riscope_guest_instructions_total[5s]))", 1000.0);
        expect(store, "histogram_quantile(0.9,sum(riscope_jit_block_guest_bytes_bucket)by(le))", 0.0);
        expect(store, "sum(riscope_jit_block_guest_bytes_count{tier=\"baseline\"})", 0.0);
        demo.signal(Signal::INT);
        let outcome = demo.finish();
        assert!(!outcome.stderr.contains("metrics to"), "everything has arrived: {}", outcome.stderr);
    }

    #[test]
    fn the_trace_of_the_environment_goes_on_in_the_machine_and_its_guest() {
        const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
        let (receiver, url) = oteltap();
        let arguments = linux(&format!("quiet {}", exec("echo it is $traceparent; exit 0")));
        let mut command = sending(&url, arguments.into_iter().chain(["--traceparent".to_owned()]));
        command.env("TRACEPARENT", format!("00-{TRACE}-b7ad6b7169203331-01"));
        let outcome = Process::start(command).finish();
        outcome.assert_code(0);
        let told = outcome.stdout.split("it is 00-").nth(1).unwrap_or_else(|| panic!("{}", outcome.log()));
        let run = receiver.stdout.wait_for(PATIENCE, |text| {
            let spans = objects(text, ["startTimeUnixNano", "start_time_unix_nano"]);
            spans.into_iter().find(|span| text_is(span, "vm.run"))
        });
        let run = run.unwrap_or_else(|| panic!("no vm.run in\n{}", receiver.stdout.text()));
        let id = text(&run, ["spanId", "span_id"]);
        assert!(told.starts_with(&format!("{TRACE}-")), "{told}");
        // Receivers print identities in hexadecimal or base64.
        if id.len() == 16 {
            assert!(told[33..].starts_with(&format!("{id}-01")), "{told} {id}");
            assert_eq!(text(&run, ["parentSpanId", "parent_span_id"]), "b7ad6b7169203331");
        }
    }
}
