//! Rounds in which every contender has its turn.

use std::arch::asm;
use std::time::Instant;

use super::common::arena::{Alignment, Arena, Places, Temperature};
use super::common::contender::{Task, Visitor};

/// What was found for one task, state and length.
pub(crate) struct Point {
    pub(crate) task: Task,
    pub(crate) state: (Alignment, Temperature),
    pub(crate) len: usize,
    /// Each contender's name and nanoseconds a call in its best round.
    pub(crate) times: Vec<(String, f64)>,
}

impl Point {
    /// Nothing measured yet.
    pub(crate) fn new(task: Task, state: (Alignment, Temperature), len: usize) -> Self {
        Self { task, state, len, times: Vec::new() }
    }

    /// Some more rounds.
    pub(crate) fn improve(&mut self, arena: &mut Arena, pass: usize, thorough: bool) {
        let len = self.len;
        let cold = self.state.1 == Temperature::Cold;
        let bytes = if cold { 1 << 18 } else { 1 << 20 };
        let calls = (bytes / (len + 64)).clamp(1, if cold { 200 } else { 10_000 });
        let rounds = match len {
            _ if !thorough => 1,
            0..=0xf_ffff => 12,
            0x10_0000..=0x1ff_ffff => 4,
            _ => 2,
        };
        for round in 0..rounds {
            let places = arena.places(len, self.state.0, self.state.1, pass * rounds + round);
            let times = std::mem::take(&mut self.times);
            let mut turn = Turn { places, cold, len, calls, index: 0, times };
            self.task.visit(&mut turn);
            self.times = turn.times;
        }
    }

    /// Nanoseconds of one contender.
    pub(crate) fn time(&self, name: &str) -> Option<f64> {
        self.times.iter().find(|(contender, _)| contender == name).map(|(_, time)| *time)
    }

    /// What a contender moves or looks at, in bytes of one side a nanosecond: GB/s.
    pub(crate) fn throughput(&self, name: &str) -> Option<f64> {
        #[expect(clippy::cast_precision_loss, reason = "lengths are below 2^53")]
        self.time(name).map(|time| self.len as f64 / time)
    }
}

/// One round.
struct Turn {
    places: Places,
    cold: bool,
    len: usize,
    calls: usize,
    /// Whose turn it is.
    index: usize,
    times: Vec<(String, f64)>,
}

impl Visitor for Turn {
    fn visit(&mut self, name: &str, mut call: impl FnMut(*const u8, *mut u8, usize)) {
        let len = self.len;
        let mut ahead = self.places;
        if self.cold {
            for _ in 0..self.calls {
                let (src, dst) = ahead.next();
                evict(src, len);
                evict(dst, len);
            }
        } else {
            let (src, dst) = ahead.next();
            call(src, dst, len);
        }
        let mut places = self.places;
        let start = Instant::now();
        if self.cold {
            for _ in 0..self.calls {
                let (src, dst) = places.next();
                call(src.map_addr(opaque), dst.map_addr(opaque), opaque(len));
            }
        } else {
            // Nothing but the call: where the places are kept could fall together with the bytes.
            let (src, dst) = places.next();
            for _ in 0..self.calls {
                call(src.map_addr(opaque), dst.map_addr(opaque), opaque(len));
            }
        }
        #[expect(clippy::cast_precision_loss, reason = "nanoseconds and calls are below 2^53")]
        let time = start.elapsed().as_nanos() as f64 / self.calls as f64;
        match self.times.get_mut(self.index) {
            Some((_, best)) => *best = best.min(time),
            None => self.times.push((name.to_owned(), time)),
        }
        self.places = places;
        self.index += 1;
    }
}

/// A number of which the compiler knows nothing. `black_box` goes through memory, which
/// costs as much as a short copy.
#[inline(always)]
fn opaque(mut number: usize) -> usize {
    // SAFETY: no instruction at all.
    unsafe { asm!("/* {0} */", inout(reg) number, options(nomem, nostack, preserves_flags)) };
    number
}

/// Takes bytes out of the caches. Elsewhere than on x86-64 only that all places are used
/// in turn does so.
fn evict(at: *const u8, len: usize) {
    #[cfg(target_arch = "x86_64")]
    if len < 64 << 20 {
        for line in (0..len).step_by(64).chain([len - 1]) {
            // SAFETY: bytes of the arena; flushing a line changes none of them.
            unsafe { std::arch::x86_64::_mm_clflush(at.wrapping_add(line)) };
        }
        // SAFETY: orders the flushes before what is measured.
        unsafe { std::arch::x86_64::_mm_mfence() };
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = (at, len);
}
