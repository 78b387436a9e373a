//! Device whose every access affects all later reads, so that lost and repeated accesses
//! are detected.

use std::sync::Mutex;

use riscope_core::mmio::{MmioDevice, MmioFault, Width};

/// Offsets from here on fault.
pub(crate) const REGISTERS_END: u64 = 0x800;

/// The device. Its state is a digest of all accesses so far.
#[derive(Debug, Default)]
pub(crate) struct Recorder(Mutex<u64>);

impl Recorder {
    /// The digest.
    pub(crate) fn digest(&self) -> u64 {
        self.note(0)
    }

    fn note(&self, access: u64) -> u64 {
        let mut digest = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if access != 0 {
            *digest = (*digest ^ access).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(23);
        }
        *digest
    }
}

fn check(offset: u64) -> Result<(), MmioFault> {
    if offset < REGISTERS_END { Ok(()) } else { Err(MmioFault) }
}

impl MmioDevice for Recorder {
    fn read(&self, offset: u64, width: Width) -> Result<u64, MmioFault> {
        check(offset)?;
        Ok(self.note(offset << 8 | width.bytes()))
    }

    fn write(&self, offset: u64, width: Width, value: u64) -> Result<(), MmioFault> {
        check(offset)?;
        self.note(value.wrapping_mul(3) ^ offset << 8 ^ width.bytes() ^ 1 << 63);
        Ok(())
    }
}
