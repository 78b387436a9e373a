//! Words of one to eight bytes at any address, for lengths below every vector.
//!
//! Like a vector access, each access is one instruction that the compiler neither repeats
//! nor omits. On targets without such instructions here, it is a volatile access, for which
//! LLVM makes the result of a race target-dependent instead of undefined.

/// An unsigned integer in memory, the first byte its lowest.
pub(crate) trait Word: Copy {
    /// Bytes in it.
    const BYTES: usize;

    /// The word at `at`, which need not be aligned, zero-extended.
    ///
    /// # Safety
    /// Its bytes must be valid for reading.
    unsafe fn load(at: *const u8) -> u64;

    /// Stores the low bytes of `word` at `at`, which need not be aligned.
    ///
    /// # Safety
    /// Its bytes must be valid for writing.
    unsafe fn store(word: u64, at: *mut u8);

    /// [`load`](Self::load) from `behind` bytes behind `at`, where the instruction can add.
    ///
    /// # Safety
    /// The same.
    #[inline(always)]
    unsafe fn load_behind(at: *const u8, behind: usize) -> u64 {
        // SAFETY: by the caller's contract.
        unsafe { Self::load(at.wrapping_add(behind)) }
    }

    /// [`store`](Self::store) to `behind` bytes behind `at`, where the instruction can add.
    ///
    /// # Safety
    /// The same.
    #[inline(always)]
    unsafe fn store_behind(word: u64, at: *mut u8, behind: usize) {
        // SAFETY: by the caller's contract.
        unsafe { Self::store(word, at.wrapping_add(behind)) }
    }
}

/// Implements [`Word`] by one instruction for each access, written in front of and behind
/// the address. The architecture says in `at!` and `behind!` how it writes addresses.
#[allow(unused_macros, reason = "targets without assembly have none")]
macro_rules! word {
    ($word:ty, $register:ty, $load:literal, ($store:literal, $stored:literal)) => {
        impl Word for $word {
            const BYTES: usize = size_of::<Self>();

            #[inline(always)]
            unsafe fn load(at: *const u8) -> u64 {
                let word: $register;
                // SAFETY: one load of readable bytes, by the caller's contract.
                unsafe {
                    core::arch::asm!(concat!($load, at!()), word = lateout(reg) word, at = in(reg) at,
                        options(nostack, preserves_flags, readonly));
                }
                u64::from(word)
            }

            #[inline(always)]
            unsafe fn load_behind(at: *const u8, behind: usize) -> u64 {
                let word: $register;
                // SAFETY: as above.
                unsafe {
                    core::arch::asm!(concat!($load, behind!()), word = lateout(reg) word, at = in(reg) at,
                        behind = in(reg) behind, options(nostack, preserves_flags, readonly));
                }
                u64::from(word)
            }

            #[inline(always)]
            #[allow(clippy::cast_possible_truncation, reason = "the low bytes are asked for")]
            unsafe fn store(word: u64, at: *mut u8) {
                // SAFETY: one store to writable bytes, by the caller's contract.
                unsafe {
                    core::arch::asm!(concat!($store, at!(), $stored), word = in(reg) word as $register,
                        at = in(reg) at, options(nostack, preserves_flags));
                }
            }

            #[inline(always)]
            #[allow(clippy::cast_possible_truncation, reason = "the low bytes are asked for")]
            unsafe fn store_behind(word: u64, at: *mut u8, behind: usize) {
                // SAFETY: as above.
                unsafe {
                    core::arch::asm!(concat!($store, behind!(), $stored), word = in(reg) word as $register,
                        at = in(reg) at, behind = in(reg) behind, options(nostack, preserves_flags));
                }
            }
        }
    };
}

#[cfg(target_arch = "x86_64")]
mod host {
    //! x86-64: a plain `mov`, zero-extending where it would keep old bytes.

    use super::Word;

    macro_rules! at {
        () => {
            "[{at}]"
        };
    }

    macro_rules! behind {
        () => {
            "[{at} + {behind}]"
        };
    }

    word!(u64, u64, "mov {word}, ", ("mov ", ", {word}"));
    word!(u32, u32, "mov {word:e}, ", ("mov ", ", {word:e}"));
    word!(u16, u32, "movzx {word:e}, word ptr ", ("mov ", ", {word:x}"));
    word!(u8, u32, "movzx {word:e}, byte ptr ", ("mov ", ", {word:l}"));
}

#[cfg(all(target_arch = "aarch64", target_endian = "little"))]
mod host {
    //! AArch64: `ldr` and `str` of each width; they zero-extend.

    use super::Word;

    macro_rules! at {
        () => {
            "[{at}]"
        };
    }

    macro_rules! behind {
        () => {
            "[{at}, {behind}]"
        };
    }

    word!(u64, u64, "ldr {word:x}, ", ("str {word:x}, ", ""));
    word!(u32, u32, "ldr {word:w}, ", ("str {word:w}, ", ""));
    word!(u16, u32, "ldrh {word:w}, ", ("strh {word:w}, ", ""));
    word!(u8, u32, "ldrb {word:w}, ", ("strb {word:w}, ", ""));
}

#[cfg(not(any(target_arch = "x86_64", all(target_arch = "aarch64", target_endian = "little"))))]
mod host {
    //! Other targets: volatile accesses of whatever width the target allows.

    use super::Word;

    /// A word without alignment.
    #[derive(Clone, Copy)]
    #[repr(C, packed)]
    struct Unaligned<W>(W);

    macro_rules! volatile {
        ($($word:ty)*) => { $(
            impl Word for $word {
                const BYTES: usize = size_of::<Self>();

                #[inline(always)]
                unsafe fn load(at: *const u8) -> u64 {
                    // SAFETY: readable by the caller's contract, and of alignment one.
                    u64::from(Self::from_le(unsafe { at.cast::<Unaligned<Self>>().read_volatile() }.0))
                }

                #[inline(always)]
                #[allow(clippy::cast_possible_truncation, reason = "the low bytes are asked for")]
                unsafe fn store(word: u64, at: *mut u8) {
                    // SAFETY: writable by the caller's contract, and of alignment one.
                    unsafe { at.cast::<Unaligned<Self>>().write_volatile(Unaligned((word as Self).to_le())) }
                }
            }
        )* };
    }

    volatile!(u64 u32 u16 u8);
}

/// A byte repeated in all bytes of a word.
#[inline(always)]
pub(crate) fn repeat(byte: u8) -> u64 {
    u64::from(byte) * 0x0101_0101_0101_0101
}

/// The `len` bytes at `at` as the low bytes of a word, the others zero.
///
/// # Safety
/// `len` must be less than eight, and the bytes valid for reading.
#[inline(always)]
pub(crate) unsafe fn load_partial(at: *const u8, len: usize) -> u64 {
    // Words from both ends: they agree about the bytes in which they overlap, unless
    // somebody else is writing them; then the result holds bits of both versions.
    if len >= u32::BYTES {
        let behind = len - u32::BYTES;
        // SAFETY: both words lie within the bytes.
        unsafe { u32::load(at) | u32::load_behind(at, behind) << (8 * behind) }
    } else if len >= u16::BYTES {
        let behind = len - u16::BYTES;
        // SAFETY: both words lie within the bytes.
        unsafe { u16::load(at) | u16::load_behind(at, behind) << (8 * behind) }
    } else if len == 1 {
        // SAFETY: one byte is there.
        unsafe { u8::load(at) }
    } else {
        0
    }
}

/// Copies up to 16 bytes, which may overlap.
///
/// # Safety
/// `len` must be at most 16, the bytes valid for reading at `src` and for writing at `dst`.
#[inline(always)]
pub(crate) unsafe fn copy(src: *const u8, dst: *mut u8, len: usize) {
    // SAFETY: each call is for no more bytes than there are.
    unsafe {
        if len >= u64::BYTES {
            copy_ends::<u64>(src, dst, len);
        } else if len >= u32::BYTES {
            copy_ends::<u32>(src, dst, len);
        } else if len >= u16::BYTES {
            copy_ends::<u16>(src, dst, len);
        } else if len == 1 {
            u8::store(u8::load(src), dst);
        }
    }
}

/// # Safety
/// As for [`copy`], and `len` one or two words.
#[inline(always)]
unsafe fn copy_ends<W: Word>(src: *const u8, dst: *mut u8, len: usize) {
    let behind = len - W::BYTES;
    // SAFETY: the first and the last word lie within the bytes.
    unsafe {
        let (first, last) = (W::load(src), W::load_behind(src, behind));
        W::store(first, dst);
        W::store_behind(last, dst, behind);
    }
}

/// Fills up to 16 bytes.
///
/// # Safety
/// `len` must be at most 16, the bytes valid for writing at `dst`.
#[inline(always)]
pub(crate) unsafe fn fill(dst: *mut u8, byte: u8, len: usize) {
    // SAFETY: each call is for no more bytes than there are.
    unsafe {
        if len >= u64::BYTES {
            fill_ends::<u64>(dst, byte, len);
        } else if len >= u32::BYTES {
            fill_ends::<u32>(dst, byte, len);
        } else if len >= u16::BYTES {
            fill_ends::<u16>(dst, byte, len);
        } else if len == 1 {
            u8::store(u64::from(byte), dst);
        }
    }
}

/// # Safety
/// As for [`fill`], and `len` one or two words.
#[inline(always)]
unsafe fn fill_ends<W: Word>(dst: *mut u8, byte: u8, len: usize) {
    // SAFETY: the first and the last word lie within the bytes.
    unsafe {
        W::store(repeat(byte), dst);
        W::store_behind(repeat(byte), dst, len - W::BYTES);
    }
}
