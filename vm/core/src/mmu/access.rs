//! Data accesses of instructions: the inlined TLB hit and what happens otherwise.

use super::tlb::slot;
use super::{Access, Hart};
use crate::addr::{GuestAddr, PAGE_MASK, PAGE_SIZE};
use crate::hart::{Exception, ExceptionCause};
use crate::mem::access::{load_u8, load_u16, load_u32, load_u64, store_u8, store_u16, store_u32, store_u64};
use crate::mmio::Width;

macro_rules! data_access {
    ($load:ident, $store:ident, $raw_load:ident, $raw_store:ident, $len:literal) => {
        #[doc = concat!("Loads ", stringify!($len), " bytes at virtual `va`, zero-extended.")]
        #[inline(always)]
        pub(crate) fn $load(&mut self, va: u64) -> Result<u64, Exception> {
            // SAFETY: `state.tlb` always points to a bank of this hart's MMU.
            let entry = unsafe { &(&(*self.state.tlb).read)[slot(va)] };
            match entry.lookup(va, $len) {
                // SAFETY: a TLB entry translates to guest RAM.
                Some(host) => Ok(unsafe { $raw_load(host) }),
                None => self.load_slow(va, $len),
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
                None => self.store_slow(va, $len, value),
            }
        }
    };
}

impl Hart {
    data_access!(load8, store8, load_u8, store_u8, 1);
    data_access!(load16, store16, load_u16, store_u16, 2);
    data_access!(load32, store32, load_u32, store_u32, 4);
    data_access!(load64, store64, load_u64, store_u64, 8);

    /// Loads 8 bytes at virtual `va` as an instruction in the hart's mode would: for
    /// firmware that is handed a pointer.
    ///
    /// # Errors
    /// The exception that such a load would raise.
    pub fn read_u64(&mut self, va: GuestAddr) -> Result<u64, Exception> {
        self.load64(va.0)
    }

    /// Host pointer to naturally aligned RAM for an atomic operation of `len`
    /// bytes. Atomics are supported in RAM only (PMA: no atomicity elsewhere).
    pub(crate) fn atomic_pointer(&mut self, va: u64, len: u64, access: Access) -> Result<*mut u8, Exception> {
        if !va.is_multiple_of(len) {
            let cause = match access {
                Access::Store => ExceptionCause::StoreMisaligned,
                _ => ExceptionCause::LoadMisaligned,
            };
            return Err(Exception::new(cause, va));
        }
        // SAFETY: `state.tlb` always points to a bank of this hart's MMU.
        let bank = unsafe { &*self.state.tlb };
        let half = if access == Access::Store { &bank.write } else { &bank.read };
        if let Some(host) = half[slot(va)].lookup(va, len) {
            return Ok(host);
        }
        self.refill(va, len, access)?.ok_or_else(|| Exception::new(access.access_fault(), va))
    }

    #[cold]
    #[inline(never)]
    fn load_slow(&mut self, va: u64, len: u64) -> Result<u64, Exception> {
        if va & PAGE_MASK > PAGE_SIZE - len {
            return self.load_across_pages(va, len);
        }
        if let Some(host) = self.refill(va, len, Access::Load)? {
            // SAFETY: `refill` gives a pointer to `len` bytes of guest RAM.
            return Ok(unsafe { load_sized(host, len) });
        }
        let phys = self.translate(va, len, Access::Load, self.data_mode())?.phys;
        let fault = || Exception::new(ExceptionCause::LoadAccessFault, va);
        let width = device_width(va, len).ok_or_else(fault)?;
        let value = self.config.mmio.read(phys, width).map_err(|_| fault())?;
        self.poll_soon();
        Ok(value)
    }

    #[cold]
    #[inline(never)]
    fn store_slow(&mut self, va: u64, len: u64, value: u64) -> Result<(), Exception> {
        if va & PAGE_MASK > PAGE_SIZE - len {
            return self.store_across_pages(va, len, value);
        }
        if let Some(host) = self.refill(va, len, Access::Store)? {
            // SAFETY: `refill` gives a pointer to `len` bytes of guest RAM.
            unsafe { store_sized(host, len, value) };
            return Ok(());
        }
        let phys = self.translate(va, len, Access::Store, self.data_mode())?.phys;
        let fault = || Exception::new(ExceptionCause::StoreAccessFault, va);
        let width = device_width(va, len).ok_or_else(fault)?;
        self.config.mmio.write(phys, width, value).map_err(|_| fault())?;
        self.poll_soon();
        Ok(())
    }

    /// A misaligned load over a page boundary, byte by byte. Both pages have to be
    /// RAM; a fault names the first byte that has it.
    fn load_across_pages(&mut self, va: u64, len: u64) -> Result<u64, Exception> {
        let mut value = 0;
        for i in 0..len {
            let at = va.wrapping_add(i);
            let fault = || Exception::new(ExceptionCause::LoadAccessFault, at);
            let host = self.refill(at, 1, Access::Load)?.ok_or_else(fault)?;
            // SAFETY: `refill` gives a pointer to a byte of guest RAM.
            value |= unsafe { load_u8(host) } << (8 * i);
        }
        Ok(value)
    }

    /// A misaligned store over a page boundary. Nothing is stored when either
    /// page faults.
    fn store_across_pages(&mut self, va: u64, len: u64, value: u64) -> Result<(), Exception> {
        let mut hosts = [std::ptr::null_mut(); 8];
        for (i, slot) in (0..len).zip(&mut hosts) {
            let at = va.wrapping_add(i);
            let fault = || Exception::new(ExceptionCause::StoreAccessFault, at);
            *slot = self.refill(at, 1, Access::Store)?.ok_or_else(fault)?;
        }
        for (i, host) in (0..len).zip(hosts) {
            // SAFETY: `refill` gave pointers to bytes of guest RAM.
            unsafe { store_u8(host, value >> (8 * i)) };
        }
        Ok(())
    }
}

/// Devices take naturally aligned accesses only.
fn device_width(va: u64, len: u64) -> Option<Width> {
    let width = Width::from_bytes(usize::try_from(len).ok()?)?;
    va.is_multiple_of(len).then_some(width)
}

/// # Safety
/// `host` must be valid for `len` bytes of guest RAM.
unsafe fn load_sized(host: *mut u8, len: u64) -> u64 {
    // SAFETY: by the caller's promise.
    unsafe {
        match len {
            1 => load_u8(host),
            2 => load_u16(host),
            4 => load_u32(host),
            _ => load_u64(host),
        }
    }
}

/// # Safety
/// `host` must be valid for `len` bytes of guest RAM.
unsafe fn store_sized(host: *mut u8, len: u64, value: u64) {
    // SAFETY: by the caller's promise.
    unsafe {
        match len {
            1 => store_u8(host, value),
            2 => store_u16(host, value),
            4 => store_u32(host, value),
            _ => store_u64(host, value),
        }
    }
}
