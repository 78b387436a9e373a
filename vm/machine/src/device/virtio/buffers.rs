//! Memory of a descriptor chain in one direction.
//!
//! A list of volatile slices of guest RAM, validated when built. Devices split it into
//! header, data and status independently of descriptor boundaries ("Message Framing",
//! section 2.7.4).

use riscope_core::mem::{GuestMemory, PageTracker};
use vm_memory::bitmap::{ArcSlice, WithBitmapSlice};
use vm_memory::{GuestAddress, GuestMemoryBackend, VolatileSlice};

/// Slice of guest RAM with volatile access that reports writes to the page tracker.
pub type GuestSlice<'m> = VolatileSlice<'m, <ArcSlice<PageTracker> as WithBitmapSlice<'m>>::S>;

/// Bytes of a message, scattered over guest RAM.
#[derive(Debug, Default)]
pub struct Buffers<'m> {
    slices: Vec<GuestSlice<'m>>,
    len: usize,
}

impl<'m> Buffers<'m> {
    /// Appends `[address, address + len)`; `None` unless it is all RAM.
    pub(super) fn push(&mut self, memory: &'m GuestMemory, address: GuestAddress, len: usize) -> Option<()> {
        if len > 0 {
            let slice = memory.get_slice(address, len).ok()?;
            self.len = self.len.checked_add(len)?;
            self.slices.push(slice);
        }
        Some(())
    }

    /// Length in bytes.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether the length is 0.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Slices in order; none is empty.
    pub fn slices(&self) -> &[GuestSlice<'m>] {
        &self.slices
    }

    /// Splits off the first `count` bytes and keeps the rest. `None`, without a change, if
    /// there are fewer.
    pub fn split_front(&mut self, count: usize) -> Option<Self> {
        if count > self.len {
            return None;
        }
        // Slices that move to the front whole, and their length.
        let mut whole = 0;
        let mut len = 0;
        while let Some(slice) = self.slices.get(whole).filter(|slice| slice.len() <= count - len) {
            len += slice.len();
            whole += 1;
        }
        let cut = if len < count { Some(self.slices.get(whole)?.split_at(count - len).ok()?) } else { None };
        // Moved at once: a chain may have many slices.
        let mut front = Self { slices: self.slices.drain(..whole).collect(), len: count };
        if let (Some((head, rest)), Some(first)) = (cut, self.slices.first_mut()) {
            front.slices.push(head);
            *first = rest;
        }
        self.len -= count;
        Some(front)
    }

    /// Splits off the last `count` bytes and keeps the rest. `None`, without a change, if
    /// there are fewer.
    pub fn split_back(&mut self, count: usize) -> Option<Self> {
        let kept = self.len.checked_sub(count)?;
        let front = self.split_front(kept)?;
        Some(std::mem::replace(self, front))
    }

    /// Copies from the buffers to `out`, up to the shorter length. Returns the number of
    /// bytes.
    pub fn copy_to(&self, out: &mut [u8]) -> usize {
        let mut done = 0;
        for slice in &self.slices {
            done += slice.copy_to(&mut out[done..]);
        }
        done
    }

    /// Copies `bytes` to the buffers, up to the shorter length. Returns the number of
    /// bytes.
    pub fn copy_from(&self, bytes: &[u8]) -> usize {
        let mut done = 0;
        for slice in &self.slices {
            let count = slice.len().min(bytes.len() - done);
            slice.copy_from(&bytes[done..done + count]);
            done += count;
        }
        done
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use riscope_core::addr::GuestPhys;
    use riscope_core::mem::GuestRam;
    use vm_memory::Bytes;

    use super::*;

    const BASE: u64 = 0x8000_0000;

    /// Buffers of these sizes, 0x100 apart, filled with 0, 1, 2, …
    fn buffers<'m>(memory: &'m GuestMemory, sizes: &[usize]) -> Buffers<'m> {
        let mut buffers = Buffers::default();
        let mut value = 0u8;
        for (address, &size) in (BASE..).step_by(0x100).zip(sizes) {
            for offset in 0..size {
                memory.write_obj(value, GuestAddress(address + offset as u64)).unwrap();
                value = value.wrapping_add(1);
            }
            buffers.push(memory, GuestAddress(address), size).unwrap();
        }
        buffers
    }

    fn bytes(buffers: &Buffers<'_>) -> Vec<u8> {
        let mut out = vec![0xee; buffers.len()];
        assert_eq!(buffers.copy_to(&mut out), buffers.len());
        out
    }

    #[test]
    fn memory_outside_ram_is_refused() {
        let ram = GuestRam::new(GuestPhys(BASE), 0x1000).unwrap();
        let mut buffers = Buffers::default();
        for (address, len) in [(BASE - 1, 2), (BASE + 0xfff, 2), (u64::MAX, 1), (BASE, usize::MAX), (0, 1)] {
            assert!(buffers.push(ram.memory(), GuestAddress(address), len).is_none(), "{address:#x}+{len:#x}");
        }
        assert!(buffers.push(ram.memory(), GuestAddress(0), 0).is_some(), "nothing is everywhere");
        assert!(buffers.is_empty());
    }

    #[test]
    fn copies_stop_at_the_shorter_side() {
        let ram = GuestRam::new(GuestPhys(BASE), 0x1000).unwrap();
        let buffers = buffers(ram.memory(), &[2, 3]);
        let mut short = [0xee; 4];
        assert_eq!(buffers.copy_to(&mut short), 4);
        assert_eq!(short, [0, 1, 2, 3]);
        assert_eq!(buffers.copy_from(&[9; 3]), 3);
        assert_eq!(buffers.copy_from(&[]), 0);
        assert_eq!(bytes(&buffers), [9, 9, 9, 3, 4]);
        assert_eq!(buffers.copy_from(&[7; 8]), 5);
        assert_eq!(bytes(&buffers), [7; 5]);
    }

    proptest! {
        #[test]
        fn cutting_keeps_every_byte_in_order(sizes in prop::collection::vec(0usize..20, 0..6), cut in 0usize..120) {
            let ram = GuestRam::new(GuestPhys(BASE), 0x1000).unwrap();
            let total: usize = sizes.iter().sum();
            let all = bytes(&buffers(ram.memory(), &sizes));

            let mut rest = buffers(ram.memory(), &sizes);
            let front = rest.split_front(cut);
            prop_assert_eq!(front.is_some(), cut <= total);
            let joined = [front.map_or(Vec::new(), |front| bytes(&front)), bytes(&rest)].concat();
            prop_assert_eq!(&joined, &all);

            let mut rest = buffers(ram.memory(), &sizes);
            let back = rest.split_back(cut);
            prop_assert_eq!(back.as_ref().map(Buffers::len), (cut <= total).then_some(cut));
            let joined = [bytes(&rest), back.map_or(Vec::new(), |back| bytes(&back))].concat();
            prop_assert_eq!(&joined, &all);
        }
    }
}
