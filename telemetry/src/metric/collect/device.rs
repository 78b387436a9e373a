//! Devices: disks, consoles and virtqueues.

use prometheus::proto::MetricFamily;
use riscope_core::counters::{ConsolePeer, DeviceInfo, DiskOperation, DiskPage};
use riscope_core::event::monotonic_ns;

use crate::label::Direction;
use crate::metric::catalog;
use crate::metric::family::Family;
use crate::metric::machines::Table;
use crate::metric::samples::{Samples, seconds};

/// The families.
pub(super) const FAMILIES: &[&Family] = &[
    catalog::device::DEVICE_ERRORS,
    catalog::device::BLOCK_OPERATIONS,
    catalog::device::BLOCK_BYTES,
    catalog::device::BLOCK_ERRORS,
    catalog::device::BLOCK_SECONDS,
    catalog::device::BLOCK_DURATION,
    catalog::device::BLOCK_AGE,
    catalog::device::CONSOLE_BYTES,
    catalog::device::CONSOLE_LINES,
    catalog::device::CONSOLE_ATTACHED,
    catalog::device::VIRTIO_NOTIFICATIONS,
    catalog::device::VIRTIO_USED,
];

/// Collects them.
pub(super) fn collect(table: &Table) -> Vec<MetricFamily> {
    let mut families = disks(table);
    families.push(durations(table));
    families.extend(consoles(table));
    families.extend(queues(table));
    families
}

fn disks(table: &Table) -> Vec<MetricFamily> {
    type Value = fn(&DiskPage, DiskOperation) -> u64;
    let mut counted: [(Samples, Value); 3] = [
        (Samples::new(catalog::device::BLOCK_OPERATIONS), DiskPage::operations),
        (Samples::new(catalog::device::BLOCK_BYTES), DiskPage::bytes),
        (Samples::new(catalog::device::BLOCK_ERRORS), DiskPage::errors),
    ];
    let mut times = Samples::new(catalog::device::BLOCK_SECONDS);
    let mut ages = Samples::new(catalog::device::BLOCK_AGE);
    let mut errors = Samples::new(catalog::device::DEVICE_ERRORS);
    for (vm_id, machine) in table.exported() {
        let vm_id = &vm_id.to_string();
        for ((device, name, error), &number) in &machine.device_errors {
            errors.count(&[vm_id, device, name, error], number);
        }
        for (name, page) in machine.devices().filter_map(disk) {
            for &operation in DiskOperation::ALL {
                let labels = [vm_id, name, operation.as_str()];
                counted.iter_mut().for_each(|(samples, value)| samples.count(&labels, value(page, operation)));
                times.push(&labels, seconds(page.ns(operation)));
            }
            let age = page.since().map_or(0, |since| monotonic_ns().saturating_sub(since));
            ages.push(&[vm_id, name], seconds(age));
        }
    }
    counted.map(|(samples, _)| samples).into_iter().chain([times, ages, errors]).map(Samples::finish).collect()
}

fn disk(device: &DeviceInfo) -> Option<(&str, &DiskPage)> {
    device.disk.as_ref().map(|page| (&*device.name, &**page))
}

/// Durations over all machines, past and present.
fn durations(table: &Table) -> MetricFamily {
    let totals = table.totals().disks;
    let mut samples = Samples::new(catalog::device::BLOCK_DURATION);
    for &operation in DiskOperation::ALL {
        let (ranges, ns) = (&totals.ranges[operation.index()], totals.ns[operation.index()]);
        samples.distribution(&[operation.as_str()], ranges, seconds(ns));
    }
    samples.finish()
}

fn consoles(table: &Table) -> [MetricFamily; 3] {
    let mut bytes = Samples::new(catalog::device::CONSOLE_BYTES);
    let mut lines = Samples::new(catalog::device::CONSOLE_LINES);
    let mut attached = Samples::new(catalog::device::CONSOLE_ATTACHED);
    for (vm_id, machine) in table.exported() {
        let vm_id = &vm_id.to_string();
        for console in machine.counters.iter().flat_map(|counters| &counters.consoles) {
            let (name, page) = (console.name, &console.page);
            bytes.count(&[vm_id, name, Direction::Input.as_str()], page.input_bytes());
            bytes.count(&[vm_id, name, Direction::Output.as_str()], page.output_bytes());
            lines.count(&[vm_id, name], page.output_lines());
            let peer = page.peer();
            for &it in ConsolePeer::ALL {
                attached.count(&[vm_id, name, it.as_str()], u64::from(it == peer));
            }
        }
    }
    [bytes, lines, attached].map(Samples::finish)
}

fn queues(table: &Table) -> [MetricFamily; 2] {
    let mut notifications = Samples::new(catalog::device::VIRTIO_NOTIFICATIONS);
    let mut used = Samples::new(catalog::device::VIRTIO_USED);
    for (vm_id, machine) in table.exported() {
        let vm_id = &vm_id.to_string();
        for device in machine.devices() {
            let labels = [vm_id, device.device, &*device.name];
            notifications.count(&labels, device.queues.notifications());
            used.count(&labels, device.queues.used());
        }
    }
    [notifications, used].map(Samples::finish)
}
