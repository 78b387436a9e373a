//! Loading: files into guest RAM, the device tree, and where the harts start.
//!
//! ```text
//!  ImageSource ─► kernel.rs / firmware.rs ─► elf.rs ─┐
//!                 initrd.rs ─────────────────────────┼─► Placement ─► guest RAM
//!                 fdt.rs (each device writes its node)┘
//! ```
//!
//! Every file is hostile until proven otherwise: sizes are capped before anything is
//! allocated, every offset is checked, and what does not fit is a typed error that
//! names the file.

pub mod elf;
#[cfg(test)]
mod elf_file;
pub mod fdt;
pub mod firmware;
pub mod htif;
mod image;
pub mod initrd;
pub mod kernel;
mod packed;
mod placement;
pub mod plan;
mod signature;

pub(crate) use image::open_at_once;
pub use image::{ImageError, ImageSource, MAX_IMAGE_BYTES, OpenImage};
pub use placement::{Placement, PlacementError};
pub use plan::{BootError, BootPlan, Start};
pub use signature::{Signature, SignatureError};
