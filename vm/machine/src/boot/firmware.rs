//! Firmware and bare-metal programs, entered in M-mode by every hart.
//!
//! There is no reset ROM. Harts start at the firmware's entry point with the registers that
//! a ROM would set: `a0` hart id, `a1` device tree, `a2` the structure that describes the
//! next stage to OpenSBI's `fw_dynamic`. Other firmware ignores `a2`.

use super::elf::{self, ElfError};
use super::{Placement, PlacementError, Signature};
use crate::device::htif::HtifSymbols;
use crate::image::{ImageError, ImageSource, is_elf};

/// Errors of loading firmware.
#[derive(Debug, thiserror::Error)]
pub enum FirmwareError {
    /// The file cannot be read or decompressed.
    #[error(transparent)]
    Image(#[from] ImageError),
    /// The file is empty.
    #[error("{0} is empty")]
    Empty(String),
    /// The ELF file cannot be loaded.
    #[error("cannot load {name}: {source}")]
    Elf {
        /// File name.
        name: String,
        /// Reason.
        source: ElfError,
    },
    /// The firmware does not fit into memory.
    #[error(transparent)]
    Placement(#[from] PlacementError),
}

/// Firmware loaded into guest memory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoadedFirmware {
    /// Physical address of the entry point.
    pub entry: u64,
    /// HTIF words, if it is an ELF file that defines them.
    pub htif: Option<HtifSymbols>,
    /// Signature, if it is an ELF file that defines one.
    pub signature: Option<Signature>,
}

/// Reads and places firmware: ELF at its addresses; position-independent ELF and any other
/// file at the start of RAM.
///
/// # Errors
/// [`FirmwareError`] if the file cannot be read or does not fit.
pub fn load(placement: &mut Placement, source: &ImageSource) -> Result<LoadedFirmware, FirmwareError> {
    let bytes = source.read_unpacked(placement.ram_end() - placement.ram_start())?;
    let name = source.name();
    if is_elf(&bytes) {
        let relocate_to = elf::is_position_independent(&bytes).then(|| placement.ram_start());
        let loaded = elf::load(placement, name, &bytes, relocate_to)
            .map_err(|source| FirmwareError::Elf { name: name.into(), source })?;
        return Ok(LoadedFirmware { entry: loaded.entry, htif: loaded.htif, signature: loaded.signature });
    }
    if bytes.is_empty() {
        return Err(FirmwareError::Empty(name.into()));
    }
    let entry = placement.ram_start();
    placement.load(name, entry, 0, &bytes)?;
    Ok(LoadedFirmware { entry, htif: None, signature: None })
}

/// Size of [`dynamic_info`] in bytes.
pub const DYNAMIC_INFO_SIZE: u64 = 48;

/// OpenSBI's `struct fw_dynamic_info`, version 2: enter `next` in S-mode on any boot hart.
pub fn dynamic_info(next: u64) -> [u8; 48] {
    /// "OSBI"
    const MAGIC: u64 = 0x4942_534f;
    const VERSION: u64 = 2;
    const SUPERVISOR: u64 = 1;
    const OPTIONS: u64 = 0;
    /// No preferred boot hart: the first to arrive boots.
    const BOOT_HART: u64 = u64::MAX;
    let mut info = [0; 48];
    let words = [MAGIC, VERSION, next, SUPERVISOR, OPTIONS, BOOT_HART];
    for (place, word) in info.as_chunks_mut::<8>().0.iter_mut().zip(words) {
        *place = word.to_le_bytes();
    }
    info
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use riscope_core::addr::GuestPhys;
    use riscope_core::mem::GuestRam;
    use vm_memory::{Bytes, GuestAddress};

    use super::*;
    use crate::boot::elf_file::{ElfFile, FileSegment};

    const BASE: u64 = 0x8000_0000;

    fn placement() -> Placement {
        Placement::new(Arc::new(GuestRam::new(GuestPhys(BASE), 1 << 20).unwrap()))
    }

    #[test]
    fn a_raw_binary_starts_with_ram() {
        let mut placement = placement();
        let loaded = load(&mut placement, &ImageSource::bytes("fw", *b"code")).unwrap();
        assert_eq!(loaded, LoadedFirmware { entry: BASE, htif: None, signature: None });
        assert_eq!(placement.memory().read_obj::<[u8; 4]>(GuestAddress(BASE)).unwrap(), *b"code");
        assert!(placement.claim("kernel", BASE + 3, 1).is_err());
    }

    #[test]
    fn an_elf_file_says_where_it_goes() {
        let segment = FileSegment { virt: BASE + 0x100, phys: BASE + 0x100, size: 4, data: b"code".to_vec() };
        let elf = ElfFile { entry: BASE + 0x102, segments: vec![segment], symbols: vec![("tohost", BASE + 8)] };
        let loaded = load(&mut placement(), &ImageSource::bytes("fw", elf.bytes())).unwrap();
        assert_eq!(loaded.entry, BASE + 0x102);
        assert_eq!(loaded.htif, Some(HtifSymbols { tohost: BASE + 8, fromhost: None }));
    }

    #[test]
    fn an_elf_file_for_any_address_goes_to_the_start_of_ram_and_no_other_does() {
        let segment = FileSegment { virt: 0, phys: 0, size: 4, data: b"code".to_vec() };
        let symbols = vec![("begin_signature", 0), ("end_signature", 4)];
        let elf = ElfFile { entry: 2, segments: vec![segment], symbols };
        let mut bytes = elf.bytes();
        let refused = load(&mut placement(), &ImageSource::bytes("fw", bytes.clone())).unwrap_err();
        assert!(refused.to_string().contains("linked for it"), "{refused}");
        // e_type: ET_DYN.
        bytes[16] = 3;
        let mut placement = placement();
        let loaded = load(&mut placement, &ImageSource::bytes("fw", bytes)).unwrap();
        assert_eq!(loaded.entry, BASE + 2);
        assert_eq!(loaded.signature, Some(Signature { start: BASE, end: BASE + 4 }));
        assert_eq!(placement.memory().read_obj::<[u8; 4]>(GuestAddress(BASE)).unwrap(), *b"code");
    }

    #[test]
    fn empty_and_oversized_files_are_refused() {
        let empty = load(&mut placement(), &ImageSource::bytes("fw", *b""));
        assert!(matches!(empty, Err(FirmwareError::Empty(_))));
        let large = load(&mut placement(), &ImageSource::bytes("fw", vec![1; (1 << 20) + 1]));
        assert!(matches!(large, Err(FirmwareError::Image(ImageError::LargerThanRam { .. }))));
    }

    #[test]
    fn the_dynamic_information_names_the_next_stage() {
        let info = dynamic_info(0x8020_0000);
        assert_eq!(&info[..4], b"OSBI");
        assert_eq!(info[16..24], 0x8020_0000u64.to_le_bytes());
        assert_eq!(info[24], 1);
    }
}
