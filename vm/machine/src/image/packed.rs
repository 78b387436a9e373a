//! Compressed files: format detection and decompression.
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
//! Formats are detected by their first bytes. Decoders are pulled, so the reader limits how
//! much is decompressed; [`MAX_WINDOW`] limits their working memory.

use std::io::{self, Read};

use bzip2::bufread::MultiBzDecoder;
use flate2::bufread::MultiGzDecoder;
use lz4_flex::frame::FrameDecoder;
use lzma_rust2::{LzmaReader, XzReader};
use ruzstd::decoding::StreamingDecoder;

/// Maximum history window in bytes: twice that of the highest levels used by the kernel
/// build and by the tools' default options.
const MAX_WINDOW: u64 = 256 << 20;
/// Maximum window of lzma and xz in KiB, including their tables.
const MAX_WINDOW_KIB: u32 = 257 << 10;
/// Bytes of a file that determine its format.
pub(super) const HEAD_SIZE: usize = 14;

const ZSTD_MAGIC: [u8; 4] = 0xfd2f_b528_u32.to_le_bytes();
/// Skippable frames have sixteen magic numbers.
const ZSTD_SKIPPABLE: u32 = 0x184d_2a50;
const LZ4_LEGACY_MAGIC: [u8; 4] = 0x184c_2102_u32.to_le_bytes();
/// Size of a block of the legacy lz4 format, decompressed; the last may be shorter.
const LZ4_LEGACY_BLOCK: usize = 8 << 20;

/// Compression format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Packing {
    Gzip,
    Zstd,
    Xz,
    Lzma,
    Bzip2,
    Lz4,
    Lz4Legacy,
    /// Recognised, but not supported.
    Lzop,
}

impl Packing {
    /// Format of a file that begins with `head`; [`HEAD_SIZE`] bytes suffice.
    pub(crate) fn of(head: &[u8]) -> Option<Self> {
        const MAGICS: [(&[u8], Packing); 8] = [
            // With deflate, the only compression method.
            (&[0x1f, 0x8b, 8], Packing::Gzip),
            (&ZSTD_MAGIC, Packing::Zstd),
            (b"\xfd7zXZ\0", Packing::Xz),
            (b"\x04\x22\x4d\x18", Packing::Lz4),
            (&LZ4_LEGACY_MAGIC, Packing::Lz4Legacy),
            (b"\x89LZO\0\r\n\x1a\n", Packing::Lzop),
            // Block magic (digits of pi), or end-of-stream magic (digits of its square
            // root) in an empty file.
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

    /// Name of the format.
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

    /// Reader of the decompressed contents of `packed`.
    ///
    /// # Errors
    /// If the format is not supported or its header is damaged. Reading fails on damage
    /// after the header.
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

/// Whether a file starts like the lzma format, which has no magic number: default
/// properties, a dictionary size that encoders use, a possible or unknown size, and a first
/// byte of zero.
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

/// Consecutive frames of a zstd file.
struct ZstdFrames<'p> {
    frame: Option<StreamingDecoder<&'p [u8], ruzstd::decoding::FrameDecoder>>,
    rest: &'p [u8],
}

impl ZstdFrames<'_> {
    /// Starts the next frame; `false` at the end of the file.
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

/// Consecutive lz4 frames. The decoder stops after each one, and does not detect a file
/// truncated between two blocks.
struct Lz4Frames<'p> {
    decoder: FrameDecoder<&'p [u8]>,
    is_complete: bool,
}

/// Whether a file of lz4 frames ends with an end mark: a block of length zero, with an
/// optional checksum.
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
                // Terminates: every iteration consumes input.
                (rest, _) if rest == left => return Err(damaged("something follows its last frame")),
                _ => {}
            }
        }
    }
}

/// Legacy lz4 format, as `lz4 -l` writes it: a magic number and length-prefixed blocks to
/// the end of the file.
struct Lz4Legacy<'p> {
    rest: &'p [u8],
    block: Vec<u8>,
    /// Bytes of the block already read.
    taken: usize,
}

impl Lz4Legacy<'_> {
    /// Decompresses the next block, if there is one.
    fn next_block(&mut self) -> io::Result<()> {
        self.block.clear();
        self.taken = 0;
        // Files may be concatenated.
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
