//! JIT engine: translates hot guest code to host code with Cranelift.
//!
//! ```text
//!        hart thread                              compiler thread
//!  ┌──────────────────────────┐   hot block   ┌───────────────────────────┐
//!  │ engine.rs                ├──────────────►│ worker.rs                 │
//!  │  interpret, count heat   │  (bounded     │  block.rs   bytes → blocks│
//!  │  enter generated code    │   channel)    │  lower/     Insn → CLIF   │
//!  │  serve its exits         │               │  compile.rs CLIF → bytes  │
//!  └───────────▲──────────────┘               └────────────┬──────────────┘
//!              │ jump cache, link slots                    │ publish
//!  ┌───────────┴────────────────────────────────────────── ▼ ─────────────┐
//!  │ code/  translations by physical page, in an arena; invalidation      │
//!  └──────────────────────────────────────────────────────────────────────┘
//! ```
//!
//! Modules; each uses only those above it:
//!
//! | layer | modules |
//! |---|---|
//! | ABI and host | `abi`; `host`, `jump_cache`, `sys`; `arena`; `thunk` |
//! | code cache | `code` |
//! | translation of an instruction | `translator`; `memory`; `lower` |
//! | translation of a fragment | `block`; `translate`; `compile` |
//! | execution | `worker`; `engine` |
//!
//! Invariants:
//! - Generated code keeps guest registers in [`riscope_core::hart::HartState`] and stores
//!   every result at once, so an exit only has to supply a `pc`.
//! - Code is keyed by physical page and is relative to the `pc` that it is entered with:
//!   one translation serves every mapping of the page.
//! - A hart may enter a translation only if its last `fence.i` precedes a validation of the
//!   page; see `code/cache.rs`.
//! - Memory of dropped code is reused only after every hart has left generated code.

// Helpers run with the guest's rounding mode and exception flags in the host's
// floating-point unit.
#![deny(clippy::float_arithmetic)]

mod abi;
mod arena;
mod block;
mod code;
mod compile;
mod engine;
mod host;
mod jump_cache;
mod lower;
mod memory;
mod sys;
mod thunk;
mod translate;
mod translator;
mod worker;

pub use engine::{JitConfig, JitFactory, Tiers};
pub use worker::COMPILER_THREAD;
