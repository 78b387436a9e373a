//! Locking that survives a panic elsewhere.
//!
//! A poisoned lock only says that some thread panicked while it held the guard.
//! Device state is plain data that is valid after every assignment, so the other
//! harts may go on with it.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// Locks `mutex`, whether or not a holder panicked before.
pub(crate) fn lock<T: ?Sized>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
