//! The block device: takes requests from its queue, has the backend do them, answers.

use riscope_core::mem::GuestMemory;

use super::backend::{BlockBackend, BlockError};
use super::request::{MAX_RANGES, MAX_REQUEST_BYTES, Operation, Range, Request};
use super::{SECTOR_SIZE, status};
use crate::device::fault::FaultReporter;
use crate::device::virtio::{Buffers, QueueError, VirtQueue, VirtioDevice};

const DEVICE_ID: u32 = 2;
const QUEUE_SIZE: u16 = 128;

const FEATURE_SIZE_MAX: u64 = 1 << 1;
const FEATURE_SEG_MAX: u64 = 1 << 2;
const FEATURE_READ_ONLY: u64 = 1 << 5;
const FEATURE_BLK_SIZE: u64 = 1 << 6;
const FEATURE_FLUSH: u64 = 1 << 9;
const FEATURE_DISCARD: u64 = 1 << 13;
const FEATURE_WRITE_ZEROES: u64 = 1 << 14;

/// Data segments a request may have: the queue less header and status.
const SEGMENTS: u32 = QUEUE_SIZE as u32 - 2;
/// Bytes a segment may have, so that no request exceeds [`MAX_REQUEST_BYTES`].
const SEGMENT_BYTES: u32 = 128 << 10;
const _: () = assert!(SEGMENTS as usize * SEGMENT_BYTES as usize <= MAX_REQUEST_BYTES);

/// Sectors that one discard or write-zeroes range may have: 512 MiB, so that a host
/// without `fallocate` does not write zeroes for long.
const MAX_RANGE_SECTORS: u32 = 1 << 20;
/// Length of the answer to GET_ID.
const ID_BYTES: usize = 20;

/// A virtio block device.
#[derive(Debug)]
pub struct BlockDevice {
    backend: Box<dyn BlockBackend>,
    id: [u8; ID_BYTES],
    faults: FaultReporter,
}

impl BlockDevice {
    /// A disk on `backend` that names itself `id`, cut to 20 bytes. Failures of the host
    /// go to `faults`.
    pub fn new(backend: Box<dyn BlockBackend>, id: &str, faults: FaultReporter) -> Self {
        let mut bytes = [0; ID_BYTES];
        bytes.iter_mut().zip(id.bytes()).for_each(|(to, from)| *to = from);
        Self { backend, id: bytes, faults }
    }

    /// Does one request. Returns the status and how many bytes of data the guest got.
    fn execute(&mut self, request: &Request<'_>) -> (u8, usize) {
        let operation = match &request.operation {
            Ok(operation) => operation,
            Err(refusal) => return (status::of_refusal(*refusal), 0),
        };
        match self.perform(operation) {
            Ok(read) => (status::OK, read),
            Err(error) => {
                if let Some(name) = status::host_fault(&error) {
                    self.faults.report("virtio-blk", name);
                }
                (status::of_error(&error), 0)
            }
        }
    }

    fn perform(&mut self, operation: &Operation<'_>) -> Result<usize, BlockError> {
        match operation {
            Operation::Read { sector, data } => {
                self.backend.read(byte_offset(*sector)?, data)?;
                Ok(data.len())
            }
            Operation::Write { sector, data } => {
                self.backend.write(byte_offset(*sector)?, data)?;
                Ok(0)
            }
            Operation::Flush => self.backend.flush().map(|()| 0),
            Operation::GetId { data } => Ok(self.write_id(data)),
            Operation::Discard(ranges) => self.for_ranges(ranges, |backend, offset, range| {
                // Section 5.2.6.2: the flag has no meaning here and must be clear.
                if range.unmap {
                    return Err(BlockError::Unsupported);
                }
                backend.discard(offset, bytes_of(range))
            }),
            Operation::WriteZeroes(ranges) => self.for_ranges(ranges, |backend, offset, range| {
                backend.write_zeroes(offset, bytes_of(range), range.unmap)
            }),
        }
    }

    fn write_id(&self, data: &Buffers<'_>) -> usize {
        data.copy_from(&self.id)
    }

    fn for_ranges(
        &mut self,
        ranges: &[Range],
        mut perform: impl FnMut(&mut dyn BlockBackend, u64, &Range) -> Result<(), BlockError>,
    ) -> Result<usize, BlockError> {
        for range in ranges {
            if range.sectors > MAX_RANGE_SECTORS {
                return Err(BlockError::OutOfRange);
            }
            perform(self.backend.as_mut(), byte_offset(range.sector)?, range)?;
        }
        Ok(0)
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
        &[QUEUE_SIZE]
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
        // Discarded ranges need no alignment beyond one sector.
        put(44, &1u32.to_le_bytes());
        put(48, &MAX_RANGE_SECTORS.to_le_bytes());
        put(52, &ranges.to_le_bytes());
        // Zeroed ranges may be deallocated.
        put(56, &[1]);
        config
    }

    fn activate(&mut self, _features: u64) {}

    fn process(&mut self, _index: usize, queue: &mut VirtQueue, memory: &GuestMemory) -> Result<bool, QueueError> {
        let mut used = false;
        for _ in 0..queue.size() {
            let Some(chain) = queue.pop(memory)? else { break };
            let request = Request::parse(chain)?;
            let (status, read) = self.execute(&request);
            request.status.copy_from(&[status]);
            queue.push_used(memory, request.head, read + 1)?;
            used = true;
        }
        Ok(used)
    }

    /// Nothing is in flight between two notifications, so there is nothing to undo.
    fn reset(&mut self) {}
}

#[cfg(test)]
mod tests;
