//! Tests of spans as an OTLP receiver gets them: names, parents, times, links, limits.

use std::time::Duration;

use opentelemetry_proto::tonic::trace::v1::Span;
use opentelemetry_proto::tonic::trace::v1::status::StatusCode;
use riscope_core::event::{
    BootPhase, CompileFailure, EventType, ExecutionEventType, ExitReason, VmEventType, VmId, VmState, monotonic_ns,
    wall_ns,
};
use riscope_telemetry::{SHUTDOWN_LIMIT, TelemetryConfig};

use crate::fixture::{
    Fixture, Happening, compiled, compiled_at, created, deleted, environment, event, exited, failed, hotspot,
    hotspot_at, phase, reset, state,
};
use crate::receiver::{Manner, Receiver, attribute};

const VM: VmId = VmId::from_u128(5);
const MS: u64 = 1_000_000;

/// Spans exported for these events, after the shutdown of telemetry.
fn spans(change: impl FnOnce(&mut TelemetryConfig), events: Vec<Happening>) -> (Vec<Span>, Fixture) {
    let receiver = Receiver::start(Manner::Accept);
    let mut config = receiver.config();
    change(&mut config);
    let fixture = Fixture::new(config);
    fixture.publish(events);
    assert!(fixture.telemetry.shutdown(SHUTDOWN_LIMIT), "the receiver answers");
    let spans = receiver.spans();
    let exported = fixture.scrape().value("otel_sdk_exporter_span_exported_total", &[("error_type", "")]);
    assert_eq!(exported, Some(f64::from(u32::try_from(spans.len()).expect("few"))));
    (spans, fixture)
}

/// The only span with this name.
fn only<'a>(spans: &'a [Span], name: &str) -> &'a Span {
    let found: Vec<_> = spans.iter().filter(|span| span.name == name).collect();
    assert_eq!(found.len(), 1, "{name} among {:?}", spans.iter().map(|span| &span.name).collect::<Vec<_>>());
    found[0]
}

fn count(spans: &[Span], name: &str) -> usize {
    spans.iter().filter(|span| span.name == name).count()
}

fn assert_child(child: &Span, parent: &Span) {
    assert_eq!(child.trace_id, parent.trace_id, "{} and {}", child.name, parent.name);
    assert_eq!(child.parent_span_id, parent.span_id, "{} and {}", child.name, parent.name);
}

fn duration(span: &Span) -> u64 {
    span.end_time_unix_nano - span.start_time_unix_nano
}

fn is_error(span: &Span) -> bool {
    span.status.as_ref().is_some_and(|status| status.code() == StatusCode::Error)
}

#[test]
fn a_machines_life_is_a_trace() {
    let now = monotonic_ns();
    let load_start = now.saturating_sub(30 * MS);
    let fdt_start = load_start + 20 * MS;
    let earlier = wall_ns();
    let (spans, _fixture) = spans(
        |_| {},
        vec![
            created(VM, "guest"),
            phase(VM, BootPhase::Load, load_start, fdt_start),
            phase(VM, BootPhase::Fdt, fdt_start, fdt_start + MS),
            state(VM, VmState::Creating, VmState::Created),
            state(VM, VmState::Created, VmState::Booting),
            phase(VM, BootPhase::Firmware, now, now + 1),
            phase(VM, BootPhase::Kernel, now + 1, now + 2),
            state(VM, VmState::Booting, VmState::Running),
            state(VM, VmState::Running, VmState::Stopping),
            exited(VM, ExitReason::Poweroff, 0),
            state(VM, VmState::Stopping, VmState::Stopped),
            deleted(VM),
        ],
    );
    assert_eq!(spans.len(), 6);
    let (run, boot) = (only(&spans, "vm.run"), only(&spans, "vm.boot"));
    assert_eq!((run.trace_id.len(), run.span_id.len(), run.parent_span_id.len()), (16, 8, 0));
    assert_child(boot, run);
    for (name, length) in
        [("vm.boot.load", 20 * MS), ("vm.boot.fdt", MS), ("vm.boot.firmware", 1), ("vm.boot.kernel", 1)]
    {
        let part = only(&spans, name);
        assert_child(part, boot);
        assert_eq!(duration(part), length, "{name}");
        assert!(boot.start_time_unix_nano <= part.start_time_unix_nano, "{name}");
        assert!(part.end_time_unix_nano <= boot.end_time_unix_nano, "{name}");
    }
    let load = only(&spans, "vm.boot.load");
    assert_eq!(load.start_time_unix_nano, boot.start_time_unix_nano);
    assert_eq!(load.start_time_unix_nano, run.start_time_unix_nano);
    assert_eq!(only(&spans, "vm.boot.fdt").start_time_unix_nano, load.end_time_unix_nano);
    assert!(boot.end_time_unix_nano <= run.end_time_unix_nano);
    // The host may set its clock meanwhile, so the test only checks the day.
    assert!(run.start_time_unix_nano.abs_diff(earlier) < 86_400_000 * MS);
    assert!(!is_error(run) && !is_error(boot));
    let of_run = |name| attribute(&run.attributes, name);
    assert_eq!(of_run("riscope.vm.id").as_deref(), Some(VM.to_string().as_str()));
    assert_eq!(of_run("riscope.vm.name").as_deref(), Some("guest"));
    assert_eq!(of_run("riscope.vm.engine").as_deref(), Some("tiered"));
    assert_eq!(of_run("riscope.vm.vcpus").as_deref(), Some("2"));
    assert_eq!(of_run("riscope.vm.memory").as_deref(), Some("268435456"));
    assert_eq!(of_run("riscope.vm.exit.reason").as_deref(), Some("poweroff"));
    assert_eq!(of_run("error.type"), None);
}

#[test]
fn failures_are_errors() {
    let (spans, _fixture) = spans(
        |_| {},
        vec![
            created(VM, "guest"),
            state(VM, VmState::Created, VmState::Booting),
            exited(VM, ExitReason::GuestFailure, 3),
            created(VmId::from_u128(6), "other"),
            state(VmId::from_u128(6), VmState::Created, VmState::Failed),
            deleted(VmId::from_u128(6)),
        ],
    );
    let boot = only(&spans, "vm.boot");
    assert!(is_error(boot));
    assert_eq!(attribute(&boot.attributes, "error.type").as_deref(), Some("interrupted"));
    let of_vm = |id: VmId| {
        let id = id.to_string();
        spans
            .iter()
            .find(|span| span.name == "vm.run" && attribute(&span.attributes, "riscope.vm.id").as_deref() == Some(&*id))
    };
    let (first, second) = (of_vm(VM).expect("a span"), of_vm(VmId::from_u128(6)).expect("a span"));
    assert!(is_error(first) && is_error(second));
    assert_ne!(first.trace_id, second.trace_id);
    assert_eq!(attribute(&first.attributes, "error.type").as_deref(), Some("guest_failure"));
    assert_eq!(attribute(&first.attributes, "riscope.vm.exit.code").as_deref(), Some("3"));
    assert_eq!(attribute(&second.attributes, "error.type").as_deref(), Some("failed"));
}

#[test]
fn a_machine_whose_guest_panicked_is_an_error_however_it_ends() {
    for exit in [ExitReason::Poweroff, ExitReason::Killed, ExitReason::GuestPanic] {
        let panicked = event(EventType::Vm(VmEventType::GuestPanicked), VM);
        let (spans, _fixture) = spans(|_| {}, vec![created(VM, "guest"), panicked, exited(VM, exit, 0)]);
        let run = only(&spans, "vm.run");
        assert!(is_error(run), "{exit:?}");
        assert_eq!(attribute(&run.attributes, "error.type").as_deref(), Some("guest_panic"), "{exit:?}");
        assert_eq!(attribute(&run.attributes, "riscope.vm.guest.panic.source").as_deref(), Some("console"));
    }
}

#[test]
fn each_boot_of_a_machine_is_a_span_below_the_same_run() {
    let booting = |from| [state(VM, from, VmState::Creating), state(VM, VmState::Created, VmState::Booting)];
    let mut events = vec![created(VM, "guest")];
    events.extend(booting(VmState::Creating));
    events.extend([state(VM, VmState::Booting, VmState::Running), reset(VM, 2)]);
    events.extend(booting(VmState::Stopping));
    events.push(reset(VM, 3));
    events.extend(booting(VmState::Stopping));
    events.extend([state(VM, VmState::Booting, VmState::Running), exited(VM, ExitReason::Poweroff, 0), deleted(VM)]);
    let (spans, _fixture) = spans(|_| {}, events);
    let run = only(&spans, "vm.run");
    assert_eq!(attribute(&run.attributes, "riscope.vm.boots").as_deref(), Some("3"));
    let boots: Vec<_> = spans.iter().filter(|span| span.name == "vm.boot").collect();
    boots.iter().for_each(|boot| assert_child(boot, run));
    assert_eq!(boots.iter().map(|boot| is_error(boot)).collect::<Vec<_>>(), [false, true, false]);
}

#[test]
fn resets_panics_and_evictions_belong_to_what_the_machine_was_doing() {
    let panicked = || event(EventType::Vm(VmEventType::GuestPanicked), VM);
    let evicted = || event(EventType::Execution(ExecutionEventType::CodeCacheEvicted), VM);
    let mut events = vec![created(VM, "guest"), state(VM, VmState::Created, VmState::Booting), panicked(), evicted()];
    events.extend([reset(VM, 2), state(VM, VmState::Stopping, VmState::Creating)]);
    events.extend([state(VM, VmState::Created, VmState::Booting), state(VM, VmState::Booting, VmState::Running)]);
    events.extend((0..100).flat_map(|_| [panicked(), evicted()]));
    let (spans, fixture) = spans(|_| {}, events);
    let (run, reset) = (only(&spans, "vm.run"), only(&spans, "vm.reset"));
    assert_child(reset, run);
    assert_eq!(attribute(&reset.attributes, "riscope.vm.boots").as_deref(), Some("2"));
    let boots: Vec<_> = spans.iter().filter(|span| span.name == "vm.boot").collect();
    assert!(boots[0].end_time_unix_nano <= reset.start_time_unix_nano);
    assert!(reset.start_time_unix_nano < reset.end_time_unix_nano);
    assert!(reset.end_time_unix_nano <= boots[1].start_time_unix_nano);
    for (name, fails) in [("vm.guest_panic", true), ("jit.evict", false)] {
        let all: Vec<_> = spans.iter().filter(|span| span.name == name).collect();
        assert_child(all[0], boots[0]);
        assert_child(all[1], run);
        assert!(all.iter().all(|span| is_error(span) == fails && duration(span) == 0), "{name}");
        let labels = [("span", name), ("reason", "rate_limit")];
        let left_out = fixture.scrape().value("riscope_telemetry_spans_suppressed_total", &labels);
        assert_eq!(left_out, Some(f64::from(u32::try_from(101 - all.len()).expect("few"))), "{name}");
    }
    let panic = only_first(&spans, "vm.guest_panic");
    assert_eq!(attribute(&panic.attributes, "riscope.vm.guest.panic.source").as_deref(), Some("console"));
}

fn only_first<'a>(spans: &'a [Span], name: &str) -> &'a Span {
    spans.iter().find(|span| span.name == name).expect(name)
}

#[test]
fn the_environments_trace_goes_on_in_the_machines() {
    const PARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    let variables = [("TRACEPARENT", PARENT), ("TRACESTATE", "vendor=1")];
    let (spans, _fixture) = spans(
        |config| config.environment = environment(&variables),
        vec![created(VM, "guest"), state(VM, VmState::Created, VmState::Booting), exited(VM, ExitReason::Poweroff, 0)],
    );
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let run = only(&spans, "vm.run");
    assert_eq!((hex(&run.trace_id).as_str(), hex(&run.parent_span_id).as_str()), (&PARENT[3..35], &PARENT[36..52]));
    assert!(spans.iter().all(|span| span.trace_state == "vendor=1"));
    assert_child(only(&spans, "vm.boot"), run);
}

#[test]
fn an_announced_trace_is_that_of_the_machine() {
    let receiver = Receiver::start(Manner::Accept);
    let fixture = Fixture::new(receiver.config());
    let told = fixture.telemetry.traceparent(VM).expect("spans are sent");
    fixture.publish([created(VM, "guest")]);
    assert!(fixture.telemetry.shutdown(SHUTDOWN_LIMIT));
    let spans = receiver.spans();
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let run = only(&spans, "vm.run");
    assert_eq!(told, format!("00-{}-{}-01", hex(&run.trace_id), hex(&run.span_id)));
    // Without spans there is only what comes from outside.
    assert_eq!(Fixture::new(TelemetryConfig::default()).telemetry.traceparent(VM), None);
    let outside = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00";
    let variables = environment(&[("TRACEPARENT", outside)]);
    let fixture = Fixture::new(TelemetryConfig { environment: variables, ..TelemetryConfig::default() });
    assert_eq!(fixture.telemetry.traceparent(VM).as_deref(), Some(outside));
}

#[test]
fn machines_that_outlive_telemetry_have_their_span() {
    let (spans, _fixture) = spans(|_| {}, vec![created(VM, "guest"), hotspot(VM, 0x1000)]);
    let run = only(&spans, "vm.run");
    assert_child(only(&spans, "jit.hotspot"), run);
    assert_eq!(attribute(&run.attributes, "riscope.vm.exit.reason"), None);
    assert!(!is_error(run));
}

#[test]
fn slow_compilations_belong_to_what_the_machine_was_doing_and_to_their_hotspot() {
    let (spans, fixture) = spans(
        |config| config.slow_compilation = Duration::from_millis(5),
        vec![
            created(VM, "guest"),
            state(VM, VmState::Created, VmState::Booting),
            compiled(VM, 0x8020_0000, 7 * MS),
            compiled(VM, 0x8020_1000, 5 * MS - 1),
            state(VM, VmState::Booting, VmState::Running),
            hotspot(VM, 0x8020_2000),
            compiled(VM, 0x8020_2000, 5 * MS),
            exited(VM, ExitReason::Poweroff, 0),
        ],
    );
    assert_eq!(count(&spans, "jit.compile baseline"), 2);
    let of_pc = |pc: &str| {
        let mut compilations = spans.iter().filter(|span| span.name == "jit.compile baseline");
        compilations.find(|span| attribute(&span.attributes, "riscope.guest.pc").as_deref() == Some(pc)).expect(pc)
    };
    let (booting, hot) = (of_pc("0x80200000"), of_pc("0x80202000"));
    assert_child(booting, only(&spans, "vm.boot"));
    assert_eq!((duration(booting), booting.links.len()), (7 * MS, 0));
    assert_child(hot, only(&spans, "vm.run"));
    assert_eq!(duration(hot), 5 * MS);
    let hotspot = only(&spans, "jit.hotspot");
    assert_child(hotspot, only(&spans, "vm.run"));
    assert_eq!(hotspot.end_time_unix_nano, hot.end_time_unix_nano);
    assert_eq!(attribute(&hotspot.attributes, "riscope.jit.hotspot.executions").as_deref(), Some("32"));
    let links: Vec<_> = hot.links.iter().map(|link| (&link.trace_id, &link.span_id)).collect();
    assert_eq!(links, [(&hotspot.trace_id, &hotspot.span_id)]);
    let of_hot = |name| attribute(&hot.attributes, name);
    assert_eq!(of_hot("riscope.jit.tier").as_deref(), Some("baseline"));
    assert_eq!(of_hot("riscope.jit.trigger").as_deref(), Some("hot"));
    assert_eq!(of_hot("riscope.jit.block.size").as_deref(), Some("48"));
    assert_eq!(of_hot("riscope.jit.block.instructions").as_deref(), Some("13"));
    assert_eq!(of_hot("riscope.jit.block.host_size").as_deref(), Some("300"));
    assert_eq!(of_hot("riscope.jit.queue.wait").as_deref(), Some("0.00004"));
    let labels = [("span", "jit.compile"), ("reason", "threshold")];
    assert_eq!(fixture.scrape().value("riscope_telemetry_spans_suppressed_total", &labels), Some(1.0));
}

#[test]
fn a_hotspot_ends_with_its_failed_compilation_or_as_a_moment() {
    let (spans, _fixture) = spans(
        |_| {},
        vec![
            created(VM, "guest"),
            hotspot(VM, 0x1000),
            failed(VM, 0x1000, CompileFailure::Compiler),
            hotspot(VM, 0x3000),
            failed(VM, 0x3000, CompileFailure::Untranslatable),
            hotspot(VM, 0x2000),
            exited(VM, ExitReason::Poweroff, 0),
        ],
    );
    let of_pc = |pc: &str| {
        let mut hotspots = spans.iter().filter(|span| span.name == "jit.hotspot");
        hotspots.find(|span| attribute(&span.attributes, "riscope.guest.pc").as_deref() == Some(pc)).expect(pc)
    };
    assert!(is_error(of_pc("0x1000")));
    assert_eq!(attribute(&of_pc("0x1000").attributes, "error.type").as_deref(), Some("compiler"));
    assert!(!is_error(of_pc("0x3000")), "that is to be expected, and no error in the metrics either");
    assert!(duration(of_pc("0x3000")) > 0);
    assert!(!is_error(of_pc("0x2000")));
    assert_eq!(duration(of_pc("0x2000")), 0);
}

#[test]
fn blocks_at_one_address_of_two_processes_are_not_mixed_up() {
    let (spans, _fixture) = spans(
        |_| {},
        vec![
            created(VM, "guest"),
            hotspot_at(VM, 0x1000, 0x8100_0000),
            hotspot_at(VM, 0x1000, 0x8200_0000),
            compiled_at(VM, 0x1000, 0x8200_0000, 7 * MS),
            compiled_at(VM, 0x1000, 0x8100_0000, 8 * MS),
            exited(VM, ExitReason::Poweroff, 0),
        ],
    );
    let phys = |span: &Span| attribute(&span.attributes, "riscope.guest.physical_address");
    let compilations: Vec<_> = spans.iter().filter(|span| span.name == "jit.compile baseline").collect();
    assert_eq!(compilations.len(), 2);
    for compilation in compilations {
        let [link] = compilation.links.as_slice() else { panic!("one link: {compilation:?}") };
        let hotspot = spans.iter().find(|span| span.span_id == link.span_id).expect("the hotspot is there, too");
        assert_eq!(phys(hotspot), phys(compilation));
    }
}

#[test]
fn hotspots_belong_to_what_the_machine_was_doing_too() {
    let (spans, _fixture) = spans(
        |_| {},
        vec![
            created(VM, "guest"),
            state(VM, VmState::Created, VmState::Booting),
            hotspot(VM, 0x1000),
            compiled(VM, 0x1000, 7 * MS),
            state(VM, VmState::Booting, VmState::Running),
            exited(VM, ExitReason::Poweroff, 0),
        ],
    );
    assert_child(only(&spans, "jit.hotspot"), only(&spans, "vm.boot"));
    assert_child(only(&spans, "jit.compile baseline"), only(&spans, "vm.boot"));
}

#[test]
fn a_boot_that_the_user_ends_is_no_error() {
    let (spans, _fixture) = spans(
        |_| {},
        vec![created(VM, "guest"), state(VM, VmState::Created, VmState::Booting), exited(VM, ExitReason::Killed, 130)],
    );
    assert!(!is_error(only(&spans, "vm.boot")) && !is_error(only(&spans, "vm.run")));
}

#[test]
fn a_compilation_that_is_shown_has_its_hotspot_however_many_there_are() {
    const HOTSPOTS: u64 = 2000;
    let mut events = vec![created(VM, "guest")];
    events.extend((0..HOTSPOTS).map(|pc| hotspot(VM, pc)));
    // Few are slow, and these were not detected first.
    events.extend((0..HOTSPOTS).map(|pc| compiled(VM, pc, if pc % 100 == 99 { 50 * MS } else { 1 })));
    let (spans, _fixture) = spans(|_| {}, events);
    let compilations: Vec<_> = spans.iter().filter(|span| span.name == "jit.compile baseline").collect();
    assert_eq!(compilations.len(), 20);
    for compilation in compilations {
        let [link] = compilation.links.as_slice() else { panic!("one link: {compilation:?}") };
        let hotspot = spans.iter().find(|span| span.span_id == link.span_id).expect("the hotspot is there, too");
        let pc = |span: &Span| attribute(&span.attributes, "riscope.guest.pc");
        assert_eq!((hotspot.name.as_str(), pc(hotspot)), ("jit.hotspot", pc(compilation)));
    }
}

#[test]
fn a_trace_does_not_grow_without_bound() {
    const SPANS: u32 = 4_096;
    const EVENTS: u32 = SPANS / 2 + 100;
    let mut events = vec![created(VM, "guest")];
    events.extend((0..u64::from(EVENTS)).flat_map(|pc| [hotspot(VM, pc), compiled(VM, pc, 50 * MS)]));
    let change = |config: &mut TelemetryConfig| {
        assert_eq!(config.jit_spans_per_trace, SPANS, "the default");
        config.jit_spans_per_second = 1_000_000;
    };
    let (spans, fixture) = spans(change, events);
    assert_eq!(spans.len(), SPANS as usize + 1, "and the machine's own");
    let scrape = fixture.scrape();
    for span in ["jit.compile", "jit.hotspot"] {
        let labels = [("span", span), ("reason", "trace_limit")];
        let suppressed = scrape.value("riscope_telemetry_spans_suppressed_total", &labels);
        assert_eq!(suppressed, Some(f64::from(EVENTS - SPANS / 2)), "{span}");
    }
}

#[test]
fn what_limits_and_unknown_machines_suppress_is_counted() {
    const EVENTS: u32 = 2000;
    let mut events = vec![created(VM, "guest")];
    for pc in 0..u64::from(EVENTS) {
        events.extend([hotspot(VM, pc), compiled(VM, pc, 50 * MS)]);
    }
    events.extend([hotspot(VmId::from_u128(99), 1), compiled(VmId::from_u128(99), 1, 50 * MS)]);
    // The number that pass depends on the time of publishing, but all of them are exported
    // or counted.
    let (spans, fixture) = spans(|config| config.jit_spans_per_second = 1, events);
    let scrape = fixture.scrape();
    for (span, name) in [("jit.compile", "jit.compile baseline"), ("jit.hotspot", "jit.hotspot")] {
        let sent = u32::try_from(count(&spans, name)).expect("few");
        let suppressed = |reason| {
            let labels = [("span", span), ("reason", reason)];
            scrape.value("riscope_telemetry_spans_suppressed_total", &labels).expect("a series")
        };
        assert!(sent >= 1 && suppressed("rate_limit") > 0.0, "{span}: {sent}");
        assert_eq!(f64::from(sent) + suppressed("rate_limit"), f64::from(EVENTS), "{span}");
        assert_eq!(suppressed("unknown_vm"), 1.0, "{span}");
    }
}

#[test]
fn without_an_endpoint_nothing_is_sent_and_no_series_is_about_spans() {
    let fixture = Fixture::new(TelemetryConfig::default());
    fixture.publish([created(VM, "guest"), compiled(VM, 1, 1), hotspot(VmId::from_u128(9), 1)]);
    assert!(fixture.telemetry.shutdown(SHUTDOWN_LIMIT));
    let about_spans = |name: &str| name.starts_with("otel_sdk_") || name.starts_with("riscope_telemetry_spans_");
    let found: Vec<_> = fixture.scrape().samples.into_keys().filter(|(name, _)| about_spans(name)).collect();
    assert_eq!(found, [], "series of what cannot happen");
}
