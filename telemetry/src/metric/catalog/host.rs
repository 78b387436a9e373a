//! Families of this process and its threads.

use crate::label::{EnergyDomain, HostCounter, ThreadGroup};
use crate::metric::family::{Family, Unit};

families! {
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
    HOST_CPU = Family::counter(
        "riscope_host_cpu_seconds_total",
        "CPU time of this process, which runs one machine, by what its threads do; of harts with the devices that they serve.",
    )
    .unit(Unit::Seconds).labels(&["thread_group"]).otel("riscope.host.cpu.time")
        .values(&[("thread_group", &ThreadGroup::NAMES)]);
    HOST_RUN_DELAY = Family::counter(
        "riscope_host_run_delay_seconds_total",
        "Time for which threads of this process wanted a CPU and had none by what they do.",
    )
    .unit(Unit::Seconds).labels(&["thread_group"]).otel("riscope.host.run_delay.time")
        .values(&[("thread_group", &ThreadGroup::NAMES)]);
    HOST_CPU_INFO = Family::gauge("riscope_host_cpu_info", "Processor of the host, always 1.")
        .labels(&["vendor_id", "family", "model_id", "model_name", "stepping", "microcode"]);
    HOST_COUNTERS_AVAILABLE = Family::gauge(
        "riscope_host_counters_available",
        "Whether this process reads these counters of the host (1) or cannot (0).",
    )
    .labels(&["source"]).values(&[("source", &HostCounter::NAMES)]);
    HOST_BUSY = Family::counter(
        "riscope_host_busy_cpu_seconds_total",
        "Time for which the host's CPUs were not idle, whatever they executed.",
    )
    .unit(Unit::Seconds);
    HOST_ENERGY = Family::counter(
        "riscope_host_energy_joules_total",
        "Energy that the host has used by domain; absent where it is not measured.",
    )
    .unit(Unit::Joules).labels(&["domain"]).otel("hw.host.energy")
        .values(&[("domain", &EnergyDomain::NAMES)]).of_counting_hosts();
}
