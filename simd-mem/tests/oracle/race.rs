//! Tests with memory that another thread writes, as guests do: results are consistent with
//! its contents over time, and no other memory is written.

use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::thread;

use simd_mem::Implementation;

const LEN: usize = 5000;
const LOW: u8 = 0x11;
const HIGH: u8 = 0xee;

/// Runs `reader` while another thread repeatedly fills the bytes with one of two values.
fn while_written(bytes: &[AtomicU8], reader: impl FnOnce(*mut u8)) {
    let stop = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            while !stop.load(Ordering::Relaxed) {
                for value in [HIGH, LOW] {
                    bytes.iter().for_each(|byte| byte.store(value, Ordering::Relaxed));
                }
            }
        });
        reader(bytes.as_ptr().cast_mut().cast());
        stop.store(true, Ordering::Relaxed);
    });
}

fn shared() -> Vec<AtomicU8> {
    (0..LEN).map(|_| AtomicU8::new(LOW)).collect()
}

#[test]
fn a_copy_of_what_changes_holds_bytes_that_were_there() {
    let bytes = shared();
    while_written(&bytes, |guest| {
        let mut copy = vec![0; LEN];
        for _ in 0..200 {
            for raw in Implementation::available().map(Implementation::raw) {
                copy.fill(0);
                // SAFETY: both are valid for the length; the other thread's stores do no harm.
                unsafe { raw.copy(guest, copy.as_mut_ptr(), LEN) };
                assert!(copy.iter().all(|&byte| byte == LOW || byte == HIGH));
                copy.fill(0);
                // SAFETY: as above.
                unsafe { raw.copy_nontemporal(guest, copy.as_mut_ptr(), LEN) };
                assert!(copy.iter().all(|&byte| byte == LOW || byte == HIGH));
            }
        }
    });
}

#[test]
fn scans_of_what_changes_answer_within_it() {
    let bytes = shared();
    let reference = vec![LOW; LEN];
    while_written(&bytes, |guest| {
        for _ in 0..2000 {
            for raw in Implementation::available().map(Implementation::raw) {
                let mut bitmap = [u64::MAX];
                // SAFETY: both are valid for the length; the other thread's stores do no harm.
                unsafe {
                    assert!(!raw.is_zero(guest, LEN), "neither value is zero");
                    let index = raw.first_difference(guest, reference.as_ptr(), LEN);
                    assert!(index.is_none_or(|index| index < LEN));
                    assert_eq!(raw.zero_pages(guest, LEN, &mut bitmap), 0);
                    assert!(raw.diff_pages(guest, reference.as_ptr(), LEN, &mut bitmap) <= 2);
                }
            }
        }
    });
}

#[test]
fn writes_into_what_changes_leave_one_or_the_other() {
    let bytes = shared();
    let source = vec![LOW; LEN];
    while_written(&bytes, |guest| {
        for _ in 0..500 {
            for raw in Implementation::available().map(Implementation::raw) {
                // SAFETY: both are valid for the length; the other thread's stores do no harm.
                unsafe {
                    raw.fill(guest, HIGH, LEN);
                    raw.copy(source.as_ptr(), guest, LEN);
                    raw.copy(guest.wrapping_add(100), guest, LEN - 100);
                }
            }
        }
    });
    assert!(bytes.iter().map(|byte| byte.load(Ordering::Relaxed)).all(|byte| byte == LOW || byte == HIGH));
}
