//! Interrupt controllers: [`clint`] for the harts' software and timer interrupts, [`plic`]
//! for device interrupts.

pub mod clint;
pub mod plic;

use std::sync::Arc;

pub use clint::Clint;
pub use plic::Plic;

/// Interrupt line of a device: a level-sensitive PLIC source.
#[derive(Clone, Debug)]
pub struct IrqLine {
    plic: Arc<Plic>,
    source: u32,
}

impl IrqLine {
    /// Line of `source`, 1 to [`plic::SOURCES`].
    pub fn new(plic: Arc<Plic>, source: u32) -> Self {
        Self { plic, source }
    }

    /// Drives the line. Devices call it whenever its level may have changed; an unchanged
    /// level costs little.
    pub fn set(&self, level: bool) {
        self.plic.set_level(self.source, level);
    }
}
