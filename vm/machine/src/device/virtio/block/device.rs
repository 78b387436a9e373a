//! Block device: takes requests from its queue, executes them on the backend, and completes
//! them.

use std::sync::Arc;

use riscope_core::counters::DiskPage;
use riscope_core::mem::GuestMemory;

use super::backend::{BlockBackend, BlockError};
use super::request::{MAX_RANGES, Operation, Range, Refusal, Request};
use super::{ID_BYTES, KIND, SECTOR_SIZE, status};
use crate::device::fault::FaultReporter;
use crate::device::virtio::{Buffers, MAX_QUEUE_SIZE, QueueError, VirtQueue, VirtioDevice};

const DEVICE_ID: u32 = 2;

const FEATURE_SIZE_MAX: u64 = 1 << 1;
const FEATURE_SEG_MAX: u64 = 1 << 2;
const FEATURE_READ_ONLY: u64 = 1 << 5;
const FEATURE_BLK_SIZE: u64 = 1 << 6;
const FEATURE_FLUSH: u64 = 1 << 9;
const FEATURE_DISCARD: u64 = 1 << 13;
const FEATURE_WRITE_ZEROES: u64 = 1 << 14;

/// Data segments per request, and bytes per segment, that drivers should use; together 16
/// MiB. They are advisory: drivers that do not negotiate the limits send longer requests.
const SEGMENTS: u32 = 126;
const SEGMENT_BYTES: u32 = 128 << 10;

/// Bytes transferred between two checks whether the machine ends: about a millisecond.
const STEP: usize = 1 << 20;

/// Limit of a discard or write-zeroes range in sectors: 512 MiB, so that hosts without
/// `fallocate` do not write zeros for long.
const MAX_RANGE_SECTORS: u32 = 1 << 20;

/// Virtio block device.
#[derive(Debug)]
pub struct BlockDevice {
    backend: Box<dyn BlockBackend>,
    id: [u8; ID_BYTES],
    name: Arc<str>,
    faults: FaultReporter,
    page: Arc<DiskPage>,
    /// Whether a write is durable on completion, because the driver did not negotiate flush
    /// (section 5.2.6.2).
    write_through: bool,
}

impl BlockDevice {
    /// A device on `backend` named `name`; the guest sees the first [`ID_BYTES`] bytes of
    /// the name. Reports host failures to `faults`.
    pub fn new(backend: Box<dyn BlockBackend>, name: Arc<str>, faults: FaultReporter) -> Self {
        let mut id = [0; ID_BYTES];
        id.iter_mut().zip(name.bytes()).for_each(|(to, from)| *to = from);
        Self { backend, id, name, faults, page: Arc::default(), write_through: false }
    }

    /// Counts its requests in `page`.
    #[must_use]
    pub fn counting(self, page: Arc<DiskPage>) -> Self {
        Self { page, ..self }
    }

    /// Executes a request, unless `is_ending` returns that the machine ends. Returns the
    /// status and the number of data bytes written to guest memory.
    fn execute(&mut self, operation: Result<Operation<'_>, Refusal>, is_ending: &dyn Fn() -> bool) -> (u8, usize) {
        let operation = match operation {
            Ok(operation) => operation,
            Err(refusal) => return (status::of_refusal(refusal), 0),
        };
        match self.perform_counted(operation, is_ending) {
            Ok(read) => (status::OK, read),
            Err(error) => {
                if let Some(fault) = status::host_fault(&error) {
                    self.faults.report(KIND, &self.name, fault.as_str());
                }
                (status::of_error(&error), 0)
            }
        }
    }

    fn perform_counted(&mut self, operation: Operation<'_>, is_ending: &dyn Fn() -> bool) -> Result<usize, BlockError> {
        let Some(kind) = operation.kind() else { return self.perform(operation, is_ending) };
        let bytes = operation.bytes();
        let started = self.page.start(kind);
        let result = self.perform(operation, is_ending);
        // A request that ends with its machine is no error of the disk.
        let failed = !matches!(result, Ok(_) | Err(BlockError::Ending));
        self.page.finish(&started, if result.is_ok() { bytes } else { 0 }, failed);
        result
    }

    fn perform(&mut self, operation: Operation<'_>, is_ending: &dyn Fn() -> bool) -> Result<usize, BlockError> {
        match operation {
            Operation::Read { sector, data } => {
                let len = data.len();
                self.in_steps(sector, data, is_ending, |backend, offset, piece| backend.read(offset, piece))?;
                return Ok(len);
            }
            Operation::Flush => return self.backend.flush().map(|()| 0),
            Operation::GetId { data } => return Ok(data.copy_from(&self.id)),
            Operation::Write { sector, data } => {
                self.in_steps(sector, data, is_ending, |backend, offset, piece| backend.write(offset, piece))?;
            }
            Operation::Discard(ranges) => self.for_ranges(&ranges, is_ending, |backend, offset, range| {
                // Section 5.2.6.2: the flag is reserved for discard and must be clear.
                if range.unmap {
                    return Err(BlockError::Unsupported);
                }
                backend.discard(offset, bytes_of(range))
            })?,
            Operation::WriteZeroes(ranges) => self.for_ranges(&ranges, is_ending, |backend, offset, range| {
                backend.write_zeroes(offset, bytes_of(range), range.unmap)
            })?,
        }
        if self.write_through {
            self.backend.flush()?;
        }
        Ok(0)
    }

    fn in_steps(
        &mut self,
        sector: u64,
        mut data: Buffers<'_>,
        is_ending: &dyn Fn() -> bool,
        mut step: impl FnMut(&mut dyn BlockBackend, u64, &Buffers<'_>) -> Result<(), BlockError>,
    ) -> Result<(), BlockError> {
        let mut offset = byte_offset(sector)?;
        // A request beyond the end of the disk transfers nothing.
        let end = offset.checked_add(data.len() as u64).ok_or(BlockError::OutOfRange)?;
        if end > self.backend.size() {
            return Err(BlockError::OutOfRange);
        }
        while let Some(piece) = data.split_front(STEP.min(data.len())).filter(|piece| !piece.is_empty()) {
            if is_ending() {
                return Err(BlockError::Ending);
            }
            step(self.backend.as_mut(), offset, &piece)?;
            offset += piece.len() as u64;
        }
        Ok(())
    }

    fn for_ranges(
        &mut self,
        ranges: &[Range],
        is_ending: &dyn Fn() -> bool,
        mut perform: impl FnMut(&mut dyn BlockBackend, u64, &Range) -> Result<(), BlockError>,
    ) -> Result<(), BlockError> {
        for range in ranges {
            if is_ending() {
                return Err(BlockError::Ending);
            }
            if range.sectors > MAX_RANGE_SECTORS {
                return Err(BlockError::OutOfRange);
            }
            perform(self.backend.as_mut(), byte_offset(range.sector)?, range)?;
        }
        Ok(())
    }
}

fn byte_offset(sector: u64) -> Result<u64, BlockError> {
    sector.checked_mul(SECTOR_SIZE).ok_or(BlockError::OutOfRange)
}

fn bytes_of(range: &Range) -> u64 {
    u64::from(range.sectors) * SECTOR_SIZE
}

impl VirtioDevice for BlockDevice {
    fn device_id(&self) -> u32 {
        DEVICE_ID
    }

    fn features(&self) -> u64 {
        let always = FEATURE_SIZE_MAX | FEATURE_SEG_MAX | FEATURE_BLK_SIZE | FEATURE_FLUSH;
        if self.backend.is_read_only() {
            always | FEATURE_READ_ONLY
        } else {
            always | FEATURE_DISCARD | FEATURE_WRITE_ZEROES
        }
    }

    fn queue_sizes(&self) -> &'static [u16] {
        &[MAX_QUEUE_SIZE]
    }

    /// `struct virtio_blk_config` (section 5.2.4).
    fn config(&self) -> Vec<u8> {
        let ranges = u32::try_from(MAX_RANGES).unwrap_or(u32::MAX);
        let mut config = vec![0; 60];
        let mut put = |at: usize, bytes: &[u8]| config[at..at + bytes.len()].copy_from_slice(bytes);
        put(0, &(self.backend.size() / SECTOR_SIZE).to_le_bytes());
        put(8, &SEGMENT_BYTES.to_le_bytes());
        put(12, &SEGMENTS.to_le_bytes());
        put(20, &512u32.to_le_bytes());
        put(36, &MAX_RANGE_SECTORS.to_le_bytes());
        put(40, &ranges.to_le_bytes());
        // Discard alignment: one sector.
        put(44, &1u32.to_le_bytes());
        put(48, &MAX_RANGE_SECTORS.to_le_bytes());
        put(52, &ranges.to_le_bytes());
        // Write-zeroes may deallocate.
        put(56, &[1]);
        config
    }

    fn activate(&mut self, features: u64) {
        self.write_through = features & FEATURE_FLUSH == 0;
    }

    fn process(&mut self, _index: usize, queue: &mut VirtQueue, memory: &GuestMemory) -> Result<bool, QueueError> {
        let mut used = false;
        for _ in 0..queue.size() {
            let Some(chain) = queue.pop(memory)? else { break };
            let request = Request::parse(chain)?;
            let (status, read) = self.execute(request.operation, &|| queue.is_ending());
            request.status.copy_from(&[status]);
            queue.push_used(memory, request.head, read + 1)?;
            used = true;
        }
        Ok(used)
    }

    /// Nothing to do: no request is in flight between notifications.
    fn reset(&mut self) {
        self.write_through = false;
    }
}

#[cfg(test)]
mod tests;
