//! Families of the counter pages, one per row.

use prometheus::proto::MetricFamily;
use riscope_core::counters::{CounterPage, HartCounter, VmCounters};

use super::catalog::FAMILIES;
use super::family::{Family, Unit};
use super::samples::{Samples, seconds, to_f64};

/// The families of all rows.
pub(super) fn families() -> impl Iterator<Item = &'static Family> {
    FAMILY_OF_ROW.into_iter()
}

/// The family of a row.
pub(super) const fn family(row: HartCounter) -> &'static Family {
    FAMILY_OF_ROW[row as usize]
}

/// Families by row. Does not compile if a row has no family in the catalogue.
const FAMILY_OF_ROW: [&Family; HartCounter::ALL.len()] = {
    let mut families = [FAMILIES[0]; HartCounter::ALL.len()];
    let mut row = 0;
    while row < families.len() {
        families[row] = find(HartCounter::ALL[row]);
        row += 1;
    }
    families
};

const fn find(row: HartCounter) -> &'static Family {
    let mut n = 0;
    while n < FAMILIES.len() {
        if let Some(shown) = FAMILIES[n].row
            && shown as usize == row as usize
        {
            return FAMILIES[n];
        }
        n += 1;
    }
    panic!("a row of the counter page has no family in the catalogue");
}

/// Collects the counter pages of these machines.
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

/// Rows of events of the host's CPU.
const HOST_ROWS: [HartCounter; 6] = [
    HartCounter::HostCycles,
    HartCounter::HostInstructions,
    HartCounter::HostBranches,
    HartCounter::HostBranchMisses,
    HartCounter::HostCacheReferences,
    HartCounter::HostCacheMisses,
];

/// Whether the host does not count what the row is of: a thread that runs has cycles.
fn is_absent(row: HartCounter, machine: &VmCounters) -> bool {
    HOST_ROWS.contains(&row) && machine.harts.iter().all(|page| page.host_cycles().iter().all(|&cycles| cycles == 0))
}

/// Adds a machine's series: one per hart if the family has a label for it, otherwise their
/// sum.
fn collect_row(samples: &mut Samples, row: HartCounter, machine: &VmCounters) {
    if is_absent(row, machine) {
        return;
    }
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
    for (&name, &word) in row.names().iter().zip(words) {
        let mut labels = labels.to_vec();
        if !row.label().is_empty() {
            labels.push(name);
        }
        let value = if family(row).unit == Unit::Seconds { seconds(word) } else { to_f64(word) };
        samples.push(&labels, value);
    }
}
