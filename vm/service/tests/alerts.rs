//! Tests of alerts in process, with real guests and a real Alertmanager: churn raises the
//! hotspot alert, which is resolved when it ends; panicked, hung and reset-looping guests raise
//! theirs within a minute by the shipped rules; wrong options are told in one line.

mod support;

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::process::Command;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};

use serde_json::Value;
use support::PATIENCE;
use support::assembly::assemble;
use support::http::{address_in, get, try_get};
use support::process::{Process, riscope, run};
use support::scratch::Scratch;

/// Time between two looks.
const LOOK: Duration = Duration::from_millis(200);
/// Time within which a broken guest raises its alert, as promised.
const WITHIN: Duration = Duration::from_secs(60);

/// The shipped rules about hotspots with windows of seconds, evaluated each second: 10 s of
/// the last 24 s above the threshold, instead of 100 s of 240 s.
fn fast_rules(scratch: &Scratch) -> String {
    let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy/prometheus/rules/alerts.yml");
    let mut rules = std::fs::read_to_string(shipped).expect("it is there");
    for (shipped, fast, times) in [
        ("  - name: riscope-hotspots\n", "  - name: riscope-hotspots\n    interval: 1s\n", 1),
        ("5 * sum_over_time", "1 * sum_over_time", 2),
        (")[4m:5s]) >= 100", ")[24s:1s]) >= 10", 2),
        ("from=\"baseline\"}[30s]) > bool 10", "from=\"baseline\"}[3s]) > bool 10", 1),
        ("from=\"interpreter\"}[30s])\n", "from=\"interpreter\"}[3s])\n", 1),
        (
            "riscope_guest_instructions_total{job=\"riscope\"}[30s]",
            "riscope_guest_instructions_total{job=\"riscope\"}[3s]",
            1,
        ),
    ] {
        assert_eq!(rules.matches(shipped).count(), times, "{shipped}");
        rules = rules.replace(shipped, fast);
    }
    let recording = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy/prometheus/rules/recording.yml");
    assert!(recording.exists());
    scratch.write("fast.yml", rules).to_str().expect("the path is UTF-8").to_owned()
}

/// Accepts requests with a JSON body and forwards the body.
fn receive(listener: &TcpListener, tell: &Sender<Value>) {
    for stream in listener.incoming().flatten() {
        let mut reader = BufReader::new(stream);
        let head: Vec<String> =
            (&mut reader).lines().map_while(Result::ok).take_while(|line| !line.is_empty()).collect();
        let length =
            |line: &String| line.to_ascii_lowercase().strip_prefix("content-length:")?.trim().parse::<usize>().ok();
        let mut body = vec![0; head.iter().filter_map(length).sum::<usize>()];
        if reader.read_exact(&mut body).is_ok() {
            let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
            // The client may have disconnected, and the test may have ended.
            let _ = (reader.get_mut().write_all(answer), tell.send(serde_json::from_slice(&body).unwrap_or_default()));
        }
    }
}

/// A real Alertmanager that passes everything on to the test at once.
fn alertmanager(scratch: &Scratch) -> (Process, SocketAddr, Receiver<Value>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let webhook = listener.local_addr().expect("its number");
    let (tell, told) = channel();
    std::thread::spawn(move || receive(&listener, &tell));
    let configuration = scratch.write(
        "alertmanager.yml",
        format!(
            "route:\n  receiver: test\n  group_by: [alertname, vm_id]\n  group_wait: 0s\n  group_interval: 1s\n  \
             repeat_interval: 1h\nreceivers:\n  - name: test\n    webhook_configs:\n      - url: http://{webhook}/\n        \
             send_resolved: true\n"
        ),
    );
    let address = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a free port");
    let mut command = Command::new("prometheus-alertmanager");
    command.arg(format!("--config.file={}", configuration.display()));
    command.arg(format!("--storage.path={}", scratch.join("data").display()));
    command.args(["--cluster.listen-address=", &format!("--web.listen-address={address}")]);
    let mut process = Process::start(command);
    let deadline = Instant::now() + PATIENCE;
    while !try_get(address, "/-/ready", "*/*").is_ok_and(|answer| answer.status == 200) {
        assert!(!process.has_ended() && Instant::now() < deadline, "not ready:\n{}", process.stderr.text());
        std::thread::sleep(LOOK);
    }
    (process, address, told)
}

/// Starts riscope with an endpoint on a free port; returns its address.
fn observed<'a>(arguments: impl IntoIterator<Item = &'a str>) -> (Process, SocketAddr) {
    let process = Process::start(riscope(arguments.into_iter().chain(["--listen", "127.0.0.1:0"])));
    let address = process.stderr.wait_for(PATIENCE, address_in);
    let address = address.unwrap_or_else(|| panic!("no address: {}", process.stderr.text()));
    (process, address)
}

/// The pending and firing alerts of a process.
fn alerts(address: SocketAddr) -> Vec<Value> {
    let answer = get(address, "/api/v1/alerts");
    assert_eq!((answer.status, answer.header("content-type")), (200, Some("application/json")), "{answer:?}");
    let json: Value = serde_json::from_str(&answer.body).unwrap_or_else(|error| panic!("{error}: {answer:?}"));
    assert_eq!(json["status"], "success", "{json}");
    json["data"]["alerts"].as_array().expect("a list").clone()
}

fn fires(address: SocketAddr, name: &str) -> bool {
    alerts(address).iter().any(|alert| alert["labels"]["alertname"] == *name && alert["state"] == "firing")
}

/// Waits until Alertmanager passes on an alert of this name in this state.
fn passed_on(told: &Receiver<Value>, name: &str, state: &str) -> Value {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        let body = told.recv_timeout(left).unwrap_or_else(|_| panic!("{name} is not {state} in time"));
        let alerts = body["alerts"].as_array().cloned().unwrap_or_default();
        let is_meant = |alert: &&Value| alert["labels"]["alertname"] == *name && alert["status"] == *state;
        if let Some(found) = alerts.iter().find(is_meant) {
            return found.clone();
        }
    }
}

/// Spins with a pending interrupt that is enabled and masked.
const HUNG: &str = ".globl _start
    _start: li t0, 0x2004000
    sd x0, 0(t0)
    li t0, 1 << 7
    csrw mie, t0
    spin: j spin\n";

/// Reports a panic to the pvpanic device and waits for ever.
const PANICKED: &str = ".globl _start
    _start: li t0, 0x102000
    li t1, 1
    sb t1, 0(t0)
    wait: wfi
    j wait\n";

/// Resets itself after a moment.
const LOOPING: &str = ".globl _start
    _start: li t1, 1 << 24
    spin: addi t1, t1, -1
    bnez t1, spin
    li t0, 0x100000
    li t1, 0x7777
    sw t1, 0(t0)
    wait: j wait\n";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn churn_raises_the_hotspot_alert_and_its_end_resolves_it() {
        let scratch = Scratch::new();
        let (_manager, manager, told) = alertmanager(&scratch);
        let (url, rules) = (format!("http://{manager}"), fast_rules(&scratch));
        let (process, address) = observed([
            "demo",
            "--name",
            "churny",
            "--phases",
            "churn,integer",
            "--seconds",
            "40",
            "--alertmanager",
            &url,
            "--alert-rules",
            &rules,
        ]);
        const NAME: &str = "RiscopeHotspotRateHigh";
        let begun = passed_on(&told, NAME, "firing");
        assert_eq!((&begun["labels"]["name"], &begun["labels"]["severity"]), (&"churny".into(), &"warning".into()));
        assert_eq!(begun["labels"]["instance"], address.to_string());
        assert_eq!(begun["annotations"]["runbook_url"], format!("http://{address}/runbooks/{NAME}.md"));
        assert!(fires(address, NAME), "{:?}", alerts(address));
        let metrics = get(address, "/metrics").body;
        let line = format!("riscope_alerts{{alertname=\"{NAME}\",alertstate=\"firing\",severity=\"warning\"");
        assert!(metrics.contains(&line), "{metrics}");
        let ended = passed_on(&told, NAME, "resolved");
        assert_eq!(ended["labels"], begun["labels"]);
        let said = process.stderr.text();
        assert!(said.contains(&format!("riscope: alert {NAME} (warning) fires: ")), "{said}");
        assert!(said.contains(&format!("riscope: alert {NAME} (warning) is resolved")), "{said}");
    }

    #[test]
    fn panicked_hung_and_looping_guests_raise_their_alerts_within_a_minute() {
        let scratch = Scratch::new();
        let begin = Instant::now();
        let guests = [
            ("RiscopeGuestPanicked", "panicked", PANICKED),
            ("RiscopeHartStalled", "hung", HUNG),
            ("RiscopeGuestResetLoop", "looping", LOOPING),
        ];
        let mut waiting: Vec<_> = guests
            .into_iter()
            .map(|(alert, name, source)| {
                let program = assemble(&scratch, name, source);
                let (process, address) =
                    observed(["run", "--memory", "1M", "--bios", program.to_str().expect("the path is UTF-8")]);
                (alert, process, address)
            })
            .collect();
        while !waiting.is_empty() {
            waiting.retain(|(alert, _, address)| {
                let is_firing = fires(*address, alert);
                if is_firing {
                    let _ = writeln!(std::io::stdout(), "{alert} after {:?}", begin.elapsed());
                    assert_eq!(alerts(*address).len(), 1, "{:#?}", alerts(*address));
                }
                !is_firing
            });
            let left: Vec<_> = waiting.iter().map(|(alert, ..)| alert).collect();
            assert!(begin.elapsed() < WITHIN || left.is_empty(), "{left:?} do not fire in time");
            std::thread::sleep(LOOK);
        }
    }

    #[test]
    fn an_alertmanager_that_is_absent_or_hangs_does_not_hold_up_the_end() {
        let scratch = Scratch::new();
        let program = assemble(&scratch, "panicked", PANICKED);
        let hanging = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let absent = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a free port");
        for address in [hanging.local_addr().expect("its number"), absent] {
            let url = format!("http://{address}");
            let program = program.to_str().expect("the path is UTF-8");
            let (process, served) = observed(["run", "--memory", "1M", "--bios", program, "--alertmanager", &url]);
            let deadline = Instant::now() + PATIENCE;
            while !fires(served, "RiscopeGuestPanicked") {
                assert!(Instant::now() < deadline, "it does not fire");
                std::thread::sleep(LOOK);
            }
            let begin = Instant::now();
            process.signal(rustix::process::Signal::INT);
            process.finish().assert_code(130);
            assert!(begin.elapsed() < Duration::from_secs(2), "it took {:?}", begin.elapsed());
        }
    }

    #[test]
    fn a_machine_without_endpoint_and_alertmanager_evaluates_nothing() {
        let scratch = Scratch::new();
        let program = assemble(&scratch, "panicked", PANICKED);
        let program = program.to_str().expect("the path is UTF-8");
        let outcome = run(["run", "--memory", "1M", "--timeout", "7", "--bios", program]);
        assert!(!outcome.assert_code(124).stderr.contains("alert"), "{}", outcome.log());
    }

    #[test]
    fn wrong_options_are_told_in_one_line() {
        let scratch = Scratch::new();
        let program = assemble(&scratch, "panicked", PANICKED);
        let program = program.to_str().expect("the path is UTF-8");
        let unsupported = scratch.write("rules.yml", "groups: [{name: g, rules: [{alert: A, expr: 'topk(1, a)'}]}]\n");
        let unsupported = unsupported.to_str().expect("the path is UTF-8");
        for (option, value, told) in [
            ("--alert-rules", "/nonexistent/rules.yml", "cannot read /nonexistent/rules.yml"),
            ("--alert-rules", unsupported, "rule A: the aggregation topk is not supported in process"),
            ("--alert-rules", program, "check --alert-rules"),
            ("--alertmanager", "https://a.example", "give --alertmanager a URL such as http://127.0.0.1:9093"),
            ("--alertmanager", "nonsense", "give --alertmanager a URL"),
            ("--silence", "alertname", "--silence"),
            ("--silence", "", "--silence"),
        ] {
            let outcome = run(["run", "--memory", "1M", "--bios", program, option, value]);
            outcome.assert_code(2);
            assert!(outcome.stderr.contains(told), "{option} {value}: {}", outcome.log());
            assert_eq!(outcome.stderr.lines().count(), 1, "{}", outcome.log());
        }
    }
}
