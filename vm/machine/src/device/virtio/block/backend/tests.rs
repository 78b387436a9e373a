//! Tests of the raw disk.

use std::path::Path;

use vm_memory::GuestAddress;

use super::*;
use crate::device::virtio::testing::memory;
use crate::testing::ScratchDir;

/// A writable disk of `bytes` in a scratch directory.
fn disk_of(bytes: &[u8]) -> (ScratchDir, RawDisk) {
    let dir = ScratchDir::new();
    std::fs::write(dir.path().join("disk"), bytes).unwrap();
    let disk = open(&dir.path().join("disk"), false).unwrap();
    (dir, disk)
}

fn open(path: &Path, read_only: bool) -> Result<RawDisk, DiskError> {
    RawDisk::new(File::options().read(true).write(!read_only).open(path)?, read_only)
}

/// Reads `len` bytes at `offset` into two slices of guest memory.
fn read(disk: &mut RawDisk, offset: u64, len: usize) -> Result<Vec<u8>, BlockError> {
    let ram = memory();
    let mut buffers = Buffers::default();
    buffers.push(ram.memory(), GuestAddress(0x8000_0000), len / 3).unwrap();
    buffers.push(ram.memory(), GuestAddress(0x8004_0000), len - len / 3).unwrap();
    disk.read(offset, &buffers)?;
    let mut bytes = vec![0; len];
    buffers.copy_to(&mut bytes);
    Ok(bytes)
}

/// Writes `bytes` at `offset` from two slices of guest memory.
fn write(disk: &mut RawDisk, offset: u64, bytes: &[u8]) -> Result<(), BlockError> {
    let ram = memory();
    let mut buffers = Buffers::default();
    buffers.push(ram.memory(), GuestAddress(0x8000_0000), bytes.len() / 3).unwrap();
    buffers.push(ram.memory(), GuestAddress(0x8004_0000), bytes.len() - bytes.len() / 3).unwrap();
    buffers.copy_from(bytes);
    disk.write(offset, &buffers)
}

#[test]
fn what_was_written_is_read_back_and_in_the_file() {
    let (dir, mut disk) = disk_of(&[7; 2048]);
    let text: Vec<u8> = (0..1024u32).map(|i| i.to_le_bytes()[0]).collect();
    write(&mut disk, 512, &text).unwrap();
    disk.flush().unwrap();
    assert_eq!(read(&mut disk, 0, 2048).unwrap(), [&[7; 512][..], &text, &[7; 512]].concat());
    assert_eq!(std::fs::read(dir.path().join("disk")).unwrap()[512..1536], text);
}

#[test]
fn ranges_beyond_the_disk_are_refused() {
    let (_dir, mut disk) = disk_of(&[0; 1024]);
    assert_eq!(disk.size(), 1024);
    for (offset, len) in [(1024, 512), (512, 1024), (u64::MAX - 511, 512), (u64::MAX, 1)] {
        assert!(matches!(read(&mut disk, offset, len), Err(BlockError::OutOfRange)), "{offset}+{len}");
        assert!(matches!(write(&mut disk, offset, &vec![1; len]), Err(BlockError::OutOfRange)));
        assert!(matches!(disk.discard(offset, len as u64), Err(BlockError::OutOfRange)));
        assert!(matches!(disk.write_zeroes(offset, u64::MAX, true), Err(BlockError::OutOfRange)));
    }
}

#[test]
fn a_read_only_disk_refuses_every_change() {
    let dir = ScratchDir::new();
    let path = dir.path().join("disk");
    std::fs::write(&path, [7; 512]).unwrap();
    let mut disk = open(&path, true).unwrap();
    assert!(matches!(write(&mut disk, 0, &[1; 512]), Err(BlockError::ReadOnly)));
    assert!(matches!(disk.discard(0, 512), Err(BlockError::ReadOnly)));
    assert!(matches!(disk.write_zeroes(0, 512, false), Err(BlockError::ReadOnly)));
    assert_eq!(std::fs::read(&path).unwrap(), [7; 512]);
}

#[test]
fn a_file_that_shrinks_is_an_error_of_the_request() {
    let (dir, mut disk) = disk_of(&[7; 4096]);
    File::options().write(true).open(dir.path().join("disk")).unwrap().set_len(1000).unwrap();
    assert!(matches!(read(&mut disk, 512, 1024), Err(BlockError::ShortFile)));
    assert_eq!(read(&mut disk, 0, 512).unwrap(), [7; 512]);
}

#[test]
fn zeroed_ranges_read_as_zero_and_keep_the_size() {
    let (dir, mut disk) = disk_of(&[7; 4096]);
    disk.write_zeroes(512, 512, false).unwrap();
    disk.write_zeroes(1536, 512, true).unwrap();
    disk.fill_zeroes(2560, 512).unwrap();
    disk.write_zeroes(0, 0, false).unwrap();
    disk.discard(3584, 512).unwrap();
    let expected = [[7; 512], [0; 512], [7; 512], [0; 512], [7; 512], [0; 512], [7; 512]].concat();
    assert_eq!(read(&mut disk, 0, 3584).unwrap(), expected);
    assert_eq!(std::fs::metadata(dir.path().join("disk")).unwrap().len(), 4096);
}

#[test]
fn a_disk_has_one_writer_or_many_readers() {
    let (dir, disk) = disk_of(&[0; 512]);
    let path = dir.path().join("disk");
    assert!(matches!(open(&path, true), Err(DiskError::InUse)));
    drop(disk);
    let readers = [open(&path, true).unwrap(), open(&path, true).unwrap()];
    assert!(matches!(open(&path, false), Err(DiskError::InUse)));
    drop(readers);
    assert!(open(&path, false).is_ok());
}

#[test]
fn directories_and_empty_files_are_no_disks() {
    let dir = ScratchDir::new();
    assert!(matches!(open(dir.path(), true), Err(DiskError::NotAFile)));
    std::fs::write(dir.path().join("disk"), [0; 0]).unwrap();
    assert!(matches!(open(&dir.path().join("disk"), true), Err(DiskError::Empty)));
    for size in [511, 1300] {
        std::fs::write(dir.path().join("disk"), vec![0; size]).unwrap();
        assert!(matches!(open(&dir.path().join("disk"), true), Err(DiskError::PartialSector(_))), "{size}");
    }
}
