//! Kernel loader: `Image` of the RISC-V boot protocol, with or without EFI stub, and ELF;
//! either may be compressed. After firmware also any raw binary, such as a boot loader,
//! since firmware requires no format.
//!
//! ```text
//!  Image header, little-endian
//!   0  code, "MZ" with an EFI stub    32  version
//!   8  text_offset from RAM           48  "RISCV\0\0\0"
//!  16  image_size in memory           56  "RSC\x05"
//!  24  flags, bit 0 big-endian        60  offset of the PE header
//!
//!  EFI zboot header
//!   0  "MZ"    8  offset of the packed image   24  compression, NUL-terminated
//!   4  "zimg"  12 its length
//! ```
//!
//! The compression name is used in messages only: kernels have named the same one `zstd`
//! and `zstd22`, so the compressed image is recognised by its own header.

use super::elf::{self, ElfError};
use super::{Placement, PlacementError, Signature};
use crate::device::htif::HtifSymbols;
use crate::image::{ImageError, ImageSource, MAX_IMAGE_BYTES, Packing, is_elf};
use crate::layout::KERNEL_OFFSET;

const HEADER_SIZE: usize = 64;
/// Bytes read of a plain `Image` to find its header and PE header.
const HEAD_SIZE: usize = 4096;
const MAGIC2: [u8; 4] = *b"RSC\x05";
const EFI_MAGIC: [u8; 2] = *b"MZ";
const ZBOOT_MAGIC: [u8; 4] = *b"zimg";
const FLAG_BIG_ENDIAN: u64 = 1;

/// Errors of loading a kernel.
#[derive(Debug, thiserror::Error)]
pub enum KernelError {
    /// The file cannot be read or decompressed.
    #[error(transparent)]
    Image(#[from] ImageError),
    /// The file has none of the supported formats.
    #[error(
        "{0} is no RISC-V kernel: neither an Image (magic RSC\\x05), nor ELF, nor one of them compressed by gzip, zstd, xz, lzma, bzip2 or lz4; of a boot loader give the ELF file, and a bare-metal binary belongs to the firmware option"
    )]
    UnknownFormat(String),
    /// A big-endian kernel.
    #[error("{0} is a big-endian kernel; the machine is little-endian")]
    BigEndian(String),
    /// The file is truncated.
    #[error("{name} is cut off: its header tells of {expected} bytes, but it has {actual}; copy it again")]
    CutOff {
        /// File name.
        name: String,
        /// Size that its sections require, in bytes.
        expected: u64,
        /// Size of the file, in bytes.
        actual: u64,
    },
    /// An EFI zboot image that is damaged or has an unknown compression.
    #[error(
        "{name} is an EFI zboot image that is damaged or compressed by {compression:?}, which is not known; copy it again, or unpack it to an Image first"
    )]
    Zboot {
        /// File name.
        name: String,
        /// Compression named in its header.
        compression: String,
    },
    /// The ELF file cannot be loaded.
    #[error("cannot load {name}: {source}")]
    Elf {
        /// File name.
        name: String,
        /// Reason.
        source: ElfError,
    },
    /// The kernel does not fit into memory.
    #[error(transparent)]
    Placement(#[from] PlacementError),
}

/// Kernel loaded into guest memory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoadedKernel {
    /// Physical address of the entry point.
    pub entry: u64,
    /// HTIF words, if it is an ELF file that defines them.
    pub htif: Option<HtifSymbols>,
    /// Signature, if it is an ELF file that defines one.
    pub signature: Option<Signature>,
}

/// What enters the kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EnteredBy {
    /// The built-in SBI: the file must be a kernel.
    BuiltIn,
    /// Firmware: the file may be any raw binary.
    Firmware,
}

/// Reads, decompresses and places a kernel.
///
/// # Errors
/// [`KernelError`] if the file is not a kernel or does not fit.
pub fn load(
    placement: &mut Placement,
    source: &ImageSource,
    entered_by: EnteredBy,
) -> Result<LoadedKernel, KernelError> {
    let name = source.name();
    let image = source.open(MAX_IMAGE_BYTES)?;
    // A plain Image, the common case, is read directly into guest memory.
    let head = image.prefix(HEAD_SIZE)?;
    if let Some(header) = image_header(&head) {
        check_complete(name, &head, image.size())?;
        let entry = claim_image(placement, name, header, image.size())?;
        image.copy_to(placement.memory(), entry)?;
        return Ok(LoadedKernel { entry, htif: None, signature: None });
    }
    let room = placement.ram_end() - placement.ram_start();
    let bytes = unpack_zboot(source, source.read_unpacked(room)?, room)?;
    if is_elf(&bytes) {
        let base = placement.ram_start() + KERNEL_OFFSET;
        let loaded = elf::load(placement, name, &bytes, Some(base))
            .map_err(|source| KernelError::Elf { name: name.into(), source })?;
        return Ok(LoadedKernel { entry: loaded.entry, htif: loaded.htif, signature: loaded.signature });
    }
    let Some(header) = image_header(&bytes) else {
        if entered_by == EnteredBy::BuiltIn || bytes.is_empty() || is_foreign(&bytes) {
            return Err(KernelError::UnknownFormat(name.into()));
        }
        let entry = placement.ram_start() + KERNEL_OFFSET;
        placement.load(name, entry, 0, &bytes)?;
        return Ok(LoadedKernel { entry, htif: None, signature: None });
    };
    check_complete(name, &bytes, bytes.len() as u64)?;
    let entry = claim_image(placement, name, header, bytes.len() as u64)?;
    placement.write(name, entry, &bytes)?;
    Ok(LoadedKernel { entry, htif: None, signature: None })
}

/// Whether `bytes` are a program for another machine: an EFI program, as kernels of other
/// architectures are, or an AArch64 `Image`.
fn is_foreign(bytes: &[u8]) -> bool {
    bytes.starts_with(&EFI_MAGIC) || bytes.get(56..60) == Some(b"ARM\x64")
}

/// Header of an `Image`, if `bytes` start with one.
fn image_header(bytes: &[u8]) -> Option<&[u8; HEADER_SIZE]> {
    bytes.first_chunk().filter(|header| header[56..60] == MAGIC2)
}

/// Fails if an `Image` with EFI stub, beginning with `head` and `actual` bytes long, is
/// shorter than the sections in its PE header. Without a stub there is nothing to check.
fn check_complete(name: &str, head: &[u8], actual: u64) -> Result<(), KernelError> {
    match sections_end(head) {
        Some(expected) if expected > actual => Err(KernelError::CutOff { name: name.into(), expected, actual }),
        _ => Ok(()),
    }
}

/// File offset of the end of the last section; `None` if `head` has no PE header.
fn sections_end(head: &[u8]) -> Option<u64> {
    const SECTION_SIZE: usize = 40;
    let u16_at = |at: usize| Some(u16::from_le_bytes(*head.get(at..)?.first_chunk()?));
    let u32_at = |at: usize| Some(u32::from_le_bytes(*head.get(at..)?.first_chunk()?));
    let pe = usize::try_from(u32_at(60)?).ok().filter(|&pe| pe < HEAD_SIZE)?;
    if !head.starts_with(&EFI_MAGIC) || !head.get(pe..)?.starts_with(b"PE\0\0") {
        return None;
    }
    let (sections, optional) = (u16_at(pe + 6)?, u16_at(pe + 20)?);
    let table = pe + 24 + usize::from(optional);
    let end_of = |section: usize| {
        let at = table + section * SECTION_SIZE;
        // SizeOfRawData and PointerToRawData.
        Some(u64::from(u32_at(at + 16)?) + u64::from(u32_at(at + 20)?))
    };
    (0..usize::from(sections)).map_while(end_of).max()
}

/// Claims the memory of an `Image` of `file_size` bytes at the text offset from its header.
/// Returns its start, which is the entry point.
fn claim_image(
    placement: &mut Placement,
    name: &str,
    header: &[u8; HEADER_SIZE],
    file_size: u64,
) -> Result<u64, KernelError> {
    if u64_at(header, 24) & FLAG_BIG_ENDIAN != 0 {
        return Err(KernelError::BigEndian(name.into()));
    }
    let (text_offset, image_size) = (u64_at(header, 8), u64_at(header, 16));
    let entry = placement.ram_start().saturating_add(text_offset);
    // image_size includes what is not in the file, such as `.bss`.
    placement.claim(name, entry, image_size.max(file_size))?;
    Ok(entry)
}

/// Extracts the image of an EFI zboot file; returns other files unchanged.
fn unpack_zboot(source: &ImageSource, bytes: Vec<u8>, room: u64) -> Result<Vec<u8>, KernelError> {
    let Some(header) = bytes.first_chunk::<HEADER_SIZE>() else { return Ok(bytes) };
    if header[..2] != EFI_MAGIC || header[4..8] != ZBOOT_MAGIC {
        return Ok(bytes);
    }
    let name = header[24..56].split(|&byte| byte == 0).next().unwrap_or_default();
    let (offset, len) = (u32_at(header, 8), u32_at(header, 12));
    let packed = usize::try_from(offset).ok().and_then(|at| bytes.get(at..)).and_then(|rest| {
        let len = usize::try_from(len).ok()?;
        rest.get(..len)
    });
    match packed.and_then(|packed| Some((Packing::of(packed)?, packed))) {
        Some((packing, packed)) => Ok(source.unpack(packing, packed, room)?),
        None => Err(KernelError::Zboot {
            name: source.name().into(),
            compression: String::from_utf8_lossy(name).into_owned(),
        }),
    }
}

fn u32_at(header: &[u8; HEADER_SIZE], at: usize) -> u32 {
    u32::from_le_bytes([header[at], header[at + 1], header[at + 2], header[at + 3]])
}

fn u64_at(header: &[u8; HEADER_SIZE], at: usize) -> u64 {
    u64::from(u32_at(header, at)) | u64::from(u32_at(header, at + 4)) << 32
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::sync::Arc;

    use flate2::Compression;
    use flate2::write::GzEncoder;
    use proptest::prelude::*;
    use riscope_core::addr::GuestPhys;
    use riscope_core::mem::GuestRam;
    use vm_memory::{Bytes, GuestAddress};

    use super::*;
    use crate::boot::elf_file::{ElfFile, FileSegment};

    const BASE: u64 = 0x8000_0000;

    fn placement() -> Placement {
        Placement::new(Arc::new(GuestRam::new(GuestPhys(BASE), 4 << 20).unwrap()))
    }

    fn image(text_offset: u64, image_size: u64, flags: u64) -> Vec<u8> {
        let mut bytes = vec![0; 100];
        bytes[..2].copy_from_slice(b"MZ");
        bytes[8..16].copy_from_slice(&text_offset.to_le_bytes());
        bytes[16..24].copy_from_slice(&image_size.to_le_bytes());
        bytes[24..32].copy_from_slice(&flags.to_le_bytes());
        bytes[56..60].copy_from_slice(&MAGIC2);
        bytes[99] = 0x77;
        bytes
    }

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn zboot(payload: &[u8], compression: &[u8]) -> Vec<u8> {
        let mut bytes = [0; 64];
        bytes[..8].copy_from_slice(b"MZ\0\0zimg");
        bytes[8..12].copy_from_slice(&64u32.to_le_bytes());
        bytes[12..16].copy_from_slice(&u32::try_from(payload.len()).unwrap().to_le_bytes());
        bytes[24..24 + compression.len()].copy_from_slice(compression);
        [&bytes[..], payload].concat()
    }

    fn load_bytes(placement: &mut Placement, bytes: &[u8]) -> Result<LoadedKernel, KernelError> {
        load(placement, &ImageSource::bytes("kernel", bytes), EnteredBy::BuiltIn)
    }

    #[test]
    fn firmware_may_enter_a_raw_binary() {
        let load = |placement: &mut Placement, bytes: &[u8]| {
            load(placement, &ImageSource::bytes("loader.bin", bytes), EnteredBy::Firmware)
        };
        for bytes in [vec![0x13; 100], gzip(&[0x13; 100])] {
            let mut placement = placement();
            let loaded = load(&mut placement, &bytes).unwrap();
            assert_eq!(loaded, LoadedKernel { entry: BASE + 0x20_0000, htif: None, signature: None });
            let last: u8 = placement.memory().read_obj(GuestAddress(BASE + 0x20_0063)).unwrap();
            assert_eq!(last, 0x13);
            assert!(placement.claim("next", BASE + 0x20_0063, 1).is_err());
        }
        // A file with a format is still placed as that specifies.
        assert_eq!(load(&mut placement(), &image(0x30_0000, 0x1000, 0)).unwrap().entry, BASE + 0x30_0000);
        let mut aarch64 = vec![0; 64];
        aarch64[56..60].copy_from_slice(b"ARM\x64");
        for bytes in [b"".to_vec(), b"MZ\0\0an EFI program".to_vec(), aarch64, vec![1; (2 << 20) + 1]] {
            let text = load(&mut placement(), &bytes).unwrap_err().to_string();
            assert!(text.contains("loader.bin"), "{text}");
        }
    }

    #[test]
    fn images_plain_compressed_and_in_zboot_load_alike() {
        let image = image(0x20_0000, 0x1000, 0);
        let packed: [(&[u8], &[u8]); 6] = [
            (include_bytes!("../image/packed/fixtures/image.zst"), b"zstd22"),
            (include_bytes!("../image/packed/fixtures/image.zst"), b"zstd"),
            (include_bytes!("../image/packed/fixtures/image.xz"), b"xzkern"),
            (include_bytes!("../image/packed/fixtures/image.lzma"), b"lzma"),
            (include_bytes!("../image/packed/fixtures/image.lz4"), b"lz4"),
            (include_bytes!("../image/packed/fixtures/image.bz2"), b"bzip2"),
        ];
        // The packed image is followed by its unpacked size, which its length excludes.
        let with_size = |packed: &[u8], name: &[u8]| [&zboot(packed, name)[..], &100u32.to_le_bytes()].concat();
        let packed = packed.into_iter().flat_map(|(packed, name)| [packed.to_vec(), with_size(packed, name)]);
        for bytes in [image.clone(), gzip(&image), zboot(&gzip(&image), b"gzip")].into_iter().chain(packed) {
            let mut placement = placement();
            assert_eq!(load_bytes(&mut placement, &bytes).unwrap().entry, BASE + 0x20_0000);
            let last: u8 = placement.memory().read_obj(GuestAddress(BASE + 0x20_0063)).unwrap();
            assert_eq!(last, 0x77);
            assert!(placement.claim("next", BASE + 0x20_0fff, 1).is_err(), "memory size, not file size");
            assert!(placement.claim("next", BASE + 0x20_1000, 1).is_ok());
        }
    }

    /// An image of 512 bytes with an EFI stub, whose second section ends at the end of the
    /// file.
    fn efi_image() -> Vec<u8> {
        let mut bytes = image(0, 0x1000, 0);
        bytes.resize(512, 0x13);
        bytes[60..64].copy_from_slice(&64u32.to_le_bytes());
        bytes[64..68].copy_from_slice(b"PE\0\0");
        bytes[70..72].copy_from_slice(&2u16.to_le_bytes());
        bytes[84..86].copy_from_slice(&8u16.to_le_bytes());
        for (section, size, place) in [(96, 64u32, 256u32), (136, 192, 320)] {
            bytes[section + 16..section + 20].copy_from_slice(&size.to_le_bytes());
            bytes[section + 20..section + 24].copy_from_slice(&place.to_le_bytes());
        }
        bytes
    }

    #[test]
    fn an_image_that_ends_before_its_sections_is_refused() {
        let whole = efi_image();
        for bytes in [whole.clone(), gzip(&whole)] {
            assert!(load_bytes(&mut placement(), &bytes).is_ok());
        }
        for bytes in [whole[..511].to_vec(), gzip(&whole[..511]), whole[..200].to_vec()] {
            let text = load_bytes(&mut placement(), &bytes).unwrap_err().to_string();
            assert!(text.contains("512 bytes"), "{text}");
        }
    }

    #[test]
    fn an_old_header_without_memory_size_takes_the_file_size() {
        let mut placement = placement();
        load_bytes(&mut placement, &image(0, 0, 0)).unwrap();
        assert!(placement.claim("next", BASE + 99, 1).is_err());
        assert!(placement.claim("next", BASE + 100, 1).is_ok());
    }

    #[test]
    fn vmlinux_goes_behind_the_firmware() {
        let segment = FileSegment { virt: 0xffff_ffff_8000_0000, phys: 0, size: 4, data: b"head".to_vec() };
        let elf = ElfFile { entry: segment.virt, segments: vec![segment], symbols: Vec::new() };
        let loaded = load_bytes(&mut placement(), &gzip(&elf.bytes())).unwrap();
        assert_eq!(loaded.entry, BASE + 0x20_0000);
    }

    #[test]
    fn what_is_no_kernel_is_refused_with_the_name_of_the_file() {
        let mut placement = placement();
        let errors = [
            load_bytes(&mut placement, b""),
            load_bytes(&mut placement, &[0x13; 4096]),
            load_bytes(&mut placement, &image(0, 0, 1)),
            load_bytes(&mut placement, &image(0, 8 << 20, 0)),
            load_bytes(&mut placement, &image(u64::MAX, u64::MAX, 0)),
            load_bytes(&mut placement, b"\x7fELF"),
            load_bytes(&mut placement, b"\x1f\x8bnonsense"),
            load_bytes(&mut placement, &zboot(b"", b"zstd")),
            load_bytes(&mut placement, &zboot(b"no format at all", b"zstd")),
            load_bytes(&mut placement, &zboot(b"\x89LZO\0\r\n\x1a\n", b"lzo")),
            load_bytes(&mut placement, &zboot(&include_bytes!("../image/packed/fixtures/image.zst")[..40], b"zstd")),
            load_bytes(&mut placement, &zboot(b"", b"gzip")[..60]),
        ];
        for result in errors {
            let text = result.unwrap_err().to_string();
            assert!(text.contains("kernel"), "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_header_is_loaded_or_refused(flips in prop::collection::vec((0usize..100, any::<u8>()), 0..8)) {
            let mut bytes = image(0x1000, 0x1000, 0);
            flips.into_iter().for_each(|(at, byte)| bytes[at] = byte);
            if let Ok(kernel) = load_bytes(&mut placement(), &bytes) {
                prop_assert!((BASE..BASE + (4 << 20)).contains(&kernel.entry));
            }
        }
    }
}
