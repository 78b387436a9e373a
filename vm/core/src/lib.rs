//! The heart of riscope: what a RISC-V hart is and does, without any device,
//! compiler, exporter or network.
//!
//! | module | holds |
//! |---|---|
//! | [`addr`] | guest virtual and physical address newtypes |
//! | [`arch`] | terms of the privileged architecture: modes, causes of traps, kinds of access |
//! | [`isa`] | what an instruction *is*: rows and decoder |
//! | [`disasm`] | text of instructions |
//! | [`fp`] | exact IEEE 754 arithmetic with RISC-V flags |
//! | [`hart`] | architectural state, CSRs, traps, cross-thread control |
//! | [`interp`] | what an instruction *does*: the reference engine |
//! | [`mmu`] | virtual to physical: page walks, PMP, software TLB |
//! | [`mem`] | guest RAM and the tracking of code pages in it |
//! | [`mmio`] | routing of physical addresses to devices |
//! | [`engine`] | the `Engine` trait that interpreter and JIT implement |
//! | [`event`] | domain events and the event bus |
//! | [`counters`] | per-hart counter page that telemetry reads |
//! | [`clock`] | the guest's time base |

// Some of this runs between a guest's instructions, under the guest's rounding mode and with
// its exception flags; and what a guest sees must not depend on the host's unit.
#![deny(clippy::float_arithmetic)]

pub mod addr;
pub mod arch;
pub mod clock;
pub mod counters;
pub mod disasm;
pub mod engine;
pub mod event;
pub mod fp;
pub mod hart;
pub mod interp;
pub mod isa;
mod label;
pub mod mem;
pub mod mmio;
pub mod mmu;
