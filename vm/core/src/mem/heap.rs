//! Configuration of the C library's allocator for limited address space.

/// Makes all threads allocate from one malloc arena. By default glibc gives each thread an
/// arena of its own, which reserves 64 MiB of address space; threads that have one keep it.
/// Other C libraries have no such arenas. Call before threads start.
pub fn share_heap() {
    #[cfg(target_env = "gnu")]
    {
        // SAFETY: `mallopt` takes numbers, and glibc's locks its state. A failure leaves the
        // arenas unchanged.
        unsafe { libc::mallopt(libc::M_ARENA_MAX, 1) };
    }
}
