//! Tests with slices adjacent to inaccessible memory, where an access outside of them
//! crashes.

use std::ptr;

use rustix::mm::{MapFlags, MprotectFlags, ProtFlags, mmap_anonymous, mprotect, munmap};
use rustix::param::page_size;

use simd_mem::Implementation;

use crate::runner::{check_compare, check_pages, check_scan, pattern};

const LONGEST: usize = 1024;

/// An accessible page between two inaccessible ones.
struct GuardedPage {
    start: *mut u8,
}

impl GuardedPage {
    fn new() -> Self {
        let size = page_size();
        // SAFETY: a new mapping at an address of the kernel's choice.
        let start = unsafe { mmap_anonymous(ptr::null_mut(), 3 * size, ProtFlags::empty(), MapFlags::PRIVATE) };
        let start = start.expect("map three pages");
        // SAFETY: the middle page of the mapping, which nobody else knows.
        unsafe { mprotect(start.byte_add(size), size, MprotectFlags::READ | MprotectFlags::WRITE) }
            .expect("unlock the middle page");
        Self { start: start.cast() }
    }

    fn bytes(&mut self) -> &mut [u8] {
        // SAFETY: the middle page is readable, writable, zeroed by the kernel, and
        // borrowed from `self` alone.
        unsafe { std::slice::from_raw_parts_mut(self.start.add(page_size()), page_size()) }
    }

    /// The page's last `len` bytes: the next byte cannot be read.
    fn tail(&mut self, len: usize) -> &mut [u8] {
        let bytes = self.bytes();
        let first = bytes.len() - len;
        &mut bytes[first..]
    }

    /// The page's first `len` bytes: the byte before cannot be read.
    fn head(&mut self, len: usize) -> &mut [u8] {
        &mut self.bytes()[..len]
    }
}

impl Drop for GuardedPage {
    fn drop(&mut self) {
        // SAFETY: the mapping of `new`, to which no borrow is left.
        unsafe { munmap(self.start.cast(), 3 * page_size()) }.expect("unmap");
    }
}

/// Compares equal slices, and slices that differ only in the last byte.
fn check_pair(a: &mut [u8], b: &mut [u8]) {
    a.copy_from_slice(&pattern(a.len()));
    b.copy_from_slice(a);
    check_compare(a, b);
    if let Some(last) = b.last_mut() {
        *last = !*last;
    }
    check_compare(a, b);
}

#[test]
fn nothing_behind_the_slices_is_read() {
    let (mut a, mut b) = (GuardedPage::new(), GuardedPage::new());
    for len in 0..=LONGEST {
        check_pair(a.tail(len), b.tail(len));
        a.tail(len).fill(0);
        check_scan(a.tail(len));
    }
}

#[test]
fn nothing_before_the_slices_is_read() {
    let (mut a, mut b) = (GuardedPage::new(), GuardedPage::new());
    for len in 0..=LONGEST {
        check_pair(a.head(len), b.head(len));
        a.head(len).fill(0);
        check_scan(a.head(len));
    }
}

#[test]
fn nothing_behind_the_shorter_slice_is_read() {
    let (mut a, mut b) = (GuardedPage::new(), GuardedPage::new());
    a.bytes().fill(7);
    b.bytes().fill(7);
    for len in 0..=LONGEST {
        check_compare(a.tail(len), b.bytes());
        check_compare(b.bytes(), a.tail(len));
    }
}

/// Writes all of `dst`, from another buffer and within itself.
fn check_writes(src: &[u8], dst: &mut [u8]) {
    for implementation in Implementation::available() {
        let name = implementation.name();
        implementation.fill(dst, 0x33);
        assert!(dst.iter().all(|byte| *byte == 0x33), "{name}: fill, {} bytes", dst.len());
        implementation.copy(src, dst);
        assert!(dst == src, "{name}: copy, {} bytes", dst.len());
        for distance in [1, 9, 70].into_iter().filter(|distance| *distance < src.len()) {
            implementation.copy_within(dst, distance.., 0);
            assert!(dst[..dst.len() - distance] == src[distance..], "{name}: forwards, {} bytes", dst.len());
            implementation.copy_nontemporal(src, dst);
            implementation.copy_within(dst, ..src.len() - distance, distance);
            assert!(dst[distance..] == src[..src.len() - distance], "{name}: backwards, {} bytes", dst.len());
            implementation.copy_nontemporal(src, dst);
        }
    }
}

#[test]
fn nothing_behind_the_slices_is_touched_by_writes() {
    let (mut a, mut b) = (GuardedPage::new(), GuardedPage::new());
    let size = a.bytes().len();
    for len in (0..=LONGEST).chain([size - 1, size]) {
        a.tail(len).copy_from_slice(&pattern(len));
        check_writes(a.tail(len), b.tail(len));
    }
}

#[test]
fn nothing_before_the_slices_is_touched_by_writes() {
    let (mut a, mut b) = (GuardedPage::new(), GuardedPage::new());
    let size = a.bytes().len();
    for len in (0..=LONGEST).chain([size - 1, size]) {
        a.head(len).copy_from_slice(&pattern(len));
        check_writes(a.head(len), b.head(len));
    }
}

#[test]
fn nothing_around_pages_is_read() {
    let (mut a, mut b) = (GuardedPage::new(), GuardedPage::new());
    let size = a.bytes().len();
    for len in [0, 1, 63, 1000, size - 1, size] {
        check_pages(a.tail(len), b.tail(len));
        check_pages(a.head(len), b.head(len));
    }
}
