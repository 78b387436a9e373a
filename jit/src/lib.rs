//! JIT engine: translates hot guest code to host code, by templates and then with Cranelift.
//!
//! ```text
//!        hart thread                              compiler thread
//!  ┌──────────────────────────┐  hot fragment ┌───────────────────────────┐
//!  │ engine/                  ├──────────────►│ optimised/                │
//!  │  interpret, count heat   │  (bounded     │  page bytes → blocks      │
//!  │  baseline/ Insn → bytes  │   channel)    │  Insn → CLIF              │
//!  │  enter generated code    │               │  CLIF → bytes             │
//!  │  serve its exits         │               │                           │
//!  └───────────▲──────────────┘               └────────────┬──────────────┘
//!              │ publish; jump cache, link slots           │ publish
//!  ┌───────────┴────────────────────────────────────────── ▼ ─────────────┐
//!  │ code/  translations by physical page, in an arena; invalidation      │
//!  └──────────────────────────────────────────────────────────────────────┘
//! ```
//!
//! Modules; each uses only those above it:
//!
//! | layer | modules |
//! |---|---|
//! | ABI and host | `abi`, `perf`; `host`, `jump_cache`, `sys`; `arena`, `float_unit`; `thunk` |
//! | code cache | `code` |
//! | tier 1, on x86-64 hosts | `baseline` |
//! | tier 2 | `optimised` |
//! | execution | `engine` |
//!
//! Invariants:
//! - Where generated code is entered or left, all guest registers are in
//!   [`riscope_core::hart::HartState`], so that code of either tier may jump to the other's.
//!   Inside, Cranelift's code stores every result at once, or in loops at every exit; code of
//!   templates keeps registers of the host, and says behind each access which of them memory
//!   does not have.
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
#[cfg_attr(not(target_arch = "x86_64"), path = "baseline/absent.rs")]
mod baseline;
mod code;
mod engine;
mod float_unit;
mod host;
mod jump_cache;
mod optimised;
mod perf;
mod sys;
mod thunk;

pub use engine::{JitConfig, JitFactory, Tiers};
pub use optimised::COMPILER_THREAD;
pub use perf::{NameOfCode, PerfLog};
