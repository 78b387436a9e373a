//! Tests of translation by templates, against the interpreter: what the random programs of
//! the differential test reach by luck, tried case by case.
//!
//! ```text
//!  activity.rs  what a hart is seen to do, and which instructions call handlers or leave
//!  across.rs    instructions on two pages
//!  atomics.rs   reservations, and several harts at one word
//!  bench.rs     two machines with the same memory, one of each engine, and their comparison
//!  calls.rs     calls and returns of guests, which are some of the host
//!  evicting.rs  code that is evicted in the middle of a quantum
//!  faults.rs    accesses that leave a fragment in the middle, by what is in host registers
//!  groups.rs    accesses with one base that are translated together, around borders
//!  operands.rs  every instruction on every way that its operands may coincide
//!  permissions.rs  what not every mode may execute
//!  staying.rs   what does not leave generated code
//!  system.rs    system instructions in the middle of hot loops
//! ```

// Other hosts have no templates.
#![cfg(target_arch = "x86_64")]
#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_sign_loss,
    reason = "encodings and registers are bits"
)]

#[path = "../common/mod.rs"]
mod common;

mod across;
mod activity;
mod atomics;
mod bench;
mod calls;
#[path = "../differential/device.rs"]
mod device;
#[cfg(test)]
mod evicting;
mod faults;
mod groups;
mod operands;
mod permissions;
#[cfg(test)]
mod staying;
mod system;
