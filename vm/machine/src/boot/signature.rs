//! The signature of a test program: memory that it leaves for comparison.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use riscope_core::addr::GuestPhys;
use riscope_core::mem::GuestRam;
use vm_memory::{Bytes, GuestAddress};

/// Bytes in a line of the file.
const WORD: usize = 8;

/// Physical memory from symbol `begin_signature` to `end_signature`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Signature {
    /// First address.
    pub start: u64,
    /// Address behind it.
    pub end: u64,
}

/// Why a signature cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum SignatureError {
    /// The program has no such symbols.
    #[error("the program has no symbols begin_signature and end_signature")]
    Missing,
    /// The symbols do not enclose RAM.
    #[error("the signature from {start:#x} to {end:#x} is not in RAM")]
    OutsideRam {
        /// Value of `begin_signature`.
        start: u64,
        /// Value of `end_signature`.
        end: u64,
    },
    /// The host cannot write the file.
    #[error("cannot write the signature to {path}: {source}")]
    Write {
        /// The file.
        path: PathBuf,
        /// The host's reason.
        source: io::Error,
    },
}

impl Signature {
    /// One little-endian 8-byte word a line, as 16 lower-case hexadecimal digits; a last
    /// partial word is filled with zeros.
    ///
    /// # Errors
    /// [`SignatureError::OutsideRam`].
    pub fn text(self, ram: &GuestRam) -> Result<String, SignatureError> {
        let outside = || SignatureError::OutsideRam { start: self.start, end: self.end };
        let len = self.end.checked_sub(self.start).ok_or_else(outside)?;
        if len > 0 && !ram.contains(GuestPhys(self.start), len) {
            return Err(outside());
        }
        let mut bytes = vec![0; usize::try_from(len).map_err(|_| outside())?];
        ram.memory().read_slice(&mut bytes, GuestAddress(self.start)).map_err(|_| outside())?;
        bytes.resize(bytes.len().next_multiple_of(WORD), 0);
        let words = bytes.as_chunks::<WORD>().0;
        Ok(words.iter().map(|word| format!("{:016x}\n", u64::from_le_bytes(*word))).collect())
    }

    /// Writes [`Signature::text`] to a file.
    ///
    /// # Errors
    /// [`SignatureError`].
    pub fn dump(self, ram: &GuestRam, path: &Path) -> Result<(), SignatureError> {
        let text = self.text(ram)?;
        fs::write(path, text).map_err(|source| SignatureError::Write { path: path.into(), source })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::ScratchDir;

    const BASE: u64 = 0x8000_0000;

    fn ram() -> GuestRam {
        let ram = GuestRam::new(GuestPhys(BASE), 0x1000).unwrap();
        ram.memory().write_slice(&(0..16).collect::<Vec<u8>>(), GuestAddress(BASE)).unwrap();
        ram
    }

    #[test]
    fn words_are_little_endian_and_the_last_is_filled_up() {
        let dir = ScratchDir::new();
        let path = dir.path().join("signature");
        Signature { start: BASE, end: BASE + 11 }.dump(&ram(), &path).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "0706050403020100\n00000000000a0908\n");
        assert_eq!(Signature { start: BASE, end: BASE }.text(&ram()).unwrap(), "");
    }

    #[test]
    fn a_range_that_is_not_in_ram_is_refused() {
        for (start, end) in [(BASE + 8, BASE), (BASE, BASE + 0x1001), (0, 8), (0, u64::MAX)] {
            let signature = Signature { start, end };
            assert!(matches!(signature.text(&ram()), Err(SignatureError::OutsideRam { .. })), "{start:#x}");
        }
    }
}
