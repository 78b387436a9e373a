//! Which implementation runs: detected once, then one pointer away.
//!
//! Each function has a pointer of its own, which starts at a function that finds the best
//! implementation, puts all of its functions into their places, and passes the call on. So
//! later calls do not ask whether that has been done, there is no start-up code, and a call
//! takes one load more than a call of a known function.

use core::marker::PhantomData;
use core::ops::RangeBounds;
use core::sync::atomic::{AtomicPtr, Ordering};
use core::{mem, ptr};

use crate::raw::Raw;
use crate::{arch, slice, threshold};

/// A function that can be replaced while others call it.
struct Replaceable<F> {
    /// Always an `F`. Relaxed accesses are enough, because what it points to is code.
    pointer: AtomicPtr<()>,
    of: PhantomData<F>,
}

impl<F: Copy> Replaceable<F> {
    /// # Safety
    /// The pointer must be an `F`, which must be a pointer to functions.
    const unsafe fn new(function: *const ()) -> Self {
        assert!(size_of::<F>() == size_of::<*const ()>(), "a pointer to functions");
        Self { pointer: AtomicPtr::new(function.cast_mut()), of: PhantomData }
    }

    #[inline(always)]
    fn get(&self) -> F {
        let function = self.pointer.load(Ordering::Relaxed);
        // SAFETY: nothing but an `F` has been put there.
        unsafe { mem::transmute_copy(&function) }
    }

    fn set(&self, function: F) {
        // SAFETY: of the same size, and pointers to functions can be pointers to data on every target with threads.
        self.pointer.store(unsafe { mem::transmute_copy(&function) }, Ordering::SeqCst);
    }
}

/// Declares what an implementation consists of, and what is selected of it.
macro_rules! dispatched {
    ($($(#[$documentation:meta])* $function:ident($($argument:ident: $type:ty),*) $(-> $result:ty)?;)*) => {
        /// The functions of this crate for one instruction set.
        ///
        /// There is no way to get hold of one that this CPU cannot execute, so calling it is
        /// safe.
        ///
        /// ```
        /// use simd_mem::Implementation;
        ///
        /// for implementation in Implementation::available() {
        ///     assert!(implementation.is_zero(&[0; 100]), "{}", implementation.name());
        /// }
        /// ```
        #[derive(Debug)]
        pub struct Implementation {
            pub(crate) name: &'static str,
            pub(crate) is_available: fn() -> bool,
            // All of these are executable if `is_available` says so, and ask for valid bytes.
            $($(#[$documentation])* pub(crate) $function: unsafe fn($($type),*) $(-> $result)?,)*
        }

        /// What the functions of this crate call.
        pub(crate) struct Selected {
            /// Null until somebody asks.
            implementation: AtomicPtr<Implementation>,
            $($function: Replaceable<unsafe fn($($type),*) $(-> $result)?>,)*
        }

        static SELECTED: Selected = Selected {
            implementation: AtomicPtr::new(ptr::null_mut()),
            $($function: {
                unsafe fn first_call($($argument: $type),*) $(-> $result)? {
                    // SAFETY: by the caller's promise.
                    unsafe { (SELECTED.get().$function)($($argument),*) }
                }
                // SAFETY: of the type that the field names.
                unsafe { Replaceable::new(first_call as *const ()) }
            },)*
        };

        impl Selected {
            /// Puts every function of an implementation, which this CPU must have, into its place.
            fn set(&self, implementation: &Implementation) {
                $(self.$function.set(implementation.$function);)*
            }
        }

        impl Choice {
            $(
                #[inline(always)]
                pub(crate) fn $function(self) -> unsafe fn($($type),*) $(-> $result)? {
                    match self {
                        Self::Selected => SELECTED.$function.get(),
                        Self::Only(implementation) => implementation.$function,
                    }
                }
            )*
        }
    };
}

dispatched! {
    /// For more bytes than [`Raw::copy`] copies by itself.
    copy(src: *const u8, dst: *mut u8, len: usize);
    /// For bytes that do not overlap.
    copy_nontemporal(src: *const u8, dst: *mut u8, len: usize);
    /// For more bytes than [`Raw::fill`] fills by itself.
    fill(dst: *mut u8, byte: u8, len: usize);
    first_difference(a: *const u8, b: *const u8, len: usize) -> Option<usize>;
    /// Index of the first byte that is not zero.
    first_nonzero(at: *const u8, len: usize) -> Option<usize>;
    zero_pages(at: *const u8, len: usize, bitmap: &mut [u64]) -> usize;
    diff_pages(a: *const u8, b: *const u8, len: usize, bitmap: &mut [u64]) -> usize;
}

/// Whose functions are called.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Choice {
    /// Of what is selected at the time of the call.
    Selected,
    /// Of this one.
    Only(&'static Implementation),
}

impl Selected {
    /// What somebody has selected, otherwise the best implementation from now on.
    #[cold]
    fn get(&self) -> &'static Implementation {
        if self.implementation.load(Ordering::SeqCst).is_null() {
            threshold::adapt();
            let best = Implementation::available().next().unwrap_or(&arch::all::IMPLEMENTATION);
            let best = ptr::from_ref(best).cast_mut();
            // If it is no longer null, somebody else was faster.
            _ = self.implementation.compare_exchange(ptr::null_mut(), best, Ordering::SeqCst, Ordering::SeqCst);
            self.install();
        }
        // SAFETY: not null any more, and nothing but references to statics are put there.
        unsafe { &*self.implementation.load(Ordering::SeqCst) }
    }

    /// Puts the functions of what is selected into their places, until that is what was
    /// selected last: several threads may be here at once.
    fn install(&self) {
        let mut installed = ptr::null_mut();
        while installed != self.implementation.load(Ordering::SeqCst) {
            installed = self.implementation.load(Ordering::SeqCst);
            // SAFETY: nothing but null, which is never put back, and references to statics are put there.
            self.set(unsafe { &*installed });
        }
    }
}

impl Implementation {
    /// Those that this CPU can execute, best first. `scalar` is always the last.
    pub fn available() -> impl Iterator<Item = &'static Self> {
        arch::IMPLEMENTATIONS.iter().copied().filter(|implementation| (implementation.is_available)())
    }

    /// The one of this name, `None` if there is none or this CPU lacks it. The names
    /// are `avx512`, `avx2`, `sse2`, `neon` and `scalar`.
    #[must_use]
    pub fn by_name(name: &str) -> Option<&'static Self> {
        Self::available().find(|implementation| implementation.name == name)
    }

    /// What the functions of this crate use: the best one, unless another has been
    /// [selected](Self::select).
    #[must_use]
    pub fn selected() -> &'static Self {
        SELECTED.get()
    }

    /// Makes the functions of this crate use this one from now on, in every thread; while
    /// several threads select, or call a function for the first time, some functions may
    /// be another one's until all of that is over. Meant for tests and measurements.
    ///
    /// ```
    /// use simd_mem::Implementation;
    ///
    /// let scalar = Implementation::by_name("scalar").expect("every CPU has it");
    /// scalar.select();
    /// assert_eq!(Implementation::selected().name(), "scalar");
    /// ```
    pub fn select(&'static self) {
        threshold::adapt();
        SELECTED.implementation.store(ptr::from_ref(self).cast_mut(), Ordering::SeqCst);
        SELECTED.install();
    }

    /// The instruction set's name in lower case, or `scalar`.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// Its functions for memory that others may write meanwhile, as in [`raw`](crate::raw).
    #[inline]
    #[must_use]
    pub fn raw(&'static self) -> Raw {
        Raw(Choice::Only(self))
    }

    /// As [`copy`](crate::copy).
    #[inline]
    pub fn copy(&'static self, src: &[u8], dst: &mut [u8]) {
        slice::copy(self.raw(), src, dst);
    }

    /// As [`copy_within`](crate::copy_within).
    #[inline]
    pub fn copy_within(&'static self, bytes: &mut [u8], src: impl RangeBounds<usize>, dst: usize) {
        slice::copy_within(self.raw(), bytes, src, dst);
    }

    /// As [`copy_nontemporal`](crate::copy_nontemporal).
    #[inline]
    pub fn copy_nontemporal(&'static self, src: &[u8], dst: &mut [u8]) {
        slice::copy_nontemporal(self.raw(), src, dst);
    }

    /// As [`fill`](crate::fill).
    #[inline]
    pub fn fill(&'static self, bytes: &mut [u8], byte: u8) {
        slice::fill(self.raw(), bytes, byte);
    }

    /// As [`equal`](crate::equal).
    #[inline]
    #[must_use]
    pub fn equal(&'static self, a: &[u8], b: &[u8]) -> bool {
        slice::equal(self.raw(), a, b)
    }

    /// As [`first_difference`](crate::first_difference).
    #[inline]
    #[must_use]
    pub fn first_difference(&'static self, a: &[u8], b: &[u8]) -> Option<usize> {
        slice::first_difference(self.raw(), a, b)
    }

    /// As [`is_zero`](crate::is_zero).
    #[inline]
    #[must_use]
    pub fn is_zero(&'static self, bytes: &[u8]) -> bool {
        slice::is_zero(self.raw(), bytes)
    }

    /// As [`zero_pages`](crate::zero_pages).
    #[inline]
    pub fn zero_pages(&'static self, memory: &[u8], bitmap: &mut [u64]) -> usize {
        slice::zero_pages(self.raw(), memory, bitmap)
    }

    /// As [`diff_pages`](crate::diff_pages).
    #[inline]
    pub fn diff_pages(&'static self, a: &[u8], b: &[u8], bitmap: &mut [u64]) -> usize {
        slice::diff_pages(self.raw(), a, b, bitmap)
    }
}
