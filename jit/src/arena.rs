//! Executable memory: one memory file, mapped twice.
//!
//! Code is written through one view and executed through the other, so no page is
//! ever writable and executable, and no protection is ever changed. The code in it
//! contains no address of itself and needs no relocation.

use std::io;
use std::ptr::NonNull;

use rustix::fs::{MemfdFlags, ftruncate, memfd_create};
use rustix::mm::{MapFlags, ProtFlags, mmap, munmap};

/// The memory file and its two views.
#[derive(Debug)]
pub(crate) struct Arena {
    write: NonNull<u8>,
    execute: NonNull<u8>,
    size: usize,
}

// SAFETY: the arena is plain memory; who writes where is decided by the code cache,
// which does so under its lock.
unsafe impl Send for Arena {}
// SAFETY: as for `Send`.
unsafe impl Sync for Arena {}

impl Arena {
    /// An arena of `size` bytes. Host memory is committed as code is written.
    ///
    /// # Errors
    /// What the host says when it refuses a memory file or a mapping.
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
                // SAFETY: the mapping was made above and nobody else knows it.
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

    /// Copies `code` to offset `at` and returns the address to execute it at.
    ///
    /// # Safety
    /// `[at, at + code.len())` lies in the arena, and nobody executes it.
    pub(crate) unsafe fn write(&self, at: usize, code: &[u8]) -> *const u8 {
        // SAFETY: in the arena by the caller's promise; the source is elsewhere.
        unsafe { std::ptr::copy_nonoverlapping(code.as_ptr(), self.write.as_ptr().add(at), code.len()) };
        let execute = self.execute.as_ptr().wrapping_add(at).cast_const();
        crate::sys::make_visible(execute, code.len());
        execute
    }

    /// Address of offset `at` in the view that may be written.
    pub(crate) fn write_view(&self, at: usize) -> *mut u8 {
        self.write.as_ptr().wrapping_add(at)
    }

    /// The address to execute what was written at an address of the write view.
    pub(crate) fn executable(&self, written: *const u8) -> *const u8 {
        let at = written.addr().wrapping_sub(self.write.addr().get());
        self.execute.as_ptr().wrapping_add(at).cast_const()
    }
}

impl Drop for Arena {
    fn drop(&mut self) {
        for view in [self.write, self.execute] {
            // SAFETY: both views were mapped with this size in `new`; whoever could
            // execute code has a reference to the arena, so nobody is left. Failing
            // would only leak the mapping.
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
