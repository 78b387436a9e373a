//! Return of guest memory to the host.

use rustix::mm::{Advice, madvise};
use vm_memory::VolatileSlice;
use vm_memory::bitmap::BitmapSlice;

/// Returns the whole host pages in `slice` to the host. They read as zeros, and occupy memory
/// again after a write. Returns the number of bytes; 0 if `slice` contains no whole page or the
/// host refuses.
///
/// The memory must be private and anonymous, as guest RAM is. Other threads may access it
/// concurrently.
pub fn discard<B: BitmapSlice>(slice: &VolatileSlice<'_, B>) -> usize {
    let page = rustix::param::page_size();
    let guard = slice.ptr_guard_mut();
    let start = guard.as_ptr();
    let Some(first) = start.addr().checked_next_multiple_of(page) else { return 0 };
    let skipped = first - start.addr();
    let len = slice.len().saturating_sub(skipped) / page * page;
    if len == 0 {
        return 0;
    }
    // SAFETY: the range lies in the slice, and so is mapped. To other threads the change looks
    // like a write, and there are no Rust references to guest memory.
    let done = unsafe { madvise(start.wrapping_add(skipped).cast(), len, Advice::LinuxDontNeed) };
    if done.is_err() {
        return 0;
    }
    slice.bitmap().mark_dirty(skipped, len);
    len
}

#[cfg(test)]
mod tests {
    use vm_memory::{Bytes, GuestAddress, GuestMemoryBackend};

    use super::*;
    use crate::addr::GuestPhys;
    use crate::mem::GuestRam;

    const BASE: u64 = 0x8000_0000;

    #[test]
    fn whole_pages_are_given_back_and_others_keep_their_bytes() {
        let page = rustix::param::page_size();
        let ram = GuestRam::new(GuestPhys(BASE), 4 * page as u64).unwrap();
        let memory = ram.memory();
        memory.write_slice(&vec![7; 4 * page], GuestAddress(BASE)).unwrap();
        ram.tracker().set_code(1);
        let before = ram.tracker().code_writes();
        let slice = |at: usize, len| memory.get_slice(GuestAddress(BASE + at as u64), len).unwrap();
        assert_eq!(discard(&slice(page / 2, page)), 0);
        assert_eq!(ram.tracker().code_writes(), before);
        assert_eq!(discard(&slice(page / 2, 2 * page)), page);
        assert!(ram.tracker().code_writes() > before, "code was changed");
        let mut bytes = vec![0; 4 * page];
        memory.read_slice(&mut bytes, GuestAddress(BASE)).unwrap();
        let zeros: Vec<usize> = (0..bytes.len()).filter(|&at| bytes[at] == 0).collect();
        assert_eq!(zeros, (page..2 * page).collect::<Vec<_>>());
    }
}
