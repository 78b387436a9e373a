//! The series that exist, and the labels they can carry.

use std::collections::{BTreeMap, BTreeSet};

use crate::query::Query;

/// Labels that Prometheus adds to every series of a target.
pub(crate) const TARGET_LABELS: [&str; 2] = ["job", "instance"];

/// Kind of a family.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Counter,
    Gauge,
    Histogram,
}
use Kind::{Counter, Gauge, Histogram};

/// Families: name, kind, labels.
pub(crate) const FAMILIES: &[(&str, Kind, &[&str])] = &[
    ("riscope_build_info", Gauge, &["version", "revision", "target"]),
    ("process_cpu_seconds_total", Counter, &[]),
    ("process_resident_memory_bytes", Gauge, &[]),
    ("process_virtual_memory_bytes", Gauge, &[]),
    ("process_open_fds", Gauge, &[]),
    ("process_max_fds", Gauge, &[]),
    ("process_threads", Gauge, &[]),
    ("process_start_time_seconds", Gauge, &[]),
    ("riscope_vms", Gauge, &["state"]),
    ("riscope_vm_info", Gauge, &["vm_id", "name", "engine"]),
    ("riscope_vm_state", Gauge, &["vm_id", "state"]),
    ("riscope_vm_state_transitions_total", Counter, &["from", "to"]),
    ("riscope_vm_exits_total", Counter, &["reason"]),
    ("riscope_vm_boot_phase_duration_seconds", Histogram, &["phase"]),
    ("riscope_vm_vcpus", Gauge, &["vm_id"]),
    ("riscope_vm_memory_limit_bytes", Gauge, &["vm_id"]),
    ("riscope_vcpu_time_seconds_total", Counter, &["vm_id", "vcpu", "state"]),
    ("riscope_guest_instructions_total", Counter, &["vm_id", "vcpu", "tier"]),
    ("riscope_guest_exceptions_total", Counter, &["vm_id", "cause"]),
    ("riscope_guest_interrupts_total", Counter, &["vm_id", "cause"]),
    ("riscope_guest_tlb_misses_total", Counter, &["vm_id", "access"]),
    ("riscope_guest_page_walks_total", Counter, &["vm_id", "result"]),
    ("riscope_guest_tlb_flushes_total", Counter, &["vm_id", "scope"]),
    ("riscope_guest_sc_failures_total", Counter, &["vm_id"]),
    ("riscope_guest_wfi_total", Counter, &["vm_id"]),
    ("riscope_guest_sbi_calls_total", Counter, &["vm_id", "extension"]),
    ("riscope_vcpu_exits_total", Counter, &["vm_id", "reason"]),
    ("riscope_jit_compilations_total", Counter, &["tier", "trigger", "result"]),
    ("riscope_jit_compilation_duration_seconds", Histogram, &["tier"]),
    ("riscope_jit_compile_queue_wait_seconds", Histogram, &["tier"]),
    ("riscope_jit_compiled_guest_bytes_total", Counter, &["tier"]),
    ("riscope_jit_compiled_host_bytes_total", Counter, &["tier"]),
    ("riscope_jit_block_guest_bytes", Histogram, &["tier"]),
    ("riscope_jit_block_guest_instructions", Histogram, &["tier"]),
    ("riscope_jit_block_host_bytes", Histogram, &["tier"]),
    ("riscope_jit_compile_queue_depth", Gauge, &[]),
    ("riscope_jit_compile_queue_rejected_total", Counter, &[]),
    ("riscope_jit_code_cache_limit_bytes", Gauge, &[]),
    ("riscope_jit_code_cache_usage_bytes", Gauge, &["segment"]),
    ("riscope_jit_code_cache_blocks", Gauge, &["tier"]),
    ("riscope_jit_block_invalidations_total", Counter, &["reason"]),
    ("riscope_jit_code_cache_flushes_total", Counter, &["reason"]),
    ("riscope_jit_hotspots_detected_total", Counter, &["vm_id"]),
    ("riscope_jit_hotspot_executions", Histogram, &[]),
    ("riscope_device_errors_total", Counter, &["vm_id", "device", "error_type"]),
    ("riscope_event_bus_published_total", Counter, &["event"]),
    ("riscope_event_bus_delivered_total", Counter, &["subscriber"]),
    ("riscope_event_bus_dropped_total", Counter, &["subscriber", "reason"]),
    ("riscope_event_bus_queue_depth", Gauge, &["subscriber"]),
    ("riscope_event_bus_queue_capacity", Gauge, &["subscriber"]),
    ("riscope_event_bus_subscribers", Gauge, &[]),
    ("riscope_telemetry_spans_suppressed_total", Counter, &["span", "reason"]),
    ("riscope_telemetry_series", Gauge, &[]),
    ("riscope_telemetry_scrape_duration_seconds", Gauge, &["collector"]),
    ("otel_sdk_exporter_span_exported_total", Counter, &["error_type"]),
];

type Labels = BTreeSet<String>;

/// What can be selected.
pub(crate) struct Catalogue {
    /// The series of each family that telemetry exports.
    families: BTreeMap<String, BTreeSet<String>>,
    /// The labels of each series, besides those of the target.
    series: BTreeMap<String, Labels>,
}

impl Catalogue {
    /// What telemetry exports, and what Prometheus itself records about a target.
    pub(crate) fn new() -> Self {
        let mut catalogue = Self { families: BTreeMap::new(), series: BTreeMap::new() };
        catalogue.add("up", Labels::new());
        for (family, kind, labels) in FAMILIES {
            let labels: Labels = labels.iter().map(|&label| label.to_owned()).collect();
            let series: &[&str] = if *kind == Histogram { &["_bucket", "_sum", "_count"] } else { &[""] };
            for suffix in series {
                let name = format!("{family}{suffix}");
                let mut labels = labels.clone();
                labels.extend((*suffix == "_bucket").then(|| "le".to_owned()));
                catalogue.add(&name, labels);
                catalogue.families.entry((*family).to_owned()).or_default().insert(name);
            }
        }
        catalogue
    }

    /// Makes a series known.
    pub(crate) fn add(&mut self, name: &str, labels: Labels) {
        assert!(self.series.insert(name.to_owned(), labels).is_none(), "{name} exists twice");
    }

    /// The exported families, each with the names of its series.
    pub(crate) fn families(&self) -> impl Iterator<Item = (&str, &BTreeSet<String>)> {
        self.families.iter().map(|(family, series)| (family.as_str(), series))
    }

    /// All labels that the series of a query can carry, with those of the target.
    pub(crate) fn labels_of(&self, query: &Query) -> Labels {
        let of_series = query.selectors.iter().filter_map(|selector| self.series.get(&selector.name)).flatten();
        of_series.cloned().chain(TARGET_LABELS.map(str::to_owned)).collect()
    }

    /// Series and labels of a query that do not exist.
    pub(crate) fn complaints(&self, query: &Query) -> Vec<String> {
        let mut complaints = Vec::new();
        for selector in &query.selectors {
            match self.series.get(&selector.name) {
                None => complaints.push(format!("there is no series {:?}", selector.name)),
                Some(labels) => {
                    let unknown = selector
                        .matchers
                        .iter()
                        .filter(|matcher| !labels.contains(&matcher.0) && !TARGET_LABELS.contains(&matcher.0.as_str()));
                    complaints.extend(unknown.map(|matcher| format!("{} has no label {}", selector.name, matcher.0)));
                }
            }
        }
        let labels = self.labels_of(query);
        let unknown = query.labels.iter().filter(|label| !labels.contains(*label));
        complaints.extend(unknown.map(|label| format!("none of its series has the label {label}")));
        complaints
    }
}

#[test]
fn unknown_series_and_labels_are_found() {
    let catalogue = Catalogue::new();
    let complaints = |text: &str| catalogue.complaints(&Query::parse(text).expect("valid PromQL"));
    assert_eq!(complaints(r#"sum by (job, le) (riscope_jit_block_guest_bytes_bucket{tier="baseline"})"#), [""; 0]);
    assert_eq!(complaints("riscope_jit_block_guest_bytes"), [r#"there is no series "riscope_jit_block_guest_bytes""#]);
    assert_eq!(complaints(r#"up{tier="baseline"}"#), ["up has no label tier"]);
    assert_eq!(complaints("sum by (pc) (up)"), ["none of its series has the label pc"]);
}
