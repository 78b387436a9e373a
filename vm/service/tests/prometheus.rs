//! A real Prometheus with the shipped configuration and rules: it scrapes two demos, every panel of the dashboards
//! finds data, and the alert on hotspots fires for the one that keeps making new code and not for the other.

mod support;

use std::fs;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::Value;
use support::PATIENCE;
use support::assembly::assemble;
use support::http::{address_in, get, try_get};
use support::process::{Process, riscope};
use support::scratch::Scratch;

/// Time between two looks at Prometheus.
const LOOK: Duration = Duration::from_millis(500);

/// A folder of the source tree.
fn tree(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(path)
}

/// A demo that stays in one phase, and its address.
fn demo(phase: &str) -> (Process, SocketAddr) {
    let process = Process::start(riscope(["demo", "--phases", phase, "--seconds", "86400", "--listen", "127.0.0.1:0"]));
    let address = process.stderr.wait_for(PATIENCE, address_in);
    let address = address.unwrap_or_else(|| panic!("no address: {}", process.stderr.text()));
    (process, address)
}

/// A machine whose program traps so many times, in half a second for 64, and then resets it, for ever; and its
/// address.
fn restless(scratch: &Scratch, traps: u32) -> (Process, SocketAddr) {
    let source = ".globl _start
        _start: la t0, trap
        csrw mtvec, t0
        li s1, TRAPS
        again: ecall
        li t1, 1 << 20
        spin: addi t1, t1, -1
        bnez t1, spin
        addi s1, s1, -1
        bnez s1, again
        li t0, 0x100000
        li t1, 0x7777
        sw t1, 0(t0)
        wait: j wait
        .balign 4
        trap: csrr t0, mepc
        addi t0, t0, 4
        csrw mepc, t0
        mret\n";
    let program = assemble(scratch, "restless", &source.replace("TRAPS", &traps.to_string()));
    let program = program.to_str().expect("the path is UTF-8");
    let process = Process::start(riscope(["run", "--bios", program, "--memory", "1M", "--listen", "127.0.0.1:0"]));
    let address = process.stderr.wait_for(PATIENCE, address_in);
    let address = address.unwrap_or_else(|| panic!("no address: {}", process.stderr.text()));
    (process, address)
}

/// A Prometheus that scrapes some targets.
struct Prometheus {
    process: Process,
    address: SocketAddr,
    _folder: Scratch,
}

impl Prometheus {
    /// Starts it with the shipped configuration, of which only the targets are replaced.
    fn start(targets: &[SocketAddr]) -> Self {
        let folder = Scratch::new();
        let shipped = fs::read_to_string(tree("deploy/prometheus/prometheus.yml")).expect("it is there");
        let list: Vec<String> = targets.iter().map(|target| format!("\"{target}\"")).collect();
        assert_eq!(shipped.matches("\"127.0.0.1:8440\"").count(), 1, "the shipped configuration has one target");
        let configuration = folder.write("prometheus.yml", shipped.replace("\"127.0.0.1:8440\"", &list.join(", ")));
        fs::create_dir(folder.join("rules")).expect("a new folder");
        for entry in tree("deploy/prometheus/rules").read_dir().expect("it is there") {
            let path = entry.expect("it can be read").path();
            let name = path.file_name().expect("a file").to_string_lossy().into_owned();
            fs::copy(&path, folder.join("rules").join(name)).expect("it can be copied");
        }
        let address = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a free port");
        let mut command = Command::new("prometheus");
        command.arg(format!("--config.file={}", configuration.display()));
        command.arg(format!("--storage.tsdb.path={}", folder.join("data").display()));
        command.arg(format!("--web.listen-address={address}"));
        let mut process = Process::start(command);
        let deadline = Instant::now() + PATIENCE;
        while !try_get(address, "/-/ready", "*/*").is_ok_and(|answer| answer.status == 200) {
            assert!(!process.has_ended() && Instant::now() < deadline, "not ready:\n{}", process.stderr.text());
            std::thread::sleep(LOOK);
        }
        Self { process, address, _folder: folder }
    }

    /// The result of an instant query.
    fn query(&self, expression: &str) -> Vec<Value> {
        let path = format!("/api/v1/query?query={}", escaped(expression));
        let answer = try_get(self.address, &path, "application/json");
        let answer = answer.unwrap_or_else(|error| panic!("{error}:\n{}", self.process.stderr.text()));
        let json: Value = serde_json::from_str(&answer.body).unwrap_or_else(|error| panic!("{error}: {answer:?}"));
        assert_eq!(json["status"], "success", "{expression}: {json}");
        json["data"]["result"].as_array().expect("a vector").clone()
    }

    /// Waits until a query finds something.
    fn expect(&self, expression: &str) {
        let deadline = Instant::now() + PATIENCE;
        while self.query(expression).is_empty() {
            assert!(Instant::now() < deadline, "{expression} finds nothing: {:#?}", self.query("up"));
            std::thread::sleep(LOOK);
        }
    }
}

/// An expression as part of a URL.
fn escaped(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte);
    text.bytes().map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect()
}

/// The queries of all panels, each with the panel's title, and with Grafana's variables replaced.
fn panel_queries() -> Vec<(String, String)> {
    fn collect(value: &Value, title: &str, queries: &mut Vec<(String, String)>) {
        for panel in value["panels"].as_array().into_iter().flatten() {
            let title = panel["title"].as_str().unwrap_or(title);
            for target in panel["targets"].as_array().into_iter().flatten() {
                let expression = target["expr"].as_str().expect("a query has an expression");
                let expression = expression.replace("$__rate_interval", "1m").replace("$job", ".+");
                let expression = expression.replace("$instance", ".+").replace("$vm_id", ".+");
                assert!(!expression.contains('$'), "an unknown variable in {expression}");
                queries.push((title.to_owned(), expression));
            }
            collect(panel, title, queries);
        }
    }
    let mut queries = Vec::new();
    for entry in tree("grafana/dashboards").read_dir().expect("it is there") {
        let text = fs::read_to_string(entry.expect("it can be read").path()).expect("a text");
        collect(&serde_json::from_str(&text).expect("JSON"), "", &mut queries);
    }
    assert!(queries.len() > 20, "only {} queries: {queries:#?}", queries.len());
    queries
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_machine_that_was_reset_keeps_its_counters() {
        let scratch = Scratch::new();
        let (mut process, address) = restless(&scratch, 4);
        let start = Instant::now();
        let (mut scrapes, mut resets) = (0, 0.0);
        while start.elapsed() < Duration::from_secs(10) || resets < 5.0 {
            assert!(!process.has_ended() && start.elapsed() < PATIENCE, "only {resets} resets in {scrapes} scrapes");
            let metrics = get(address, "/metrics").body;
            if metrics.contains("riscope_vm_state{state=\"running\",vm_id=\"1\"} 1\n") {
                assert!(
                    metrics.contains("\nriscope_guest_instructions_total{"),
                    "it runs and counts nothing:\n{metrics}"
                );
                scrapes += 1;
            }
            let reset = metrics.lines().find_map(|line| line.strip_prefix("riscope_vm_exits_total{reason=\"reset\"} "));
            resets = reset.and_then(|number| number.parse().ok()).expect("it is there");
        }
        assert!(scrapes > 0, "it was never seen running");
    }

    #[test]
    fn panels_find_data_and_the_hotspot_alert_fires_for_churn_alone() {
        let (_churn, churning) = demo("churn");
        let (_integer, steady) = demo("integer");
        // Neither demo has exceptions or resets to show.
        let scratch = Scratch::new();
        let (_restless, restless) = restless(&scratch, 64);
        let prometheus = Prometheus::start(&[churning, steady, restless]);
        prometheus.expect("(sum(up{job=\"riscope\"}) == 3)");

        let deadline = Instant::now() + PATIENCE;
        loop {
            let empty = |(_, expression): &&(String, String)| prometheus.query(expression).is_empty();
            let queries = panel_queries();
            let empty: Vec<_> = queries.iter().filter(empty).collect();
            if empty.is_empty() {
                break;
            }
            assert!(Instant::now() < deadline, "panels without data: {empty:#?}");
            std::thread::sleep(LOOK);
        }

        let alert = |instance: SocketAddr, state: &str| {
            format!("ALERTS{{alertname=\"RiscopeHotspotRateHigh\",instance=\"{instance}\",alertstate=~\"{state}\"}}")
        };
        prometheus.expect(&alert(churning, "firing"));
        let silent = prometheus.query(&format!("max_over_time({}[1h])", alert(steady, ".+")));
        assert_eq!(silent, Vec::<Value>::new(), "a steady program raises nothing, not even for a moment");
    }
}
