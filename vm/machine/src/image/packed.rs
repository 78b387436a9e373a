//! Compressed files: what they are packed with, and their contents.
//!
//! | format | as in | decoder |
//! |---|---|---|
//! | gzip | `Image.gz`, `vmlinuz` (zboot) | flate2 |
//! | zstd | `Image.zst`, `vmlinuz` (zboot) | ruzstd |
//! | xz | `Image.xz` | lzma-rust2, BCJ filter of RISC-V included |
//! | lzma | `Image.lzma` | lzma-rust2 |
//! | bzip2 | `Image.bz2` | bzip2 on libbz2-rs |
//! | lz4 | `Image.lz4`: the legacy format, and frames | lz4_flex |
//!
//! A format is recognised by how a file begins. Decoders are pulled, so whoever stops
//! reading bounds what is unpacked; [`MAX_WINDOW`] bounds what they take beside it.

use std::io::{self, Read};

use bzip2::bufread::MultiBzDecoder;
use flate2::bufread::MultiGzDecoder;
use lz4_flex::frame::FrameDecoder;
use lzma_rust2::{LzmaReader, XzReader};
use ruzstd::decoding::StreamingDecoder;

/// Bytes back from which a file may copy: twice what the highest levels of the kernel's
/// build and of the tools' default options ask for.
const MAX_WINDOW: u64 = 256 << 20;
/// The same for lzma and xz in KiB, with room for their tables.
const MAX_WINDOW_KIB: u32 = 257 << 10;
/// Bytes of a file that tell its format.
pub(super) const HEAD_SIZE: usize = 14;

const ZSTD_MAGIC: [u8; 4] = 0xfd2f_b528_u32.to_le_bytes();
/// Frames without contents have sixteen numbers.
const ZSTD_SKIPPABLE: u32 = 0x184d_2a50;
const LZ4_LEGACY_MAGIC: [u8; 4] = 0x184c_2102_u32.to_le_bytes();
/// Contents of a block of the legacy format of lz4; the last may have less.
const LZ4_LEGACY_BLOCK: usize = 8 << 20;

/// A format of compressed files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Packing {
    Gzip,
    Zstd,
    Xz,
    Lzma,
    Bzip2,
    Lz4,
    Lz4Legacy,
    /// Recognised, but there is no decoder.
    Lzop,
}

impl Packing {
    /// The format of a file that begins with `head`, of which [`HEAD_SIZE`] bytes are
    /// enough.
    pub(crate) fn of(head: &[u8]) -> Option<Self> {
        const MAGICS: [(&[u8], Packing); 8] = [
            // With the only method there is.
            (&[0x1f, 0x8b, 8], Packing::Gzip),
            (&ZSTD_MAGIC, Packing::Zstd),
            (b"\xfd7zXZ\0", Packing::Xz),
            (b"\x04\x22\x4d\x18", Packing::Lz4),
            (&LZ4_LEGACY_MAGIC, Packing::Lz4Legacy),
            (b"\x89LZO\0\r\n\x1a\n", Packing::Lzop),
            // The digits of pi of a block, or those of its root in an empty file.
            (b"BZh\0\x31\x41\x59\x26\x53\x59", Packing::Bzip2),
            (b"BZh\0\x17\x72\x45\x38\x50\x90", Packing::Bzip2),
        ];
        let begins_with = |magic: &[u8]| {
            // The level of bzip2 is a digit.
            let is_level = |at: usize| magic.starts_with(b"BZh") && at == 3 && head[at].is_ascii_digit();
            head.len() >= magic.len() && magic.iter().enumerate().all(|(at, byte)| head[at] == *byte || is_level(at))
        };
        let found = MAGICS.iter().find(|(magic, _)| begins_with(magic)).map(|&(_, packing)| packing);
        found.or_else(|| is_lzma(head).then_some(Self::Lzma))
    }

    /// What people call it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Gzip => "gzip",
            Self::Zstd => "zstd",
            Self::Xz => "xz",
            Self::Lzma => "lzma",
            Self::Bzip2 => "bzip2",
            Self::Lz4 | Self::Lz4Legacy => "lz4",
            Self::Lzop => "lzop",
        }
    }

    /// The contents of `packed`, unpacked while they are read.
    ///
    /// # Errors
    /// When there is no decoder for the format, or its header is damaged; reading fails for
    /// what is damaged behind it.
    pub(crate) fn reader(self, packed: &[u8]) -> io::Result<Box<dyn Read + '_>> {
        Ok(match self {
            Self::Gzip => Box::new(MultiGzDecoder::new(packed)),
            Self::Zstd => Box::new(ZstdFrames { frame: None, rest: packed }),
            Self::Xz => Box::new(XzReader::new_mem_limit(packed, true, MAX_WINDOW_KIB)),
            Self::Lzma => Box::new(LzmaReader::new_mem_limit(packed, MAX_WINDOW_KIB, None)?),
            Self::Bzip2 => Box::new(MultiBzDecoder::new(packed)),
            Self::Lz4 => Box::new(Lz4Frames { decoder: FrameDecoder::new(packed), is_complete: has_end_mark(packed) }),
            Self::Lz4Legacy => Box::new(Lz4Legacy { rest: packed, block: Vec::new(), taken: 0 }),
            Self::Lzop => return Err(io::Error::other("there is no decoder for it; unpack it first")),
        })
    }
}

/// Whether a file begins as the format of lzma does, which has no magic number: the usual
/// properties, a size of the dictionary that its encoders use, a size that is possible or
/// not given, and a first byte that is always zero.
fn is_lzma(head: &[u8]) -> bool {
    let Some(head) = head.first_chunk::<HEAD_SIZE>() else { return false };
    let dictionary = u32::from_le_bytes([head[1], head[2], head[3], head[4]]);
    let size = head[5..13].iter().rev().fold(0u64, |size, &byte| size << 8 | u64::from(byte));
    let is_usual = dictionary.is_power_of_two() || (dictionary / 3).is_power_of_two() && dictionary.is_multiple_of(3);
    head[0] == 0x5d && dictionary >= 1 << 12 && is_usual && (size == u64::MAX || size < 1 << 40) && head[13] == 0
}

fn damaged(what: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

fn cut_off() -> io::Error {
    io::Error::new(io::ErrorKind::UnexpectedEof, "it is cut off")
}

/// The frames of a zstd file one after another.
struct ZstdFrames<'p> {
    frame: Option<StreamingDecoder<&'p [u8], ruzstd::decoding::FrameDecoder>>,
    rest: &'p [u8],
}

impl ZstdFrames<'_> {
    /// Begins the next frame; `false` at the end of the file.
    fn next_frame(&mut self) -> io::Result<bool> {
        while let Some((magic, behind)) = self.rest.split_first_chunk::<4>() {
            if u32::from_le_bytes(*magic) & !0xf != ZSTD_SKIPPABLE {
                let frame = StreamingDecoder::new_with_max_window_size(self.rest, MAX_WINDOW);
                self.frame = Some(frame.map_err(io::Error::other)?);
                return Ok(true);
            }
            let (len, behind) = behind.split_first_chunk::<4>().ok_or_else(cut_off)?;
            let len = usize::try_from(u32::from_le_bytes(*len)).unwrap_or(usize::MAX);
            self.rest = behind.get(len..).ok_or_else(cut_off)?;
        }
        if self.rest.is_empty() { Ok(false) } else { Err(damaged("something follows its last frame")) }
    }
}

impl Read for ZstdFrames<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        loop {
            let Some(frame) = &mut self.frame else {
                if self.next_frame()? {
                    continue;
                }
                return Ok(0);
            };
            let count = frame.read(buffer)?;
            if count > 0 {
                return Ok(count);
            }
            let checksum = frame.decoder.get_checksum_from_data();
            if checksum.is_some() && checksum != frame.decoder.get_calculated_checksum() {
                return Err(damaged("its checksum differs"));
            }
            self.rest = *frame.get_ref();
            self.frame = None;
        }
    }
}

/// Frames of lz4 one after another. Their decoder stops behind each, and takes a file that
/// ends between two blocks for whole.
struct Lz4Frames<'p> {
    decoder: FrameDecoder<&'p [u8]>,
    is_complete: bool,
}

/// Whether a file of lz4 frames ends with the mark of an end: a block of length zero, and
/// perhaps a checksum.
fn has_end_mark(packed: &[u8]) -> bool {
    let is_mark =
        |from_end: usize| packed.len().checked_sub(from_end).is_some_and(|at| packed[at..].starts_with(&[0; 4]));
    is_mark(4) || is_mark(8)
}

impl Read for Lz4Frames<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let left = self.decoder.get_ref().len();
            let count = self.decoder.read(buffer)?;
            if count > 0 || buffer.is_empty() {
                return Ok(count);
            }
            match (self.decoder.get_ref().len(), self.is_complete) {
                (0, true) => return Ok(0),
                (0, false) => return Err(cut_off()),
                // Every round reads something, so this ends.
                (rest, _) if rest == left => return Err(damaged("something follows its last frame")),
                _ => {}
            }
        }
    }
}

/// The legacy format of lz4, which `lz4 -l` writes: a magic number and blocks that have
/// their length before them. Its end is that of the file.
struct Lz4Legacy<'p> {
    rest: &'p [u8],
    block: Vec<u8>,
    /// Bytes of the block that have been read.
    taken: usize,
}

impl Lz4Legacy<'_> {
    /// Unpacks the next block, if there is one.
    fn next_block(&mut self) -> io::Result<()> {
        self.block.clear();
        self.taken = 0;
        // Files may follow each other.
        self.rest = self.rest.strip_prefix(&LZ4_LEGACY_MAGIC).unwrap_or(self.rest);
        if self.rest.is_empty() {
            return Ok(());
        }
        let (len, behind) = self.rest.split_first_chunk::<4>().ok_or_else(cut_off)?;
        let len = usize::try_from(u32::from_le_bytes(*len)).unwrap_or(usize::MAX);
        let (packed, rest) = behind.split_at_checked(len).ok_or_else(cut_off)?;
        self.block.resize(LZ4_LEGACY_BLOCK, 0);
        let count = lz4_flex::block::decompress_into(packed, &mut self.block).map_err(io::Error::other)?;
        self.block.truncate(count);
        self.rest = rest;
        Ok(())
    }
}

impl Read for Lz4Legacy<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        // A block may be empty.
        while self.taken == self.block.len() && !self.rest.is_empty() {
            self.next_block()?;
        }
        let count = buffer.len().min(self.block.len() - self.taken);
        buffer[..count].copy_from_slice(&self.block[self.taken..self.taken + count]);
        self.taken += count;
        Ok(count)
    }
}

#[cfg(test)]
mod tests;
