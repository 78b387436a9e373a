//! End-to-end tests of span export, and of receivers that are absent or do not respond,
//! which affect nothing else.
//!
//! The receiver is `oteltap`, which prints each request as a line of JSON.

mod support;

use std::net::TcpListener;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use serde_json::Value;
use support::PATIENCE;
use support::assembly::assemble;
use support::guest::{exec, linux};
use support::process::{Outcome, Process, riscope, run};
use support::scratch::Scratch;

/// Maximum delay of a run by undeliverable spans.
const DELAY: Duration = Duration::from_secs(15);

/// Fields of a span that the tests check.
#[derive(Debug)]
struct Span {
    name: String,
    trace: String,
    id: String,
    parent: String,
    /// Nanoseconds since the Unix epoch.
    start: u128,
    end: u128,
}

/// Every span in a document of OTLP as JSON, at any depth.
fn collect(value: &Value, spans: &mut Vec<Span>) {
    match value {
        Value::Array(values) => values.iter().for_each(|value| collect(value, spans)),
        Value::Object(fields) => {
            let text = |names: [&str; 2]| {
                let field = names.iter().find_map(|name| fields.get(*name));
                field.map(|field| field.as_str().map_or_else(|| field.to_string(), str::to_owned)).unwrap_or_default()
            };
            let id = text(["spanId", "span_id"]);
            let start = text(["startTimeUnixNano", "start_time_unix_nano"]);
            if id.is_empty() || start.is_empty() {
                fields.values().for_each(|value| collect(value, spans));
                return;
            }
            let number = |text: String| text.parse().unwrap_or_else(|error| panic!("{text}: {error}"));
            spans.push(Span {
                name: text(["name", "name"]),
                trace: text(["traceId", "trace_id"]),
                id,
                parent: text(["parentSpanId", "parent_span_id"]),
                start: number(start),
                end: number(text(["endTimeUnixNano", "end_time_unix_nano"])),
            });
        }
        _ => {}
    }
}

/// A receiver on a free port.
struct Receiver {
    process: Process,
    port: u16,
}

impl Receiver {
    fn start() -> Self {
        let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../.cache/test-tools/venv/bin/oteltap");
        assert!(program.exists(), "oteltap is missing: run `make tools`");
        let port = free_port();
        let mut command = Command::new(program);
        command.args(["--port", &port.to_string()]).env("PYTHONUNBUFFERED", "1");
        let process = Process::start(command);
        let deadline = Instant::now() + PATIENCE;
        while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(Instant::now() < deadline, "oteltap does not listen: {}", process.stderr.text());
            std::thread::sleep(Duration::from_millis(20));
        }
        Self { process, port }
    }

    fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Waits until there is a span of this name; returns all spans so far.
    fn spans(&self, name: &str) -> Vec<Span> {
        let found = self.process.stdout.wait_for(PATIENCE, |text| {
            let mut spans = Vec::new();
            // The last line may be incomplete.
            let complete = text.rsplit_once('\n').map_or("", |(lines, _)| lines);
            // It also prints its port.
            for line in complete.lines().filter(|line| line.starts_with('{')) {
                let value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
                collect(&value, &mut spans);
            }
            spans.iter().any(|span| span.name == name).then_some(spans)
        });
        found.unwrap_or_else(|| panic!("no span {name:?} in\n{}", self.process.stdout.text()))
    }
}

/// A port without a listener.
fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a free port").port()
}

/// Boots Debian's kernel, with spans sent to `otlp` if given.
fn boot(otlp: Option<&str>) -> Outcome {
    let mut arguments = linux(&format!("quiet {}", exec("echo hello from the guest; exit 0")));
    arguments.extend(otlp.into_iter().flat_map(|url| ["--otlp", url]).map(str::to_owned));
    run(arguments)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> u128 {
        SystemTime::now().duration_since(UNIX_EPOCH).expect("it is after 1970").as_nanos()
    }

    #[test]
    fn a_receiver_gets_boot_and_hotspots_with_parents_and_times() {
        let receiver = Receiver::start();
        let before = now();
        let outcome = boot(Some(&receiver.url()));
        let after = now();
        outcome.assert_code(0);
        // The span of the whole run ends last, but batches may arrive out of order.
        let spans = receiver.spans("vm.run");
        let named = |name: &str| {
            let found: Vec<&Span> = spans.iter().filter(|span| span.name == name).collect();
            assert_eq!(found.len(), 1, "one span {name} in {spans:#?}");
            found[0]
        };
        let run = named("vm.run");
        assert_eq!(run.parent, "", "the run is the root");
        assert!(before <= run.start && run.end <= after, "{before} {run:?} {after}");
        assert!(spans.iter().all(|span| span.trace == run.trace), "one machine is one trace");
        let inside = |span: &Span, parent: &Span| {
            assert_eq!(span.parent, parent.id, "{span:?} belongs to {parent:?}");
            assert!(
                parent.start <= span.start && span.start <= span.end && span.end <= parent.end,
                "{span:?} {parent:?}"
            );
        };
        let boot = named("vm.boot");
        inside(boot, run);
        let phases = ["vm.boot.load", "vm.boot.fdt", "vm.boot.kernel"].map(named);
        for phase in phases {
            inside(phase, boot);
        }
        assert!(phases.is_sorted_by_key(|phase| phase.start), "{phases:#?}");
        // Long compilations may be among them; the tests of telemetry make some.
        let of_engine: Vec<&Span> = spans.iter().filter(|span| span.name.starts_with("jit.")).collect();
        assert!(of_engine.iter().any(|span| span.name == "jit.hotspot"), "a boot has hotspots: {spans:#?}");
        for span in of_engine {
            let parent = spans.iter().find(|other| other.id == span.parent);
            let parent = parent.unwrap_or_else(|| panic!("the parent of {span:?} did not come"));
            assert!(["vm.run", "vm.boot", "jit.hotspot"].contains(&parent.name.as_str()), "{span:?} in {parent:?}");
            assert!(span.start <= span.end && span.start >= parent.start, "{span:?} in {parent:?}");
        }
    }

    #[test]
    fn an_endpoint_of_the_environment_that_cannot_be_used_is_a_warning() {
        let scratch = Scratch::new();
        let off =
            assemble(&scratch, "off", ".globl _start\n_start: li t0, 0x100000\nli t1, 0x5555\nsw t1, 0(t0)\nj .\n");
        let arguments = ["run", "--memory", "1M", "--bios", off.to_str().expect("the path is UTF-8")];
        let mut command = riscope(arguments);
        command.env("OTEL_EXPORTER_OTLP_ENDPOINT", "grpc://127.0.0.1:4317");
        let outcome = Process::start(command).finish();
        outcome.assert_code(0);
        let told = outcome.stderr.matches("OTEL_EXPORTER_OTLP_ENDPOINT").count();
        assert_eq!((told, outcome.stderr.lines().count()), (1, 1), "{}", outcome.log());
        // An option on the command line makes it an error.
        let refused = run(arguments.into_iter().chain(["--otlp", "grpc://127.0.0.1:4317"]));
        refused.assert_code(2);
    }

    #[test]
    fn spans_that_do_not_arrive_are_told_on_stderr_also_without_metrics() {
        let scratch = Scratch::new();
        let off =
            assemble(&scratch, "off", ".globl _start\n_start: li t0, 0x100000\nli t1, 0x5555\nsw t1, 0(t0)\nj .\n");
        let url = format!("http://127.0.0.1:{}", free_port());
        let program = off.to_str().expect("the path is UTF-8");
        let outcome = run(["run", "--memory", "1M", "--bios", program, "--otlp", &url]);
        outcome.assert_code(0);
        let last = outcome.stderr.lines().last().unwrap_or_default();
        for words in [&format!("{url}/v1/traces"), "0 delivered", "connection refused"] {
            assert!(last.contains(words), "{words} is not in the last line of:\n{}", outcome.stderr);
        }
        // Delivered spans cause no message.
        let receiver = Receiver::start();
        let outcome = run(["run", "--memory", "1M", "--bios", program, "--otlp", &receiver.url()]);
        outcome.assert_code(0);
        assert_eq!(outcome.stderr, "");
    }

    #[test]
    fn receivers_that_are_dead_or_hang_change_nothing() {
        // With a quiet kernel, output is the same in each run.
        let plain = boot(None);
        plain.assert_code(0);
        assert!(plain.stdout.contains("hello from the guest"), "{}", plain.log());
        let visible = |outcome: &Outcome| {
            let lines = outcome.stdout.lines().filter(|line| !line.starts_with('['));
            lines.map(str::trim_end).collect::<Vec<_>>().join("\n")
        };
        // The host accepts its connections; it never responds.
        let hung = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let hung_port = hung.local_addr().expect("it has one").port();
        for port in [free_port(), hung_port] {
            let mut arguments = linux(&format!("quiet {}", exec("echo hello from the guest; exit 0")));
            arguments.extend(["--otlp", &format!("http://127.0.0.1:{port}")].map(str::to_owned));
            let process = Process::start(riscope(arguments));
            process.expect_stdout("Power down");
            let down = Instant::now();
            let outcome = process.finish();
            assert!(down.elapsed() < DELAY, "it takes {:?} to end", down.elapsed());
            outcome.assert_code(0);
            assert_eq!(visible(&outcome), visible(&plain));
        }
    }
}
