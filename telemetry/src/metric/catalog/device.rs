//! Families of devices: disks, consoles, virtqueues.

use riscope_core::counters::{ConsolePeer, DiskOperation};

use crate::label::Direction;
use crate::metric::family::{DISK_BUCKETS, Family, Unit};

families! {
    DEVICE_ERRORS = Family::counter("riscope_device_errors_total", "Failures of devices that are the host's fault; device_name tells devices of one kind apart.")
        .labels(&["vm_id", "device", "device_name", "error_type"]);
    BLOCK_OPERATIONS = Family::counter(
        "riscope_block_operations_total",
        "Requests to a disk that have ended, failed ones included.",
    )
    .labels(&["vm_id", "disk", "operation"]).otel("riscope.block.operations")
        .values(&[("operation", &DiskOperation::NAMES)]);
    BLOCK_BYTES = Family::counter(
        "riscope_block_io_bytes_total",
        "Bytes of requests to a disk that succeeded.",
    )
    .unit(Unit::Bytes).labels(&["vm_id", "disk", "operation"]).otel("riscope.block.io")
        .values(&[("operation", &DiskOperation::NAMES)]);
    BLOCK_ERRORS = Family::counter(
        "riscope_block_errors_total",
        "Requests to a disk that failed, by the fault of the host or of the guest.",
    )
    .labels(&["vm_id", "disk", "operation"]).otel("riscope.block.errors")
        .values(&[("operation", &DiskOperation::NAMES)]);
    BLOCK_SECONDS = Family::counter(
        "riscope_block_operation_seconds_total",
        "Time that the host needed for requests to a disk.",
    )
    .unit(Unit::Seconds).labels(&["vm_id", "disk", "operation"]).otel("riscope.block.operation.time")
        .values(&[("operation", &DiskOperation::NAMES)]);
    BLOCK_DURATION = Family::histogram(
        "riscope_block_operation_duration_seconds", &DISK_BUCKETS,
        "Time that the host needed for each request to a disk.",
    )
    .unit(Unit::Seconds).labels(&["operation"]).otel("riscope.block.operation.duration")
        .values(&[("operation", &DiskOperation::NAMES)]);
    BLOCK_AGE = Family::gauge(
        "riscope_block_oldest_operation_age_seconds",
        "Age of the request that the host works on, 0 if there is none.",
    )
    .unit(Unit::Seconds).labels(&["vm_id", "disk"]);
    CONSOLE_BYTES = Family::counter("riscope_console_io_bytes_total", "Bytes that went through a console.")
        .unit(Unit::Bytes).labels(&["vm_id", "console", "direction"]).otel("riscope.console.io")
        .values(&[("direction", &Direction::NAMES)]);
    CONSOLE_LINES = Family::counter("riscope_console_output_lines_total", "Lines that a guest wrote to a console.")
        .labels(&["vm_id", "console"]).otel("riscope.console.output.lines");
    CONSOLE_ATTACHED = Family::gauge(
        "riscope_console_attached",
        "Who can type at a console, as a state set (1 for who is there, else 0).",
    )
    .labels(&["vm_id", "console", "peer"])
        .values(&[("peer", &ConsolePeer::NAMES)]);
    VIRTIO_NOTIFICATIONS = Family::counter(
        "riscope_virtio_notifications_total",
        "Notifications of virtqueues by the guest.",
    )
    .labels(&["vm_id", "device", "device_name"]).otel("riscope.virtio.notifications");
    VIRTIO_USED = Family::counter(
        "riscope_virtio_used_buffers_total",
        "Buffers of virtqueues that a device returned to the guest.",
    )
    .labels(&["vm_id", "device", "device_name"]).otel("riscope.virtio.used_buffers");
}
