//! Lifecycle, health and configuration of machines.

use prometheus::proto::MetricFamily;
use riscope_core::counters::{HotPage, MAX_SETTING};
use riscope_core::event::{ExitReason, PanicSource, VmState, monotonic_ns};

use crate::label::Condition;
use crate::metric::catalog;
use crate::metric::catalog::sets::RANKS;
use crate::metric::family::Family;
use crate::metric::machines::Table;
use crate::metric::samples::{Samples, seconds, to_f64};

/// The families.
pub(super) const FAMILIES: &[&Family] = &[
    catalog::life::VMS,
    catalog::life::VM_INFO,
    catalog::life::VM_STATE,
    catalog::life::VM_VCPUS,
    catalog::life::VM_MEMORY_LIMIT,
    catalog::life::VM_RESETS,
    catalog::life::VM_BOOT_TIME,
    catalog::life::VM_GUEST_PANICS,
    catalog::life::VCPU_STALLED,
    catalog::life::VM_CONFIG_INFO,
    catalog::life::VM_CONDITION,
    catalog::life::VM_LAST_END,
    catalog::life::VM_LAST_END_TIME,
    catalog::life::VM_EXIT_STATUS,
    catalog::guest::GUEST_HOT_PAGE_ADDRESS,
    catalog::guest::GUEST_HOT_PAGE_SHARE,
];

/// Collects them.
pub(super) fn collect(table: &Table) -> Vec<MetricFamily> {
    let mut vms = Samples::new(catalog::life::VMS);
    for &state in VmState::ALL {
        let number = table.exported().filter(|(_, machine)| machine.state == state).count();
        vms.count(&[state.as_str()], number as u64);
    }
    let mut info = Samples::new(catalog::life::VM_INFO);
    let mut states = Samples::new(catalog::life::VM_STATE);
    let mut vcpus = Samples::new(catalog::life::VM_VCPUS);
    let mut memory = Samples::new(catalog::life::VM_MEMORY_LIMIT);
    let mut resets = Samples::new(catalog::life::VM_RESETS);
    let mut boot_time = Samples::new(catalog::life::VM_BOOT_TIME);
    let mut panics = Samples::new(catalog::life::VM_GUEST_PANICS);
    let mut stalled = Samples::new(catalog::life::VCPU_STALLED);
    for (vm_id, machine) in table.exported() {
        let vm_id = &vm_id.to_string();
        if let Some(description) = &machine.description {
            info.push(&[vm_id, &description.name, description.engine], 1.0);
            vcpus.count(&[vm_id], description.vcpus);
            memory.count(&[vm_id], description.memory_bytes);
        }
        for &state in VmState::ALL {
            states.count(&[vm_id, state.as_str()], u64::from(machine.state == state));
        }
        resets.count(&[vm_id], machine.resets);
        if let Some(booted_ns) = machine.booted_ns {
            boot_time.push(&[vm_id], seconds(booted_ns));
        }
        for (source, &number) in PanicSource::NAMES.iter().zip(&machine.panics) {
            panics.count(&[vm_id, source], number);
        }
        for vcpu in 0..machine.description.as_ref().map_or(0, |it| it.vcpus) {
            let is_stalled = machine.stalled.iter().any(|&it| u64::from(it) == vcpu);
            stalled.count(&[vm_id, &vcpu.to_string()], u64::from(is_stalled));
        }
    }
    let mut families = ends(table);
    families.extend(hot_pages(table));
    families.extend([vms, info, states, vcpus, memory, resets, boot_time, panics, stalled].map(Samples::finish));
    families
}

/// Hottest pages of code. A page without samples has the address 0.
fn hot_pages(table: &Table) -> [MetricFamily; 2] {
    let mut addresses = Samples::new(catalog::guest::GUEST_HOT_PAGE_ADDRESS);
    let mut shares = Samples::new(catalog::guest::GUEST_HOT_PAGE_SHARE);
    for (vm_id, machine) in table.exported() {
        let (vm_id, Some(counters)) = (&vm_id.to_string(), &machine.counters) else { continue };
        let mut pages = counters.hot_pages.hottest().into_iter();
        for rank in RANKS {
            let page = pages.next().unwrap_or(HotPage { address: 0, samples: 0, of: 1 });
            addresses.count(&[vm_id, rank], page.address);
            shares.push(&[vm_id, rank], to_f64(page.samples) / to_f64(page.of.max(1)));
        }
    }
    [addresses, shares].map(Samples::finish)
}

/// How machines are, how they ended, and what they are configured with.
fn ends(table: &Table) -> Vec<MetricFamily> {
    let mut settings = Samples::new(catalog::life::VM_CONFIG_INFO);
    let mut conditions = Samples::new(catalog::life::VM_CONDITION);
    let mut ends = Samples::new(catalog::life::VM_LAST_END);
    let mut times = Samples::new(catalog::life::VM_LAST_END_TIME);
    let mut statuses = Samples::new(catalog::life::VM_EXIT_STATUS);
    let now = monotonic_ns();
    for (vm_id, machine) in table.exported() {
        let vm_id = &vm_id.to_string();
        for (setting, value) in machine.counters.iter().flat_map(|counters| &counters.settings) {
            let shown = value.get(..value.floor_char_boundary(MAX_SETTING)).unwrap_or_default();
            settings.push(&[vm_id, setting.as_str(), shown], 1.0);
        }
        let condition = machine.condition(now);
        for &it in Condition::ALL {
            conditions.count(&[vm_id, it.as_str()], u64::from(it == condition));
        }
        for &reason in ExitReason::ALL {
            let is_last = machine.end.is_some_and(|end| end.reason == reason);
            ends.count(&[vm_id, reason.as_str()], u64::from(is_last));
        }
        times.push(&[vm_id], machine.end.map_or(0.0, |end| seconds(end.wall_ns)));
        statuses.push(&[vm_id], machine.end.and_then(|end| end.status).map_or(-1.0, f64::from));
    }
    [settings, conditions, ends, times, statuses].map(Samples::finish).into()
}
