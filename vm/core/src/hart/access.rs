//! Data accesses of instructions: inlined TLB hit and slow path.

use super::Hart;
use crate::addr::{GuestAddr, GuestPhys, PAGE_MASK, PAGE_SIZE, to_usize};
use crate::arch::{Access, Exception, ExceptionCause};
use crate::counters::HartActivity;
use crate::mem::access::{
    load_bytes, load_u8, load_u16, load_u32, load_u64, store_bytes, store_u8, store_u16, store_u32, store_u64,
};
use crate::mmio::Width;
use crate::mmu::{Answer, slot};

macro_rules! data_access {
    ($load:ident, $store:ident, $raw_load:ident, $raw_store:ident, $width:expr, $len:literal) => {
        #[doc = concat!("Loads ", stringify!($len), " bytes at virtual `va`, zero-extended.")]
        #[inline(always)]
        pub(crate) fn $load(&mut self, va: u64) -> Result<u64, Exception> {
            // SAFETY: `state.tlb` always points to a bank of this hart's MMU.
            let entry = unsafe { &(&(*self.state.tlb).slots)[slot(va)].read };
            match entry.lookup(va, $len) {
                // SAFETY: a TLB entry translates to guest RAM.
                Some(host) => Ok(unsafe { $raw_load(host) }),
                None => self.load_slow(va, $width),
            }
        }

        #[doc = concat!("Stores the low ", stringify!($len), " bytes of `value` at virtual `va`.")]
        #[inline(always)]
        pub(crate) fn $store(&mut self, va: u64, value: u64) -> Result<(), Exception> {
            // SAFETY: `state.tlb` always points to a bank of this hart's MMU.
            let entry = unsafe { &(&(*self.state.tlb).slots)[slot(va)].write };
            match entry.lookup(va, $len) {
                Some(host) => {
                    // SAFETY: a TLB entry translates to guest RAM.
                    unsafe { $raw_store(host, value) };
                    Ok(())
                }
                None => self.store_slow(va, $width, value),
            }
        }
    };
}

impl Hart {
    data_access!(load8, store8, load_u8, store_u8, Width::Byte, 1);
    data_access!(load16, store16, load_u16, store_u16, Width::Half, 2);
    data_access!(load32, store32, load_u32, store_u32, Width::Word, 4);
    data_access!(load64, store64, load_u64, store_u64, Width::Double, 8);

    /// Loads 8 bytes at virtual address `va` like an instruction in the hart's mode, for
    /// firmware calls that pass pointers.
    ///
    /// # Errors
    /// Returns the exception that the load would raise.
    pub fn read_u64(&mut self, va: GuestAddr) -> Result<u64, Exception> {
        self.load64(va.0)
    }

    /// Translates a data access of `len` bytes, 1 to 8, at `va` that missed the TLB, for an
    /// engine that completes it itself if it hits RAM and otherwise has the interpreter
    /// execute the instruction. The interpreter's access receives the same answer without
    /// another walk, unless [`Hart::forget_answer`] or any other use of the MMU intervenes.
    pub fn ask(&mut self, va: u64, len: u64, access: Access) -> Answer {
        let regime = self.data_regime();
        self.mmu.ask(&regime, va, len, access)
    }

    /// Discards the answer of [`Hart::ask`], after its instruction was executed.
    pub fn forget_answer(&mut self) {
        self.mmu.forget_answer();
    }

    /// Whether the TLB has all of `len` bytes at `va` for stores.
    pub fn may_store(&self, va: u64, len: u64) -> bool {
        // SAFETY: `state.tlb` always points to a bank of this hart's MMU.
        let bank = unsafe { &*self.state.tlb };
        bank.slots[slot(va)].write.lookup(va, len).is_some()
    }

    fn locate(&mut self, va: u64, len: u64, access: Access) -> Answer {
        let regime = self.data_regime();
        self.mmu.data(&regime, va, len, access)
    }

    /// Host address of `len` bytes of RAM at `va` within one page.
    fn locate_ram(&mut self, va: u64, len: u64, access: Access) -> Result<*mut u8, Exception> {
        // SAFETY: `state.tlb` always points to a bank of this hart's MMU.
        let bank = unsafe { &*self.state.tlb };
        let slot = &bank.slots[slot(va)];
        let entry = if access == Access::Store { &slot.write } else { &slot.read };
        if let Some(host) = entry.lookup(va, len) {
            return Ok(host);
        }
        match self.locate(va, len, access) {
            Answer::Ram(host) => Ok(host),
            Answer::Device(_) | Answer::Crosses => Err(Exception::new(access.access_fault(), va)),
            Answer::Fault(exception) => Err(exception),
        }
    }

    /// Host pointer to naturally aligned RAM for an atomic operation of `len` bytes. Only
    /// RAM supports atomics (PMA: AMONone elsewhere).
    pub(crate) fn atomic_pointer(&mut self, va: u64, len: u64, access: Access) -> Result<*mut u8, Exception> {
        if !va.is_multiple_of(len) {
            let cause = match access {
                Access::Store => ExceptionCause::StoreMisaligned,
                Access::Load | Access::Fetch => ExceptionCause::LoadMisaligned,
            };
            return Err(Exception::new(cause, va));
        }
        self.locate_ram(va, len, access)
    }

    /// Reads the word or double word at `va` for an observer, after an atomic operation of
    /// this width there.
    pub(crate) fn peek_atomic(&mut self, va: u64, width: Width) -> Option<u64> {
        let host = self.atomic_pointer(va, width.bytes(), Access::Store).ok()?;
        // SAFETY: `atomic_pointer` gives as many bytes of guest RAM.
        Some(unsafe { load_sized(host, width) })
    }

    #[cold]
    #[inline(never)]
    fn load_slow(&mut self, va: u64, width: Width) -> Result<u64, Exception> {
        match self.locate(va, width.bytes(), Access::Load) {
            // SAFETY: the answer points to that many bytes of guest RAM.
            Answer::Ram(host) => Ok(unsafe { load_sized(host, width) }),
            Answer::Device(phys) => self.load_from_device(va, phys, width),
            Answer::Crosses => self.load_across_pages(va, width),
            Answer::Fault(exception) => Err(exception),
        }
    }

    #[cold]
    #[inline(never)]
    fn store_slow(&mut self, va: u64, width: Width, value: u64) -> Result<(), Exception> {
        match self.locate(va, width.bytes(), Access::Store) {
            Answer::Ram(host) => {
                // SAFETY: the answer points to that many bytes of guest RAM.
                unsafe { store_sized(host, width, value) };
                Ok(())
            }
            Answer::Device(phys) => self.store_to_device(va, phys, width, value),
            Answer::Crosses => self.store_across_pages(va, width, value),
            Answer::Fault(exception) => Err(exception),
        }
    }

    /// Loads from a device, which supports naturally aligned accesses only.
    fn load_from_device(&mut self, va: u64, phys: GuestPhys, width: Width) -> Result<u64, Exception> {
        let (control, aligned) = (&self.config.control, va.is_multiple_of(width.bytes()));
        let read = if aligned {
            control.within(HartActivity::Device, || self.config.mmio.read(phys, width).ok())
        } else {
            None
        };
        let value = read.ok_or_else(|| Exception::new(ExceptionCause::LoadAccessFault, va))?;
        self.counters().count_device_access();
        self.poll_soon();
        Ok(value)
    }

    /// Stores to a device, which supports naturally aligned accesses only.
    fn store_to_device(&mut self, va: u64, phys: GuestPhys, width: Width, value: u64) -> Result<(), Exception> {
        let (control, aligned) = (&self.config.control, va.is_multiple_of(width.bytes()));
        let written = if aligned {
            control.within(HartActivity::Device, || self.config.mmio.write(phys, width, value).ok())
        } else {
            None
        };
        written.ok_or_else(|| Exception::new(ExceptionCause::StoreAccessFault, va))?;
        self.counters().count_device_access();
        self.poll_soon();
        Ok(())
    }

    /// Loads across a page boundary. Both pages must be RAM; a fault reports the first byte
    /// accessed on its page.
    fn load_across_pages(&mut self, va: u64, width: Width) -> Result<u64, Exception> {
        let [low, high] = self.locate_parts(va, width, Access::Load)?;
        // SAFETY: the parts are guest RAM.
        let (low_bytes, high_bytes) = unsafe { (load_bytes(low.host, low.len), load_bytes(high.host, high.len)) };
        Ok(low_bytes | high_bytes << (8 * low.len))
    }

    /// Stores across a page boundary. Stores nothing if either page faults.
    fn store_across_pages(&mut self, va: u64, width: Width, value: u64) -> Result<(), Exception> {
        let [low, high] = self.locate_parts(va, width, Access::Store)?;
        // SAFETY: the parts are guest RAM.
        unsafe {
            store_bytes(low.host, low.len, value);
            store_bytes(high.host, high.len, value >> (8 * low.len));
        }
        Ok(())
    }

    /// Splits an access at the page boundary that it crosses.
    fn locate_parts(&mut self, va: u64, width: Width, access: Access) -> Result<[Part; 2], Exception> {
        let first = PAGE_SIZE - (va & PAGE_MASK);
        let mut part = |va, len| Ok(Part { host: self.locate_ram(va, len, access)?, len: to_usize(len) });
        Ok([part(va, first)?, part(va.wrapping_add(first), width.bytes() - first)?])
    }
}

/// Contiguous bytes of guest RAM, 1 to 7.
struct Part {
    host: *mut u8,
    len: usize,
}

/// # Safety
/// `host` must be valid for that many bytes of guest RAM.
unsafe fn load_sized(host: *mut u8, width: Width) -> u64 {
    // SAFETY: the caller guarantees it.
    unsafe {
        match width {
            Width::Byte => load_u8(host),
            Width::Half => load_u16(host),
            Width::Word => load_u32(host),
            Width::Double => load_u64(host),
        }
    }
}

/// # Safety
/// `host` must be valid for that many bytes of guest RAM.
unsafe fn store_sized(host: *mut u8, width: Width, value: u64) {
    // SAFETY: the caller guarantees it.
    unsafe {
        match width {
            Width::Byte => store_u8(host, value),
            Width::Half => store_u16(host, value),
            Width::Word => store_u32(host, value),
            Width::Double => store_u64(host, value),
        }
    }
}
