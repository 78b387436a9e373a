//! Locks that publishers only try.
//!
//! Each is held for less than a microsecond, but for the wake-up of a subscriber. If it is not
//! free within [`LOCK_ATTEMPTS`], its holder has lost its CPU, and the publisher does not wait for
//! that: it drops its event, and counts it.

use super::sync::{LOCK_ATTEMPTS, Mutex, MutexGuard, pause};

/// The lock, if it becomes free soon.
pub(super) fn attempt<T>(lock: &Mutex<T>) -> Option<MutexGuard<'_, T>> {
    for attempt in 0..LOCK_ATTEMPTS {
        if let Ok(guard) = lock.try_lock() {
            return Some(guard);
        }
        pause(attempt);
    }
    None
}
