//! Contenders of each task.

use std::hint::black_box;
use std::{ptr, slice};

use simd_mem::Implementation;
use simd_mem::raw::{self, Raw};

use super::plain;

/// Operation on a source, a destination and a length.
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

    /// Shortest useful length.
    pub(crate) fn shortest(self) -> usize {
        match self {
            Self::CopyNontemporal | Self::ZeroPages | Self::DiffPages => 4096,
            Self::Copy | Self::Fill | Self::IsZero | Self::FirstDifference => 1,
        }
    }

    /// Passes every contender to the visitor, always in the same order.
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

/// Name of a reference that takes part twice: the difference between identical code is the
/// resolution of the measurement.
pub(crate) const AGAIN: &str = "again";

/// Measures a contender.
pub(crate) trait Visitor {
    fn visit(&mut self, name: &str, contender: impl Contender);
}

/// Measured code. A type instead of a closure, because only methods can be forced inline
/// into the surrounding loop, as in real use.
pub(crate) trait Contender {
    /// # Safety
    /// `src` must be valid for reading `len` bytes, `dst` for reading and writing as many
    /// that do not overlap with these.
    unsafe fn call(&mut self, src: *const u8, dst: *mut u8, len: usize);
}

/// Defines contenders with the state of their calls.
macro_rules! contenders {
    ($($name:ident($state:ty) = |$this:pat_param, $src:pat_param, $dst:pat_param, $len:ident| $call:expr;)+) => { $(
        struct $name($state);

        impl Contender for $name {
            #[inline(always)]
            unsafe fn call(&mut self, $src: *const u8, $dst: *mut u8, $len: usize) {
                let Self($this) = self;
                // SAFETY: by the caller's contract.
                unsafe { $call }
            }
        }
    )+ };
}

contenders! {
    CopyBytes(()) = |(), src, dst, len| plain::copy_bytes(src, dst, len);
    CopyWords(()) = |(), src, dst, len| plain::copy_words(src, dst, len);
    // With a length unknown to the compiler, this is libc's `memcpy`.
    CopyLibc(()) = |(), src, dst, len| ptr::copy_nonoverlapping(src, dst, len);
    Copy(()) = |(), src, dst, len| raw::copy(src, dst, len);
    CopyBy(Raw) = |raw, src, dst, len| raw.copy(src, dst, len);

    CopyNontemporal(()) = |(), src, dst, len| raw::copy_nontemporal(src, dst, len);
    CopyNontemporalBy(Raw) = |raw, src, dst, len| raw.copy_nontemporal(src, dst, len);

    FillWords(()) = |(), _, dst, len| plain::fill_words(dst, len);
    FillLibc(()) = |(), _, dst, len| ptr::write_bytes(dst, 0, len);
    Fill(()) = |(), _, dst, len| raw::fill(dst, 0, len);
    FillBy(Raw) = |raw, _, dst, len| raw.fill(dst, 0, len);

    Read(()) = |(), src, _, len| plain::read(src, len);
    IsZeroWords(()) = |(), src, _, len| assert!(plain::is_zero_words(src, len));
    IsZeroMemchr(()) = |(), src, _, len| assert!(memchr::memchr(1, slice::from_raw_parts(src, len)).is_none());
    IsZero(()) = |(), src, _, len| assert!(raw::is_zero(src, len));
    IsZeroBy(Raw) = |raw, src, _, len| assert!(raw.is_zero(src, len));

    ReadBoth(()) = |(), src, dst, len| plain::read_both(src, dst, len);
    EqualWords(()) = |(), src, dst, len| assert!(plain::equal_words(src, dst, len));
    EqualLibc(()) = |(), src, dst, len| assert!(slice::from_raw_parts(src, len) == slice::from_raw_parts(dst, len));
    FirstDifference(()) = |(), src, dst, len| assert!(raw::first_difference(src, dst, len).is_none());
    FirstDifferenceBy(Raw) = |raw, src, dst, len| assert!(raw.first_difference(src, dst, len).is_none());

    ZeroPagesMemchr(()) = |(), src, _, len| {
        let pages = slice::from_raw_parts(src, len).chunks(4096);
        black_box(pages.filter(|page| memchr::memchr(1, page).is_none()).count());
    };
    ZeroPages(Vec<u64>) = |bits, src, _, len| _ = raw::zero_pages(src, len, bits);
    ZeroPagesBy((Raw, Vec<u64>)) = |(raw, bits), src, _, len| _ = raw.zero_pages(src, len, bits);

    DiffPagesLibc(()) = |(), src, dst, len| {
        let (a, b) = (slice::from_raw_parts(src, len), slice::from_raw_parts(dst, len));
        black_box(a.chunks(4096).zip(b.chunks(4096)).filter(|(a, b)| a == b).count());
    };
    DiffPages(Vec<u64>) = |bits, src, dst, len| _ = raw::diff_pages(src, dst, len, bits);
    DiffPagesBy((Raw, Vec<u64>)) = |(raw, bits), src, dst, len| _ = raw.diff_pages(src, dst, len, bits);
}

/// Passes every implementation that the CPU supports.
fn implementations<C: Contender>(visitor: &mut impl Visitor, contender: impl Fn(Raw) -> C) {
    for implementation in Implementation::available() {
        visitor.visit(implementation.name(), contender(implementation.raw()));
    }
}

fn copies(visitor: &mut impl Visitor) {
    visitor.visit("byte loop", CopyBytes(()));
    visitor.visit("word loop", CopyWords(()));
    visitor.visit("libc", CopyLibc(()));
    visitor.visit(AGAIN, CopyLibc(()));
    visitor.visit("simd-mem", Copy(()));
    implementations(visitor, CopyBy);
}

fn nontemporal_copies(visitor: &mut impl Visitor) {
    visitor.visit("word loop", CopyWords(()));
    visitor.visit("libc", CopyLibc(()));
    visitor.visit(AGAIN, CopyLibc(()));
    visitor.visit("simd-mem", CopyNontemporal(()));
    implementations(visitor, CopyNontemporalBy);
}

fn fills(visitor: &mut impl Visitor) {
    visitor.visit("word loop", FillWords(()));
    visitor.visit("libc", FillLibc(()));
    visitor.visit(AGAIN, FillLibc(()));
    visitor.visit("simd-mem", Fill(()));
    implementations(visitor, FillBy);
}

fn scans(visitor: &mut impl Visitor) {
    visitor.visit("plain read", Read(()));
    visitor.visit(AGAIN, Read(()));
    visitor.visit("word loop", IsZeroWords(()));
    visitor.visit("memchr", IsZeroMemchr(()));
    visitor.visit("simd-mem", IsZero(()));
    implementations(visitor, IsZeroBy);
}

fn comparisons(visitor: &mut impl Visitor) {
    visitor.visit("plain read", ReadBoth(()));
    visitor.visit(AGAIN, ReadBoth(()));
    visitor.visit("word loop", EqualWords(()));
    visitor.visit("libc", EqualLibc(()));
    visitor.visit("simd-mem", FirstDifference(()));
    implementations(visitor, FirstDifferenceBy);
}

/// Bits for the pages of the longest length.
fn bitmap() -> Vec<u64> {
    vec![0; 1 << 11]
}

fn zero_pages(visitor: &mut impl Visitor) {
    visitor.visit("plain read", Read(()));
    visitor.visit(AGAIN, Read(()));
    visitor.visit("memchr", ZeroPagesMemchr(()));
    visitor.visit("simd-mem", ZeroPages(bitmap()));
    implementations(visitor, |raw| ZeroPagesBy((raw, bitmap())));
}

fn diff_pages(visitor: &mut impl Visitor) {
    visitor.visit("plain read", ReadBoth(()));
    visitor.visit(AGAIN, ReadBoth(()));
    visitor.visit("libc", DiffPagesLibc(()));
    visitor.visit("simd-mem", DiffPages(bitmap()));
    implementations(visitor, |raw| DiffPagesBy((raw, bitmap())));
}
