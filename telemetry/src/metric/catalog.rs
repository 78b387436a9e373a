//! Catalogue of metrics, with one row per family.
//!
//! It is the single source of names, labels and buckets for the registry, `METRICS.md`,
//! dashboards and tests. Two rules bound the number of series: no label holds an address
//! or any other unbounded value, and `vm_id` is never on a histogram.
//!
//! | file | families of |
//! |---|---|
//! | `host.rs` | this process and the host |
//! | `life.rs` | the lifecycle of machines |
//! | `guest.rs` | the execution of guests |
//! | `load.rs` | the JIT |
//! | `device.rs` | devices |
//! | `bus.rs` | the event bus and telemetry |
//! | `alert.rs` | alerts evaluated in process |
//! | `sets.rs` | sets of label values that are parts of others |

use super::family::Family;

/// Declares one constant per family and the list of all of them.
macro_rules! families {
    ($($name:ident = $family:expr;)*) => {
        $(pub(crate) const $name: &Family = &$family;)*

        /// The families above.
        pub(super) const ROWS: &[&Family] = &[$($name,)*];
    };
}

pub(crate) mod alert;
pub(crate) mod bus;
pub(crate) mod device;
pub(crate) mod guest;
pub(crate) mod host;
pub(crate) mod life;
pub(crate) mod load;
pub(crate) mod sets;

/// All families, in the order of the documentation.
pub const FAMILIES: &[&Family] = &ALL;

const GROUPS: [&[&Family]; 7] = [host::ROWS, life::ROWS, guest::ROWS, load::ROWS, device::ROWS, bus::ROWS, alert::ROWS];

const ALL: [&Family; number()] = {
    let mut all = [GROUPS[0][0]; number()];
    let (mut group, mut row, mut n) = (0, 0, 0);
    while n < all.len() {
        if row == GROUPS[group].len() {
            (group, row) = (group + 1, 0);
        } else {
            all[n] = GROUPS[group][row];
            (row, n) = (row + 1, n + 1);
        }
    }
    all
};

const fn number() -> usize {
    let (mut group, mut number) = (0, 0);
    while group < GROUPS.len() {
        number += GROUPS[group].len();
        group += 1;
    }
    number
}
