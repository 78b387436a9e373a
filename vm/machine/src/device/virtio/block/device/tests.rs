//! Tests of the block device as its driver sees it.

use std::fs::File;
use std::sync::{Arc, mpsc};

use riscope_core::addr::GuestPhys;
use riscope_core::counters::DiskOperation;
use riscope_core::event::{DeviceEvent, DomainEventBus, Event, Filter, Publisher, VmId};
use riscope_core::mem::GuestRam;

use super::super::RawDisk;
use super::*;
use crate::device::virtio::testing::{Driver, NEXT, WRITE, memory};
use crate::exit::{ExitLatch, MachineExit};
use crate::testing::ScratchDir;

struct Board {
    dir: ScratchDir,
    ram: Arc<GuestRam>,
    driver: Driver,
    queue: VirtQueue,
    device: BlockDevice,
    bus: DomainEventBus,
}

const HEADER: u64 = 0;
const DATA: u64 = 0x1000;
const STATUS: u64 = 0x800;

/// A device on a disk of `sectors` sectors, each filled with its index.
fn board(sectors: u8, read_only: bool) -> Board {
    let dir = ScratchDir::new();
    let path = dir.path().join("disk");
    let contents: Vec<u8> = (0..sectors).flat_map(|sector| [sector; 512]).collect();
    std::fs::write(&path, contents).unwrap();
    let file = File::options().read(true).write(!read_only).open(&path).unwrap();
    let disk = RawDisk::new(file, read_only).unwrap();
    let ram = memory();
    let driver = Driver::new(&ram, 8);
    let queue = driver.queue();
    let bus = DomainEventBus::new();
    let device = BlockDevice::new(
        Box::new(disk),
        "disk0".into(),
        FaultReporter::new(Publisher::new(VmId::from_u128(7), Some(bus.clone()))),
    );
    Board { dir, ram, driver, queue, device, bus }
}

impl Board {
    /// Runs one request with `len` bytes of data, written by the device if `device_writes`,
    /// and returns its status and the used length.
    fn request(&mut self, kind: u32, sector: u64, len: u32, device_writes: bool) -> (u8, u32) {
        let header = [&kind.to_le_bytes()[..], &[0; 4], &sector.to_le_bytes()].concat();
        let at = |offset| self.driver.buffer(offset);
        self.driver.write(at(HEADER), &header);
        self.driver.write(at(STATUS), &[0xee]);
        self.driver.describe(0, at(HEADER), 16, NEXT, 1);
        self.driver.describe(1, at(DATA), len, NEXT | if device_writes { WRITE } else { 0 }, 2);
        self.driver.describe(2, at(STATUS), 1, WRITE, 0);
        self.driver.offer(0);
        assert_eq!(self.device.process(0, &mut self.queue, self.ram.memory()), Ok(true));
        let used = self.driver.used();
        assert_eq!(used.len(), 1);
        (self.driver.read(self.driver.buffer(STATUS), 1)[0], used[0].1)
    }

    fn data(&self, len: usize) -> Vec<u8> {
        self.driver.read(self.driver.buffer(DATA), len)
    }

    fn set_data(&self, bytes: &[u8]) {
        self.driver.write(self.driver.buffer(DATA), bytes);
    }
}

#[test]
fn sectors_are_read_and_written() {
    let mut board = board(8, false);
    assert_eq!(board.request(0, 2, 1024, true), (0, 1025));
    assert_eq!(board.data(1024), [[2; 512], [3; 512]].concat());
    board.set_data(&[0xaa; 512]);
    assert_eq!(board.request(1, 3, 512, false), (0, 1));
    assert_eq!(board.request(4, 0, 0, false), (0, 1), "flush");
    assert_eq!(board.request(0, 2, 1024, true), (0, 1025));
    assert_eq!(board.data(1024), [[2; 512], [0xaa; 512]].concat());
}

#[test]
fn requests_are_counted_by_what_they_do_and_how_they_end() {
    let mut board = board(8, true);
    let page = Arc::clone(&board.device.page);
    board.request(0, 2, 1024, true);
    board.request(0, 8, 512, true);
    board.request(1, 0, 512, false);
    board.request(4, 0, 0, false);
    board.request(8, 0, 20, true);
    let counts = |operation| (page.operations(operation), page.bytes(operation), page.errors(operation));
    assert_eq!(counts(DiskOperation::Read), (2, 1024, 1), "the second one is beyond the end");
    assert_eq!(counts(DiskOperation::Write), (1, 0, 1), "the disk is read-only");
    assert_eq!(counts(DiskOperation::Flush), (1, 0, 0));
    assert_eq!(DiskOperation::ALL.iter().map(|it| page.operations(*it)).sum::<u64>(), 4, "an identity is no I/O");
    assert_eq!(page.since(), None);
}

/// Boot loaders read a whole file with one descriptor, whatever limits the device
/// announces.
#[test]
fn a_request_may_be_as_long_as_memory_has_room_for() {
    const LEN: u32 = 20 << 20;
    let dir = ScratchDir::new();
    let path = dir.path().join("disk");
    let file = File::options().read(true).write(true).create_new(true).open(&path).unwrap();
    file.set_len(u64::from(LEN)).unwrap();
    std::os::unix::fs::FileExt::write_all_at(&file, b"end", u64::from(LEN) - 3).unwrap();
    let ram = Arc::new(GuestRam::new(GuestPhys(0x8000_0000), 32 << 20).unwrap());
    let driver = Driver::new(&ram, 8);
    let queue = driver.queue();
    let disk = RawDisk::new(file, false).unwrap();
    let bus = DomainEventBus::new();
    let device = BlockDevice::new(Box::new(disk), "disk0".into(), FaultReporter::default());
    let mut board = Board { dir, ram, driver, queue, device, bus };
    assert_eq!(board.request(0, 0, LEN, true), (0, LEN + 1));
    let last = board.driver.buffer(DATA) + u64::from(LEN) - 3;
    assert_eq!(board.driver.read(last, 3), b"end");
    board.driver.write(last, b"END");
    assert_eq!(board.request(1, 0, LEN, false), (0, 1));
    let disk = std::fs::read(&path).unwrap();
    assert_eq!(&disk[disk.len() - 3..], b"END");
}

/// A backend that logs its calls.
#[derive(Debug)]
struct Log {
    calls: mpsc::Sender<&'static str>,
    /// Ends the machine at the first read.
    exit: Arc<ExitLatch>,
}

impl Log {
    fn log(&self, call: &'static str) -> Result<(), BlockError> {
        self.calls.send(call).map_err(|_| BlockError::Unsupported)
    }
}

impl BlockBackend for Log {
    fn size(&self) -> u64 {
        1 << 40
    }

    fn is_read_only(&self) -> bool {
        false
    }

    fn read(&mut self, _: u64, _: &Buffers<'_>) -> Result<(), BlockError> {
        self.exit.request(MachineExit::Timeout);
        self.log("read")
    }

    fn write(&mut self, _: u64, _: &Buffers<'_>) -> Result<(), BlockError> {
        self.log("write")
    }

    fn flush(&mut self) -> Result<(), BlockError> {
        self.log("flush")
    }

    fn discard(&mut self, _: u64, _: u64) -> Result<(), BlockError> {
        self.log("discard")
    }

    fn write_zeroes(&mut self, _: u64, _: u64, _: bool) -> Result<(), BlockError> {
        self.log("zero")
    }
}

/// A device on a [`Log`] backend, with 8 MiB of memory.
fn logging_board() -> (Board, mpsc::Receiver<&'static str>) {
    let (calls, log) = mpsc::channel();
    let exit: Arc<ExitLatch> = Arc::default();
    let ram = Arc::new(GuestRam::new(GuestPhys(0x8000_0000), 8 << 20).unwrap());
    let driver = Driver::new(&ram, 8);
    let queue = driver.queue_ending_by(Arc::clone(&exit));
    let device = BlockDevice::new(Box::new(Log { calls, exit }), "log".into(), FaultReporter::default());
    (Board { dir: ScratchDir::new(), ram, driver, queue, device, bus: DomainEventBus::new() }, log)
}

#[test]
fn a_driver_without_flush_gets_every_write_made_durable() {
    let (mut board, log) = logging_board();
    for (features, expected) in [
        (FEATURE_FLUSH, vec!["write", "zero", "discard"]),
        (0, vec!["write", "flush", "zero", "flush", "discard", "flush"]),
    ] {
        board.device.reset();
        board.device.activate(features);
        assert_eq!(board.request(1, 0, 512, false).0, 0);
        board.set_data(&[0; 16]);
        assert_eq!(board.request(13, 0, 16, false).0, 0);
        assert_eq!(board.request(11, 0, 16, false).0, 0);
        assert_eq!(log.try_iter().collect::<Vec<_>>(), expected);
    }
}

#[test]
fn a_long_request_and_those_behind_it_are_given_up_when_the_machine_ends() {
    let (mut board, log) = logging_board();
    board.driver.write(board.driver.buffer(HEADER), &[0; 16]);
    board.driver.describe(0, board.driver.buffer(HEADER), 16, NEXT, 1);
    board.driver.describe(1, board.driver.buffer(DATA), 4 << 20, NEXT | WRITE, 2);
    board.driver.describe(2, board.driver.buffer(STATUS), 1, WRITE, 0);
    (0..3).for_each(|_| board.driver.offer(0));
    assert_eq!(board.device.process(0, &mut board.queue, board.ram.memory()), Ok(true));
    assert_eq!(log.try_iter().collect::<Vec<_>>(), ["read"], "one step of one request");
    assert_eq!(board.driver.used().len(), 1);
}

#[test]
fn the_device_names_itself() {
    let mut board = board(1, true);
    assert_eq!(board.request(8, 0, 20, true), (0, 21));
    assert_eq!(&board.data(6), b"disk0\0");
}

#[test]
fn impossible_requests_fail_and_the_device_goes_on() {
    let mut board = board(8, true);
    for (kind, sector, len, device_writes, status) in [
        (0, 8, 512, true, 1),
        (0, u64::MAX, 512, true, 1),
        (0, 1 << 55, 512, true, 1),
        (0, 0, 511, true, 1),
        (0, 7, 1024, true, 1),
        (1, 0, 512, false, 1),
        (77, 0, 0, true, 2),
    ] {
        assert_eq!(board.request(kind, sector, len, device_writes), (status, 1), "type {kind} at {sector}");
    }
    assert_eq!(board.request(0, 7, 512, true).0, 0);
}

#[test]
fn ranges_are_discarded_and_zeroed_within_limits() {
    let segment = |sector: u64, sectors: u32, flags: u32| {
        [&sector.to_le_bytes()[..], &sectors.to_le_bytes(), &flags.to_le_bytes()].concat()
    };
    let mut board = board(8, false);
    board.set_data(&[segment(1, 1, 0), segment(3, 2, 1)].concat());
    assert_eq!(board.request(13, 0, 32, false), (0, 1));
    assert_eq!(board.request(0, 0, 3072, true).0, 0);
    assert_eq!(board.data(3072), [0, 0, 2, 0, 0, 5].map(|byte| [byte; 512]).concat());

    board.set_data(&segment(6, 1, 0));
    assert_eq!(board.request(11, 0, 16, false).0, 0);
    board.set_data(&segment(6, 1, 1));
    assert_eq!(board.request(11, 0, 16, false).0, 2, "discard has no unmap flag");
    board.set_data(&segment(0, MAX_RANGE_SECTORS + 1, 0));
    assert_eq!(board.request(13, 0, 16, false).0, 1);
    board.set_data(&segment(8, 1, 0));
    assert_eq!(board.request(13, 0, 16, false).0, 1);
}

#[test]
fn a_chain_without_status_stops_the_queue() {
    let mut board = board(1, false);
    board.driver.describe(0, board.driver.buffer(0), 16, 0, 0);
    board.driver.offer(0);
    let outcome = board.device.process(0, &mut board.queue, board.ram.memory());
    assert_eq!(outcome, Err(QueueError::NoStatus));
}

#[test]
fn one_notification_takes_at_most_a_queue_of_requests() {
    let mut board = board(1, false);
    let kind = 4u32.to_le_bytes();
    board.driver.write(board.driver.buffer(HEADER), &kind);
    for head in 0..4 {
        board.driver.describe(2 * head, board.driver.buffer(HEADER), 16, NEXT, 2 * head + 1);
        board.driver.describe(2 * head + 1, board.driver.buffer(STATUS), 1, WRITE, 0);
        board.driver.offer(2 * head);
    }
    assert_eq!(board.device.process(0, &mut board.queue, board.ram.memory()), Ok(true));
    assert_eq!(board.driver.used().len(), 4);
    assert_eq!(board.device.process(0, &mut board.queue, board.ram.memory()), Ok(false));
}

#[test]
fn features_and_capacity_follow_the_disk() {
    let writable = board(8, false);
    assert_eq!(&writable.device.config()[..8], &8u64.to_le_bytes());
    assert_eq!(writable.device.config().len(), 60);
    assert_eq!(writable.device.features() & FEATURE_READ_ONLY, 0);
    assert_ne!(writable.device.features() & FEATURE_DISCARD, 0);
    let read_only = board(8, true);
    assert_ne!(read_only.device.features() & FEATURE_READ_ONLY, 0);
    assert_eq!(read_only.device.features() & (FEATURE_DISCARD | FEATURE_WRITE_ZEROES), 0);
}

#[test]
fn failures_of_the_host_are_reported_and_those_of_the_guest_are_not() {
    let mut board = board(8, false);
    let events = board.bus.subscribe("test", Filter::all(), 8);
    assert_eq!(board.request(0, 8, 512, true).0, 1, "beyond the end");
    File::options().write(true).open(board.dir.path().join("disk")).unwrap().set_len(512).unwrap();
    assert_eq!(board.request(0, 1, 512, true).0, 1);
    let event = events.try_recv().unwrap().event;
    let expected = DeviceEvent::Failed { device: "virtio-blk", name: "disk0".into(), error: "file_shrunk" };
    assert_eq!(event, Event::Device(expected));
    assert!(events.try_recv().is_err());
}
