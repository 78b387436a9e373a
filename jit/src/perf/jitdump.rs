//! Jitdump, as `tools/perf/Documentation/jitdump-specification.txt` of Linux describes it, in
//! version 1.
//!
//! `perf record` notices the file by an executable mapping of it, and `perf inject --jit` makes an
//! ELF file of each record. Times are those of `CLOCK_MONOTONIC` (`perf record -k mono`), by which
//! code is told apart that was at the same address at different times.

use std::ffi::c_void;
use std::fs::File;
use std::io::{self, Write};

use riscope_core::event::monotonic_ns;
use rustix::mm::{MapFlags, ProtFlags, mmap, munmap};
use rustix::param::page_size;
use rustix::thread::gettid;

const MAGIC: u32 = 0x4a69_5444;
const VERSION: u32 = 1;
const FILE_HEADER_BYTES: u32 = 40;
/// Record of a piece of code (`JIT_CODE_LOAD`).
const CODE_LOAD: u32 = 0;
/// Bytes of such a record without name and code.
const CODE_LOAD_BYTES: usize = 56;

/// ELF machine type of the host.
#[cfg(target_arch = "x86_64")]
const MACHINE: u32 = 62;
#[cfg(target_arch = "aarch64")]
const MACHINE: u32 = 183;

/// An open jitdump.
#[derive(Debug)]
pub(super) struct JitDump {
    file: File,
    /// Number of records; each has its own, as `perf inject` names ELF files by them.
    records: u64,
    _marker: Marker,
}

impl JitDump {
    /// Starts a dump in `file`, which is empty.
    ///
    /// # Errors
    /// If the header cannot be written, or the host does not map the file.
    pub(super) fn new(mut file: File) -> io::Result<Self> {
        let mut header = Vec::with_capacity(FILE_HEADER_BYTES as usize);
        words(&mut header, &[MAGIC, VERSION, FILE_HEADER_BYTES, MACHINE, 0, std::process::id()]);
        long_words(&mut header, &[monotonic_ns(), 0]);
        file.write_all(&header)?;
        let marker = Marker::map(&file)?;
        Ok(Self { file, records: 0, _marker: marker })
    }

    /// Adds the code `bytes`, which runs at `start`.
    pub(super) fn add(&mut self, start: *const u8, bytes: &[u8], name: &str) -> io::Result<()> {
        let size = CODE_LOAD_BYTES + name.len() + 1 + bytes.len();
        let mut record = Vec::with_capacity(size);
        words(&mut record, &[CODE_LOAD, u32::try_from(size).map_err(io::Error::other)?]);
        long_words(&mut record, &[monotonic_ns()]);
        words(&mut record, &[std::process::id(), gettid().as_raw_nonzero().get().cast_unsigned()]);
        let start = start.addr() as u64;
        long_words(&mut record, &[start, start, bytes.len() as u64, self.records]);
        self.records += 1;
        // The name ends at a zero.
        record.extend(name.bytes().map(|byte| if byte == 0 { b'?' } else { byte }));
        record.push(0);
        record.extend(bytes);
        self.file.write_all(&record)
    }
}

fn words(out: &mut Vec<u8>, values: &[u32]) {
    values.iter().for_each(|value| out.extend(value.to_ne_bytes()));
}

fn long_words(out: &mut Vec<u8>, values: &[u64]) {
    values.iter().for_each(|value| out.extend(value.to_ne_bytes()));
}

/// Executable mapping of the dump, which nothing accesses.
#[derive(Debug)]
struct Marker(*mut c_void);

// SAFETY: the mapping is never accessed, only unmapped.
unsafe impl Send for Marker {}

impl Marker {
    fn map(file: &File) -> io::Result<Self> {
        let protection = ProtFlags::READ | ProtFlags::EXEC;
        // SAFETY: a fresh mapping at an address that the kernel chooses.
        let mapped = unsafe { mmap(std::ptr::null_mut(), page_size(), protection, MapFlags::PRIVATE, file, 0) };
        Ok(Self(mapped?))
    }
}

impl Drop for Marker {
    fn drop(&mut self) {
        // SAFETY: mapped with this size by `map`; there is no reference into it. A failure only
        // leaks the mapping.
        let _ = unsafe { munmap(self.0, page_size()) };
    }
}
