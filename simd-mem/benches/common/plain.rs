//! Baselines of the measurements.

/// A word without alignment.
#[derive(Clone, Copy)]
#[repr(C, packed)]
struct Word(u64);

/// Copies bytewise; volatile, so that the compiler generates neither vectors nor a call.
///
/// # Safety
/// As for `ptr::copy_nonoverlapping`.
pub(crate) unsafe fn copy_bytes(src: *const u8, dst: *mut u8, len: usize) {
    for at in 0..len {
        // SAFETY: within the range promised by the caller.
        unsafe { dst.wrapping_add(at).write_volatile(src.wrapping_add(at).read_volatile()) }
    }
}

/// Copies by words of eight bytes, the rest bytewise.
///
/// # Safety
/// As for `ptr::copy_nonoverlapping`.
pub(crate) unsafe fn copy_words(src: *const u8, dst: *mut u8, len: usize) {
    let words = len / 8;
    for at in 0..words {
        let (src, dst) = (src.cast::<Word>().wrapping_add(at), dst.cast::<Word>().wrapping_add(at));
        // SAFETY: within the range promised by the caller.
        unsafe { dst.write_volatile(src.read_volatile()) }
    }
    // SAFETY: the rest of the range.
    unsafe { copy_bytes(src.wrapping_add(words * 8), dst.wrapping_add(words * 8), len % 8) }
}

/// Fills by words of eight bytes, the rest bytewise.
///
/// # Safety
/// As for `ptr::write_bytes`.
pub(crate) unsafe fn fill_words(dst: *mut u8, len: usize) {
    for at in 0..len / 8 {
        // SAFETY: within the range promised by the caller.
        unsafe { dst.cast::<Word>().wrapping_add(at).write_volatile(Word(0)) }
    }
    for at in len / 8 * 8..len {
        // SAFETY: within the range promised by the caller.
        unsafe { dst.wrapping_add(at).write_volatile(0) }
    }
}

/// Whether all bytes are zero, by words that the compiler must not combine.
///
/// # Safety
/// The bytes must be readable.
pub(crate) unsafe fn is_zero_words(at: *const u8, len: usize) -> bool {
    // SAFETY: within the range promised by the caller.
    let words = (0..len / 8).all(|index| unsafe { at.cast::<Word>().wrapping_add(index).read_volatile() }.0 == 0);
    // SAFETY: the same.
    words && (len / 8 * 8..len).all(|index| unsafe { at.wrapping_add(index).read_volatile() } == 0)
}

/// Whether two ranges are equal, by words that the compiler must not combine.
///
/// # Safety
/// The bytes must be readable.
pub(crate) unsafe fn equal_words(a: *const u8, b: *const u8, len: usize) -> bool {
    // SAFETY: within the range promised by the caller.
    let word = |side: *const u8, index| unsafe { side.cast::<Word>().wrapping_add(index).read_volatile() }.0;
    // SAFETY: the same.
    let byte = |side: *const u8, index| unsafe { side.wrapping_add(index).read_volatile() };
    (0..len / 8).all(|at| word(a, at) == word(b, at)) && (len / 8 * 8..len).all(|at| byte(a, at) == byte(b, at))
}

/// Reads all bytes without examining them, the lower bound of every scan: with the widest
/// vectors of the CPU on x86-64, otherwise by words.
///
/// # Safety
/// The bytes must be readable.
pub(crate) unsafe fn read(at: *const u8, len: usize) {
    #[cfg(target_arch = "x86_64")]
    if std::arch::is_x86_feature_detected!("avx") && len >= 256 {
        let steps = len / 256;
        // SAFETY: reads `steps` times 256 bytes, which the caller promises, with
        // registers that the CPU has.
        unsafe {
            std::arch::asm!(
                "2:",
                "vmovdqu ymm0, [{at}]",
                "vmovdqu ymm0, [{at} + 32]",
                "vmovdqu ymm0, [{at} + 64]",
                "vmovdqu ymm0, [{at} + 96]",
                "vmovdqu ymm0, [{at} + 128]",
                "vmovdqu ymm0, [{at} + 160]",
                "vmovdqu ymm0, [{at} + 192]",
                "vmovdqu ymm0, [{at} + 224]",
                "add {at}, 256",
                "dec {steps}",
                "jnz 2b",
                "vzeroupper",
                at = inout(reg) at => _,
                steps = inout(reg) steps => _,
                out("xmm0") _,
                options(nostack, readonly),
            );
        }
        return;
    }
    for index in 0..len / 8 {
        // SAFETY: within the range promised by the caller.
        unsafe { at.cast::<Word>().wrapping_add(index).read_volatile() };
    }
    for index in len / 8 * 8..len {
        // SAFETY: within the range promised by the caller.
        unsafe { at.wrapping_add(index).read_volatile() };
    }
}

/// [`read`] of two ranges in turn, by pieces that fit into every cache.
///
/// # Safety
/// The bytes must be readable.
pub(crate) unsafe fn read_both(a: *const u8, b: *const u8, len: usize) {
    let mut at = 0;
    while at < len {
        let piece = (len - at).min(4096);
        // SAFETY: within the range promised by the caller.
        unsafe {
            read(a.wrapping_add(at), piece);
            read(b.wrapping_add(at), piece);
        }
        at += piece;
    }
}
