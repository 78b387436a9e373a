//! Profiles of guests: samples of harts, named by the guest's symbols, in common formats.
//!
//! ```text
//!  ProfileSample ─► collector.rs ─► Profile (model.rs) ─► format/: pprof, folded, speedscope, SVG, text
//!                       │ address                └─► diff.rs
//!                       ▼
//!   symbols/: kernel.rs (files, kallsyms.rs) · programs.rs (elf_memory.rs, files) · file.rs · table.rs
//! ```
//!
//! Everything that comes from the guest or from a file is bounded and checked. An address is named by a
//! symbol that covers it, or not at all.

mod collector;
mod diff;
pub mod format;
mod model;
mod shown;
mod symbols;

pub use collector::Collector;
pub use diff::{compare, compare_text};
pub use format::{Format, FormatError};
pub use model::{Frame, Labels, Profile, Stack};
pub use symbols::{SymbolFile, SymbolFileError};
