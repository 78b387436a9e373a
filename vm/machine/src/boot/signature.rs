//! Signature of a test program: memory that it leaves for comparison.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use riscope_core::addr::GuestPhys;
use riscope_core::mem::GuestRam;
use vm_memory::{Bytes, GuestAddress};

/// Bytes per line of the file.
const WORD: usize = 8;

/// Physical memory from symbol `begin_signature` to `end_signature`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Signature {
    /// First address.
    pub start: u64,
    /// End address, exclusive.
    pub end: u64,
}

/// Errors of writing a signature.
#[derive(Debug, thiserror::Error)]
pub enum SignatureError {
    /// The program does not define the symbols.
    #[error("the program has no symbols begin_signature and end_signature")]
    Missing,
    /// The range between the symbols is not RAM.
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
        /// The host's error.
        source: io::Error,
    },
}

impl Signature {
    /// Writes [`Signature::text`] to a file.
    ///
    /// # Errors
    /// [`SignatureError::OutsideRam`], before `path` is touched, or
    /// [`SignatureError::Write`].
    pub fn dump(self, ram: &GuestRam, path: &Path) -> Result<(), SignatureError> {
        let outside = || SignatureError::OutsideRam { start: self.start, end: self.end };
        let len = self.end.checked_sub(self.start).ok_or_else(outside)?;
        if len > 0 && !ram.contains(GuestPhys(self.start), len) {
            return Err(outside());
        }
        let write = || {
            let mut out = BufWriter::new(File::create(path)?);
            self.text(ram, &mut out)?;
            out.flush()
        };
        write().map_err(|source| SignatureError::Write { path: path.into(), source })
    }

    /// Writes one little-endian 8-byte word per line as 16 lower-case hexadecimal digits,
    /// with the last one zero-padded.
    ///
    /// # Errors
    /// Errors of `out`, and an error if the signature is not in RAM.
    pub fn text(self, ram: &GuestRam, out: &mut impl Write) -> io::Result<()> {
        let mut at = self.start;
        while at < self.end {
            let mut bytes = [0; WORD];
            let count = usize::try_from(self.end - at).unwrap_or(WORD).min(WORD);
            ram.memory().read_slice(&mut bytes[..count], GuestAddress(at)).map_err(io::Error::other)?;
            out.write_all(&line(u64::from_le_bytes(bytes)))?;
            at += WORD as u64;
        }
        Ok(())
    }
}

/// A line of the file.
fn line(word: u64) -> [u8; 2 * WORD + 1] {
    let mut line = [b'\n'; 2 * WORD + 1];
    for (digit, nibble) in line[..2 * WORD].iter_mut().zip((0..2 * WORD).rev()) {
        *digit = b"0123456789abcdef"[(word >> (4 * nibble) & 0xf) as usize];
    }
    line
}

#[cfg(test)]
mod tests {
    use std::fs;

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
        Signature { start: BASE, end: BASE }.dump(&ram(), &path).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "");
        assert_eq!(&line(0x0123_4567_89ab_cdef), b"0123456789abcdef\n");
    }

    #[test]
    fn a_range_that_is_not_in_ram_is_refused() {
        let dir = ScratchDir::new();
        let path = dir.path().join("signature");
        for (start, end) in [(BASE + 8, BASE), (BASE, BASE + 0x1001), (0, 8), (0, u64::MAX)] {
            let signature = Signature { start, end };
            let refused = signature.dump(&ram(), &path);
            assert!(matches!(refused, Err(SignatureError::OutsideRam { .. })), "{start:#x}");
        }
        assert!(!path.exists());
        let unwritable = Signature { start: BASE, end: BASE + 8 }.dump(&ram(), &path.join("below"));
        assert!(unwritable.unwrap_err().to_string().contains("signature/below"));
    }
}
