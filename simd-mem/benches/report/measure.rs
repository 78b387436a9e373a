//! Measurement in rounds, each of which measures every contender.
//!
//! The measured code takes a few cycles, so that unrelated effects matter:
//!
//! - the compiler decides whether to inline a closure into the loop; contenders are
//!   therefore methods that are always inlined;
//! - the position of a loop in its cache line may cost a cycle; each loop therefore exists
//!   at several positions, used in turn;
//! - some addresses are slower than others, by caches, pages or physical placement; in a
//!   round all contenders therefore get the same addresses, which differ between rounds;
//! - a contender finds the caches as its predecessor left them; rounds therefore start with
//!   different contenders, and half of them run in reverse.

use std::arch::asm;
use std::time::Instant;

use super::common::arena::{Alignment, Arena, Places, Temperature};
use super::common::contender::{Contender, Task, Visitor};

/// Result for one task, state and length.
pub(crate) struct Point {
    pub(crate) task: Task,
    pub(crate) state: (Alignment, Temperature),
    pub(crate) len: usize,
    /// Each contender's name and nanoseconds a call in its best round.
    pub(crate) times: Vec<(String, f64)>,
}

impl Point {
    /// A point without measurements.
    pub(crate) fn new(task: Task, state: (Alignment, Temperature), len: usize) -> Self {
        let mut names = Names(Vec::new());
        task.visit(&mut names);
        Self { task, state, len, times: names.0.into_iter().map(|name| (name, f64::INFINITY)).collect() }
    }

    /// Measures further rounds.
    pub(crate) fn improve(&mut self, arena: &Arena, pass: usize, thorough: bool) {
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
        for round in pass * rounds..(pass + 1) * rounds {
            let places = arena.places(len, self.state.0, self.state.1, round);
            let contenders = self.times.len();
            for turn in 0..contenders {
                let forwards = (turn + round) % contenders;
                let wanted = if (round / contenders).is_multiple_of(2) { forwards } else { contenders - 1 - forwards };
                let best = &mut self.times[wanted].1;
                self.task.visit(&mut Turn { wanted, visited: 0, places, cold, len, calls, round, best });
            }
        }
    }

    /// Nanoseconds of one contender.
    pub(crate) fn time(&self, name: &str) -> Option<f64> {
        self.times.iter().find(|(contender, _)| contender == name).map(|(_, time)| *time)
    }

    /// Throughput of a contender in bytes of one side per nanosecond: GB/s.
    pub(crate) fn throughput(&self, name: &str) -> Option<f64> {
        #[expect(clippy::cast_precision_loss, reason = "lengths are below 2^53")]
        self.time(name).map(|time| self.len as f64 / time)
    }
}

/// Collects the names of the contenders.
struct Names(Vec<String>);

impl Visitor for Names {
    fn visit(&mut self, name: &str, _: impl Contender) {
        self.0.push(name.to_owned());
    }
}

/// One contender in one round.
struct Turn<'a> {
    /// Whose turn it is.
    wanted: usize,
    /// How many have been shown.
    visited: usize,
    places: Places,
    cold: bool,
    len: usize,
    calls: usize,
    round: usize,
    best: &'a mut f64,
}

impl Visitor for Turn<'_> {
    fn visit(&mut self, _: &str, contender: impl Contender) {
        if self.visited == self.wanted {
            let nanoseconds = match self.round % 4 {
                0 => self.measure::<0>(contender),
                1 => self.measure::<1>(contender),
                2 => self.measure::<2>(contender),
                _ => self.measure::<3>(contender),
            };
            *self.best = self.best.min(nanoseconds);
        }
        self.visited += 1;
    }
}

impl Turn<'_> {
    /// Nanoseconds per call, with loops shifted by `QUARTER` quarters of a cache line.
    #[inline(never)]
    fn measure<const QUARTER: usize>(&self, mut contender: impl Contender) -> f64 {
        let (mut places, calls, len) = (self.places, self.calls, self.len);
        let elapsed = if self.cold {
            let mut ahead = places;
            for _ in 0..calls {
                let (src, dst) = ahead.next();
                evict(src, len);
                evict(dst, len);
            }
            let start = Instant::now();
            align::<QUARTER>();
            for _ in 0..calls {
                let (src, dst) = places.next();
                // SAFETY: both sides of the arena are valid for the length, and apart.
                unsafe { contender.call(src.map_addr(opaque), dst.map_addr(opaque), opaque(len)) };
            }
            start.elapsed()
        } else {
            let (src, dst) = places.next();
            // SAFETY: as above.
            unsafe { contender.call(src, dst, len) };
            let start = Instant::now();
            align::<QUARTER>();
            for _ in 0..calls {
                // SAFETY: as above.
                unsafe { contender.call(src.map_addr(opaque), dst.map_addr(opaque), opaque(len)) };
            }
            start.elapsed()
        };
        #[expect(clippy::cast_precision_loss, reason = "nanoseconds and calls are below 2^53")]
        let nanoseconds = elapsed.as_nanos() as f64 / calls as f64;
        nanoseconds
    }
}

/// Shifts the following code by some quarters of a 64-byte cache line.
#[inline(always)]
fn align<const QUARTER: usize>() {
    // SAFETY: instructions that do nothing.
    unsafe {
        asm!(".p2align 6", ".rept {count}", "nop", ".endr",
            count = const QUARTER * 16 / if cfg!(target_arch = "x86_64") { 1 } else { 4 },
            options(nomem, nostack, preserves_flags));
    }
}

/// Makes a number opaque to the compiler. `black_box` goes through memory, which costs as
/// much as a short copy.
#[inline(always)]
fn opaque(mut number: usize) -> usize {
    // SAFETY: no instruction at all.
    unsafe { asm!("/* {0} */", inout(reg) number, options(nomem, nostack, preserves_flags)) };
    number
}

/// Evicts bytes from the caches; on other hosts than x86-64 only the rotation of places
/// does so.
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
