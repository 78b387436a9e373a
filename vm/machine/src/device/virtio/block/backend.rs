//! Host side of a disk.
//!
//! Disks are raw: the format is never inferred from contents that a guest can write. The
//! file is accessed by reads and writes, never mapped, so that truncation of a disk in use
//! is an I/O error for the guest and not a SIGBUS.

use std::fmt::Debug;
use std::fs::File;
use std::io::{self, Seek, SeekFrom};
use std::os::unix::fs::FileExt;

use rustix::fs::{FallocateFlags, FlockOperation, fallocate, flock};
use rustix::io::Errno;
use vm_memory::{ReadVolatile, VolatileMemoryError, WriteVolatile};

use super::SECTOR_SIZE;
use crate::device::virtio::Buffers;

/// Errors of disk operations.
#[derive(Debug, thiserror::Error)]
pub enum BlockError {
    /// The range is not within the disk.
    #[error("the range is outside the disk")]
    OutOfRange,
    /// A write to a read-only disk.
    #[error("the disk is read-only")]
    ReadOnly,
    /// The file ends before the disk does: it was truncated.
    #[error("the file is shorter than the disk")]
    ShortFile,
    /// The machine ends, so a long request was abandoned.
    #[error("the machine ends")]
    Ending,
    /// The host does not support the operation on this file.
    #[error("the host does not support the operation")]
    Unsupported,
    /// I/O error of the host.
    #[error("the host failed: {0}")]
    Host(#[from] io::Error),
}

/// Host side of a block device. Offsets and lengths are in bytes and multiples of
/// [`SECTOR_SIZE`]; the backend checks them.
pub trait BlockBackend: Send + Debug {
    /// Size of the disk in bytes: constant, a multiple of [`SECTOR_SIZE`].
    fn size(&self) -> u64;

    /// Whether writes are rejected.
    fn is_read_only(&self) -> bool;

    /// Reads into `data`.
    ///
    /// # Errors
    /// [`BlockError`]; `data` may have been partly written.
    fn read(&mut self, offset: u64, data: &Buffers<'_>) -> Result<(), BlockError>;

    /// Writes `data`.
    ///
    /// # Errors
    /// [`BlockError`]; the disk may have been partly written.
    fn write(&mut self, offset: u64, data: &Buffers<'_>) -> Result<(), BlockError>;

    /// Makes all completed writes durable.
    ///
    /// # Errors
    /// [`BlockError::Host`] on an error of the host.
    fn flush(&mut self) -> Result<(), BlockError>;

    /// Tells the host that the contents of the range are no longer needed; they are
    /// undefined afterwards.
    ///
    /// # Errors
    /// [`BlockError`] if the range is not writable.
    fn discard(&mut self, offset: u64, len: u64) -> Result<(), BlockError>;

    /// Makes the range read as zero, deallocating it if `unmap` allows that.
    ///
    /// # Errors
    /// [`BlockError`]; the range may have been partly zeroed.
    fn write_zeroes(&mut self, offset: u64, len: u64, unmap: bool) -> Result<(), BlockError>;
}

/// Errors of using a file as a disk.
#[derive(Debug, thiserror::Error)]
pub enum DiskError {
    /// The host cannot open, lock or stat it.
    #[error("{0}")]
    Host(#[from] io::Error),
    /// Not a regular file: a directory, pipe or device.
    #[error("it is no regular file; make a raw disk image of it")]
    NotAFile,
    /// The file has no sector.
    #[error("it is empty; give it a size, such as by truncate -s 1G")]
    Empty,
    /// An image in another format: its name, and how to convert it.
    #[error("{0}")]
    Foreign(String),
    /// Not a multiple of the sector size: truncated, or not a disk image.
    #[error("its {0} bytes are not a multiple of 512; copy it again or lengthen it with truncate -s %512")]
    PartialSector(u64),
    /// The machine has the same disk twice, and one of them is writable.
    #[error("it is given twice; give it once, or read-only each time")]
    Twice,
    /// Another machine uses the disk, and one of the two writes it.
    #[error("another machine uses it; stop that machine or attach the disk read-only to both")]
    InUse,
}

/// Raw disk image in a file.
#[derive(Debug)]
pub struct RawDisk {
    file: File,
    size: u64,
    read_only: bool,
}

impl RawDisk {
    /// Uses `file` as a disk of whole sectors. Locks the file against other machines while
    /// the disk lives; the lock is shared if `read_only`.
    ///
    /// # Errors
    /// [`DiskError`] if the file is not usable or in use by another machine.
    pub fn new(file: File, read_only: bool) -> Result<Self, DiskError> {
        if !file.metadata()?.is_file() {
            return Err(DiskError::NotAFile);
        }
        let lock =
            if read_only { FlockOperation::NonBlockingLockShared } else { FlockOperation::NonBlockingLockExclusive };
        match flock(&file, lock) {
            Ok(()) => {}
            Err(Errno::WOULDBLOCK) => return Err(DiskError::InUse),
            Err(error) => return Err(DiskError::Host(error.into())),
        }
        match file.metadata()?.len() {
            0 => Err(DiskError::Empty),
            size if size.is_multiple_of(SECTOR_SIZE) => Ok(Self { file, size, read_only }),
            size => Err(DiskError::PartialSector(size)),
        }
    }

    fn check(&self, offset: u64, len: u64) -> Result<(), BlockError> {
        let end = offset.checked_add(len).ok_or(BlockError::OutOfRange)?;
        if end <= self.size { Ok(()) } else { Err(BlockError::OutOfRange) }
    }

    fn check_write(&self, offset: u64, len: u64) -> Result<(), BlockError> {
        if self.read_only { Err(BlockError::ReadOnly) } else { self.check(offset, len) }
    }

    /// Writes zeros, for hosts without a better way.
    fn fill_zeroes(&mut self, mut offset: u64, mut len: u64) -> Result<(), BlockError> {
        static ZEROES: [u8; 64 << 10] = [0; 64 << 10];
        while len > 0 {
            let count = usize::try_from(len).unwrap_or(usize::MAX).min(ZEROES.len());
            self.file.write_all_at(&ZEROES[..count], offset)?;
            offset += count as u64;
            len -= count as u64;
        }
        Ok(())
    }
}

impl BlockBackend for RawDisk {
    fn size(&self) -> u64 {
        self.size
    }

    fn is_read_only(&self) -> bool {
        self.read_only
    }

    fn read(&mut self, offset: u64, data: &Buffers<'_>) -> Result<(), BlockError> {
        self.check(offset, data.len() as u64)?;
        self.file.seek(SeekFrom::Start(offset))?;
        for slice in data.slices() {
            let mut rest = slice.subslice(0, slice.len()).map_err(host_error)?;
            while !rest.is_empty() {
                match self.file.read_volatile(&mut rest).map_err(host_error) {
                    Ok(0) => return Err(BlockError::ShortFile),
                    Ok(count) => rest = rest.offset(count).map_err(host_error)?,
                    Err(error) if is_interrupted(&error) => {}
                    Err(error) => return Err(error),
                }
            }
        }
        Ok(())
    }

    fn write(&mut self, offset: u64, data: &Buffers<'_>) -> Result<(), BlockError> {
        self.check_write(offset, data.len() as u64)?;
        self.file.seek(SeekFrom::Start(offset))?;
        for slice in data.slices() {
            let mut rest = slice.subslice(0, slice.len()).map_err(host_error)?;
            while !rest.is_empty() {
                match self.file.write_volatile(&rest).map_err(host_error) {
                    Ok(0) => return Err(io::Error::from(io::ErrorKind::WriteZero).into()),
                    Ok(count) => rest = rest.offset(count).map_err(host_error)?,
                    Err(error) if is_interrupted(&error) => {}
                    Err(error) => return Err(error),
                }
            }
        }
        Ok(())
    }

    fn flush(&mut self) -> Result<(), BlockError> {
        Ok(self.file.sync_data()?)
    }

    fn discard(&mut self, offset: u64, len: u64) -> Result<(), BlockError> {
        self.check_write(offset, len)?;
        if len == 0 {
            return Ok(());
        }
        match fallocate(&self.file, FallocateFlags::PUNCH_HOLE | FallocateFlags::KEEP_SIZE, offset, len) {
            // The operation is a hint: file systems that do not support it are not an
            // error.
            Ok(()) | Err(Errno::OPNOTSUPP) => Ok(()),
            Err(error) => Err(io::Error::from(error).into()),
        }
    }

    fn write_zeroes(&mut self, offset: u64, len: u64, unmap: bool) -> Result<(), BlockError> {
        self.check_write(offset, len)?;
        if len == 0 {
            return Ok(());
        }
        let how = if unmap { FallocateFlags::PUNCH_HOLE } else { FallocateFlags::ZERO_RANGE };
        match fallocate(&self.file, how | FallocateFlags::KEEP_SIZE, offset, len) {
            Ok(()) => Ok(()),
            Err(Errno::OPNOTSUPP) => self.fill_zeroes(offset, len),
            Err(error) => Err(io::Error::from(error).into()),
        }
    }
}

fn host_error(error: VolatileMemoryError) -> BlockError {
    match error {
        VolatileMemoryError::IOError(error) => BlockError::Host(error),
        other => BlockError::Host(io::Error::other(other)),
    }
}

fn is_interrupted(error: &BlockError) -> bool {
    matches!(error, BlockError::Host(error) if error.kind() == io::ErrorKind::Interrupted)
}

#[cfg(test)]
mod tests;
