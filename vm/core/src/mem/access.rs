//! Access to guest RAM by host pointer.
//!
//! Naturally aligned accesses are single relaxed atomics: single-copy atomic as RVWMO
//! requires, and races with other harts are no undefined behaviour. Misaligned accesses are
//! performed bytewise; RISC-V guarantees no atomicity for them. The guest is little-endian,
//! as both supported hosts are.

use std::sync::atomic::{AtomicU8, AtomicU16, AtomicU32, AtomicU64, Ordering};

macro_rules! accessors {
    ($load:ident, $store:ident, $int:ty, $atomic:ty, $bytes:literal) => {
        #[doc = concat!("Loads ", stringify!($bytes), " bytes, zero-extended.")]
        ///
        /// # Safety
        /// `host` must be valid for that many bytes of guest RAM.
        #[inline(always)]
        pub unsafe fn $load(host: *const u8) -> u64 {
            if host.addr() % $bytes == 0 {
                // SAFETY: valid by the caller's contract, aligned by the check.
                u64::from(unsafe { (*host.cast::<$atomic>()).load(Ordering::Relaxed) })
            } else {
                // SAFETY: valid by the caller's contract.
                unsafe { load_bytes(host, $bytes) }
            }
        }

        #[doc = concat!("Stores the low ", stringify!($bytes), " bytes of `value`.")]
        ///
        /// # Safety
        /// `host` must be valid for that many bytes of guest RAM.
        #[inline(always)]
        #[allow(clippy::cast_possible_truncation, reason = "a store keeps the low bytes; eight are all of them")]
        pub unsafe fn $store(host: *mut u8, value: u64) {
            if host.addr() % $bytes == 0 {
                // SAFETY: valid by the caller's contract, aligned by the check.
                unsafe {
                    (*host.cast::<$atomic>()).store(value as $int, Ordering::Relaxed);
                }
            } else {
                // SAFETY: valid by the caller's contract.
                unsafe { store_bytes(host, $bytes, value) }
            }
        }
    };
}

accessors!(load_u16, store_u16, u16, AtomicU16, 2);
accessors!(load_u32, store_u32, u32, AtomicU32, 4);
accessors!(load_u64, store_u64, u64, AtomicU64, 8);

/// Loads one byte, zero-extended.
///
/// # Safety
/// `host` must be inside guest RAM.
#[inline(always)]
pub unsafe fn load_u8(host: *const u8) -> u64 {
    // SAFETY: valid by the caller's contract; a byte is always aligned.
    u64::from(unsafe { (*host.cast::<AtomicU8>()).load(Ordering::Relaxed) })
}

/// Stores the low byte of `value`.
///
/// # Safety
/// `host` must be inside guest RAM.
#[inline(always)]
pub unsafe fn store_u8(host: *mut u8, value: u64) {
    // SAFETY: valid by the caller's contract; a byte is always aligned.
    unsafe { (*host.cast::<AtomicU8>()).store(value.to_le_bytes()[0], Ordering::Relaxed) }
}

/// Atomically replaces the 8 bytes at `host` by `new` if they equal `old`; returns the
/// previous value.
///
/// # Errors
/// Returns the present value if it differs from `old`.
///
/// # Safety
/// `host` must be 8-byte aligned and inside guest RAM.
pub unsafe fn compare_exchange_u64(host: *mut u8, old: u64, new: u64) -> Result<u64, u64> {
    // SAFETY: valid and aligned by the caller's contract.
    unsafe { (*host.cast::<AtomicU64>()).compare_exchange(old, new, Ordering::SeqCst, Ordering::SeqCst) }
}

/// Copies bytes of a page, eight at a time, so that an instruction which another hart
/// replaces with one store is copied either old or new. Vector loads guarantee that for
/// single bytes only.
///
/// # Safety
/// `host` must be valid for `out.len()` bytes of guest RAM, and 8-byte aligned if these are
/// eight or more.
pub unsafe fn copy_out(host: *const u8, out: &mut [u8]) {
    let (chunks, tail) = out.as_chunks_mut::<8>();
    for (i, chunk) in chunks.iter_mut().enumerate() {
        // SAFETY: within the range of the caller's contract.
        *chunk = unsafe { load_u64(host.wrapping_add(i * 8)) }.to_le_bytes();
    }
    let done = chunks.len() * 8;
    for (i, byte) in tail.iter_mut().enumerate() {
        // SAFETY: within the range of the caller's contract.
        *byte = unsafe { load_u8(host.wrapping_add(done + i)) }.to_le_bytes()[0];
    }
}

/// Whether RAM equals `bytes`, each byte read once at some time during the call.
///
/// # Safety
/// `host` must be valid for `bytes.len()` bytes of guest RAM.
pub unsafe fn holds(host: *const u8, bytes: &[u8]) -> bool {
    // SAFETY: valid by the caller's contract; other harts may write RAM meanwhile.
    unsafe { simd_mem::raw::equal(host, bytes.as_ptr(), bytes.len()) }
}

/// Loads `len` bytes one by one, zero-extended.
///
/// # Safety
/// `host` must be valid for `len` bytes of guest RAM, `len` at most 8.
#[cold]
pub unsafe fn load_bytes(host: *const u8, len: usize) -> u64 {
    // SAFETY: within the range of the caller's contract.
    (0..len).rev().fold(0, |value, i| value << 8 | unsafe { load_u8(host.wrapping_add(i)) })
}

/// Stores the low `len` bytes of `value` one by one.
///
/// # Safety
/// `host` must be valid for `len` bytes of guest RAM, `len` at most 8.
#[cold]
pub unsafe fn store_bytes(host: *mut u8, len: usize, value: u64) {
    for i in 0..len {
        // SAFETY: within the range of the caller's contract.
        unsafe { store_u8(host.wrapping_add(i), value >> (8 * i)) }
    }
}
