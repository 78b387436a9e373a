//! Boot: loads files into guest RAM, generates the device tree and sets the harts' entry
//! points.
//!
//! ```text
//!  ImageSource ─► kernel.rs / firmware.rs ─► elf.rs ─┐
//!                 initrd.rs ─────────────────────────┼─► Placement ─► guest RAM
//!                 fdt.rs (each device writes its node)┘
//! ```
//!
//! Files are untrusted: every offset is checked, and errors are typed and name the file.

pub mod elf;
#[cfg(test)]
mod elf_file;
pub mod fdt;
pub mod firmware;
pub mod initrd;
pub mod kernel;
mod placement;
pub mod plan;
mod signature;
mod symbols;

pub use placement::{Placement, PlacementError};
pub use plan::{BootError, BootPlan, Start};
pub use signature::{Signature, SignatureError};
pub use symbols::Symbols;
