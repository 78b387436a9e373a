//! Boot files and reading them, with decompression.
//!
//! Sizes are limited before allocation, decompressed ones included.

mod packed;

use std::fs::{File, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use riscope_core::mem::GuestMemory;
use rustix::fs::OFlags;
use vm_memory::{Bytes, GuestAddress};

pub(crate) use packed::Packing;

/// Maximum size of a kernel or firmware, compressed or not, in bytes. A `vmlinux` with
/// debug information has about a quarter of it.
pub const MAX_IMAGE_BYTES: u64 = 1 << 30;
/// Maximum bytes of an ELF file that take no guest memory, such as debug information.
const MAX_UNLOADED_BYTES: u64 = 512 << 20;

const ELF_MAGIC: [u8; 4] = *b"\x7fELF";

/// Errors of reading a boot file.
#[derive(Debug, thiserror::Error)]
pub enum ImageError {
    /// The host cannot open or read it.
    #[error("cannot read {name}: {source}")]
    Read {
        /// File name.
        name: String,
        /// The host's error.
        source: io::Error,
    },
    /// A directory, pipe or device.
    #[error("{name} is no regular file; give the path of a file")]
    NotAFile {
        /// File name.
        name: String,
    },
    /// The file exceeds the size limit.
    #[error("{name} has more than {limit} bytes, unpacked if it is compressed; is it the right file?")]
    TooLarge {
        /// File name.
        name: String,
        /// Limit in bytes.
        limit: u64,
    },
    /// The file is larger than guest memory.
    #[error(
        "{name} has more than the {room} bytes of guest memory, unpacked if it is compressed; give the machine more memory"
    )]
    LargerThanRam {
        /// File name.
        name: String,
        /// Size of guest memory in bytes.
        room: u64,
    },
    /// The file cannot be decompressed.
    #[error("{name} is compressed by {format} and cannot be unpacked: {source}; copy it again, or unpack it first")]
    Packed {
        /// File name.
        name: String,
        /// Compression format.
        format: &'static str,
        /// Error of the decompressor.
        source: io::Error,
    },
}

/// Opens a file without blocking, as opening a pipe would. This does not affect I/O on
/// regular files, and others are rejected.
pub(crate) fn open_at_once(options: &mut OpenOptions, path: &Path) -> io::Result<File> {
    options.custom_flags((OFlags::NONBLOCK | OFlags::NOCTTY).bits().cast_signed()).open(path)
}

#[derive(Clone, Debug)]
enum Origin {
    Path(PathBuf),
    File(Arc<File>),
    Bytes(Arc<[u8]>),
}

/// Boot file: a path, an open file, or bytes.
#[derive(Clone, Debug)]
pub struct ImageSource {
    name: String,
    origin: Origin,
}

impl ImageSource {
    /// The file at `path`, opened when needed.
    pub fn path(path: impl Into<PathBuf>) -> Self {
        let path = path.into();
        Self { name: path.display().to_string(), origin: Origin::Path(path) }
    }

    /// A file open for reading; `name` is used in messages.
    pub fn file(name: impl Into<String>, file: File) -> Self {
        Self { name: name.into(), origin: Origin::File(Arc::new(file)) }
    }

    /// These bytes; `name` is used in messages.
    pub fn bytes(name: impl Into<String>, bytes: impl Into<Arc<[u8]>>) -> Self {
        Self { name: name.into(), origin: Origin::Bytes(bytes.into()) }
    }

    /// Name in messages.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Opens the file, if its size is at most `limit` bytes.
    ///
    /// # Errors
    /// [`ImageError`] if it cannot be opened, is not a regular file, or is larger.
    pub fn open(&self, limit: u64) -> Result<OpenImage<'_>, ImageError> {
        let unreadable = |source| self.unreadable(source);
        let (contents, len) = match &self.origin {
            Origin::Bytes(bytes) => (Contents::Bytes(bytes), bytes.len() as u64),
            Origin::Path(path) => {
                let file = open_at_once(File::options().read(true), path).map_err(unreadable)?;
                self.inspect(Arc::new(file))?
            }
            Origin::File(file) => self.inspect(Arc::clone(file))?,
        };
        if len > limit {
            return Err(self.too_large(limit));
        }
        Ok(OpenImage { source: self, contents, len })
    }

    fn inspect(&self, file: Arc<File>) -> Result<(Contents<'_>, u64), ImageError> {
        let metadata = file.metadata().map_err(|source| self.unreadable(source))?;
        if !metadata.is_file() {
            return Err(ImageError::NotAFile { name: self.name.clone() });
        }
        Ok((Contents::File(file), metadata.len()))
    }

    /// Reads all bytes, at most `limit`, without decompression.
    ///
    /// # Errors
    /// Those of [`ImageSource::open`], and an error if it cannot be read.
    pub fn read(&self, limit: u64) -> Result<Vec<u8>, ImageError> {
        let image = self.open(limit)?;
        image.prefix(usize::MAX)
    }

    /// Reads an image for `room` bytes of guest memory and decompresses it if necessary.
    /// Reads and decompresses no more than such an image can have.
    ///
    /// # Errors
    /// [`ImageError`] if it cannot be read or decompressed, or is larger.
    pub fn read_unpacked(&self, room: u64) -> Result<Vec<u8>, ImageError> {
        let image = self.open(MAX_IMAGE_BYTES)?;
        let head = image.prefix(packed::HEAD_SIZE)?;
        if let Some(packing) = Packing::of(&head) {
            return self.unpack(packing, &image.prefix(usize::MAX)?, room);
        }
        self.check_size(image.size(), &head, room)?;
        image.prefix(usize::MAX)
    }

    /// Decompresses data found in this file.
    ///
    /// # Errors
    /// [`ImageError`] if the data is damaged or decompresses to more than an image for
    /// `room` bytes of guest memory can have.
    pub(crate) fn unpack(&self, packing: Packing, packed: &[u8], room: u64) -> Result<Vec<u8>, ImageError> {
        let damaged = |source| ImageError::Packed { name: self.name.clone(), format: packing.name(), source };
        let mut bytes = Vec::new();
        let mut reader = packing.reader(packed).map_err(damaged)?;
        reader.by_ref().take(ELF_MAGIC.len() as u64).read_to_end(&mut bytes).map_err(damaged)?;
        // One byte beyond the limit shows that there is more.
        let more = size_limit(&bytes, room).saturating_sub(bytes.len() as u64).saturating_add(1);
        reader.take(more).read_to_end(&mut bytes).map_err(damaged)?;
        self.check_size(bytes.len() as u64, &bytes, room)?;
        Ok(bytes)
    }

    fn check_size(&self, size: u64, head: &[u8], room: u64) -> Result<(), ImageError> {
        match size_limit(head, room) {
            limit if size <= limit => Ok(()),
            MAX_IMAGE_BYTES => Err(self.too_large(MAX_IMAGE_BYTES)),
            _ => Err(ImageError::LargerThanRam { name: self.name.clone(), room }),
        }
    }

    fn unreadable(&self, source: io::Error) -> ImageError {
        ImageError::Read { name: self.name.clone(), source }
    }

    fn too_large(&self, limit: u64) -> ImageError {
        ImageError::TooLarge { name: self.name.clone(), limit }
    }
}

/// Whether `bytes` have the ELF magic number.
pub(crate) fn is_elf(bytes: &[u8]) -> bool {
    bytes.starts_with(&ELF_MAGIC)
}

/// Maximum size of an image that begins with `head`, for `room` bytes of memory.
fn size_limit(head: &[u8], room: u64) -> u64 {
    let unloaded = if is_elf(head) { MAX_UNLOADED_BYTES } else { 0 };
    room.saturating_add(unloaded).min(MAX_IMAGE_BYTES)
}

#[derive(Debug)]
enum Contents<'s> {
    Bytes(&'s [u8]),
    File(Arc<File>),
}

/// Bytes copied into guest memory at a time.
const PIECE: usize = 256 << 10;

/// Opened source of known size.
#[derive(Debug)]
pub struct OpenImage<'s> {
    source: &'s ImageSource,
    contents: Contents<'s>,
    len: u64,
}

impl OpenImage<'_> {
    /// Size in bytes when it was opened.
    pub fn size(&self) -> u64 {
        self.len
    }

    /// The first `count` bytes, or all if there are fewer.
    ///
    /// # Errors
    /// [`ImageError::Read`].
    pub fn prefix(&self, count: usize) -> Result<Vec<u8>, ImageError> {
        let len = usize::try_from(self.len).unwrap_or(usize::MAX).min(count);
        match &self.contents {
            Contents::Bytes(bytes) => Ok(bytes[..len].to_vec()),
            Contents::File(file) => {
                let mut bytes = vec![0; len];
                self.fill(file, &mut bytes, 0)?;
                Ok(bytes)
            }
        }
    }

    /// Copies all bytes to `address`, which the caller has claimed.
    ///
    /// # Errors
    /// [`ImageError::Read`], also if they do not fit.
    pub fn copy_to(&self, memory: &GuestMemory, address: u64) -> Result<(), ImageError> {
        let write = |bytes: &[u8], offset: u64| {
            let written = memory.write_slice(bytes, GuestAddress(address.saturating_add(offset)));
            written.map_err(|error| self.source.unreadable(io::Error::other(error)))
        };
        let file = match &self.contents {
            Contents::Bytes(bytes) => return write(bytes, 0),
            Contents::File(file) => file,
        };
        let mut piece = vec![0; PIECE];
        let mut offset = 0;
        while offset < self.len {
            let count = usize::try_from(self.len - offset).unwrap_or(usize::MAX).min(PIECE);
            self.fill(file, &mut piece[..count], offset)?;
            write(&piece[..count], offset)?;
            offset += count as u64;
        }
        Ok(())
    }

    fn fill(&self, file: &File, bytes: &mut [u8], offset: u64) -> Result<(), ImageError> {
        file.read_exact_at(bytes, offset).map_err(|source| self.source.unreadable(source))
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::GzEncoder;
    use riscope_core::addr::GuestPhys;
    use riscope_core::mem::GuestRam;

    use super::*;
    use crate::testing::ScratchDir;

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn bytes_paths_and_open_files_read_the_same() {
        let dir = ScratchDir::new();
        let path = dir.path().join("image");
        std::fs::write(&path, b"contents").unwrap();
        let sources = [
            ImageSource::bytes("bytes", *b"contents"),
            ImageSource::path(&path),
            ImageSource::file("open", File::open(&path).unwrap()),
        ];
        for source in sources {
            // Twice, because a machine can be rebuilt from the same specification.
            assert_eq!(source.read(8).unwrap(), b"contents", "{}", source.name());
            assert_eq!(source.read(8).unwrap(), b"contents", "{}", source.name());
            assert!(matches!(source.read(7), Err(ImageError::TooLarge { limit: 7, .. })));
        }
    }

    #[test]
    fn contents_are_copied_into_guest_memory_whole() {
        let dir = ScratchDir::new();
        let bytes: Vec<u8> = (0..PIECE * 2 + 5).map(|i| i.to_le_bytes()[0] ^ i.to_le_bytes()[2]).collect();
        std::fs::write(dir.path().join("image"), &bytes).unwrap();
        for source in [ImageSource::path(dir.path().join("image")), ImageSource::bytes("bytes", bytes.clone())] {
            let ram = GuestRam::new(GuestPhys(0x8000_0000), 1 << 20).unwrap();
            let image = source.open(1 << 20).unwrap();
            image.copy_to(ram.memory(), 0x8000_0001).unwrap();
            let mut copy = vec![0; bytes.len()];
            ram.memory().read_slice(&mut copy, GuestAddress(0x8000_0001)).unwrap();
            assert!(copy == bytes, "{}", source.name());
            assert!(image.copy_to(ram.memory(), 0x800f_0000).is_err(), "runs out of RAM");
            assert_eq!(image.prefix(3).unwrap(), bytes[..3]);
        }
    }

    #[test]
    fn what_cannot_be_read_is_named() {
        let dir = ScratchDir::new();
        let missing = ImageSource::path(dir.path().join("missing")).read(1).unwrap_err();
        assert!(missing.to_string().contains("missing"), "{missing}");
        let directory = ImageSource::path(dir.path()).read(1);
        assert!(matches!(directory, Err(ImageError::NotAFile { .. })));
    }

    #[test]
    fn a_pipe_that_nobody_writes_to_is_refused_at_once() {
        let dir = ScratchDir::new();
        let pipe = dir.path().join("pipe");
        rustix::fs::mkfifoat(rustix::fs::CWD, &pipe, rustix::fs::Mode::RWXU).unwrap();
        assert!(matches!(ImageSource::path(pipe).read(1), Err(ImageError::NotAFile { .. })));
    }

    #[test]
    fn gzip_is_unpacked_up_to_the_limit() {
        let packed = gzip(&[7; 100_000]);
        let source = ImageSource::bytes("packed", packed.clone());
        assert_eq!(source.read_unpacked(100_000).unwrap(), vec![7; 100_000]);
        assert!(matches!(source.read_unpacked(99_999), Err(ImageError::LargerThanRam { room: 99_999, .. })));
        let cut = ImageSource::bytes("cut", packed[..packed.len() / 2].to_vec());
        assert!(matches!(cut.read_unpacked(1 << 20), Err(ImageError::Packed { .. })));
        let plain = ImageSource::bytes("plain", *b"\x1fno gzip");
        assert_eq!(plain.read_unpacked(100).unwrap(), b"\x1fno gzip");
        assert!(matches!(plain.read_unpacked(7), Err(ImageError::LargerThanRam { .. })));
        assert!(ImageSource::bytes("empty", gzip(b"")).read_unpacked(0).unwrap().is_empty());
    }

    #[test]
    fn an_elf_file_may_have_more_than_memory_holds() {
        let elf = [&b"\x7fELF"[..], &[0; 1000]].concat();
        for bytes in [elf.clone(), gzip(&elf)] {
            assert_eq!(ImageSource::bytes("vmlinux", bytes).read_unpacked(16).unwrap(), elf);
        }
        assert_eq!(size_limit(b"\x7fELF", 1 << 20), (512 << 20) + (1 << 20));
        assert_eq!(size_limit(b"\x7fELF", u64::MAX), MAX_IMAGE_BYTES);
        assert_eq!(size_limit(b"MZ", 1 << 20), 1 << 20);
    }
}
