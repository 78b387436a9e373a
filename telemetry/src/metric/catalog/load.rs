//! Families of the JIT, and what each machine asks of it.

use riscope_core::event::{CompileFailure, EvictionReason, InvalidationReason, Trigger};

use super::sets::{COMPILED, PROMOTED, SEGMENTS};
use crate::label::{CompileResult, Rejection};
use crate::metric::family::{
    EXECUTIONS_BUCKETS, Family, GUEST_BYTES_BUCKETS, HOST_BYTES_BUCKETS, INSTRUCTIONS_BUCKETS, LATENCY_BUCKETS, Unit,
};

families! {
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
    VM_JIT_COMPILATION_SECONDS = Family::counter(
        "riscope_vm_jit_compilation_seconds_total",
        "Time spent on compilations for a virtual machine.",
    )
    .unit(Unit::Seconds).labels(&["vm_id", "tier"])
        .values(&[("tier", &COMPILED)]);
    VM_JIT_QUEUE_WAIT = Family::counter(
        "riscope_vm_jit_queue_wait_seconds_total",
        "Time that finished compilations for a virtual machine had waited in the queue.",
    )
    .unit(Unit::Seconds).labels(&["vm_id", "tier"])
        .values(&[("tier", &COMPILED)]);
    VM_JIT_QUEUE_DEPTH = Family::gauge(
        "riscope_vm_jit_compile_queue_depth",
        "Compilations of a virtual machine that wait in the queue.",
    )
    .labels(&["vm_id"]);
    VM_JIT_CACHE_USAGE = Family::gauge(
        "riscope_vm_jit_code_cache_usage_bytes",
        "Bytes of a virtual machine's code cache with code, dropped code included.",
    )
    .unit(Unit::Bytes).labels(&["vm_id"]);
    VM_JIT_CACHE_LIMIT = Family::gauge(
        "riscope_vm_jit_code_cache_limit_bytes",
        "Capacity of a virtual machine's code cache.",
    )
    .unit(Unit::Bytes).labels(&["vm_id"]);
    VM_JIT_EVICTED_BYTES = Family::counter(
        "riscope_vm_jit_code_cache_evicted_bytes_total",
        "Bytes that evictions freed in a virtual machine's code cache.",
    )
    .unit(Unit::Bytes).labels(&["vm_id"]);
}
