//! Loading: files into guest RAM, the device tree, and where the harts start.
//!
//! ```text
//!  ImageSource ─► kernel.rs / firmware.rs ─► elf.rs ─┐
//!                 initrd.rs ─────────────────────────┼─► Placement ─► guest RAM
//!                 fdt.rs (each device writes its node)┘
//! ```
//!
//! Every file is hostile until proven otherwise: every offset is checked, and what does
//! not fit is a typed error that names the file.

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

pub use placement::{Placement, PlacementError};
pub use plan::{BootError, BootPlan, Start};
pub use signature::{Signature, SignatureError};
