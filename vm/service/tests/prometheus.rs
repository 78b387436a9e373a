//! Test with real Prometheus and Alertmanager, the shipped configuration and rules, two
//! demos and a panicking guest. Every panel finds data, save for what the host does not
//! count; the hotspot alert fires only for the demo that continuously creates code, and the
//! panic is notified with a link to an existing runbook.

mod support;

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener};
use std::process::Command;
use std::sync::mpsc::{Receiver, Sender};
use std::time::{Duration, Instant};

use serde_json::Value;
use support::PATIENCE;
use support::http::get;
use support::process::{Process, riscope};
use support::prometheus::{LOOK, Prometheus, observed, restless, serve, tree};
use support::scratch::Scratch;

/// A demo that stays in one phase, with its address. Its OTLP receiver does not exist, so
/// that there are metrics of failed spans, log records and metrics.
fn demo(phase: &str) -> (Process, SocketAddr) {
    let options = ["--seconds", "86400", "--listen", "127.0.0.1:0", "--otlp", "http://127.0.0.1:1"];
    let mut command = riscope(["demo", "--phases", phase].into_iter().chain(options));
    command.env("OTEL_LOGS_EXPORTER", "otlp").env("OTEL_METRICS_EXPORTER", "otlp");
    observed(command)
}

/// Beginnings of series that only exist where the host counts events of its CPU or its energy.
const OF_SOME_HOSTS: [&str; 2] = ["riscope_vcpu_host_", "riscope_host_energy_"];

/// Alertmanager with the receiver of its critical alerts.
struct Alertmanager {
    process: Process,
    address: SocketAddr,
    told: Receiver<Value>,
    _folder: Scratch,
}

impl Alertmanager {
    /// Starts Alertmanager with the shipped configuration, in which only the receiver's
    /// address is replaced.
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let url = format!("http://{}/", listener.local_addr().expect("its number"));
        let (tell, told) = std::sync::mpsc::channel();
        std::thread::spawn(move || receive(&listener, &tell));
        let folder = Scratch::new();
        let shipped = fs::read_to_string(tree("deploy/prometheus/alertmanager.yml")).expect("it is there");
        assert_eq!(shipped.matches("http://127.0.0.1:9095/").count(), 1, "the shipped configuration has one webhook");
        let configuration = folder.write("alertmanager.yml", shipped.replace("http://127.0.0.1:9095/", &url));
        let mut command = Command::new("prometheus-alertmanager");
        command.arg(format!("--config.file={}", configuration.display()));
        command.arg(format!("--storage.path={}", folder.join("data").display()));
        command.arg("--cluster.listen-address=");
        let (process, address) = serve(command);
        Self { process, address, told, _folder: folder }
    }

    /// Waits until the receiver gets an alert; returns it.
    fn expect(&self, alert: &str) -> Value {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let told = self.told.recv_timeout(left);
            let told = told.unwrap_or_else(|_| panic!("nobody is told of {alert}:\n{}", self.process.stderr.text()));
            let alerts = told["alerts"].as_array().into_iter().flatten();
            if let Some(found) = alerts.into_iter().find(|found| found["labels"]["alertname"] == *alert) {
                return found.clone();
            }
        }
    }
}

/// Accepts requests with a JSON body and forwards the body.
fn receive(listener: &TcpListener, tell: &Sender<Value>) {
    for stream in listener.incoming().flatten() {
        let mut reader = BufReader::new(stream);
        let lines: Vec<String> =
            (&mut reader).lines().map_while(Result::ok).take_while(|line| !line.is_empty()).collect();
        let lengths = lines
            .iter()
            .filter_map(|line| line.to_ascii_lowercase().strip_prefix("content-length:")?.trim().parse::<usize>().ok());
        let mut body = vec![0; lengths.sum()];
        if reader.read_exact(&mut body).is_err() {
            continue;
        }
        let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
        // The client may have disconnected, and the test may have ended.
        let _ = (reader.get_mut().write_all(answer), tell.send(serde_json::from_slice(&body).expect("JSON")));
    }
}

/// Queries of all panels, each with the panel's title, with Grafana's variables replaced.
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
            let is_running = |line: &str| line.contains("state=\"running\"") && line.ends_with(" 1");
            if metrics.lines().any(|line| line.starts_with("riscope_vm_state{") && is_running(line)) {
                assert!(
                    metrics.contains("\nriscope_guest_instructions_total{"),
                    "it runs and counts nothing:\n{metrics}"
                );
                scrapes += 1;
            }
            let reset =
                metrics.lines().find_map(|line| line.strip_prefix("riscope_vm_resets_total{")?.split(' ').nth(1));
            resets = reset.and_then(|number| number.parse().ok()).expect("it is there");
        }
        assert!(scrapes > 0, "it was never seen running");
    }

    #[test]
    fn panels_find_data_people_are_told_of_a_panic_and_the_hotspot_alert_fires_for_churn_alone() {
        let (_churn, churning) = demo("churn");
        let (_integer, steady) = demo("integer");
        // Neither demo has exceptions, resets or disks.
        let scratch = Scratch::new();
        let (_restless, restless) = restless(&scratch, 64);
        let alertmanager = Alertmanager::start();
        let prometheus = Prometheus::start(&[churning, steady, restless], alertmanager.address);
        prometheus.expect("(sum(up{job=\"riscope\"}) == 3)");

        let deadline = Instant::now() + PATIENCE;
        loop {
            let empty = |(_, expression): &&(String, String)| prometheus.query(expression).is_empty();
            let is_of_some_hosts =
                |(_, expression): &(String, String)| OF_SOME_HOSTS.iter().any(|name| expression.contains(name));
            let queries: Vec<_> = panel_queries().into_iter().filter(|query| !is_of_some_hosts(query)).collect();
            let empty: Vec<_> = queries.iter().filter(empty).collect();
            if empty.is_empty() {
                break;
            }
            assert!(Instant::now() < deadline, "panels without data: {empty:#?}");
            std::thread::sleep(LOOK);
        }

        let panicked = alertmanager.expect("RiscopeGuestPanicked");
        assert_eq!(panicked["labels"]["instance"], restless.to_string(), "{panicked}");
        let name = panicked["labels"]["name"].as_str().unwrap_or_default();
        assert!(name.starts_with("restless-"), "the machine is called by its program: {panicked}");
        let url = panicked["annotations"]["runbook_url"].as_str().unwrap_or_default();
        let path = url.strip_prefix(&format!("http://{restless}")).unwrap_or_else(|| panic!("{url} leads elsewhere"));
        let runbook = get(restless, path);
        assert!(runbook.status == 200 && runbook.body.starts_with("# RiscopeGuestPanicked\n"), "{url}: {runbook:?}");

        let alert = |instance: SocketAddr, state: &str| {
            format!("ALERTS{{alertname=\"RiscopeHotspotRateHigh\",instance=\"{instance}\",alertstate=~\"{state}\"}}")
        };
        prometheus.expect(&alert(churning, "firing"));
        let silent = prometheus.query(&format!("max_over_time({}[1h])", alert(steady, ".+")));
        assert_eq!(silent, Vec::<Value>::new(), "a steady program raises nothing, not even for a moment");
    }
}
