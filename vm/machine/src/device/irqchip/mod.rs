//! Interrupt controllers: [`clint`] for software and timer interrupts of each
//! hart, [`plic`] for the devices' lines.

pub mod clint;
pub mod plic;

use std::sync::Arc;

pub use clint::Clint;
pub use plic::Plic;

/// A device's interrupt line: one level-sensitive source of the PLIC.
#[derive(Clone, Debug)]
pub struct IrqLine {
    plic: Arc<Plic>,
    source: u32,
}

impl IrqLine {
    /// The line of `source`, 1 to [`plic::SOURCES`].
    pub fn new(plic: Arc<Plic>, source: u32) -> Self {
        Self { plic, source }
    }

    /// Drives the line. Devices call this whenever their condition may have
    /// changed; setting the level it already has costs little.
    pub fn set(&self, level: bool) {
        self.plic.set_level(self.source, level);
    }
}
