//! The heap of this process, where the address space is limited.

/// Lets all threads allocate from one heap. glibc gives each thread a heap of its own, for
/// which it reserves 64 MiB of addresses; threads that have one keep it. Allocators of other
/// C libraries have no such heaps. To be called before threads start.
pub fn share_heap() {
    #[cfg(target_env = "gnu")]
    {
        // SAFETY: `mallopt` takes numbers, and glibc's locks its state. A refusal leaves the
        // heaps as they are.
        unsafe { libc::mallopt(libc::M_ARENA_MAX, 1) };
    }
}
