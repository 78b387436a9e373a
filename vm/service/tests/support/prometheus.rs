//! Real Prometheus with the shipped configuration, and machines to look at.

use std::fs;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::PATIENCE;
use super::assembly::assemble;
use super::http::{address_in, try_get};
use super::process::{Process, riscope};
use super::scratch::Scratch;

/// Time between two queries of Prometheus.
pub(crate) const LOOK: Duration = Duration::from_millis(500);

/// Path of a directory of the source tree.
pub(crate) fn tree(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(path)
}

/// Starts riscope with an HTTP endpoint; returns it with the endpoint's address.
pub(crate) fn observed(command: Command) -> (Process, SocketAddr) {
    let process = Process::start(command);
    let address = process.stderr.wait_for(PATIENCE, address_in);
    let address = address.unwrap_or_else(|| panic!("no address: {}", process.stderr.text()));
    (process, address)
}

/// A machine with a disk, called `restless`, whose program endlessly takes `traps` traps
/// (64 take half a second), reports a panic and resets the machine; with its address.
pub(crate) fn restless(scratch: &Scratch, traps: u32) -> (Process, SocketAddr) {
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
        li t0, 0x102000
        li t1, 1
        sb t1, 0(t0)
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
    let disk = scratch.write("disk", "\0".repeat(1 << 20));
    let disk = disk.to_str().expect("the path is UTF-8");
    let options = ["--disk", disk, "--memory", "1M", "--listen", "127.0.0.1:0"];
    observed(riscope(["run", "--bios", program].into_iter().chain(options)))
}

/// Starts Prometheus or Alertmanager on a free port and waits until it is ready.
pub(crate) fn serve(mut command: Command) -> (Process, SocketAddr) {
    let address = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a free port");
    command.arg(format!("--web.listen-address={address}"));
    let mut process = Process::start(command);
    let deadline = Instant::now() + PATIENCE;
    while !try_get(address, "/-/ready", "*/*").is_ok_and(|answer| answer.status == 200) {
        assert!(!process.has_ended() && Instant::now() < deadline, "not ready:\n{}", process.stderr.text());
        std::thread::sleep(LOOK);
    }
    (process, address)
}

/// A Prometheus that scrapes some targets.
pub(crate) struct Prometheus {
    process: Process,
    pub(crate) address: SocketAddr,
    _folder: Scratch,
}

impl Prometheus {
    /// Starts Prometheus with the shipped configuration, in which only the targets and the
    /// address of Alertmanager are replaced.
    pub(crate) fn start(targets: &[SocketAddr], alertmanager: SocketAddr) -> Self {
        let folder = Scratch::new();
        let shipped = fs::read_to_string(tree("deploy/prometheus/prometheus.yml")).expect("it is there");
        let list: Vec<String> = targets.iter().map(|target| format!("\"{target}\"")).collect();
        assert_eq!(shipped.matches("\"127.0.0.1:8440\"").count(), 1, "the shipped configuration has one target");
        assert_eq!(shipped.matches("127.0.0.1:9093").count(), 1, "and one Alertmanager");
        let shipped = shipped.replace("127.0.0.1:9093", &alertmanager.to_string());
        let configuration = folder.write("prometheus.yml", shipped.replace("\"127.0.0.1:8440\"", &list.join(", ")));
        fs::create_dir(folder.join("rules")).expect("a new folder");
        for entry in tree("deploy/prometheus/rules").read_dir().expect("it is there") {
            let path = entry.expect("it can be read").path();
            let name = path.file_name().expect("a file").to_string_lossy().into_owned();
            fs::copy(&path, folder.join("rules").join(name)).expect("it can be copied");
        }
        let mut command = Command::new("prometheus");
        command.arg(format!("--config.file={}", configuration.display()));
        command.arg(format!("--storage.tsdb.path={}", folder.join("data").display()));
        let (process, address) = serve(command);
        Self { process, address, _folder: folder }
    }

    /// The result of an instant query.
    pub(crate) fn query(&self, expression: &str) -> Vec<Value> {
        let path = format!("/api/v1/query?query={}", escaped(expression));
        let answer = try_get(self.address, &path, "application/json");
        let answer = answer.unwrap_or_else(|error| panic!("{error}:\n{}", self.process.stderr.text()));
        let json: Value = serde_json::from_str(&answer.body).unwrap_or_else(|error| panic!("{error}: {answer:?}"));
        assert_eq!(json["status"], "success", "{expression}: {json}");
        json["data"]["result"].as_array().expect("a vector").clone()
    }

    /// Waits until a query has a result.
    pub(crate) fn expect(&self, expression: &str) {
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
