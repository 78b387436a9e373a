//! Files that a machine boots from, and how their bytes are obtained.

use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::sync::Arc;

use flate2::read::MultiGzDecoder;

/// Bytes that a kernel or firmware may have, compressed or not: a `vmlinux` with debug
/// information has about a quarter of it.
pub const MAX_IMAGE_BYTES: u64 = 1 << 30;

const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];

/// Why a file could not be read.
#[derive(Debug, thiserror::Error)]
pub enum ImageError {
    /// The host cannot open or read it.
    #[error("cannot read {name}: {source}")]
    Read {
        /// The file.
        name: String,
        /// The host's reason.
        source: io::Error,
    },
    /// A directory, pipe or device.
    #[error("{name} is no regular file")]
    NotAFile {
        /// The file.
        name: String,
    },
    /// More than is sensible.
    #[error("{name} has more than {limit} bytes, unpacked if it is compressed; is it the right file?")]
    TooLarge {
        /// The file.
        name: String,
        /// The limit in bytes.
        limit: u64,
    },
    /// A gzip file that cannot be unpacked.
    #[error("{name} is a damaged gzip file: {source}")]
    Gzip {
        /// The file.
        name: String,
        /// What the decompressor found.
        source: io::Error,
    },
}

#[derive(Clone, Debug)]
enum Origin {
    Path(PathBuf),
    File(Arc<File>),
    Bytes(Arc<[u8]>),
}

/// A file to boot from: a path, a file that somebody opened already, or bytes.
#[derive(Clone, Debug)]
pub struct ImageSource {
    name: String,
    origin: Origin,
}

impl ImageSource {
    /// The file at `path`, opened when it is needed.
    pub fn path(path: impl Into<PathBuf>) -> Self {
        let path = path.into();
        Self { name: path.display().to_string(), origin: Origin::Path(path) }
    }

    /// A file that is open for reading; `name` is for messages.
    pub fn file(name: impl Into<String>, file: File) -> Self {
        Self { name: name.into(), origin: Origin::File(Arc::new(file)) }
    }

    /// These bytes; `name` is for messages.
    pub fn bytes(name: impl Into<String>, bytes: impl Into<Arc<[u8]>>) -> Self {
        Self { name: name.into(), origin: Origin::Bytes(bytes.into()) }
    }

    /// What messages call it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// All bytes as they are, at most `limit`.
    ///
    /// # Errors
    /// [`ImageError`] when it cannot be read or is larger.
    pub fn read(&self, limit: u64) -> Result<Vec<u8>, ImageError> {
        let file = match &self.origin {
            Origin::Bytes(bytes) if bytes.len() as u64 > limit => return Err(self.too_large(limit)),
            Origin::Bytes(bytes) => return Ok(bytes.to_vec()),
            Origin::Path(path) => Arc::new(File::open(path).map_err(|source| self.unreadable(source))?),
            Origin::File(file) => Arc::clone(file),
        };
        let metadata = file.metadata().map_err(|source| self.unreadable(source))?;
        if !metadata.is_file() {
            return Err(ImageError::NotAFile { name: self.name.clone() });
        }
        let len = usize::try_from(metadata.len()).ok().filter(|_| metadata.len() <= limit);
        let mut bytes = vec![0; len.ok_or_else(|| self.too_large(limit))?];
        file.read_exact_at(&mut bytes, 0).map_err(|source| self.unreadable(source))?;
        Ok(bytes)
    }

    /// All bytes, unpacked if they are gzip, at most `limit` before and after.
    ///
    /// # Errors
    /// [`ImageError`] when it cannot be read or unpacked, or is larger.
    pub fn read_unpacked(&self, limit: u64) -> Result<Vec<u8>, ImageError> {
        let bytes = self.read(limit)?;
        if bytes.starts_with(&GZIP_MAGIC) { self.unpack(&bytes, limit) } else { Ok(bytes) }
    }

    /// Unpacks gzip data that was found in this file.
    ///
    /// # Errors
    /// [`ImageError`] when it is damaged or unpacks to more than `limit` bytes.
    pub(super) fn unpack(&self, packed: &[u8], limit: u64) -> Result<Vec<u8>, ImageError> {
        let mut bytes = Vec::new();
        // One byte more than allowed shows that there is more.
        let mut reader = MultiGzDecoder::new(packed).take(limit.saturating_add(1));
        let read = reader.read_to_end(&mut bytes);
        read.map_err(|source| ImageError::Gzip { name: self.name.clone(), source })?;
        if bytes.len() as u64 > limit { Err(self.too_large(limit)) } else { Ok(bytes) }
    }

    fn unreadable(&self, source: io::Error) -> ImageError {
        ImageError::Read { name: self.name.clone(), source }
    }

    fn too_large(&self, limit: u64) -> ImageError {
        ImageError::TooLarge { name: self.name.clone(), limit }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::GzEncoder;

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
            // Twice, because a machine can be built again from the same specification.
            assert_eq!(source.read(8).unwrap(), b"contents", "{}", source.name());
            assert_eq!(source.read(8).unwrap(), b"contents", "{}", source.name());
            assert!(matches!(source.read(7), Err(ImageError::TooLarge { limit: 7, .. })));
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
    fn gzip_is_unpacked_up_to_the_limit() {
        let packed = gzip(&[7; 100_000]);
        let source = ImageSource::bytes("packed", packed.clone());
        assert_eq!(source.read_unpacked(100_000).unwrap(), vec![7; 100_000]);
        assert!(matches!(source.read_unpacked(99_999), Err(ImageError::TooLarge { .. })));
        let cut = ImageSource::bytes("cut", packed[..packed.len() / 2].to_vec());
        assert!(matches!(cut.read_unpacked(1 << 20), Err(ImageError::Gzip { .. })));
        let plain = ImageSource::bytes("plain", *b"\x1fno gzip");
        assert_eq!(plain.read_unpacked(100).unwrap(), b"\x1fno gzip");
    }
}
