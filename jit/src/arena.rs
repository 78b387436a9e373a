//! Executable memory: one memfd, mapped twice.
//!
//! Code is written through a read-write view and executed through a read-execute view, so
//! no page is ever both writable and executable, and no protection changes. Generated code
//! is position-independent and needs no relocation.

use std::io;
use std::ptr::NonNull;

use rustix::fs::{MemfdFlags, ftruncate, memfd_create};
use rustix::mm::{MapFlags, ProtFlags, mmap, munmap};

/// Executable memory with its two views.
#[derive(Debug)]
pub(crate) struct Arena {
    write: NonNull<u8>,
    execute: NonNull<u8>,
    size: usize,
}

// SAFETY: the arena is plain memory; the code cache serialises all writes under its lock.
unsafe impl Send for Arena {}
// SAFETY: as for `Send`.
unsafe impl Sync for Arena {}

impl Arena {
    /// Maps an arena of `size` bytes. The host commits pages as code is written.
    ///
    /// # Errors
    /// Fails when the host refuses the memfd or a mapping.
    pub(crate) fn new(size: usize) -> io::Result<Self> {
        let file = memfd_create("riscope-code", MemfdFlags::CLOEXEC)?;
        ftruncate(&file, size as u64)?;
        let map = |protection| -> io::Result<NonNull<u8>> {
            // SAFETY: a fresh mapping at an address that the kernel chooses.
            let view = unsafe { mmap(std::ptr::null_mut(), size, protection, MapFlags::SHARED, &file, 0) }?;
            NonNull::new(view.cast()).ok_or_else(|| io::Error::other("mmap returned a null address"))
        };
        let write = map(ProtFlags::READ | ProtFlags::WRITE)?;
        let execute = match map(ProtFlags::READ | ProtFlags::EXEC) {
            Ok(view) => view,
            Err(error) => {
                // SAFETY: mapped above; no other reference to it exists.
                unsafe { munmap(write.as_ptr().cast(), size) }?;
                return Err(error);
            }
        };
        Ok(Self { write, execute, size })
    }

    /// Size in bytes.
    pub(crate) fn size(&self) -> usize {
        self.size
    }

    /// Copies `code` to offset `at`; returns its address in the executable view.
    ///
    /// # Safety
    /// `[at, at + code.len())` lies in the arena, and no thread executes it.
    pub(crate) unsafe fn write(&self, at: usize, code: &[u8]) -> *const u8 {
        // SAFETY: in the arena by the caller's contract; the source is elsewhere.
        unsafe { std::ptr::copy_nonoverlapping(code.as_ptr(), self.write.as_ptr().add(at), code.len()) };
        let execute = self.execute.as_ptr().wrapping_add(at).cast_const();
        crate::sys::make_visible(execute, code.len());
        execute
    }

    /// Address of offset `at` in the writable view.
    pub(crate) fn write_view(&self, at: usize) -> *mut u8 {
        self.write.as_ptr().wrapping_add(at)
    }

    /// Address in the executable view of a byte of the writable view.
    pub(crate) fn executable(&self, written: *const u8) -> *const u8 {
        let at = written.addr().wrapping_sub(self.write.addr().get());
        self.execute.as_ptr().wrapping_add(at).cast_const()
    }
}

impl Drop for Arena {
    fn drop(&mut self) {
        for view in [self.write, self.execute] {
            // SAFETY: both views were mapped with this size in `new`. Every executor of the
            // code holds a reference to the arena, so none is left. A failure only leaks
            // the mapping.
            let _ = unsafe { munmap(view.as_ptr().cast(), self.size) };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_can_be_read_where_it_is_executed() {
        let arena = Arena::new(64 << 10).unwrap();
        // SAFETY: inside the arena, and nothing runs there.
        let execute = unsafe { arena.write(4096, &[1, 2, 3, 4]) };
        // SAFETY: the execute view is readable.
        assert_eq!(unsafe { std::slice::from_raw_parts(execute, 4) }, [1, 2, 3, 4]);
        assert_eq!(arena.executable(arena.write_view(4096)), execute);
    }
}
