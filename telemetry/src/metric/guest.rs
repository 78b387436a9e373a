//! Counter pages as families: one family for each row of the page.

use prometheus::proto::MetricFamily;
use riscope_core::counters::{CounterPage, HartCounter, VmCounters};

use super::catalog;
use super::family::{Family, Unit};
use super::samples::{Samples, seconds, to_f64};

/// The family of a row.
pub(super) const fn family(row: HartCounter) -> &'static Family {
    match row {
        HartCounter::Instructions => catalog::GUEST_INSTRUCTIONS,
        HartCounter::Exceptions => catalog::GUEST_EXCEPTIONS,
        HartCounter::Interrupts => catalog::GUEST_INTERRUPTS,
        HartCounter::TlbMisses => catalog::GUEST_TLB_MISSES,
        HartCounter::PageWalks => catalog::GUEST_PAGE_WALKS,
        HartCounter::TlbFlushes => catalog::GUEST_TLB_FLUSHES,
        HartCounter::CodeExits => catalog::VCPU_EXITS,
        HartCounter::SbiCalls => catalog::GUEST_SBI_CALLS,
        HartCounter::ScFailures => catalog::GUEST_SC_FAILURES,
        HartCounter::Wfi => catalog::GUEST_WFI,
        HartCounter::TimeNs => catalog::VCPU_TIME,
    }
}

/// Codes that a hart without the hypervisor extension raises; the others appear
/// only if they were counted.
const EXCEPTIONS: u64 = 0b1011_1011_1111_1111;
/// Interrupts of M-mode and S-mode, likewise.
const INTERRUPTS: u64 = 0b1010_1010_1010;

/// Whether the series of a word exists before the word is first counted.
fn is_expected(row: HartCounter, index: usize) -> bool {
    match row {
        HartCounter::Exceptions => EXCEPTIONS & (1 << index) != 0,
        HartCounter::Interrupts => INTERRUPTS & (1 << index) != 0,
        _ => true,
    }
}

/// Everything that the pages of these machines say.
pub(super) fn collect<'a>(machines: impl Iterator<Item = &'a VmCounters> + Clone) -> Vec<MetricFamily> {
    let family_of_row = |&row: &HartCounter| {
        let mut samples = Samples::new(family(row));
        for machine in machines.clone() {
            collect_row(&mut samples, row, machine);
        }
        samples.finish()
    };
    HartCounter::ALL.iter().map(family_of_row).collect()
}

/// Adds a machine's series: for each hart if the family has a label for it, or
/// their sums.
fn collect_row(samples: &mut Samples, row: HartCounter, machine: &VmCounters) {
    let vm_id = machine.vm_id.to_string();
    if family(row).labels.contains(&"vcpu") {
        for (vcpu, page) in machine.harts.iter().enumerate() {
            push_words(samples, row, &[&vm_id, &vcpu.to_string()], &words(row, page));
        }
        return;
    }
    let mut sums = vec![0_u64; row.names().len()];
    for page in &machine.harts {
        for (sum, word) in sums.iter_mut().zip(words(row, page)) {
            *sum = sum.wrapping_add(word);
        }
    }
    push_words(samples, row, &[&vm_id], &sums);
}

fn words(row: HartCounter, page: &CounterPage) -> Vec<u64> {
    page.iter().filter(|&(it, _, _)| it == row).map(|(_, _, value)| value).collect()
}

fn push_words(samples: &mut Samples, row: HartCounter, labels: &[&str], words: &[u64]) {
    for (index, (&name, &word)) in row.names().iter().zip(words).enumerate() {
        if word == 0 && !is_expected(row, index) {
            continue;
        }
        let reserved = format!("reserved_{index}");
        let mut labels = labels.to_vec();
        if !row.label().is_empty() {
            labels.push(if name.is_empty() { &reserved } else { name });
        }
        let value = if family(row).unit == Unit::Seconds { seconds(word) } else { to_f64(word) };
        samples.push(&labels, value);
    }
}
