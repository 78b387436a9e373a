//! Core of riscope: the RISC-V hart, its reference interpreter, guest memory, events and
//! counters. Knows no device, compiler, exporter or network.
//!
//! | module | holds |
//! |---|---|
//! | [`addr`] | guest virtual and physical addresses |
//! | [`arch`] | definitions of the privileged architecture: modes, trap causes, access kinds |
//! | [`isa`] | instruction set: rows and decoder |
//! | [`disasm`] | disassembler |
//! | [`fp`] | IEEE 754 arithmetic with RISC-V flags |
//! | [`hart`] | architectural state, CSRs, traps, cross-thread control |
//! | [`interp`] | interpreter: the reference engine |
//! | [`mmu`] | address translation: page-table walk, PMP, software TLB |
//! | [`mem`] | guest RAM and tracking of code pages |
//! | [`mmio`] | routing of physical addresses to devices |
//! | [`engine`] | `Engine` trait of interpreter and JIT |
//! | [`trace`] | tracer: the interpreter with a line of text per instruction |
//! | [`event`] | domain events, the event bus, the flight recorder |
//! | [`field`] | values of fields of events |
//! | [`counters`] | per-hart counter pages, read by telemetry |
//! | [`clock`] | the guest's time base |

// Code here may run between guest instructions, with the guest's rounding mode and
// exception flags in the host's floating-point unit, and guest results must not depend on
// that unit.
#![deny(clippy::float_arithmetic)]

pub mod addr;
pub mod arch;
pub mod clock;
pub mod counters;
pub mod disasm;
pub mod engine;
pub mod event;
pub mod field;
pub mod fp;
pub mod hart;
pub mod interp;
pub mod isa;
mod label;
pub mod mem;
pub mod mmio;
pub mod mmu;
pub mod trace;
