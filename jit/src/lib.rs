//! The translating engine: guest code to host code by Cranelift.
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
//! Modules, each of which uses only modules above it:
//!
//! | layer | modules |
//! |---|---|
//! | contract and host | `abi`; `host`, `jump_cache`, `sys`; `arena`; `thunk` |
//! | translations that exist | `code` |
//! | one instruction | `translator`; `memory`; `lower` |
//! | one unit of code | `block`; `translate`; `compile` |
//! | a machine | `worker`; `engine` |
//!
//! Invariants:
//! - Generated code keeps the guest's registers in [`riscope_core::hart::HartState`]
//!   and writes every result there at once, so leaving it needs only a `pc`.
//! - Generated code is keyed by physical page and is relative to the `pc` it is
//!   entered with: one translation serves every mapping of the page.
//! - A translation may be entered by a hart only if the hart's last `fence.i` came
//!   before the page was found unchanged; see `code/cache.rs`.
//! - Host memory of dropped code is reused only after every hart has left
//!   generated code since.

// Helpers run under the guest's rounding mode and with its exception flags.
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
