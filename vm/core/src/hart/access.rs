//! Data accesses of instructions: the inlined TLB hit and what happens otherwise.

use super::Hart;
use crate::addr::{GuestAddr, GuestPhys, PAGE_MASK, PAGE_SIZE, to_usize};
use crate::arch::{Access, Exception, ExceptionCause};
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
            let entry = unsafe { &(&(*self.state.tlb).read)[slot(va)] };
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
            let entry = unsafe { &(&(*self.state.tlb).write)[slot(va)] };
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

    /// Loads 8 bytes at virtual `va` as an instruction in the hart's mode would: for
    /// firmware that is handed a pointer.
    ///
    /// # Errors
    /// The exception that such a load would raise.
    pub fn read_u64(&mut self, va: GuestAddr) -> Result<u64, Exception> {
        self.load64(va.0)
    }

    /// What a data access of `len` bytes, 1 to 8, at `va` meets that missed the TLB: for an
    /// engine that goes on itself if that is RAM, and else lets the interpreter execute the
    /// instruction. The interpreter's access gets the same answer and asks for no other,
    /// unless [`Hart::forget_answer`] or anything else came between.
    pub fn ask(&mut self, va: u64, len: u64, access: Access) -> Answer {
        let regime = self.data_regime();
        self.mmu.ask(&regime, va, len, access)
    }

    /// The instruction that [`Hart::ask`] was called for has been executed.
    pub fn forget_answer(&mut self) {
        self.mmu.forget_answer();
    }

    fn locate(&mut self, va: u64, len: u64, access: Access) -> Answer {
        let regime = self.data_regime();
        self.mmu.data(&regime, va, len, access)
    }

    /// Host address of `len` bytes at `va` that have to be RAM, and do not leave their page.
    fn locate_ram(&mut self, va: u64, len: u64, access: Access) -> Result<*mut u8, Exception> {
        // SAFETY: `state.tlb` always points to a bank of this hart's MMU.
        let bank = unsafe { &*self.state.tlb };
        let half = if access == Access::Store { &bank.write } else { &bank.read };
        if let Some(host) = half[slot(va)].lookup(va, len) {
            return Ok(host);
        }
        match self.locate(va, len, access) {
            Answer::Ram(host) => Ok(host),
            Answer::Device(_) | Answer::Crosses => Err(Exception::new(access.access_fault(), va)),
            Answer::Fault(exception) => Err(exception),
        }
    }

    /// Host pointer to naturally aligned RAM for an atomic operation of `len`
    /// bytes. Atomics are supported in RAM only (PMA: no atomicity elsewhere).
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

    #[cold]
    #[inline(never)]
    fn load_slow(&mut self, va: u64, width: Width) -> Result<u64, Exception> {
        match self.locate(va, width.bytes(), Access::Load) {
            // SAFETY: the answer is a pointer to as many bytes of guest RAM.
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
                // SAFETY: the answer is a pointer to as many bytes of guest RAM.
                unsafe { store_sized(host, width, value) };
                Ok(())
            }
            Answer::Device(phys) => self.store_to_device(va, phys, width, value),
            Answer::Crosses => self.store_across_pages(va, width, value),
            Answer::Fault(exception) => Err(exception),
        }
    }

    /// Devices take naturally aligned accesses only.
    fn load_from_device(&mut self, va: u64, phys: GuestPhys, width: Width) -> Result<u64, Exception> {
        let aligned = va.is_multiple_of(width.bytes());
        let read = if aligned { self.config.mmio.read(phys, width).ok() } else { None };
        let value = read.ok_or_else(|| Exception::new(ExceptionCause::LoadAccessFault, va))?;
        self.poll_soon();
        Ok(value)
    }

    /// As [`Hart::load_from_device`].
    fn store_to_device(&mut self, va: u64, phys: GuestPhys, width: Width, value: u64) -> Result<(), Exception> {
        let aligned = va.is_multiple_of(width.bytes());
        let written = if aligned { self.config.mmio.write(phys, width, value).ok() } else { None };
        written.ok_or_else(|| Exception::new(ExceptionCause::StoreAccessFault, va))?;
        self.poll_soon();
        Ok(())
    }

    /// A misaligned load over a page boundary. Both pages have to be RAM; a fault names the
    /// first byte of its page.
    fn load_across_pages(&mut self, va: u64, width: Width) -> Result<u64, Exception> {
        let [low, high] = self.locate_parts(va, width, Access::Load)?;
        // SAFETY: the parts are guest RAM.
        let (low_bytes, high_bytes) = unsafe { (load_bytes(low.host, low.len), load_bytes(high.host, high.len)) };
        Ok(low_bytes | high_bytes << (8 * low.len))
    }

    /// A misaligned store over a page boundary. Nothing is stored when either
    /// page faults.
    fn store_across_pages(&mut self, va: u64, width: Width, value: u64) -> Result<(), Exception> {
        let [low, high] = self.locate_parts(va, width, Access::Store)?;
        // SAFETY: the parts are guest RAM.
        unsafe {
            store_bytes(low.host, low.len, value);
            store_bytes(high.host, high.len, value >> (8 * low.len));
        }
        Ok(())
    }

    /// The bytes of an access on either side of the page boundary that it crosses.
    fn locate_parts(&mut self, va: u64, width: Width, access: Access) -> Result<[Part; 2], Exception> {
        let first = PAGE_SIZE - (va & PAGE_MASK);
        let mut part = |va, len| Ok(Part { host: self.locate_ram(va, len, access)?, len: to_usize(len) });
        Ok([part(va, first)?, part(va.wrapping_add(first), width.bytes() - first)?])
    }
}

/// Some bytes of guest RAM, 1 to 7.
struct Part {
    host: *mut u8,
    len: usize,
}

/// # Safety
/// `host` must be valid for as many bytes of guest RAM.
unsafe fn load_sized(host: *mut u8, width: Width) -> u64 {
    // SAFETY: by the caller's promise.
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
/// `host` must be valid for as many bytes of guest RAM.
unsafe fn store_sized(host: *mut u8, width: Width, value: u64) {
    // SAFETY: by the caller's promise.
    unsafe {
        match width {
            Width::Byte => store_u8(host, value),
            Width::Half => store_u16(host, value),
            Width::Word => store_u32(host, value),
            Width::Double => store_u64(host, value),
        }
    }
}
