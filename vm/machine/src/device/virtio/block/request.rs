//! Parsing of block requests from descriptor chains. Checks only their form.
//!
//! ```text
//!  readable: type (4) · reserved (4) · sector (8) · data to write …
//!  writable: … data read · status (1)
//! ```

use riscope_core::counters::DiskOperation;

use super::SECTOR_SIZE;
use crate::device::virtio::{Buffers, Chain, QueueError};

const HEADER_SIZE: usize = 16;
const SEGMENT_SIZE: usize = 16;

/// Maximum number of segments in a discard or write-zeroes request.
pub const MAX_RANGES: usize = 16;

const TYPE_IN: u32 = 0;
const TYPE_OUT: u32 = 1;
const TYPE_FLUSH: u32 = 4;
const TYPE_GET_ID: u32 = 8;
const TYPE_DISCARD: u32 = 11;
const TYPE_WRITE_ZEROES: u32 = 13;

/// Flag of a write-zeroes segment: the sectors may be deallocated.
const FLAG_UNMAP: u32 = 1;

/// Range of a discard or write-zeroes request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Range {
    /// First sector.
    pub sector: u64,
    /// Number of sectors.
    pub sectors: u32,
    /// Whether the driver allows deallocation.
    pub unmap: bool,
}

/// Requested operation.
#[derive(Debug)]
pub enum Operation<'m> {
    /// Reads from `sector` into `data`.
    Read {
        /// First sector.
        sector: u64,
        /// Whole sectors.
        data: Buffers<'m>,
    },
    /// Writes `data` to `sector` and on.
    Write {
        /// First sector.
        sector: u64,
        /// Whole sectors.
        data: Buffers<'m>,
    },
    /// Makes all completed writes durable.
    Flush,
    /// Returns the device's name in `data`.
    GetId {
        /// 20 bytes, zero-padded.
        data: Buffers<'m>,
    },
    /// Discards the contents of these ranges.
    Discard(Vec<Range>),
    /// Zeroes these ranges.
    WriteZeroes(Vec<Range>),
}

impl Operation<'_> {
    /// What it does to the disk; `None` if nothing.
    pub fn kind(&self) -> Option<DiskOperation> {
        match self {
            Self::Read { .. } => Some(DiskOperation::Read),
            Self::Write { .. } => Some(DiskOperation::Write),
            Self::Flush => Some(DiskOperation::Flush),
            Self::GetId { .. } => None,
            Self::Discard(_) => Some(DiskOperation::Discard),
            Self::WriteZeroes(_) => Some(DiskOperation::WriteZeroes),
        }
    }

    /// Bytes of the disk that it concerns.
    pub fn bytes(&self) -> u64 {
        match self {
            Self::Read { data, .. } | Self::Write { data, .. } => data.len() as u64,
            Self::Flush | Self::GetId { .. } => 0,
            Self::Discard(ranges) | Self::WriteZeroes(ranges) => {
                ranges.iter().map(|range| u64::from(range.sectors) * SECTOR_SIZE).sum()
            }
        }
    }
}

/// Reason why a request cannot be executed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The device does not implement the type.
    Unsupported,
    /// Not whole sectors, too many ranges, or truncated.
    Malformed,
}

/// A request with the location of its status.
#[derive(Debug)]
pub struct Request<'m> {
    /// Head descriptor, to be returned in the used ring.
    pub head: u16,
    /// Operation, or reason of the refusal.
    pub operation: Result<Operation<'m>, Refusal>,
    /// The status byte.
    pub status: Buffers<'m>,
}

impl<'m> Request<'m> {
    /// Parses a descriptor chain.
    ///
    /// # Errors
    /// [`QueueError::NoStatus`] if the chain has no byte for the status, so that the
    /// request cannot be completed.
    pub fn parse(mut chain: Chain<'m>) -> Result<Self, QueueError> {
        let status = chain.writable.split_back(1).ok_or(QueueError::NoStatus)?;
        let operation = parse_operation(chain.readable, chain.writable);
        Ok(Self { head: chain.head, operation, status })
    }
}

fn parse_operation<'m>(mut readable: Buffers<'m>, writable: Buffers<'m>) -> Result<Operation<'m>, Refusal> {
    let mut header = [0; HEADER_SIZE];
    readable.split_front(HEADER_SIZE).ok_or(Refusal::Malformed)?.copy_to(&mut header);
    let sector = u64_at(&header, 8);
    match u32_at(&header, 0) {
        TYPE_IN => Ok(Operation::Read { sector, data: whole_sectors(writable)? }),
        TYPE_OUT => Ok(Operation::Write { sector, data: whole_sectors(readable)? }),
        TYPE_FLUSH => Ok(Operation::Flush),
        TYPE_GET_ID => Ok(Operation::GetId { data: writable }),
        TYPE_DISCARD => Ok(Operation::Discard(parse_ranges(&readable)?)),
        TYPE_WRITE_ZEROES => Ok(Operation::WriteZeroes(parse_ranges(&readable)?)),
        _ => Err(Refusal::Unsupported),
    }
}

fn whole_sectors(data: Buffers<'_>) -> Result<Buffers<'_>, Refusal> {
    let sectors = usize::try_from(SECTOR_SIZE).is_ok_and(|size| data.len().is_multiple_of(size));
    if sectors { Ok(data) } else { Err(Refusal::Malformed) }
}

fn parse_ranges(data: &Buffers<'_>) -> Result<Vec<Range>, Refusal> {
    if data.is_empty() || !data.len().is_multiple_of(SEGMENT_SIZE) || data.len() > MAX_RANGES * SEGMENT_SIZE {
        return Err(Refusal::Malformed);
    }
    let mut bytes = vec![0; data.len()];
    data.copy_to(&mut bytes);
    let range = |segment: &[u8; SEGMENT_SIZE]| {
        let flags = u32_at(segment, 12);
        // Section 5.2.6.2: the other flags are reserved and must be rejected.
        if flags & !FLAG_UNMAP != 0 {
            return Err(Refusal::Unsupported);
        }
        let (sector, sectors) = (u64_at(segment, 0), u32_at(segment, 8));
        Ok(Range { sector, sectors, unmap: flags & FLAG_UNMAP != 0 })
    };
    bytes.as_chunks().0.iter().map(range).collect()
}

fn u32_at(bytes: &[u8; 16], at: usize) -> u32 {
    u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}

fn u64_at(bytes: &[u8; 16], at: usize) -> u64 {
    u64::from(u32_at(bytes, at)) | u64::from(u32_at(bytes, at + 4)) << 32
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use vm_memory::GuestAddress;

    use super::*;
    use crate::device::virtio::testing::memory;

    /// Parses a request with readable part `readable` and `writable` writable bytes;
    /// returns a description of the result.
    fn outcome(readable: &[u8], writable: usize) -> Result<String, QueueError> {
        let ram = memory();
        let mut chain = Chain { head: 0, readable: Buffers::default(), writable: Buffers::default() };
        chain.readable.push(ram.memory(), GuestAddress(0x8000_0000), readable.len()).unwrap();
        chain.readable.copy_from(readable);
        chain.writable.push(ram.memory(), GuestAddress(0x8008_0000), writable).unwrap();
        let request = Request::parse(chain)?;
        assert_eq!(request.status.len(), 1);
        Ok(match request.operation {
            Ok(Operation::Read { sector, data }) => format!("read {sector} {}", data.len()),
            Ok(Operation::Write { sector, data }) => format!("write {sector} {}", data.len()),
            Ok(Operation::GetId { data }) => format!("id {}", data.len()),
            Ok(operation) => format!("{operation:?}"),
            Err(refusal) => format!("{refusal:?}"),
        })
    }

    fn header(kind: u32, sector: u64) -> Vec<u8> {
        [&kind.to_le_bytes()[..], &[0; 4], &sector.to_le_bytes()].concat()
    }

    fn segment(sector: u64, sectors: u32, flags: u32) -> Vec<u8> {
        [&sector.to_le_bytes()[..], &sectors.to_le_bytes(), &flags.to_le_bytes()].concat()
    }

    #[test]
    fn well_formed_requests_are_understood() {
        assert_eq!(outcome(&header(0, 7), 1025).unwrap(), "read 7 1024");
        assert_eq!(
            outcome(&[header(1, u64::MAX), vec![0; 512]].concat(), 1).unwrap(),
            format!("write {} 512", u64::MAX)
        );
        assert_eq!(outcome(&header(4, 0), 1).unwrap(), "Flush");
        assert_eq!(outcome(&header(8, 0), 21).unwrap(), "id 20");
        assert_eq!(
            outcome(&[header(13, 0), segment(5, 6, 1)].concat(), 1).unwrap(),
            "WriteZeroes([Range { sector: 5, sectors: 6, unmap: true }])"
        );
    }

    #[test]
    fn malformed_requests_are_refused() {
        assert_eq!(outcome(&header(0, 0), 0).unwrap_err(), QueueError::NoStatus);
        assert_eq!(outcome(&header(0, 0)[..15], 513).unwrap(), "Malformed");
        assert_eq!(outcome(&header(0, 0), 512).unwrap(), "Malformed", "511 bytes of data");
        assert_eq!(outcome(&header(2, 0), 1).unwrap(), "Unsupported");
        assert_eq!(outcome(&header(11, 0), 1).unwrap(), "Malformed", "no segment");
        assert_eq!(outcome(&[header(11, 0), vec![0; 15]].concat(), 1).unwrap(), "Malformed");
        assert_eq!(outcome(&[header(11, 0), vec![0; 16 * 17]].concat(), 1).unwrap(), "Malformed");
        assert_eq!(outcome(&[header(11, 0), segment(0, 1, 2)].concat(), 1).unwrap(), "Unsupported");
    }

    proptest! {
        #[test]
        fn any_bytes_are_either_a_request_or_refused(
            readable in prop::collection::vec(any::<u8>(), 0..600),
            kind in 0u32..16,
            writable in 0usize..2000,
        ) {
            let mut readable = readable;
            if let Some(first) = readable.first_mut() {
                *first = kind.to_le_bytes()[0];
            }
            prop_assert_eq!(outcome(&readable, writable).is_err(), writable == 0);
        }
    }
}
