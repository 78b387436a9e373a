//! Locking that ignores poisoning.
//!
//! A poisoned lock means that a thread panicked while it held the guard. Device state is
//! plain data that is valid after every assignment, so other harts may continue to use it.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// Locks `mutex`, poisoned or not.
pub(crate) fn lock<T: ?Sized>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
