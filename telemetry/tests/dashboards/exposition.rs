//! A real scrape of riscope, as series for `promtool`.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use riscope_core::counters::{ConsoleInfo, CounterPage, DeviceInfo, EngineCounters, HartActivity, Setting, VmCounters};
use riscope_core::event::{DeviceEvent, DomainEventBus, VmEvent, VmId, VmState};
use riscope_telemetry::alert::{AlertConfig, Labels, Rules};
use riscope_telemetry::metric::catalog::FAMILIES;
use riscope_telemetry::metric::family::Kind;
use riscope_telemetry::{Telemetry, TelemetryConfig};
use serde_json::{Value, json};

use crate::catalogue::ABOUT_A_TARGET;

/// Samples per series, enough for the longest window of rules and dashboards.
const SAMPLES: usize = 60;

/// A series of a family that only hosts with energy counters have.
const ENERGY: &str = "riscope_host_energy_joules_total{domain=\"package\"} 1\n";

/// Counters of a hart on a host that counts events of its CPU.
fn hart() -> CounterPage {
    let page = CounterPage::default();
    page.sample_host_cycles(HartActivity::Code, 1);
    page
}

/// Response to a scrape of a process with a machine for each engine that rules distinguish,
/// one of which has a failed device.
fn scrape() -> String {
    let bus = DomainEventBus::new();
    // An unreachable receiver of all signals, so that the families about them exist.
    let otlp_endpoint = Some("http://127.0.0.1:1".to_owned());
    // Alerts that always fire: one about the process, one about each machine.
    let mut rules = Rules::default();
    let always = "groups: [{name: test, interval: 100ms, rules: [
        {alert: Always, expr: vector(1)}, {alert: Each, expr: riscope_vm_info}]}]";
    rules.add("always.yml", always).expect("they are valid");
    let (instance, external_labels) = ("127.0.0.1:8440".to_owned(), Labels::default());
    let alerts =
        Some(AlertConfig { rules, instance, external_labels, alertmanager: None, silences: Vec::new(), max_series: 8 });
    let environment = ["OTEL_LOGS_EXPORTER", "OTEL_METRICS_EXPORTER"].map(|name| (name.into(), "otlp".into()));
    let environment = Some(environment.into());
    let config = TelemetryConfig { environment, otlp_endpoint, alerts, ..TelemetryConfig::default() };
    let telemetry = Telemetry::start(&bus, config).expect("telemetry starts");
    for (vm_id, engine) in [(VmId::from_u128(1), "tiered"), (VmId::from_u128(2), "interpreter")] {
        let name: Arc<str> = engine.into();
        let engine_counters = EngineCounters::default();
        engine_counters.code_cache_limit.store(1 << 20, Ordering::Relaxed);
        telemetry.register_vm(VmCounters {
            vm_id,
            name: Arc::clone(&name),
            engine_name: engine,
            memory_bytes: 1 << 30,
            settings: vec![(Setting::Engine, engine.into())],
            devices: vec![DeviceInfo {
                device: "virtio-blk",
                name: "disk0".into(),
                errors: &["io"],
                queues: Arc::default(),
                disk: Some(Arc::default()),
            }],
            consoles: vec![ConsoleInfo { name: "serial", page: Arc::default() }],
            harts: vec![Arc::new(hart())],
            hot_pages: Arc::default(),
            engine: Arc::new(engine_counters),
        });
        bus.publish(vm_id, VmEvent::Created { name, engine, vcpus: 1, memory_bytes: 1 << 30 });
        bus.publish(vm_id, VmEvent::StateChanged { from: VmState::Created, to: VmState::Running });
    }
    bus.publish(VmId::from_u128(1), VmEvent::Reset { boots: 2 });
    let failed = DeviceEvent::Failed { device: "virtio-blk", name: "disk0".into(), error: "io" };
    bus.publish(VmId::from_u128(1), failed);
    assert!(telemetry.flush(Duration::from_secs(60)), "events are not handled");
    loop {
        let text = String::from_utf8(telemetry.render(None).1).expect("text");
        if text.contains("\nriscope_alerts{alertname=\"Each\"") {
            let has_energy = text.contains("\nriscope_host_energy_joules_total{domain=\"package\"");
            return if has_energy { text } else { text + ENERGY };
        }
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Type of the series `name`.
fn kind(name: &str) -> Kind {
    let of_histogram =
        |family: &str| name.strip_prefix(family).is_some_and(|it| ["_bucket", "_sum", "_count"].contains(&it));
    let family = FAMILIES.iter().find(|family| match family.kind {
        Kind::Histogram => of_histogram(family.name),
        Kind::Counter | Kind::Gauge => family.name == name,
    });
    family.unwrap_or_else(|| panic!("{name} is exported and not in the catalogue")).kind
}

/// Every series of the scrape with the labels of a target, in `promtool`'s notation: gauges
/// are constant, counters and all buckets of histograms grow.
pub(crate) fn busy_process() -> Vec<Value> {
    series(|name, value| {
        let step = if kind(name) == Kind::Gauge { "" } else { "+60" };
        format!("{value}{step}x{SAMPLES}")
    })
}

/// The same for processes that replace each other at every scrape. The same few events
/// occur in each, so that counters equal those of the previous process, with longer or
/// shorter durations.
pub(crate) fn fast_restarts() -> Vec<Value> {
    series(|name, value| match kind(name) {
        Kind::Histogram if name.ends_with("_sum") => vec!["0.5 0.3 0.4"; SAMPLES / 3].join(" "),
        Kind::Histogram => format!("1x{SAMPLES}"),
        Kind::Counter | Kind::Gauge => format!("{value}x{SAMPLES}"),
    })
}

/// Every series of the scrape with the labels of a target, and the values that `values`
/// returns for its name and value.
fn series(values: impl Fn(&str, &str) -> String) -> Vec<Value> {
    let target = r#"job="riscope",instance="127.0.0.1:8440""#;
    let about_target = |name: &str| json!({"series": format!("{name}{{{target}}}"), "values": format!("1x{SAMPLES}")});
    let mut series: Vec<_> = ABOUT_A_TARGET.iter().map(|name| about_target(name)).collect();
    for line in scrape().lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let (id, value) = line.rsplit_once(' ').expect("a series and a value");
        let (name, labels) = id.split_once('{').map_or((id, String::new()), |(name, rest)| (name, format!(",{rest}")));
        let labels = labels.trim_end_matches('}');
        series.push(json!({"series": format!("{name}{{{target}{labels}}}"), "values": values(name, value)}));
    }
    series
}
