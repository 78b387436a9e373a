//! Which implementation runs: detected once, then one pointer away.
//!
//! Each function has a pointer of its own, which starts at a function that finds the best
//! implementation, puts all of its functions into their places, and passes the call on. So
//! later calls do not ask whether that has been done, there is no start-up code, and a call
//! takes one load more than a call of a known function.

use core::marker::PhantomData;
use core::sync::atomic::{AtomicPtr, Ordering};
use core::{mem, ptr};

use crate::implementation::{Implementation, for_each_function};
use crate::{arch, threshold};

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

/// Declares what is selected of an implementation.
macro_rules! dispatched {
    ($($(#[$documentation:meta])* $function:ident($($argument:ident: $type:ty),*) $(-> $result:ty)?;)*) => {
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

for_each_function!(dispatched);

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
            threshold::adapt(arch::last_cache_bytes());
            let best = available().next().unwrap_or(&arch::all::IMPLEMENTATION);
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

/// Those that this CPU can execute, best first.
pub(crate) fn available() -> impl Iterator<Item = &'static Implementation> {
    arch::IMPLEMENTATIONS.iter().copied().filter(|implementation| (implementation.is_available)())
}

/// What is selected, the best one unless somebody chose.
pub(crate) fn selected() -> &'static Implementation {
    SELECTED.get()
}

/// Selects an implementation, which this CPU must have, for every thread.
pub(crate) fn select(implementation: &'static Implementation) {
    threshold::adapt(arch::last_cache_bytes());
    SELECTED.implementation.store(ptr::from_ref(implementation).cast_mut(), Ordering::SeqCst);
    SELECTED.install();
}
