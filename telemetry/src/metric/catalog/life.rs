//! Families of the lifecycle of machines.

use riscope_core::counters::Setting;
use riscope_core::event::{BootPhase, ExitReason, PanicSource, VmState};

use crate::label::Condition;
use crate::metric::family::{Family, OPERATION_BUCKETS, Unit};

families! {
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
    VM_CONFIG_INFO = Family::gauge(
        "riscope_vm_config_info",
        "Settings of a virtual machine, always 1; one series each, except the kernel's command line.",
    )
    .labels(&["vm_id", "setting", "value"])
        .values(&[("setting", &Setting::NAMES)]);
    VM_CONDITION = Family::gauge(
        "riscope_vm_condition",
        "How a virtual machine is, as far as it can be seen from outside, as a state set (1 for what it is, else 0).",
    )
    .labels(&["vm_id", "condition"])
        .values(&[("condition", &Condition::NAMES)]);
    VM_LAST_END = Family::gauge(
        "riscope_vm_last_end",
        "Why the last boot of a virtual machine ended, as a state set: 1 for the reason, else 0; no 1 before the first end.",
    )
    .labels(&["vm_id", "reason"])
        .values(&[("reason", &ExitReason::NAMES)]);
    VM_LAST_END_TIME = Family::gauge(
        "riscope_vm_last_end_timestamp_seconds",
        "When the last boot of a virtual machine ended, by reset or otherwise, since unix epoch in seconds; 0 before the first end.",
    )
    .unit(Unit::Seconds).labels(&["vm_id"]);
    VM_EXIT_STATUS = Family::gauge(
        "riscope_vm_exit_status",
        "Exit status with which a virtual machine ended, which its guest may choose; 0 is success, -1 that it has not ended.",
    )
    .labels(&["vm_id"]);
}
