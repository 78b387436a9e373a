//! Catalogue of metrics, with one row per family.
//!
//! It is the single source of names, labels and buckets for the registry, `METRICS.md`,
//! dashboards and tests. Two rules bound the number of series: no label holds an address
//! or any other unbounded value, and `vm_id` is never on a histogram.

use riscope_core::counters::HartCounter;
use riscope_core::event::{
    BootPhase, CompileFailure, EventType, EvictionReason, ExecutionEventType, ExitReason, InvalidationReason,
    PanicSource, Tier, Trigger, VmState,
};

use super::family::{
    EXECUTIONS_BUCKETS, Family, GUEST_BYTES_BUCKETS, HOST_BYTES_BUCKETS, INSTRUCTIONS_BUCKETS, LATENCY_BUCKETS,
    OPERATION_BUCKETS, Unit,
};
use super::outgoing::{EXPORT_OUTCOMES, QUEUE_OUTCOMES, with};
pub(crate) use super::outgoing::{LOGS_EXPORTED, LOGS_PROCESSED, LOGS_SUPPRESSED, POINTS_EXPORTED};
use crate::label::{CollectorName, CompileResult, FREE, Loss, Rejection, Suppressible, Suppression};

/// Tiers that generate code: all except the first, the interpreter.
const COMPILED: [&str; Tier::ALL.len() - 1] = without_first(Tier::NAMES);

/// Tiers from which code is promoted: all except the last.
const PROMOTED: [&str; COMPILED.len()] = without_last(Tier::NAMES);

/// Segments of a code cache.
const SEGMENTS: [&str; COMPILED.len() + 1] = with(COMPILED, FREE);

/// `names` without the first.
const fn without_first<const N: usize, const M: usize>(names: [&'static str; N]) -> [&'static str; M] {
    assert!(M == N - 1);
    let mut rest = [""; M];
    let mut index = 0;
    while index < M {
        rest[index] = names[index + 1];
        index += 1;
    }
    rest
}

/// `names` without the last.
const fn without_last<const N: usize, const M: usize>(names: [&'static str; N]) -> [&'static str; M] {
    assert!(M == N - 1);
    let mut rest = [""; M];
    let mut index = 0;
    while index < M {
        rest[index] = names[index];
        index += 1;
    }
    rest
}

/// Declares one constant per family and the list of all of them.
macro_rules! families {
    ($($name:ident = $family:expr;)*) => {
        $(pub(crate) const $name: &Family = &$family;)*

        /// All families, in the order of the documentation.
        pub const FAMILIES: &[&Family] = &[$($name,)* LOGS_PROCESSED, LOGS_EXPORTED, LOGS_SUPPRESSED, POINTS_EXPORTED];
    };
}

families! {
    // Process.
    BUILD_INFO = Family::gauge("riscope_build_info", "Build information, always 1.")
        .labels(&["version", "target"]);
    PROCESS_CPU_SECONDS = Family::counter(
        "process_cpu_seconds_total",
        "Total user and system CPU time spent in seconds.",
    )
    .unit(Unit::Seconds).otel("process.cpu.time");
    PROCESS_RESIDENT_MEMORY = Family::gauge("process_resident_memory_bytes", "Resident memory size in bytes.")
        .unit(Unit::Bytes).otel("process.memory.usage");
    PROCESS_VIRTUAL_MEMORY = Family::gauge("process_virtual_memory_bytes", "Virtual memory size in bytes.")
        .unit(Unit::Bytes).otel("process.memory.virtual");
    PROCESS_OPEN_FDS = Family::gauge("process_open_fds", "Number of open file descriptors.")
        .otel("process.unix.file_descriptor.count");
    PROCESS_MAX_FDS = Family::gauge("process_max_fds", "Maximum number of open file descriptors.");
    PROCESS_THREADS = Family::gauge("process_threads", "Number of OS threads in the process.")
        .otel("process.thread.count");
    PROCESS_START_TIME = Family::gauge(
        "process_start_time_seconds",
        "Start time of the process since unix epoch in seconds.",
    )
    .unit(Unit::Seconds);

    // Lifecycle of machines.
    VMS = Family::gauge("riscope_vms", "Number of virtual machines in each state; every state is always exported.")
        .labels(&["state"]).otel("riscope.vm.count")
        .values(&[("state", &VmState::NAMES)]);
    VM_INFO = Family::gauge("riscope_vm_info", "Static information about a virtual machine, always 1.")
        .labels(&["vm_id", "name", "engine"]);
    VM_STATE = Family::gauge(
        "riscope_vm_state",
        "Current state of a virtual machine as a state set (1 for the current state, else 0).",
    )
    .labels(&["vm_id", "state"])
        .values(&[("state", &VmState::NAMES)]);
    VM_STATE_TRANSITIONS = Family::counter(
        "riscope_vm_state_transitions_total",
        "State transitions of virtual machines.",
    )
    .labels(&["from", "to"]).otel("riscope.vm.state.transitions")
        .values(&[("from", &VmState::NAMES), ("to", &VmState::NAMES)]);
    VM_EXITS = Family::counter("riscope_vm_exits_total", "Virtual machine terminations by reason; one that ends its process is told by the span vm.run and the exit status.")
        .labels(&["reason"]).otel("riscope.vm.exits")
        .values(&[("reason", &ExitReason::NAMES)]);
    VM_BOOT_PHASE_DURATION = Family::histogram(
        "riscope_vm_boot_phase_duration_seconds", OPERATION_BUCKETS,
        "Duration of each boot phase.",
    )
    .unit(Unit::Seconds).labels(&["phase"]).otel("riscope.vm.boot.phase.duration")
        .values(&[("phase", &BootPhase::NAMES)]);
    VM_RESETS = Family::counter("riscope_vm_resets_total", "Resets of a virtual machine by its guest.")
        .labels(&["vm_id"]).otel("riscope.vm.resets");
    VM_BOOT_TIME = Family::gauge(
        "riscope_vm_boot_time_seconds",
        "Start of the last boot of a virtual machine since unix epoch in seconds.",
    )
    .unit(Unit::Seconds).labels(&["vm_id"]);
    VM_GUEST_PANICS = Family::counter("riscope_vm_guest_panics_total", "Panics of the guest's kernel by what told so.")
        .labels(&["vm_id", "source"]).otel("riscope.vm.guest.panics")
        .values(&[("source", &PanicSource::NAMES)]);
    VCPU_STALLED = Family::gauge(
        "riscope_vcpu_stalled",
        "Whether a vCPU has been executing for long with interrupts masked although one is pending (1) or not (0).",
    )
    .labels(&["vm_id", "vcpu"]);
    VM_VCPUS = Family::gauge("riscope_vm_vcpus", "Number of virtual CPUs configured.")
        .labels(&["vm_id"]);
    VM_MEMORY_LIMIT = Family::gauge("riscope_vm_memory_limit_bytes", "Guest physical memory size.")
        .unit(Unit::Bytes).labels(&["vm_id"]).otel("riscope.vm.memory.limit");

    // Guest execution, from the counter pages.
    VCPU_TIME = Family::counter("riscope_vcpu_time_seconds_total", "Wall time of each vCPU thread by state.")
        .unit(Unit::Seconds).labels(&["vm_id", "vcpu", "state"]).otel("riscope.vcpu.time")
        .row(HartCounter::TimeNs);
    VCPU_CPU = Family::counter(
        "riscope_vcpu_cpu_seconds_total",
        "CPU time of each vCPU thread by activity; sampled, with an exact sum.",
    )
    .unit(Unit::Seconds).labels(&["vm_id", "vcpu", "activity"]).otel("riscope.vcpu.cpu.time")
        .row(HartCounter::CpuNs);
    GUEST_INSTRUCTIONS = Family::counter(
        "riscope_guest_instructions_total",
        "Guest instructions retired by execution tier.",
    )
    .labels(&["vm_id", "vcpu", "tier"]).otel("riscope.guest.instructions")
        .row(HartCounter::Instructions);
    GUEST_EXCEPTIONS = Family::counter(
        "riscope_guest_exceptions_total",
        "Guest synchronous exceptions by RISC-V cause.",
    )
    .labels(&["vm_id", "cause"]).otel("riscope.guest.exceptions")
        .row(HartCounter::Exceptions);
    GUEST_INTERRUPTS = Family::counter("riscope_guest_interrupts_total", "Guest interrupts taken by RISC-V cause.")
        .labels(&["vm_id", "cause"]).otel("riscope.guest.interrupts")
        .row(HartCounter::Interrupts);
    GUEST_TLB_MISSES = Family::counter("riscope_guest_tlb_misses_total", "Software TLB misses by access; of fetches, pages whose code was looked up.")
        .labels(&["vm_id", "access"]).otel("riscope.guest.tlb.misses")
        .row(HartCounter::TlbMisses);
    GUEST_PAGE_WALKS = Family::counter("riscope_guest_page_walks_total", "Page table walks by result.")
        .labels(&["vm_id", "result"])
        .row(HartCounter::PageWalks);
    GUEST_TLB_FLUSHES = Family::counter("riscope_guest_tlb_flushes_total", "Software TLB flushes by scope.")
        .labels(&["vm_id", "scope"])
        .row(HartCounter::TlbFlushes);
    GUEST_ADDRESS_SPACE_SWITCHES = Family::counter(
        "riscope_guest_address_space_switches_total",
        "Changes of the guest's address space; by whether its translations were known, or others were replaced.",
    )
    .labels(&["vm_id", "outcome"])
        .row(HartCounter::SpaceSwitches);
    GUEST_SC_FAILURES = Family::counter("riscope_guest_sc_failures_total", "Failed store-conditional instructions.")
        .labels(&["vm_id"]).row(HartCounter::ScFailures);
    GUEST_WFI = Family::counter("riscope_guest_wfi_total", "WFI instructions executed.")
        .labels(&["vm_id"]).row(HartCounter::Wfi);
    GUEST_DEVICE_ACCESSES = Family::counter(
        "riscope_guest_device_accesses_total",
        "Guest loads and stores answered by a device.",
    )
    .labels(&["vm_id"]).row(HartCounter::DeviceAccesses);
    GUEST_SBI_CALLS = Family::counter("riscope_guest_sbi_calls_total", "SBI calls by extension.")
        .labels(&["vm_id", "extension"]).otel("riscope.guest.sbi.calls")
        .row(HartCounter::SbiCalls);
    VCPU_EXITS = Family::counter("riscope_vcpu_exits_total", "Exits from generated code to the runtime by reason.")
        .labels(&["vm_id", "reason"]).otel("riscope.vcpu.exits")
        .row(HartCounter::CodeExits);

    VCPU_EXIT_INSTRUCTIONS = Family::counter(
        "riscope_vcpu_exit_instructions_total",
        "Exits from generated code that were at an instruction by its class: those with the reasons fallback, access and system.",
    )
    .labels(&["vm_id", "class"]).row(HartCounter::ExitInstructions);
    VCPU_HANDLER_CALLS = Family::counter(
        "riscope_vcpu_handler_calls_total",
        "Instructions that generated code executed by calling the interpreter by class.",
    )
    .labels(&["vm_id", "class"]).row(HartCounter::HandlerCalls);

    // JIT compiler.
    JIT_COMPILATIONS = Family::counter(
        "riscope_jit_compilations_total",
        "Blocks compiled by tier, trigger and result (ok, bailout, error).",
    )
    .labels(&["tier", "trigger", "result"]).otel("riscope.jit.compilations")
        .values(&[("tier", &COMPILED), ("trigger", &Trigger::NAMES), ("result", &CompileResult::NAMES)]);
    JIT_COMPILATION_FAILURES = Family::counter(
        "riscope_jit_compilation_failures_total",
        "Compilations that gave no code by reason.",
    )
    .labels(&["reason"])
        .values(&[("reason", &CompileFailure::NAMES)]);
    JIT_COMPILATION_DURATION = Family::histogram(
        "riscope_jit_compilation_duration_seconds", LATENCY_BUCKETS,
        "Compile time per block, of compilations that were published as events.",
    )
    .unit(Unit::Seconds).labels(&["tier"]).otel("riscope.jit.compilation.duration")
        .values(&[("tier", &COMPILED)]);
    JIT_COMPILATION_SECONDS = Family::counter(
        "riscope_jit_compilation_seconds_total",
        "Time spent on compilations by tier; that of baseline is part of the harts' time.",
    )
    .unit(Unit::Seconds).labels(&["tier"]).otel("riscope.jit.compilation.time")
        .values(&[("tier", &COMPILED)]);
    JIT_COMPILER_CPU = Family::counter(
        "riscope_jit_compiler_cpu_seconds_total",
        "CPU time of the compiler threads.",
    )
    .unit(Unit::Seconds).otel("riscope.jit.compiler.cpu.time");
    JIT_QUEUE_WAIT = Family::histogram(
        "riscope_jit_compile_queue_wait_seconds", LATENCY_BUCKETS,
        "Time a compilation waited in the queue.",
    )
    .unit(Unit::Seconds).labels(&["tier"])
        .values(&[("tier", &COMPILED)]);
    JIT_GUEST_INSTRUCTIONS = Family::counter(
        "riscope_jit_compiled_guest_instructions_total",
        "Guest instructions compiled.",
    )
    .labels(&["tier"]).otel("riscope.jit.compiled.guest.instructions")
        .values(&[("tier", &COMPILED)]);
    JIT_GUEST_BYTES = Family::counter("riscope_jit_compiled_guest_bytes_total", "Guest code bytes compiled.")
        .unit(Unit::Bytes).labels(&["tier"]).otel("riscope.jit.compiled.guest.size")
        .values(&[("tier", &COMPILED)]);
    JIT_HOST_BYTES = Family::counter("riscope_jit_compiled_host_bytes_total", "Host code bytes emitted.")
        .unit(Unit::Bytes).labels(&["tier"]).otel("riscope.jit.compiled.host.size")
        .values(&[("tier", &COMPILED)]);
    JIT_BLOCK_GUEST_BYTES = Family::histogram(
        "riscope_jit_block_guest_bytes", GUEST_BYTES_BUCKETS,
        "Guest size of compiled blocks.",
    )
    .unit(Unit::Bytes).labels(&["tier"]).otel("riscope.jit.block.guest.size")
        .values(&[("tier", &COMPILED)]);
    JIT_BLOCK_INSTRUCTIONS = Family::histogram(
        "riscope_jit_block_guest_instructions", INSTRUCTIONS_BUCKETS,
        "Guest instructions per compiled block.",
    )
    .labels(&["tier"]).otel("riscope.jit.block.guest.instructions")
        .values(&[("tier", &COMPILED)]);
    JIT_BLOCK_HOST_BYTES = Family::histogram(
        "riscope_jit_block_host_bytes", HOST_BYTES_BUCKETS,
        "Host code size of compiled blocks.",
    )
    .unit(Unit::Bytes).labels(&["tier"]).otel("riscope.jit.block.host.size")
        .values(&[("tier", &COMPILED)]);
    JIT_QUEUE_DEPTH = Family::gauge("riscope_jit_compile_queue_depth", "Compilations waiting in the queue.")
        .otel("riscope.jit.queue.size");
    JIT_QUEUE_OLDEST = Family::gauge(
        "riscope_jit_compile_queue_oldest_age_seconds",
        "Age of the oldest compilation in the queue, 0 if it is empty.",
    )
    .unit(Unit::Seconds);
    JIT_QUEUE_REJECTED = Family::counter("riscope_jit_compile_queue_rejected_total", "Compilations not queued.")
        .labels(&["reason"])
        .values(&[("reason", &Rejection::NAMES)]);
    JIT_CACHE_LIMIT = Family::gauge("riscope_jit_code_cache_limit_bytes", "Capacity of the code cache.")
        .unit(Unit::Bytes).otel("riscope.jit.code_cache.limit");
    JIT_CACHE_USAGE = Family::gauge(
        "riscope_jit_code_cache_usage_bytes",
        "Code cache bytes by segment, dropped code included; the segments add up to the capacity.",
    )
    .unit(Unit::Bytes).labels(&["segment"]).otel("riscope.jit.code_cache.usage")
        .values(&[("segment", &SEGMENTS)]);
    JIT_CACHE_BLOCKS = Family::gauge("riscope_jit_code_cache_blocks", "Blocks resident in the code cache.")
        .labels(&["tier"]).otel("riscope.jit.code_cache.block.count")
        .values(&[("tier", &COMPILED)]);
    JIT_INVALIDATIONS = Family::counter("riscope_jit_block_invalidations_total", "Blocks invalidated by reason.")
        .labels(&["reason"]).otel("riscope.jit.block.invalidations")
        .values(&[("reason", &InvalidationReason::NAMES)]);
    JIT_EVICTIONS = Family::counter("riscope_jit_code_cache_evictions_total", "Blocks evicted from the code cache by reason.")
        .labels(&["reason"])
        .values(&[("reason", &EvictionReason::NAMES)]);
    JIT_EVICTED_BYTES = Family::counter(
        "riscope_jit_code_cache_evicted_bytes_total",
        "Bytes of the code cache that evictions freed, those of code dropped before included.",
    )
    .unit(Unit::Bytes).labels(&["reason"])
        .values(&[("reason", &EvictionReason::NAMES)]);
    JIT_HOTSPOTS = Family::counter("riscope_jit_hotspots_detected_total", "Hotspots detected by the tier that executed the code and the one it is promoted to.")
        .labels(&["vm_id", "from", "to"]).otel("riscope.jit.hotspots")
        .values(&[("from", &PROMOTED), ("to", &COMPILED)]);
    JIT_HOTSPOT_EXECUTIONS = Family::histogram(
        "riscope_jit_hotspot_executions", EXECUTIONS_BUCKETS,
        "Execution count of a block when it was reported hot.",
    );

    // Devices.
    DEVICE_ERRORS = Family::counter("riscope_device_errors_total", "Failures of devices that are the host's fault; device_name tells devices of one kind apart.")
        .labels(&["vm_id", "device", "device_name", "error_type"]);

    // Event bus.
    BUS_PUBLISHED = Family::counter("riscope_event_bus_published_total", "Events published by type.")
        .labels(&["event"]).otel("riscope.event_bus.published")
        .values(&[("event", &EventType::NAMES)]);
    BUS_COALESCED = Family::counter(
        "riscope_event_bus_coalesced_total",
        "Events that were counted instead of published because there were too many of their type.",
    )
    .labels(&["event"])
        .values(&[("event", &ExecutionEventType::NAMES)]);
    BUS_DELIVERED = Family::counter("riscope_event_bus_delivered_total", "Events handled by a subscriber.")
        .labels(&["subscriber"]).otel("riscope.event_bus.delivered");
    BUS_DROPPED = Family::counter(
        "riscope_event_bus_dropped_total",
        "Events that a subscriber did not handle (full, closed, panicked).",
    )
    .labels(&["subscriber", "reason"]).otel("riscope.event_bus.dropped")
        .values(&[("reason", &Loss::NAMES)]);
    BUS_SUBSCRIBER_COALESCED = Family::counter(
        "riscope_event_bus_subscriber_coalesced_total",
        "Events that became part of another one in the full queue of a subscriber.",
    )
    .labels(&["subscriber"]);
    BUS_SUBSCRIBER_PANICS = Family::counter(
        "riscope_event_bus_subscriber_panics_total",
        "Subscriptions that ended because their subscriber panicked.",
    )
    .labels(&["subscriber"]);
    BUS_QUEUE_DEPTH = Family::gauge("riscope_event_bus_queue_depth", "Events waiting for a subscriber.")
        .labels(&["subscriber"]).otel("riscope.event_bus.queue.size");
    BUS_QUEUE_CAPACITY = Family::gauge("riscope_event_bus_queue_capacity", "Capacity of a subscriber queue.")
        .labels(&["subscriber"]).otel("riscope.event_bus.queue.capacity");
    BUS_SUBSCRIBERS = Family::gauge("riscope_event_bus_subscribers", "Registered subscribers.");

    // Telemetry about itself.
    SPANS_SUPPRESSED = Family::counter(
        "riscope_telemetry_spans_suppressed_total",
        "Spans not created because of thresholds or limits.",
    )
    .labels(&["span", "reason"])
        .values(&[("span", &Suppressible::NAMES), ("reason", &Suppression::NAMES)]);
    SPANS_PROCESSED = Family::counter(
        "otel_sdk_processor_span_processed_total",
        "Spans that left the queue; error_type is empty for those that went to the exporter.",
    )
    .labels(&["error_type"]).otel("otel.sdk.processor.span.processed")
        .values(&[("error_type", &QUEUE_OUTCOMES)]);
    SPANS_EXPORTED = Family::counter(
        "otel_sdk_exporter_span_exported_total",
        "Spans for which export has finished; error_type is empty for those that arrived.",
    )
    .labels(&["error_type"]).otel("otel.sdk.exporter.span.exported")
        .values(&[("error_type", &EXPORT_OUTCOMES)]);
    SERIES = Family::gauge("riscope_telemetry_series", "Series exported by this scrape, without this one.");
    SCRAPE_DURATION = Family::gauge(
        "riscope_telemetry_scrape_duration_seconds",
        "Duration of the last collection by collector.",
    )
    .unit(Unit::Seconds).labels(&["collector"])
        .values(&[("collector", &CollectorName::NAMES)]);
}
