//! Driver side of a virtqueue for tests: writes descriptors and rings into guest RAM field
//! by field, valid or not.

use std::sync::Arc;

use riscope_core::addr::GuestPhys;
use riscope_core::mem::{GuestMemory, GuestRam};
use virtio_queue::QueueT;
use vm_memory::{Bytes, GuestAddress};

use super::VirtQueue;
use crate::exit::ExitLatch;

pub(super) const NEXT: u16 = 1;
pub(super) const WRITE: u16 = 2;
pub(super) const INDIRECT: u16 = 4;

const BASE: u64 = 0x8000_0000;
const AVAILABLE: u64 = BASE + 0x1000;
const USED: u64 = BASE + 0x2000;
const BUFFERS: u64 = BASE + 0x1_0000;

/// 1 MiB of RAM, with buffers from 64 KiB on.
pub(super) fn memory() -> Arc<GuestRam> {
    Arc::new(GuestRam::new(GuestPhys(BASE), 1 << 20).unwrap())
}

/// Virtqueue as its driver sees it.
pub(super) struct Driver {
    ram: Arc<GuestRam>,
    size: u16,
    available: u16,
    seen: u16,
}

impl Driver {
    pub(super) fn new(ram: &Arc<GuestRam>, size: u16) -> Self {
        Self { ram: Arc::clone(ram), size, available: 0, seen: 0 }
    }

    fn memory(&self) -> &GuestMemory {
        self.ram.memory()
    }

    /// A ready queue on the driver's rings.
    pub(super) fn queue(&self) -> VirtQueue {
        self.queue_ending_by(Arc::default())
    }

    /// A ready queue of a machine that ends by `exit`.
    pub(super) fn queue_ending_by(&self, exit: Arc<ExitLatch>) -> VirtQueue {
        let mut queue = VirtQueue::new(self.size, exit).unwrap();
        let [table, available, used] = self.rings().map(|address| Some(u32::try_from(address).unwrap()));
        let ring = queue.ring();
        ring.set_desc_table_address(table, Some(0));
        ring.set_avail_ring_address(available, Some(0));
        ring.set_used_ring_address(used, Some(0));
        ring.set_ready(true);
        queue
    }

    /// Addresses of the descriptor table, available ring and used ring.
    pub(super) fn rings(&self) -> [u64; 3] {
        [BASE, AVAILABLE, USED]
    }

    /// Physical address of the buffer at `offset` in the buffer area.
    pub(super) fn buffer(&self, offset: u64) -> u64 {
        BUFFERS + offset
    }

    pub(super) fn describe(&self, index: u16, address: u64, len: u32, flags: u16, next: u16) {
        self.describe_at(BASE, index, address, len, flags, next);
    }

    pub(super) fn describe_at(&self, table: u64, index: u16, address: u64, len: u32, flags: u16, next: u16) {
        let at = table + u64::from(index) * 16;
        self.memory().write_obj(address, GuestAddress(at)).unwrap();
        self.memory().write_obj(len, GuestAddress(at + 8)).unwrap();
        self.memory().write_obj(flags, GuestAddress(at + 12)).unwrap();
        self.memory().write_obj(next, GuestAddress(at + 14)).unwrap();
    }

    /// Makes the chain with head descriptor `head` available.
    pub(super) fn offer(&mut self, head: u16) {
        let entry = AVAILABLE + 4 + 2 * u64::from(self.available % self.size);
        self.memory().write_obj(head, GuestAddress(entry)).unwrap();
        self.set_available_index(self.available.wrapping_add(1));
    }

    pub(super) fn set_available_index(&mut self, index: u16) {
        self.available = index;
        self.memory().write_obj(index, GuestAddress(AVAILABLE + 2)).unwrap();
    }

    pub(super) fn set_available_flags(&self, flags: u16) {
        self.memory().write_obj(flags, GuestAddress(AVAILABLE)).unwrap();
    }

    /// New entries of the used ring, as `(head, written)`.
    pub(super) fn used(&mut self) -> Vec<(u32, u32)> {
        let index: u16 = self.memory().read_obj(GuestAddress(USED + 2)).unwrap();
        let mut entries = Vec::new();
        while self.seen != index {
            let entry = USED + 4 + 8 * u64::from(self.seen % self.size);
            let head = self.memory().read_obj(GuestAddress(entry)).unwrap();
            let written = self.memory().read_obj(GuestAddress(entry + 4)).unwrap();
            entries.push((head, written));
            self.seen = self.seen.wrapping_add(1);
        }
        entries
    }

    pub(super) fn write(&self, address: u64, bytes: &[u8]) {
        self.memory().write_slice(bytes, GuestAddress(address)).unwrap();
    }

    pub(super) fn read(&self, address: u64, len: usize) -> Vec<u8> {
        let mut bytes = vec![0; len];
        self.memory().read_slice(&mut bytes, GuestAddress(address)).unwrap();
        bytes
    }
}
