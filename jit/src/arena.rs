//! Executable memory: a memfd, or anonymous memory, mapped twice.
//!
//! Code is written through a read-write view and executed through a read-execute view, so
//! no page is ever both writable and executable, and no protection changes. Generated code
//! is position-independent and needs no relocation.

use std::ffi::c_void;
use std::io;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use rustix::fs::{MemfdFlags, ftruncate, memfd_create};
use rustix::mm::{
    Advice, MapFlags, MprotectFlags, MremapFlags, ProtFlags, madvise, mmap, mmap_anonymous, mprotect, mremap, munmap,
};

/// Bytes of an arena at most: any two places in it are in reach of a jump of the host.
const MAX_SIZE: usize = 1 << 30;

/// Bytes that the host commits at once: a page fault for each page takes longer. In the executable
/// view, the host maps as many pages at the first fault.
const STEP: usize = 64 << 10;

/// Executable memory with its two views.
#[derive(Debug)]
pub(crate) struct Arena {
    write: NonNull<u8>,
    execute: NonNull<u8>,
    size: usize,
    /// Which steps of [`STEP`] bytes the host has committed.
    committed: Vec<AtomicBool>,
}

// SAFETY: the arena is plain memory; the code cache serialises all writes under its lock, and
// what may be executed meanwhile is written atomically.
unsafe impl Send for Arena {}
// SAFETY: as for `Send`.
unsafe impl Sync for Arena {}

impl Arena {
    /// Maps an arena of `size` bytes. The host commits them by steps as code is written.
    ///
    /// # Errors
    /// Fails when the host refuses the memfd or a mapping, and for more than 1 GiB.
    pub(crate) fn new(size: usize) -> io::Result<Self> {
        Self::map_twice(size, Self::memfd_views)
    }

    /// As [`Arena::new`], in anonymous memory: `perf` looks into its perf map only for addresses
    /// in a mapping that has no file.
    ///
    /// # Errors
    /// As [`Arena::new`].
    pub(crate) fn anonymous(size: usize) -> io::Result<Self> {
        Self::map_twice(size, Self::anonymous_views)
    }

    /// The arena of the two views that `views` maps.
    fn map_twice(size: usize, views: impl FnOnce(usize) -> io::Result<[NonNull<u8>; 2]>) -> io::Result<Self> {
        if size > MAX_SIZE {
            return Err(io::Error::other("a code cache of more than 1 GiB is not supported"));
        }
        let [write, execute] = views(size)?;
        let committed = (0..size.div_ceil(STEP)).map(|_| AtomicBool::new(false)).collect();
        Ok(Self { write, execute, size, committed })
    }

    fn memfd_views(size: usize) -> io::Result<[NonNull<u8>; 2]> {
        let file = memfd_create("riscope-code", MemfdFlags::CLOEXEC)?;
        ftruncate(&file, size as u64)?;
        let map = |protection| -> io::Result<NonNull<u8>> {
            // SAFETY: a fresh mapping at an address that the kernel chooses.
            let view = unsafe { mmap(std::ptr::null_mut(), size, protection, MapFlags::SHARED, &file, 0) }?;
            at(view)
        };
        let write = map(ProtFlags::READ | ProtFlags::WRITE)?;
        let execute = map(ProtFlags::READ | ProtFlags::EXEC);
        Ok([write, execute.inspect_err(|_| unmap(write, size))?])
    }

    fn anonymous_views(size: usize) -> io::Result<[NonNull<u8>; 2]> {
        let protection = ProtFlags::READ | ProtFlags::WRITE;
        // SAFETY: a fresh mapping at an address that the kernel chooses.
        let write = at(unsafe { mmap_anonymous(std::ptr::null_mut(), size, protection, MapFlags::SHARED) }?)?;
        let again = || {
            // SAFETY: an old size of 0 maps shared pages again, where the kernel chooses, and leaves
            // the mapping as it is.
            let view = unsafe { mremap(write.as_ptr().cast(), 0, size, MremapFlags::MAYMOVE) }?;
            let view = at(view)?;
            // SAFETY: nothing refers to this mapping yet.
            let protected = unsafe { mprotect(view.as_ptr().cast(), size, MprotectFlags::READ | MprotectFlags::EXEC) };
            protected.inspect_err(|_| unmap(view, size))?;
            Ok(view)
        };
        let execute: io::Result<_> = again();
        Ok([write, execute.inspect_err(|_| unmap(write, size))?])
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
        self.commit(at, code.len());
        // SAFETY: in the arena by the caller's contract; the source is elsewhere.
        unsafe { std::ptr::copy_nonoverlapping(code.as_ptr(), self.write.as_ptr().add(at), code.len()) };
        let execute = self.execute.as_ptr().wrapping_add(at).cast_const();
        crate::sys::make_visible(execute, code.len());
        execute
    }

    /// Makes four bytes of code that nothing knows yet the distance from behind them, at offset
    /// `at`, to offset `target`.
    ///
    /// # Safety
    /// [`Arena::write`] has put code there, which no thread executes.
    #[expect(clippy::cast_possible_truncation, reason = "the difference of offsets in the arena, modulo 2^32")]
    pub(crate) unsafe fn write_distance(&self, at: usize, target: usize) {
        let distance = target.wrapping_sub(at + 4) as u32;
        // SAFETY: in the arena by the caller's contract.
        unsafe { self.write.as_ptr().add(at).cast::<[u8; 4]>().write(distance.to_le_bytes()) };
    }

    /// Has the host commit what these bytes are part of. Nothing depends on it: a host that does not
    /// do so (before Linux 5.14) commits pages at their first use.
    fn commit(&self, at: usize, len: usize) {
        for n in at / STEP..(at + len).div_ceil(STEP) {
            if self.committed.get(n).is_some_and(|committed| !committed.load(Ordering::Relaxed)) {
                self.commit_step(n);
            }
        }
    }

    #[cold]
    fn commit_step(&self, n: usize) {
        let (start, len) = (n * STEP, STEP.min(self.size - n * STEP));
        let view = self.write.as_ptr().wrapping_add(start).cast();
        // SAFETY: the range is in the mapping, whose contents this does not change.
        let _ = unsafe { madvise(view, len, Advice::LinuxPopulateWrite) };
        self.committed[n].store(true, Ordering::Relaxed);
    }

    /// Makes the jump whose distance is at offset `at`, a multiple of four, lead to `target` in
    /// the executable view. Threads may execute the jump meanwhile. The distance is as x86-64 has
    /// it: other hosts have no code with such jumps.
    ///
    /// # Panics
    /// If the distance does not lie in the arena.
    #[expect(clippy::cast_possible_truncation, reason = "the arena is smaller than 2 GiB")]
    pub(crate) fn point(&self, at: usize, target: *const u8) {
        assert!(at.is_multiple_of(4) && at + 4 <= self.size, "a distance at offset {at}");
        let behind = self.execute.as_ptr().wrapping_add(at + 4);
        let distance = target.addr().wrapping_sub(behind.addr()) as u32;
        // SAFETY: aligned and in the mapping, as just asserted; once `write` has put the code there,
        // distances are written by this function only.
        let place = unsafe { AtomicU32::from_ptr(self.write.as_ptr().add(at).cast()) };
        place.store(distance, Ordering::Release);
    }

    /// Offset of an address in the executable view.
    pub(crate) fn offset(&self, code: *const u8) -> usize {
        code.addr().wrapping_sub(self.execute.addr().get())
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
        // Every executor of the code holds a reference to the arena, so none is left.
        [self.write, self.execute].into_iter().for_each(|view| unmap(view, self.size));
    }
}

/// Start of a mapping.
fn at(view: *mut c_void) -> io::Result<NonNull<u8>> {
    NonNull::new(view.cast()).ok_or_else(|| io::Error::other("the host mapped memory at address 0"))
}

/// Unmaps a view of the arena, which nobody uses any more.
fn unmap(view: NonNull<u8>, size: usize) {
    // SAFETY: mapped with this size; nothing refers to it. A failure only leaks the mapping.
    let _ = unsafe { munmap(view.as_ptr().cast(), size) };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_can_be_read_where_it_is_executed() {
        for arena in [Arena::new(64 << 10).unwrap(), Arena::anonymous(64 << 10).unwrap()] {
            // SAFETY: inside the arena, and nothing runs there.
            let execute = unsafe { arena.write(4096, &[1, 2, 3, 4]) };
            // SAFETY: the execute view is readable.
            assert_eq!(unsafe { std::slice::from_raw_parts(execute, 4) }, [1, 2, 3, 4]);
            assert_eq!(arena.executable(arena.write_view(4096)), execute);
        }
    }

    #[test]
    fn no_view_can_be_both_written_and_executed_and_the_anonymous_one_has_no_file() {
        let (of_file, anonymous) = (Arena::new(64 << 10).unwrap(), Arena::anonymous(64 << 10).unwrap());
        let maps = std::fs::read_to_string("/proc/self/maps").unwrap();
        let mapping = |view: *const u8| {
            let start = format!("{:x}-", view.addr());
            maps.lines().find(|line| line.starts_with(&start)).unwrap_or_else(|| panic!("no {start} in {maps}"))
        };
        for arena in [&of_file, &anonymous] {
            assert!(mapping(arena.write_view(0)).contains(" rw-s "), "{maps}");
            assert!(mapping(arena.executable(arena.write_view(0))).contains(" r-xs "), "{maps}");
        }
        // What `perf` takes for anonymous memory.
        assert!(mapping(anonymous.executable(anonymous.write_view(0))).contains(" /dev/zero "), "{maps}");
    }

    #[test]
    fn larger_than_the_reach_of_a_jump_is_refused() {
        assert!(Arena::new(MAX_SIZE + 4096).is_err());
        assert!(Arena::anonymous(MAX_SIZE + 4096).is_err());
    }

    #[test]
    #[should_panic(expected = "a distance at offset")]
    fn a_distance_that_threads_could_see_in_halves_is_refused() {
        Arena::new(64 << 10).unwrap().point(4097, std::ptr::null());
    }
}
