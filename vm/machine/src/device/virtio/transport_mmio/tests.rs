//! Tests of the MMIO transport as a driver sees it.

use proptest::prelude::*;
use riscope_core::hart::HartControl;

use super::register::*;
use super::*;
use crate::console::{Console, NullBackend, TerminalSize};
use crate::device::irqchip::Plic;
use crate::device::virtio::console::ConsoleDevice;
use crate::device::virtio::input::InputDevice;
use crate::device::virtio::testing::{Driver, NEXT, WRITE, memory};
use crate::device::virtio::{QueueError, rng::RngDevice};
use crate::entropy::Entropy;
use crate::layout::virtio_slot;
use riscope_core::mem::GuestMemory;

/// A slot whose interrupt reaches M-mode of the only hart.
struct Board {
    ram: Arc<GuestRam>,
    hart: Arc<HartControl>,
    plic: Arc<Plic>,
    slot: VirtioMmio,
}

fn board(device: Option<Box<dyn VirtioDevice>>) -> Board {
    let hart: Arc<HartControl> = Arc::default();
    let plic = Arc::new(Plic::new(&[Arc::clone(&hart)]));
    plic.write(4, Width::Word, 1).unwrap();
    plic.write(0x2000, Width::Word, 1 << 1).unwrap();
    let ram = memory();
    let irq = IrqLine::new(Arc::clone(&plic), 1);
    let (place, memory) = (virtio_slot(0), Arc::clone(&ram));
    let slot = match device {
        Some(device) => VirtioMmio::new(place, memory, irq, device, &Arc::default(), Arc::default()),
        None => VirtioMmio::empty(place, memory, irq),
    };
    Board { slot, ram, hart, plic }
}

fn rng_board() -> Board {
    board(Some(Box::new(RngDevice::new(Entropy::seeded(1)))))
}

impl Board {
    fn read(&self, offset: u64) -> u64 {
        self.slot.read(offset, Width::Word).unwrap()
    }

    fn write(&self, offset: u64, value: u64) {
        self.slot.write(offset, Width::Word, value).unwrap();
    }

    /// Performs minimal negotiation and sets up queue 0 as in `driver`.
    fn start(&self, driver: &Driver, size: u64) {
        self.write(STATUS, 1);
        self.write(STATUS, 3);
        self.write(DRIVER_FEATURES_SEL, 1);
        self.write(DRIVER_FEATURES, 1);
        self.write(STATUS, 0xb);
        assert_eq!(self.read(STATUS), 0xb);
        self.set_up_queue(driver, size);
        self.write(STATUS, 0xf);
        assert_eq!(self.read(STATUS), 0xf);
    }

    fn set_up_queue(&self, driver: &Driver, size: u64) {
        self.write(QUEUE_SEL, 0);
        self.write(QUEUE_NUM, size);
        let registers = [QUEUE_DESC_LOW, QUEUE_DRIVER_LOW, QUEUE_DEVICE_LOW];
        for (register, address) in registers.into_iter().zip(driver.rings()) {
            self.write(register, address);
            self.write(register + 4, address >> 32);
        }
        self.write(QUEUE_READY, 1);
    }

    fn interrupted(&self) -> bool {
        self.hart.lines() != 0
    }
}

#[test]
fn a_driver_finds_identification_and_features() {
    let board = rng_board();
    assert_eq!(board.read(MAGIC_VALUE), 0x7472_6976);
    assert_eq!((board.read(register::VERSION), board.read(DEVICE_ID)), (2, 4));
    board.write(DEVICE_FEATURES_SEL, 1);
    assert_eq!(board.read(DEVICE_FEATURES), 1, "VERSION_1");
    board.write(DEVICE_FEATURES_SEL, 2);
    assert_eq!(board.read(DEVICE_FEATURES), 0);
    assert_eq!(board.read(QUEUE_NUM_MAX), 1024);
    board.write(QUEUE_SEL, 1);
    assert_eq!(board.read(QUEUE_NUM_MAX), 0, "no second queue");
    board.write(QUEUE_SEL, 0xffff_ffff);
    assert_eq!(board.read(QUEUE_NUM_MAX), 0);
    assert_eq!(board.read(SHM_LEN_LOW), 0xffff_ffff);
}

#[test]
fn an_empty_slot_has_device_id_zero() {
    let board = board(None);
    assert_eq!((board.read(MAGIC_VALUE), board.read(DEVICE_ID)), (0x7472_6976, 0));
    board.write(STATUS, 1);
    assert_eq!(board.read(STATUS), 0);
    board.slot.process(0);
}

#[test]
fn features_that_were_not_offered_are_refused() {
    let board = rng_board();
    board.write(STATUS, 3);
    for (low, high) in [(1, 1), (1, 0), (0, 3)] {
        board.write(DRIVER_FEATURES_SEL, 0);
        board.write(DRIVER_FEATURES, low);
        board.write(DRIVER_FEATURES_SEL, 1);
        board.write(DRIVER_FEATURES, high);
        board.write(STATUS, 0xb);
        assert_eq!(board.read(STATUS), 3, "features {low:#x} {high:#x}");
    }
}

/// Checks that drivers of small kernels make before they use a device.
#[test]
fn a_driver_made_for_qemu_recognises_the_device() {
    let board = rng_board();
    let words = [MAGIC_VALUE, register::VERSION, DEVICE_ID, VENDOR_ID].map(|register| board.read(register));
    assert_eq!(words, [0x7472_6976, 2, 4, 0x554d_4551]);
}

/// Initialisation order of xv6: without DRIVER_FEATURES_SEL, so without VERSION_1;
/// FEATURES_OK must stay set.
#[test]
fn a_driver_that_accepts_no_features_is_served() {
    let board = rng_board();
    let mut driver = Driver::new(&board.ram, 8);
    for status in [0, 1, 3] {
        board.write(STATUS, status);
    }
    let features = board.read(DEVICE_FEATURES);
    board.write(DRIVER_FEATURES, features & !(1 << 28 | 1 << 29));
    board.write(STATUS, 0xb);
    assert_eq!(board.read(STATUS), 0xb);
    board.set_up_queue(&driver, 8);
    board.write(STATUS, 0xf);
    driver.describe(0, driver.buffer(0), 16, WRITE, 0);
    driver.offer(0);
    board.write(QUEUE_NOTIFY, 0);
    assert_eq!(driver.used(), [(0, 16)]);
}

#[test]
fn a_driver_that_sets_no_features_ok_is_served_without_features() {
    let board = board(Some(Box::new(Recorder::default())));
    let driver = Driver::new(&board.ram, 8);
    board.write(DRIVER_FEATURES, 5);
    board.write(STATUS, 7);
    board.set_up_queue(&driver, 8);
    assert_eq!(board.read(STATUS), 7);
    board.write(QUEUE_NOTIFY, 0);
    assert_eq!(board.read(INTERRUPT_STATUS), 1, "served, with features 0");
}

#[test]
fn a_request_is_served_interrupts_and_is_acknowledged() {
    let board = rng_board();
    let mut driver = Driver::new(&board.ram, 8);
    board.start(&driver, 8);
    driver.describe(0, driver.buffer(0), 16, WRITE, 0);
    driver.offer(0);
    assert!(!board.interrupted());
    board.write(QUEUE_NOTIFY, 0);
    assert_eq!(driver.used(), [(0, 16)]);
    assert!(board.interrupted());
    assert_eq!(board.read(INTERRUPT_STATUS), 1);
    assert_eq!(board.plic.read(0x20_0004, Width::Word), Ok(1));
    board.write(INTERRUPT_ACK, 1);
    board.plic.write(0x20_0004, Width::Word, 1).unwrap();
    assert!(!board.interrupted());
}

#[test]
fn a_broken_queue_stops_the_device_until_reset() {
    let board = rng_board();
    let mut driver = Driver::new(&board.ram, 8);
    board.start(&driver, 8);
    driver.describe(0, driver.buffer(0), 16, WRITE | NEXT, 0);
    driver.offer(0);
    board.write(QUEUE_NOTIFY, 0);
    assert_eq!(board.read(STATUS), 0x4f);
    assert_eq!(board.read(INTERRUPT_STATUS), 2);
    assert!(board.interrupted());
    driver.describe(0, driver.buffer(0), 16, WRITE, 0);
    driver.offer(0);
    board.write(QUEUE_NOTIFY, 0);
    board.write(STATUS, 0xf);
    assert_eq!(driver.used(), []);
    assert_eq!(board.read(STATUS), 0x4f, "only a reset helps");

    board.write(STATUS, 0);
    assert_eq!((board.read(STATUS), board.read(INTERRUPT_STATUS)), (0, 0));
    let mut driver = Driver::new(&board.ram, 8);
    driver.set_available_index(0);
    board.start(&driver, 8);
    driver.offer(0);
    board.write(QUEUE_NOTIFY, 0);
    assert_eq!(board.read(INTERRUPT_STATUS), 1);
}

#[test]
fn queue_registers_are_frozen_while_the_queue_is_ready() {
    let board = rng_board();
    let mut driver = Driver::new(&board.ram, 8);
    board.start(&driver, 8);
    for (register, value) in [(QUEUE_NUM, 0), (QUEUE_NUM, 4), (QUEUE_DESC_LOW, 0), (QUEUE_DRIVER_HIGH, 9)] {
        board.write(register, value);
    }
    assert_eq!(board.read(QUEUE_READY), 1);
    driver.describe(0, driver.buffer(0), 16, WRITE, 0);
    driver.offer(0);
    board.write(QUEUE_NOTIFY, 0);
    assert_eq!(driver.used(), [(0, 16)]);
}

#[test]
fn a_driver_can_stop_a_queue() {
    let board = rng_board();
    let mut driver = Driver::new(&board.ram, 8);
    board.start(&driver, 8);
    board.write(QUEUE_READY, 0);
    assert_eq!(board.read(QUEUE_READY), 0);
    driver.describe(0, driver.buffer(0), 16, WRITE, 0);
    driver.offer(0);
    board.write(QUEUE_NOTIFY, 0);
    assert_eq!(driver.used(), []);
    board.write(QUEUE_READY, 1);
    board.write(QUEUE_NOTIFY, 0);
    assert_eq!(driver.used(), [(0, 16)]);
}

#[test]
fn a_queue_of_a_size_that_cannot_be_is_not_used() {
    for size in [0, 3, 2048, 0x1_0008] {
        let board = rng_board();
        let mut driver = Driver::new(&board.ram, 8);
        board.start(&driver, size);
        driver.describe(0, driver.buffer(0), 16, WRITE, 0);
        driver.offer(0);
        board.write(QUEUE_NOTIFY, 0);
        assert_eq!(driver.used(), [], "size {size}");
        board.write(STATUS, 0);
        board.start(&driver, 8);
        board.write(QUEUE_NOTIFY, 0);
        assert_eq!(driver.used(), [(0, 16)], "after a reset");
    }
}

#[test]
fn a_queue_is_not_used_before_it_and_the_driver_are_ready() {
    let board = rng_board();
    let mut driver = Driver::new(&board.ram, 8);
    driver.describe(0, driver.buffer(0), 16, WRITE, 0);
    driver.offer(0);
    board.write(STATUS, 3);
    board.write(QUEUE_NOTIFY, 0);
    board.set_up_queue(&driver, 8);
    board.write(QUEUE_NOTIFY, 0);
    assert_eq!(driver.used(), [], "not DRIVER_OK");
    board.write(QUEUE_READY, 0);
    board.write(STATUS, 0xf);
    board.write(QUEUE_NOTIFY, 0);
    assert_eq!(driver.used(), [], "not ready");
}

#[test]
fn notifications_of_queues_that_do_not_exist_are_ignored() {
    let board = rng_board();
    let driver = Driver::new(&board.ram, 8);
    board.start(&driver, 8);
    for queue in [1, 0xffff, 0xffff_ffff] {
        board.write(QUEUE_NOTIFY, queue);
    }
    assert_eq!(board.read(STATUS), 0xf);
}

/// A device with a configuration space that corrupts its queue on every request.
#[derive(Debug)]
struct Fragile;

impl VirtioDevice for Fragile {
    fn device_id(&self) -> u32 {
        42
    }

    fn features(&self) -> u64 {
        0x5
    }

    fn queue_sizes(&self) -> &'static [u16] {
        &[8, 8]
    }

    fn config(&self) -> Vec<u8> {
        (1..=10).collect()
    }

    fn activate(&mut self, features: u64) {
        assert_eq!(features & !(0x5 | FEATURE_VERSION_1 | FEATURE_INDIRECT_DESC), 0);
    }

    fn process(&mut self, _: usize, queue: &mut VirtQueue, memory: &GuestMemory) -> Result<bool, QueueError> {
        assert!(queue.is_usable(memory));
        Err(QueueError::BrokenChain)
    }

    fn reset(&mut self) {}
}

/// A device that records the features it was activated with, and reports a used buffer if
/// there were none.
#[derive(Debug, Default)]
struct Recorder(Option<u64>);

impl VirtioDevice for Recorder {
    fn device_id(&self) -> u32 {
        42
    }

    fn features(&self) -> u64 {
        0x5
    }

    fn queue_sizes(&self) -> &'static [u16] {
        &[8]
    }

    fn activate(&mut self, features: u64) {
        self.0 = Some(features);
    }

    fn process(&mut self, _: usize, _: &mut VirtQueue, _: &GuestMemory) -> Result<bool, QueueError> {
        Ok(self.0 == Some(0))
    }

    fn reset(&mut self) {}
}

#[test]
fn configuration_is_read_with_any_width_and_alignment() {
    let board = board(Some(Box::new(Fragile)));
    assert_eq!(board.slot.read(0x100, Width::Byte), Ok(1));
    assert_eq!(board.slot.read(0x101, Width::Half), Ok(0x0302));
    assert_eq!(board.slot.read(0x104, Width::Double), Ok(0x0a09_0807_0605));
    assert_eq!(board.slot.read(0xfff, Width::Byte), Ok(0));
    assert_eq!(board.slot.write(0x100, Width::Byte, 9), Ok(()));
    assert_eq!(board.slot.read(0x100, Width::Byte), Ok(1));
}

#[test]
fn registers_are_words_or_pairs_of_them() {
    for board in [rng_board(), board(None)] {
        for offset in 0..0x100 {
            for width in [Width::Byte, Width::Half, Width::Word, Width::Double] {
                let aligned = offset % width.bytes() == 0;
                assert_eq!(board.slot.write(offset, width, 0).is_ok(), aligned);
                assert_eq!(board.slot.read(offset, width).is_ok(), aligned);
                if aligned && width.bytes() < 4 {
                    assert_eq!(board.slot.read(offset, width), Ok(0), "{offset:#x} {width:?}");
                }
            }
        }
    }
    let board = rng_board();
    board.write(STATUS, 3);
    for width in [Width::Byte, Width::Half] {
        board.slot.write(STATUS, width, 0).unwrap();
        assert_eq!(board.read(STATUS), 3, "a narrow write is none");
    }
    board.write(STATUS, 0);
    assert_eq!(board.slot.read(MAGIC_VALUE, Width::Double), Ok(0x2_7472_6976));
    let mut driver = Driver::new(&board.ram, 8);
    board.start(&driver, 8);
    board.write(QUEUE_READY, 0);
    for register in [QUEUE_DESC_LOW, QUEUE_DRIVER_LOW, QUEUE_DEVICE_LOW] {
        board.write(register, 0x7fff_0000);
        board.write(register + 4, 9);
    }
    for (register, address) in [QUEUE_DESC_LOW, QUEUE_DRIVER_LOW, QUEUE_DEVICE_LOW].into_iter().zip(driver.rings()) {
        board.slot.write(register, Width::Double, address).unwrap();
    }
    board.write(QUEUE_READY, 1);
    driver.describe(0, driver.buffer(0), 16, WRITE, 0);
    driver.offer(0);
    board.write(QUEUE_NOTIFY, 0);
    assert_eq!(driver.used(), [(0, 16)], "both halves arrived");
}

proptest! {
    /// Drivers that write arbitrary values to arbitrary registers, with a bias to a
    /// plausible order, never make the device use a queue outside of RAM (see `Fragile`).
    #[test]
    fn any_sequence_of_writes_is_survived(
        writes in prop::collection::vec((0u64..64, prop_oneof![0u64..16, Just(0x8000_0000), any::<u64>()]), 0..60)
    ) {
        let board = board(Some(Box::new(Fragile)));
        let driver = Driver::new(&board.ram, 8);
        for (index, (register, value)) in writes.into_iter().enumerate() {
            if index == 30 {
                board.write(STATUS, 0);
                board.start(&driver, 8);
            }
            board.write(register * 4, value);
            prop_assert!(board.read(register * 4) <= u64::from(u32::MAX));
        }
    }
}

#[test]
fn a_change_of_the_configuration_interrupts_a_working_driver() {
    let console = Console::new(Arc::new(NullBackend));
    let board = board(Some(Box::new(ConsoleDevice::new(Arc::clone(&console)))));
    let generation = board.read(CONFIG_GENERATION);
    console.set_size(TerminalSize { columns: 80, rows: 24 });
    board.slot.config_changed();
    assert!(!board.interrupted(), "no driver is there yet");
    board.start(&Driver::new(&board.ram, 8), 8);
    console.set_size(TerminalSize { columns: 100, rows: 40 });
    board.slot.config_changed();
    assert!(board.interrupted());
    assert_eq!(board.read(INTERRUPT_STATUS), 2);
    assert_eq!(board.slot.read(0x100, Width::Word), Ok(40 << 16 | 100));
    assert_ne!(board.read(CONFIG_GENERATION), generation);
    board.write(INTERRUPT_ACK, 2);
    assert_eq!(board.read(INTERRUPT_STATUS), 0);
}

#[test]
fn fields_that_drivers_may_write_take_any_width() {
    let board = board(Some(Box::new(InputDevice::new(Arc::default()))));
    let name = u64::from_le_bytes(*b"riscope ");
    board.slot.write(0x100, Width::Half, 1).unwrap();
    assert_eq!(board.slot.read(0x108, Width::Double), Ok(name));
    board.slot.write(0x100, Width::Byte, 0).unwrap();
    assert_eq!(board.slot.read(0x108, Width::Double), Ok(0));
    board.slot.write(0x100, Width::Double, 1).unwrap();
    assert_eq!(board.slot.read(0x108, Width::Double), Ok(name));
    board.slot.write(0xfff, Width::Double, u64::MAX).unwrap();
    assert_eq!(board.slot.read(0x108, Width::Double), Ok(name));
}
