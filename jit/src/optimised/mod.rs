//! Tier 2: host code from Cranelift, made on a thread of its own.
//!
//! ```text
//!  block.rs       page bytes → blocks of instructions;  select.rs  Op → lowering
//!  translate.rs   the fragment, block by block;  loops.rs  its loops
//!  carried.rs     registers in SSA values around a loop: looping.rs, write_back.rs
//!  uses.rs        registers of instructions
//!  i.rs m.rs float/ …  lowerings, under the file names of riscope_core::isa
//!  memory.rs      the TLB probe;  transfer.rs  ways out
//!  translator.rs  guest registers as values
//!  compile.rs     Cranelift IR → bytes;  worker.rs  the thread and its queue
//!  share.rs       how much CPU time that thread takes from harts
//! ```

#![deny(clippy::wildcard_enum_match_arm, clippy::match_wildcard_for_single_variants, clippy::unreachable)]

mod a;
mod block;
mod carried;
mod compile;
mod d;
mod float;
mod i;
mod looping;
mod loops;
mod lowering;
mod m;
mod memory;
mod select;
mod share;
mod transfer;
mod translate;
mod translator;
mod uses;
mod worker;
mod write_back;
mod zba;
mod zbb;
mod zbs;
mod zicond;
mod zicsr;

pub(crate) use compile::Compiler;
pub use worker::COMPILER_THREAD;
pub(crate) use worker::{CompileService, Request, Worker, count, serve_here};
