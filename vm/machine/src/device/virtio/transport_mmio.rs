//! Virtio-mmio transport, version 2 (specification, section 4.2).
//!
//! ```text
//!  reset ──► ACKNOWLEDGE ─► DRIVER ─► FEATURES_OK ─► DRIVER_OK ──► working
//!    ▲          (bits of the status register, set by the driver)      │
//!    └──────── driver writes 0 ◄──── DEVICE_NEEDS_RESET ◄── broken queue
//! ```
//!
//! Queue registers are frozen while the queue is ready, so a queue never changes while its
//! device uses it. A slot without a device has device ID 0, which drivers skip.
//!
//! Some drivers omit steps that QEMU does not enforce: they neither accept VERSION_1 nor
//! set FEATURES_OK. Neither is required here; such a driver gets the features that it has
//! confirmed, possibly none.

use std::sync::{Arc, Mutex};

use riscope_core::counters::QueuePage;
use riscope_core::mem::GuestRam;
use riscope_core::mmio::{MmioDevice, MmioFault, Width};
use virtio_queue::QueueT;
use vm_fdt::{Error, FdtWriter};

use super::{FEATURE_INDIRECT_DESC, FEATURE_VERSION_1, VirtQueue, VirtioDevice};
use crate::device::Device;
use crate::device::irqchip::IrqLine;
use crate::exit::ExitLatch;
use crate::layout::Slot;
use crate::sync::lock;

/// "virt", little-endian.
const MAGIC: u32 = 0x7472_6976;
const VERSION: u32 = 2;
/// "QEMU": IDs are not assigned, and drivers made for its `virt` machine check this one.
const VENDOR: u32 = 0x554d_4551;

const STATUS_FEATURES_OK: u32 = 8;
const STATUS_DRIVER_OK: u32 = 4;
const STATUS_NEEDS_RESET: u32 = 0x40;
/// Status bits that a driver may set: all except `NEEDS_RESET`.
const STATUS_DRIVER_BITS: u32 = 0x8f;

const INTERRUPT_USED: u32 = 1;
const INTERRUPT_CONFIG: u32 = 2;

/// Offset of the device's configuration space.
const CONFIG: u64 = 0x100;

/// Register offsets, named as in table 4.1 of the specification.
mod register {
    pub(super) const MAGIC_VALUE: u64 = 0x00;
    pub(super) const VERSION: u64 = 0x04;
    pub(super) const DEVICE_ID: u64 = 0x08;
    pub(super) const VENDOR_ID: u64 = 0x0c;
    pub(super) const DEVICE_FEATURES: u64 = 0x10;
    pub(super) const DEVICE_FEATURES_SEL: u64 = 0x14;
    pub(super) const DRIVER_FEATURES: u64 = 0x20;
    pub(super) const DRIVER_FEATURES_SEL: u64 = 0x24;
    pub(super) const QUEUE_SEL: u64 = 0x30;
    pub(super) const QUEUE_NUM_MAX: u64 = 0x34;
    pub(super) const QUEUE_NUM: u64 = 0x38;
    pub(super) const QUEUE_READY: u64 = 0x44;
    pub(super) const QUEUE_NOTIFY: u64 = 0x50;
    pub(super) const INTERRUPT_STATUS: u64 = 0x60;
    pub(super) const INTERRUPT_ACK: u64 = 0x64;
    pub(super) const STATUS: u64 = 0x70;
    pub(super) const QUEUE_DESC_LOW: u64 = 0x80;
    pub(super) const QUEUE_DESC_HIGH: u64 = 0x84;
    pub(super) const QUEUE_DRIVER_LOW: u64 = 0x90;
    pub(super) const QUEUE_DRIVER_HIGH: u64 = 0x94;
    pub(super) const QUEUE_DEVICE_LOW: u64 = 0xa0;
    pub(super) const QUEUE_DEVICE_HIGH: u64 = 0xa4;
    pub(super) const SHM_LEN_LOW: u64 = 0xb0;
    pub(super) const SHM_BASE_HIGH: u64 = 0xbc;
    pub(super) const CONFIG_GENERATION: u64 = 0xfc;
}

#[derive(Debug)]
struct Attached {
    device: Box<dyn VirtioDevice>,
    queues: Vec<VirtQueue>,
    page: Arc<QueuePage>,
    device_features_select: u32,
    driver_features_select: u32,
    driver_features: u64,
    queue_select: u32,
    status: u32,
    interrupts: u32,
    /// Number of changes of the configuration space.
    generation: u32,
}

impl Attached {
    fn new(device: Box<dyn VirtioDevice>, exit: &Arc<ExitLatch>, page: Arc<QueuePage>) -> Self {
        let sizes = device.queue_sizes().iter();
        let queue = |&size| Some(VirtQueue::new(size, Arc::clone(exit))?.counting(Arc::clone(&page)));
        let queues = sizes.filter_map(queue).collect();
        Self {
            device,
            queues,
            page,
            device_features_select: 0,
            driver_features_select: 0,
            driver_features: 0,
            queue_select: 0,
            status: 0,
            interrupts: 0,
            generation: 0,
        }
    }

    fn offered_features(&self) -> u64 {
        self.device.features() | FEATURE_VERSION_1 | FEATURE_INDIRECT_DESC
    }

    /// Queue selected by QueueSel, if it exists.
    fn selected(&mut self) -> Option<&mut VirtQueue> {
        self.queues.get_mut(usize::try_from(self.queue_select).ok()?)
    }

    fn is_working(&self) -> bool {
        self.status & (STATUS_DRIVER_OK | STATUS_NEEDS_RESET) == STATUS_DRIVER_OK
    }

    fn reset(&mut self) {
        self.device.reset();
        for queue in &mut self.queues {
            queue.reset();
        }
        self.device_features_select = 0;
        self.driver_features_select = 0;
        self.driver_features = 0;
        self.queue_select = 0;
        self.status = 0;
        self.interrupts = 0;
    }

    fn write_status(&mut self, value: u32) {
        if value == 0 {
            self.reset();
            return;
        }
        let mut new = value & STATUS_DRIVER_BITS & !self.status;
        // Rejects unsupported features by leaving FEATURES_OK clear (section 3.1.1).
        if self.driver_features & !self.offered_features() != 0 {
            new &= !STATUS_FEATURES_OK;
        }
        self.status |= new;
        if new & STATUS_DRIVER_OK != 0 {
            let confirmed = self.status & STATUS_FEATURES_OK != 0;
            self.device.activate(if confirmed { self.driver_features } else { 0 });
        }
    }

    fn write_driver_features(&mut self, value: u32) {
        if self.status & STATUS_FEATURES_OK != 0 {
            return;
        }
        let shift = match self.driver_features_select {
            0 => 0,
            1 => 32,
            // No features are defined beyond bit 63; a request for one is ignored.
            _ => return,
        };
        let mask = u64::from(u32::MAX) << shift;
        self.driver_features = self.driver_features & !mask | u64::from(value) << shift;
    }

    fn write_queue_register(&mut self, offset: u64, value: u32) {
        let Some(queue) = self.selected() else { return };
        if offset == register::QUEUE_READY {
            // A driver may also stop a queue this way (section 4.2.2.2).
            queue.ring().set_ready(value & 1 != 0);
            return;
        }
        if queue.ring().ready() {
            return;
        }
        if offset == register::QUEUE_NUM {
            queue.set_size(value);
            return;
        }
        let ring = queue.ring();
        match offset {
            register::QUEUE_DESC_LOW => ring.set_desc_table_address(Some(value), None),
            register::QUEUE_DESC_HIGH => ring.set_desc_table_address(None, Some(value)),
            register::QUEUE_DRIVER_LOW => ring.set_avail_ring_address(Some(value), None),
            register::QUEUE_DRIVER_HIGH => ring.set_avail_ring_address(None, Some(value)),
            register::QUEUE_DEVICE_LOW => ring.set_used_ring_address(Some(value), None),
            register::QUEUE_DEVICE_HIGH => ring.set_used_ring_address(None, Some(value)),
            _ => {}
        }
    }

    /// Has the device process a queue.
    fn process(&mut self, index: usize, ram: &GuestRam) {
        if !self.is_working() {
            return;
        }
        let memory = ram.memory();
        // Ignores notifications of queues that do not exist or are not ready.
        let Some(queue) = self.queues.get_mut(index).filter(|queue| queue.is_usable(memory)) else { return };
        match self.device.process(index, queue, memory) {
            Ok(true) if queue.wants_interrupt(memory) => self.interrupts |= INTERRUPT_USED,
            Ok(_) => {}
            Err(_) => {
                self.status |= STATUS_NEEDS_RESET;
                self.interrupts |= INTERRUPT_CONFIG;
            }
        }
    }

    fn read(&mut self, offset: u64) -> u32 {
        match offset {
            register::DEVICE_ID => self.device.device_id(),
            register::DEVICE_FEATURES => match self.device_features_select {
                0 => low(self.offered_features()),
                1 => low(self.offered_features() >> 32),
                _ => 0,
            },
            register::QUEUE_NUM_MAX => self.selected().map_or(0, |queue| u32::from(queue.ring().max_size())),
            register::QUEUE_READY => self.selected().map_or(0, |queue| u32::from(queue.ring().ready())),
            register::INTERRUPT_STATUS => self.interrupts,
            register::STATUS => self.status,
            // No shared memory: length and address read as all ones.
            register::SHM_LEN_LOW..=register::SHM_BASE_HIGH => u32::MAX,
            register::CONFIG_GENERATION => self.generation,
            _ => 0,
        }
    }

    fn write(&mut self, offset: u64, value: u32, ram: &GuestRam) {
        match offset {
            register::DEVICE_FEATURES_SEL => self.device_features_select = value,
            register::DRIVER_FEATURES => self.write_driver_features(value),
            register::DRIVER_FEATURES_SEL => self.driver_features_select = value,
            register::QUEUE_SEL => self.queue_select = value,
            register::QUEUE_NOTIFY => {
                self.page.count_notification();
                self.process(usize::try_from(value).unwrap_or(usize::MAX), ram);
            }
            register::INTERRUPT_ACK => self.interrupts &= !value,
            register::STATUS => self.write_status(value),
            _ => self.write_queue_register(offset, value),
        }
    }

    /// Announces a change of the configuration space by the device.
    fn config_changed(&mut self) {
        self.generation = self.generation.wrapping_add(1);
        if self.is_working() {
            self.interrupts |= INTERRUPT_CONFIG;
        }
    }

    fn write_config(&mut self, offset: u64, width: Width, value: u64) {
        let bytes = (0..width.bytes()).zip(value.to_le_bytes());
        bytes.for_each(|(at, byte)| self.device.write_config(offset + at, byte));
    }

    fn read_config(&self, offset: u64, width: Width) -> u64 {
        let config = self.device.config();
        let bytes = (offset..offset + width.bytes()).map(|at| usize::try_from(at).ok());
        let byte = |at: Option<usize>| u64::from(at.and_then(|at| config.get(at)).copied().unwrap_or(0));
        bytes.rev().fold(0, |value, at| value << 8 | byte(at))
    }
}

/// Virtio-mmio slot, with or without a device.
#[derive(Debug)]
pub struct VirtioMmio {
    slot: Slot,
    ram: Arc<GuestRam>,
    irq: IrqLine,
    attached: Option<Mutex<Attached>>,
}

impl VirtioMmio {
    /// A slot without a device.
    pub fn empty(slot: Slot, ram: Arc<GuestRam>, irq: IrqLine) -> Self {
        Self { slot, ram, irq, attached: None }
    }

    /// A slot with `device`, which stops processing when `exit` ends the machine and counts in
    /// `page`.
    pub fn new(
        slot: Slot,
        ram: Arc<GuestRam>,
        irq: IrqLine,
        device: Box<dyn VirtioDevice>,
        exit: &Arc<ExitLatch>,
        page: Arc<QueuePage>,
    ) -> Self {
        Self { slot, ram, irq, attached: Some(Mutex::new(Attached::new(device, exit, page))) }
    }

    /// Has the device process queue `index` after an event on the host, such as console
    /// input.
    pub fn process(&self, index: usize) {
        if let Some(attached) = &self.attached {
            let mut attached = lock(attached);
            attached.process(index, &self.ram);
            self.irq.set(attached.interrupts != 0);
        }
    }

    /// Notifies the driver that the device has changed its configuration space.
    pub fn config_changed(&self) {
        if let Some(attached) = &self.attached {
            let mut attached = lock(attached);
            attached.config_changed();
            self.irq.set(attached.interrupts != 0);
        }
    }
}

/// Registers are 32 bits wide, and drivers must not use other widths (section 4.2.2.2). As
/// on QEMU's machine, a 64-bit access covers two registers, the low one first; 8-bit and
/// 16-bit accesses read as zero and write nothing; misaligned ones fault.
impl MmioDevice for VirtioMmio {
    fn read(&self, offset: u64, width: Width) -> Result<u64, MmioFault> {
        if offset < CONFIG && width == Width::Double && offset.is_multiple_of(8) {
            let low = self.read(offset, Width::Word)?;
            return Ok(self.read(offset + 4, Width::Word)? << 32 | low);
        }
        if offset < CONFIG && !offset.is_multiple_of(width.bytes()) {
            return Err(MmioFault);
        }
        if offset < CONFIG && width != Width::Word {
            return Ok(0);
        }
        match (offset, &self.attached) {
            (register::MAGIC_VALUE, _) => Ok(u64::from(MAGIC)),
            (register::VERSION, _) => Ok(u64::from(VERSION)),
            (register::VENDOR_ID, _) => Ok(u64::from(VENDOR)),
            (_, None) => Ok(0),
            (CONFIG.., Some(attached)) => Ok(lock(attached).read_config(offset - CONFIG, width)),
            (_, Some(attached)) => Ok(u64::from(lock(attached).read(offset))),
        }
    }

    fn write(&self, offset: u64, width: Width, value: u64) -> Result<(), MmioFault> {
        if offset >= CONFIG {
            if let Some(attached) = &self.attached {
                lock(attached).write_config(offset - CONFIG, width, value);
            }
            return Ok(());
        }
        if width == Width::Double && offset.is_multiple_of(8) {
            self.write(offset, Width::Word, value & Width::Word.mask())?;
            return self.write(offset + 4, Width::Word, value >> 32);
        }
        if !offset.is_multiple_of(width.bytes()) {
            return Err(MmioFault);
        }
        if width != Width::Word {
            return Ok(());
        }
        if let Some(attached) = &self.attached {
            let mut attached = lock(attached);
            attached.write(offset, low(value), &self.ram);
            self.irq.set(attached.interrupts != 0);
        }
        Ok(())
    }
}

impl Device for VirtioMmio {
    fn slot(&self) -> Slot {
        self.slot
    }

    fn write_fdt_node(&self, fdt: &mut FdtWriter) -> Result<(), Error> {
        let node = fdt.begin_node(&self.slot.node_name("virtio_mmio"))?;
        fdt.property_string("compatible", "virtio,mmio")?;
        self.slot.write_properties(fdt)?;
        fdt.end_node(node)
    }
}

/// The low 32 bits.
#[expect(clippy::cast_possible_truncation, reason = "registers are 32 bits wide")]
fn low(value: u64) -> u32 {
    value as u32
}

#[cfg(test)]
mod tests;
