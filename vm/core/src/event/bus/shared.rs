//! A value that is replaced now and then while others read it, who never wait for that.
//!
//! It is there twice. Whoever replaces it changes the copy that readers have been led away from,
//! leads them to the new one, waits for the last reader of the other, and changes that. A reader
//! takes the copy that is not locked, of which there is always one.

use std::sync::PoisonError;

use super::sync::{Arc, AtomicUsize, Ordering, RwLock, RwLockReadGuard};

/// See the head of the file.
#[derive(Debug)]
pub(super) struct Shared<T> {
    copies: [RwLock<Arc<T>>; 2],
    /// The copy that readers try first.
    preferred: AtomicUsize,
}

impl<T> Shared<T> {
    pub(super) fn new(value: T) -> Self {
        let value = Arc::new(value);
        Self { copies: [RwLock::new(Arc::clone(&value)), RwLock::new(value)], preferred: AtomicUsize::new(0) }
    }

    /// The value. It is not given up before the guard is dropped.
    #[inline]
    pub(super) fn read(&self) -> RwLockReadGuard<'_, Arc<T>> {
        let preferred = self.preferred.load(Ordering::Acquire);
        let mut tried = preferred;
        loop {
            // Taken only while the value is being replaced here; then the other copy is free. A
            // second turn means that one replacement has ended meanwhile, and the next begun.
            if let Ok(guard) = self.copies[tried & 1].try_read() {
                return guard;
            }
            tried += 1;
        }
    }

    /// Replaces the value. Afterwards nobody reads the old one. Only one thread may do so at a
    /// time, and not while it reads.
    pub(super) fn replace(&self, value: T) {
        let value = Arc::new(value);
        let preferred = self.preferred.load(Ordering::Relaxed);
        for copy in [1 - preferred, preferred] {
            let old = {
                let mut slot = self.copies[copy].write().unwrap_or_else(PoisonError::into_inner);
                std::mem::replace(&mut *slot, Arc::clone(&value))
            };
            self.preferred.store(1 - preferred, Ordering::Release);
            // Outside of the lock, as it may be the last one.
            drop(old);
        }
    }
}
