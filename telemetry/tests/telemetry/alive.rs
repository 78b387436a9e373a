//! Every family of the catalogue is moved by an event or a counter, and every event
//! and counter moves one.

use std::collections::BTreeSet;
use std::sync::atomic::Ordering;
use std::time::Duration;

use riscope_core::counters::{
    CodeExit, CounterPage, FlushScope, HartCounter, HartTime, SbiExtension, VmCounters, WalkResult,
};
use riscope_core::event::{EventType, Filter, Tier, VmId};
use riscope_core::mmu::Access;
use riscope_telemetry::TelemetryConfig;
use riscope_telemetry::metric::catalog::FAMILIES;
use riscope_telemetry::metric::family::Kind;

use crate::exposition::Exposition;
use crate::fixture::{Fixture, compiled, counters, created, event};
use crate::receiver::{Manner, Receiver};

const VM: VmId = VmId(7);

/// Counts something in each row.
fn count_everything(page: &CounterPage) {
    page.count_instructions(Tier::Baseline, 1000);
    page.count_exception(8);
    page.count_interrupt(5);
    page.count_tlb_miss(Access::Load);
    page.count_walk(WalkResult::Ok);
    page.count_flush(FlushScope::Page);
    page.count_code_exit(CodeExit::Lookup);
    page.count_sbi_call(SbiExtension::Time);
    page.count_sc_failure();
    page.count_wfi();
    page.count_time(HartTime::Guest, 1_500_000_000);
}

fn busy_engine(counters: &VmCounters) {
    counters.engine.code_cache_limit.store(1 << 20, Ordering::Relaxed);
    counters.engine.code_cache_used[Tier::Baseline.index()].store(1 << 16, Ordering::Relaxed);
    counters.engine.resident_blocks[Tier::Baseline.index()].store(12, Ordering::Relaxed);
    counters.engine.queue_depth.store(4, Ordering::Relaxed);
    counters.engine.queue_rejected.store(2, Ordering::Relaxed);
}

/// Whether a family has a sample that is not 0.
fn has_moved(exposition: &Exposition, name: &str, kind: Kind) -> bool {
    let series = if kind == Kind::Histogram { format!("{name}_count") } else { name.to_owned() };
    exposition.samples.iter().any(|((found, _), &value)| *found == series && value != 0.0)
}

/// Families that have moved.
fn moved(exposition: &Exposition) -> BTreeSet<&'static str> {
    FAMILIES.iter().filter(|family| has_moved(exposition, family.name, family.kind)).map(|family| family.name).collect()
}

#[test]
fn every_family_is_moved_by_something() {
    let receiver = Receiver::start(Manner::Accept);
    let fixture = Fixture::new(TelemetryConfig { slow_compilation: Duration::from_millis(5), ..receiver.config() });
    let before = fixture.scrape();
    let stuck = fixture.bus.subscribe("stuck", Filter::all(), 1);
    let counters = counters(VM, "guest", 2);
    counters.harts.iter().for_each(|page| count_everything(page));
    busy_engine(&counters);
    fixture.telemetry.register_vm(counters);
    let lasting = EventType::ALL.iter().filter(|&&kind| kind != EventType::VmDeleted);
    // A machine that is not deleted, one whose spans end, and a fast compilation
    // that makes none.
    fixture.publish(lasting.clone().map(|&kind| event(kind, VM)));
    fixture.publish([created(VmId(8), "other"), compiled(VmId(8), 0x1000, 20_000_000), compiled(VmId(8), 0x1000, 1)]);
    fixture.publish(EventType::ALL.iter().map(|&kind| event(kind, VmId(8))));
    // The spans are sent when telemetry ends.
    assert!(fixture.telemetry.shutdown(Duration::from_secs(2)));
    let after = fixture.scrape();
    let dead: Vec<_> = FAMILIES.iter().map(|family| family.name).filter(|name| !moved(&after).contains(name)).collect();
    assert!(dead.is_empty(), "nothing moves {dead:?}");
    let counts = FAMILIES.iter().filter(|family| family.kind != Kind::Gauge && !family.name.starts_with("process_"));
    let early: Vec<_> =
        counts.filter(|family| has_moved(&before, family.name, family.kind)).map(|it| it.name).collect();
    assert!(early.is_empty(), "moved before anything happened: {early:?}");
    drop(stuck);
}

#[test]
fn every_type_of_event_moves_a_family_of_its_own() {
    for &kind in EventType::ALL {
        let fixture = Fixture::new(TelemetryConfig::default());
        fixture.publish([created(VM, "guest")]);
        let before = fixture.scrape();
        fixture.publish([event(kind, VM)]);
        let after = fixture.scrape();
        let is_fact = |name: &str| {
            name.starts_with("riscope_")
                && !name.starts_with("riscope_event_bus")
                && !name.starts_with("riscope_telemetry")
        };
        let facts = |exposition: &Exposition| -> Vec<_> {
            let samples = exposition.samples.clone().into_iter();
            samples.filter(|((name, _), _)| is_fact(name)).collect()
        };
        // The description of a machine is all that its creation changes.
        if kind == EventType::VmCreated {
            assert_eq!(before.sum("riscope_vm_info", &[("vm_id", "7")]), 1.0);
        } else {
            assert_ne!(facts(&before), facts(&after), "{} moves nothing", kind.as_str());
        }
    }
}

#[test]
fn every_word_of_a_counter_page_is_a_series() {
    let fixture = Fixture::new(TelemetryConfig::default());
    let counters = counters(VM, "guest", 1);
    count_everything(&counters.harts[0]);
    counters.harts[0].count_exception(14);
    counters.harts[0].count_interrupt(13);
    let page = std::sync::Arc::clone(&counters.harts[0]);
    fixture.telemetry.register_vm(counters);
    let scrape = fixture.scrape();
    for (row, name, value) in page.iter().filter(|(_, _, value)| *value != 0) {
        let name = if name.is_empty() && row == HartCounter::Exceptions { "reserved_14" } else { name };
        let labels: Vec<_> = std::iter::once(("vm_id", "7"))
            .chain(Some((row.label(), name)).filter(|(label, _)| !label.is_empty()))
            .collect();
        let expected = if row == HartCounter::TimeNs { 1.5 } else { f64::from(u32::try_from(value).expect("small")) };
        let families = FAMILIES.iter().filter(|family| family.labels.contains(&"vm_id"));
        let found: Vec<_> =
            families.filter(|family| scrape.sum(family.name, &labels) == expected).map(|it| it.name).collect();
        assert!(!found.is_empty(), "{row:?} {name} = {value} is nowhere");
    }
    assert_eq!(scrape.value("riscope_guest_exceptions_total", &[("vm_id", "7"), ("cause", "reserved_14")]), Some(1.0));
    assert_eq!(
        scrape.value("riscope_guest_interrupts_total", &[("vm_id", "7"), ("cause", "counter_overflow")]),
        Some(1.0)
    );
    assert_eq!(scrape.value("riscope_guest_exceptions_total", &[("vm_id", "7"), ("cause", "ecall_vs")]), None);
}
