//! Families of the execution of guests, from the counter pages.

use riscope_core::counters::HartCounter;

use super::sets::RANKS;
use crate::metric::family::{Family, Unit};

families! {
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
    VCPU_DELAY = Family::counter(
        "riscope_vcpu_delay_seconds_total",
        "Time for which each vCPU thread wanted a CPU of the host and had none.",
    )
    .unit(Unit::Seconds).labels(&["vm_id", "vcpu"]).otel("riscope.vcpu.delay.time")
        .row(HartCounter::DelayNs);
    GUEST_MODE_INSTRUCTIONS = Family::counter(
        "riscope_guest_mode_instructions_total",
        "Guest instructions retired by privilege mode.",
    )
    .labels(&["vm_id", "mode"]).row(HartCounter::ModeInstructions);
    VCPU_HOST_CYCLES = Family::counter(
        "riscope_vcpu_host_cycles_total",
        "Cycles that the host's CPU spent on vCPU threads by activity; sampled, and absent where the host does not count.",
    )
    .labels(&["vm_id", "activity"]).row(HartCounter::HostCycles).of_counting_hosts();
    VCPU_HOST_INSTRUCTIONS = Family::counter(
        "riscope_vcpu_host_instructions_total",
        "Instructions that the host's CPU retired for vCPU threads by activity; sampled, and absent where the host does not count.",
    )
    .labels(&["vm_id", "activity"]).row(HartCounter::HostInstructions).of_counting_hosts();
    VCPU_HOST_BRANCHES = Family::counter(
        "riscope_vcpu_host_branches_total",
        "Branches that the host's CPU retired for vCPU threads by activity; sampled, and absent where the host does not count.",
    )
    .labels(&["vm_id", "activity"]).row(HartCounter::HostBranches).of_counting_hosts();
    VCPU_HOST_BRANCH_MISSES = Family::counter(
        "riscope_vcpu_host_branch_misses_total",
        "Branches of vCPU threads that the host's CPU mispredicted by activity; sampled, and absent where the host does not count.",
    )
    .labels(&["vm_id", "activity"]).row(HartCounter::HostBranchMisses).of_counting_hosts();
    VCPU_HOST_CACHE_REFERENCES = Family::counter(
        "riscope_vcpu_host_cache_references_total",
        "References of vCPU threads to the last cache of the host's CPU by activity; sampled, and absent where the host does not count.",
    )
    .labels(&["vm_id", "activity"]).row(HartCounter::HostCacheReferences).of_counting_hosts();
    VCPU_HOST_CACHE_MISSES = Family::counter(
        "riscope_vcpu_host_cache_misses_total",
        "References of vCPU threads that missed in the last cache of the host's CPU by activity; sampled, and absent where the host does not count.",
    )
    .labels(&["vm_id", "activity"]).row(HartCounter::HostCacheMisses).of_counting_hosts();
    GUEST_HOT_PAGE_ADDRESS = Family::gauge(
        "riscope_guest_hot_page_address",
        "Virtual address of the guest's hottest pages of code, rank 1 first; from one sample a second of harts that are busy.",
    )
    .labels(&["vm_id", "rank"])
        .values(&[("rank", &RANKS)]);
    GUEST_HOT_PAGE_SHARE = Family::gauge(
        "riscope_guest_hot_page_ratio",
        "Share of the guest's execution in its hottest pages of code; minutes ago count less.",
    )
    .labels(&["vm_id", "rank"])
        .values(&[("rank", &RANKS)]);
}
