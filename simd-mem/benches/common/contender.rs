//! Who takes part in which task.

use std::hint::black_box;
use std::{ptr, slice};

use simd_mem::{Implementation, raw};

use super::plain;

/// What is done with a source, a destination and a length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Task {
    Copy,
    CopyNontemporal,
    Fill,
    IsZero,
    FirstDifference,
    ZeroPages,
    DiffPages,
}

impl Task {
    pub(crate) const ALL: [Self; 7] = [
        Self::Copy,
        Self::CopyNontemporal,
        Self::Fill,
        Self::IsZero,
        Self::FirstDifference,
        Self::ZeroPages,
        Self::DiffPages,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Copy => "copy",
            Self::CopyNontemporal => "copy_nontemporal",
            Self::Fill => "fill",
            Self::IsZero => "is_zero",
            Self::FirstDifference => "first_difference",
            Self::ZeroPages => "zero_pages",
            Self::DiffPages => "diff_pages",
        }
    }

    /// The shortest length that makes sense.
    pub(crate) fn shortest(self) -> usize {
        match self {
            Self::CopyNontemporal | Self::ZeroPages | Self::DiffPages => 4096,
            Self::Copy | Self::Fill | Self::IsZero | Self::FirstDifference => 1,
        }
    }

    /// Shows every contender to the visitor, each in its own code, so that what can be
    /// inlined is.
    pub(crate) fn visit(self, visitor: &mut impl Visitor) {
        match self {
            Self::Copy => copies(visitor),
            Self::CopyNontemporal => nontemporal_copies(visitor),
            Self::Fill => fills(visitor),
            Self::IsZero => scans(visitor),
            Self::FirstDifference => comparisons(visitor),
            Self::ZeroPages => zero_pages(visitor),
            Self::DiffPages => diff_pages(visitor),
        }
    }
}

/// Measures a contender. The lengths are valid for both sides, which never overlap.
pub(crate) trait Visitor {
    fn visit(&mut self, name: &str, call: impl FnMut(*const u8, *mut u8, usize));
}

/// The slice of what is being scanned.
///
/// # Safety
/// As for `slice::from_raw_parts`.
unsafe fn bytes<'a>(at: *const u8, len: usize) -> &'a [u8] {
    // SAFETY: by the caller's promise.
    unsafe { slice::from_raw_parts(at, len) }
}

fn copies(visitor: &mut impl Visitor) {
    // SAFETY: here and below, a visitor gives valid lengths.
    visitor.visit("byte loop", |src, dst, len| unsafe { plain::copy_bytes(src, dst, len) });
    // SAFETY: as above.
    visitor.visit("word loop", |src, dst, len| unsafe { plain::copy_words(src, dst, len) });
    // SAFETY: as above.
    visitor.visit("libc", |src, dst, len| unsafe { plain::libc_copy(src, dst, len) });
    // SAFETY: as above.
    visitor.visit("simd-mem", |src, dst, len| unsafe { raw::copy(src, dst, len) });
    for implementation in Implementation::available() {
        let raw = implementation.raw();
        // SAFETY: as above.
        visitor.visit(implementation.name(), move |src, dst, len| unsafe { raw.copy(src, dst, len) });
    }
}

fn nontemporal_copies(visitor: &mut impl Visitor) {
    // SAFETY: here and below, a visitor gives valid lengths.
    visitor.visit("word loop", |src, dst, len| unsafe { plain::copy_words(src, dst, len) });
    // SAFETY: as above.
    visitor.visit("libc", |src, dst, len| unsafe { plain::libc_copy(src, dst, len) });
    // SAFETY: as above.
    visitor.visit("simd-mem", |src, dst, len| unsafe { raw::copy_nontemporal(src, dst, len) });
    for implementation in Implementation::available() {
        let raw = implementation.raw();
        // SAFETY: as above.
        visitor.visit(implementation.name(), move |src, dst, len| unsafe { raw.copy_nontemporal(src, dst, len) });
    }
}

fn fills(visitor: &mut impl Visitor) {
    // SAFETY: here and below, a visitor gives valid lengths.
    visitor.visit("word loop", |_, dst, len| unsafe { plain::fill_words(dst, len) });
    // SAFETY: as above.
    visitor.visit("libc", |_, dst, len| unsafe { ptr::write_bytes(dst, 0, len) });
    // SAFETY: as above.
    visitor.visit("simd-mem", |_, dst, len| unsafe { raw::fill(dst, 0, len) });
    for implementation in Implementation::available() {
        let raw = implementation.raw();
        // SAFETY: as above.
        visitor.visit(implementation.name(), move |_, dst, len| unsafe { raw.fill(dst, 0, len) });
    }
}

fn scans(visitor: &mut impl Visitor) {
    // SAFETY: here and below, a visitor gives valid lengths.
    visitor.visit("plain read", |src, _, len| unsafe { plain::read(src, len) });
    // SAFETY: as above.
    visitor.visit("word loop", |src, _, len| unsafe { assert!(plain::is_zero_words(src, len)) });
    // SAFETY: as above.
    visitor.visit("memchr", |src, _, len| unsafe { assert!(memchr::memchr(1, bytes(src, len)).is_none()) });
    // SAFETY: as above.
    visitor.visit("simd-mem", |src, _, len| unsafe { assert!(raw::is_zero(src, len)) });
    for implementation in Implementation::available() {
        let raw = implementation.raw();
        // SAFETY: as above.
        visitor.visit(implementation.name(), move |src, _, len| unsafe { assert!(raw.is_zero(src, len)) });
    }
}

fn comparisons(visitor: &mut impl Visitor) {
    // SAFETY: here and below, a visitor gives valid lengths.
    visitor.visit("plain read", |src, dst, len| unsafe { plain::read_both(src, dst, len) });
    // SAFETY: as above.
    visitor.visit("word loop", |src, dst, len| unsafe { assert!(plain::equal_words(src, dst, len)) });
    // SAFETY: as above.
    visitor.visit("libc", |src, dst, len| unsafe { assert!(bytes(src, len) == bytes(dst, len)) });
    // SAFETY: as above.
    visitor.visit("simd-mem", |src, dst, len| unsafe { assert!(raw::first_difference(src, dst, len).is_none()) });
    for implementation in Implementation::available() {
        let raw = implementation.raw();
        visitor.visit(implementation.name(), move |src, dst, len| {
            // SAFETY: as above.
            assert!(unsafe { raw.first_difference(src, dst, len) }.is_none());
        });
    }
}

/// Bits for the pages of the longest length, used again for each call.
fn bitmap() -> Vec<u64> {
    vec![0; 1 << 11]
}

fn zero_pages(visitor: &mut impl Visitor) {
    let mut bits = bitmap();
    // SAFETY: here and below, a visitor gives valid lengths.
    visitor.visit("plain read", |src, _, len| unsafe { plain::read(src, len) });
    visitor.visit("memchr", |src, _, len| {
        // SAFETY: as above.
        let memory = unsafe { bytes(src, len) };
        black_box(memory.chunks(4096).filter(|page| memchr::memchr(1, page).is_none()).count());
    });
    // SAFETY: as above.
    visitor.visit("simd-mem", |src, _, len| unsafe { _ = raw::zero_pages(src, len, &mut bits) });
    for implementation in Implementation::available() {
        let raw = implementation.raw();
        // SAFETY: as above.
        visitor.visit(implementation.name(), |src, _, len| unsafe { _ = raw.zero_pages(src, len, &mut bits) });
    }
}

fn diff_pages(visitor: &mut impl Visitor) {
    let mut bits = bitmap();
    // SAFETY: here and below, a visitor gives valid lengths.
    visitor.visit("plain read", |src, dst, len| unsafe { plain::read_both(src, dst, len) });
    visitor.visit("libc", |src, dst, len| {
        // SAFETY: as above.
        let (a, b) = unsafe { (bytes(src, len), bytes(dst, len)) };
        black_box(a.chunks(4096).zip(b.chunks(4096)).filter(|(a, b)| a == b).count());
    });
    // SAFETY: as above.
    visitor.visit("simd-mem", |src, dst, len| unsafe { _ = raw::diff_pages(src, dst, len, &mut bits) });
    for implementation in Implementation::available() {
        let raw = implementation.raw();
        // SAFETY: as above.
        visitor.visit(implementation.name(), |src, dst, len| unsafe { _ = raw.diff_pages(src, dst, len, &mut bits) });
    }
}
