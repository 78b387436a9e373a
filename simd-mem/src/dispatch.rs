//! Run-time dispatch: CPU features are detected once; later calls go through a pointer.
//!
//! Each function has its own pointer, which initially refers to a resolver that selects the
//! best implementation, sets all pointers and forwards the call. Later calls need no check,
//! there is no start-up code, and a call costs one more load than a direct call.

use core::marker::PhantomData;
use core::sync::atomic::{AtomicPtr, Ordering};
use core::{mem, ptr};

use crate::implementation::{Implementation, for_each_function};
use crate::{arch, threshold};

/// Function pointer that can be replaced during concurrent calls.
struct Replaceable<F> {
    /// Always an `F`. Relaxed accesses suffice, as it points to code.
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

/// Declares the dispatched functions of an implementation.
macro_rules! dispatched {
    ($($(#[$documentation:meta])* $function:ident($($argument:ident: $type:ty),*) $(-> $result:ty)?;)*) => {
        /// Function pointers that this crate calls through.
        pub(crate) struct Selected {
            /// Null until the first selection.
            implementation: AtomicPtr<Implementation>,
            $($function: Replaceable<unsafe fn($($type),*) $(-> $result)?>,)*
        }

        static SELECTED: Selected = Selected {
            implementation: AtomicPtr::new(ptr::null_mut()),
            $($function: {
                unsafe fn first_call($($argument: $type),*) $(-> $result)? {
                    // SAFETY: by the caller's contract.
                    unsafe { (SELECTED.get().$function)($($argument),*) }
                }
                // SAFETY: of the type that the field names.
                unsafe { Replaceable::new(first_call as *const ()) }
            },)*
        };

        impl Selected {
            /// Sets all pointers to an implementation that this CPU supports.
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

/// Implementation whose functions are called.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Choice {
    /// The one selected at the time of the call.
    Selected,
    /// This one.
    Only(&'static Implementation),
}

impl Selected {
    /// The selected implementation; selects the best one if there is none.
    #[cold]
    fn get(&self) -> &'static Implementation {
        if self.implementation.load(Ordering::SeqCst).is_null() {
            threshold::adapt(arch::last_cache_bytes());
            let best = available().next().unwrap_or(&arch::all::IMPLEMENTATION);
            let best = ptr::from_ref(best).cast_mut();
            // If it is not null any more, another thread has selected one.
            _ = self.implementation.compare_exchange(ptr::null_mut(), best, Ordering::SeqCst, Ordering::SeqCst);
            self.install();
        }
        // SAFETY: not null any more, and nothing but references to statics are put there.
        unsafe { &*self.implementation.load(Ordering::SeqCst) }
    }

    /// Sets the pointers to the selected implementation; repeats this until it is the
    /// latest selection, as several threads may do so concurrently.
    fn install(&self) {
        let mut installed = ptr::null_mut();
        while installed != self.implementation.load(Ordering::SeqCst) {
            installed = self.implementation.load(Ordering::SeqCst);
            // SAFETY: nothing but null, which is never put back, and references to statics are put there.
            self.set(unsafe { &*installed });
        }
    }
}

/// Implementations that this CPU supports, best first.
pub(crate) fn available() -> impl Iterator<Item = &'static Implementation> {
    arch::IMPLEMENTATIONS.iter().copied().filter(|implementation| (implementation.is_available)())
}

/// The selected implementation, by default the best.
pub(crate) fn selected() -> &'static Implementation {
    SELECTED.get()
}

/// Selects an implementation that this CPU supports, for every thread.
pub(crate) fn select(implementation: &'static Implementation) {
    threshold::adapt(arch::last_cache_bytes());
    SELECTED.implementation.store(ptr::from_ref(implementation).cast_mut(), Ordering::SeqCst);
    SELECTED.install();
}
