//! What the concurrent parts of the bus are made of. The model of their interleavings
//! (`vm/core/tests/bus_model`) compiles the same files against other primitives of these
//! names.

pub(super) use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
pub(super) use std::sync::{Arc, Mutex, MutexGuard, RwLock, RwLockReadGuard};

pub(super) use atomic_waker::AtomicWaker;
pub(super) use crossbeam_channel::{Receiver, Sender, TrySendError, bounded};

/// Attempts of a publisher to get a lock before it gives up.
pub(super) const LOCK_ATTEMPTS: usize = SPINS + 32;
/// Attempts after which it lets a holder that waits for this CPU have it.
const SPINS: usize = 128;

/// Time between two attempts, the first of which is 0.
pub(super) fn pause(attempt: usize) {
    if attempt < SPINS {
        std::hint::spin_loop();
    } else {
        std::thread::yield_now();
    }
}
