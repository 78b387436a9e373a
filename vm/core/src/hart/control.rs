//! Access to a hart by other threads: interrupt lines, remote fences, stop requests.
//!
//! A thread sets a request bit and wakes the hart. The hart polls
//! [`HartControl::take_requests`] every few thousand instructions and before it sleeps;
//! nothing here blocks it.

use std::sync::atomic::{AtomicBool, AtomicI32, AtomicU8, AtomicU64, Ordering, fence};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use super::fence::{Fences, RemoteFence};
use super::profile::{ProfileQueue, ProfileSlot};
use super::sample::HartSample;
use crate::arch::Interrupt;
use crate::counters::{HartActivity, ThreadCpuClock};
use crate::mmu::Extent;

/// Set of requests that a hart serves at its next poll.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Attention(u32);

/// Requests taken at a poll, with the fences among them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Taken {
    /// The requests.
    pub attention: Attention,
    /// Ticket of the latest fence, for [`HartControl::complete_fences`].
    pub fences: u32,
}

/// Position of the fence counter in `requests`.
const FENCE_SHIFT: u32 = 32;

impl Attention {
    /// An interrupt line changed.
    pub const INTERRUPT: Self = Self(1);
    /// Execute `fence.i`, for another hart (SBI RFENCE).
    pub const FENCE_I: Self = Self(2);
    /// Execute `sfence.vma`, for another hart (SBI RFENCE); see [`HartControl::take_extents`].
    pub const SFENCE_VMA: Self = Self(4);
    /// Return from the engine (stop, pause, reset).
    pub const STOP: Self = Self(8);
    /// Provide a [`HartSample`].
    pub const SAMPLE: Self = Self(16);
    /// Provide a [`ProfileSample`](super::ProfileSample); see [`HartControl::request_profile`].
    pub const PROFILE: Self = Self(32);
    /// Requests that a sleeping hart serves when something else has woken it.
    const DEFERRED: u32 = Self::FENCE_I.0 | Self::SFENCE_VMA.0 | Self::PROFILE.0;

    /// Whether all bits of `other` are set.
    pub fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Whether the set is empty.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }
}

/// State of a hart that other threads may access.
#[derive(Debug)]
pub struct HartControl {
    /// [`Attention`] in the low half, number of fences requested modulo 2^32 in the high
    /// half. Both are in one word so that the hart takes a fence's bit and its number
    /// together.
    requests: AtomicU64,
    /// Levels of the interrupt lines, at their bit positions in `mip`.
    lines: AtomicU64,
    /// `mtimecmp` of the CLINT, in ticks.
    mtimecmp: AtomicU64,
    /// Whether the hart may be executing guest instructions.
    running: AtomicBool,
    /// Supervisor software interrupt not latched by the hart yet.
    supervisor_software: AtomicBool,
    fences: Fences,
    /// Answer to the latest [`Attention::SAMPLE`], until it is taken.
    sample: Mutex<Option<HartSample>>,
    profile: ProfileSlot,
    /// Position of what the hart's thread does in [`HartActivity::ALL`] plus one; 0 while it
    /// sleeps.
    activity: AtomicU8,
    /// Number of the CPU-time clock of the hart's thread; 0 while there is none.
    cpu_clock: AtomicI32,
    sleep: Mutex<()>,
    wake: Condvar,
}

impl Default for HartControl {
    fn default() -> Self {
        Self {
            requests: AtomicU64::new(0),
            lines: AtomicU64::new(0),
            mtimecmp: AtomicU64::new(u64::MAX),
            running: AtomicBool::new(false),
            supervisor_software: AtomicBool::new(false),
            fences: Fences::default(),
            sample: Mutex::new(None),
            profile: ProfileSlot::default(),
            activity: AtomicU8::new(0),
            cpu_clock: AtomicI32::new(0),
            sleep: Mutex::new(()),
            wake: Condvar::new(),
        }
    }
}

impl HartControl {
    /// Requests `what` and wakes the hart if it sleeps.
    pub fn request(&self, what: Attention) {
        self.requests.fetch_or(u64::from(what.0), Ordering::SeqCst);
        self.wake();
    }

    fn wake(&self) {
        if !self.running.load(Ordering::SeqCst) {
            // Taking the lock orders the wake-up after the sleeper's last check.
            drop(self.sleep.lock().unwrap_or_else(PoisonError::into_inner));
            self.wake.notify_all();
        }
    }

    /// Sets the level of an interrupt line. Devices call it on every change.
    pub fn set_line(&self, line: Interrupt, level: bool) {
        let bit = line.mask();
        let before = if level {
            self.lines.fetch_or(bit, Ordering::SeqCst)
        } else {
            self.lines.fetch_and(!bit, Ordering::SeqCst)
        };
        if level && before & bit == 0 {
            self.request(Attention::INTERRUPT);
        }
    }

    /// Makes a supervisor software interrupt pending (SBI IPI). It is an edge: the guest
    /// clears `sip.SSIP`.
    pub fn raise_supervisor_software(&self) {
        self.supervisor_software.store(true, Ordering::SeqCst);
        self.request(Attention::INTERRUPT);
    }

    /// Takes an interrupt raised by [`HartControl::raise_supervisor_software`].
    pub(super) fn take_supervisor_software(&self) -> bool {
        self.supervisor_software.swap(false, Ordering::SeqCst)
    }

    /// Interrupt line levels, at their bit positions in `mip`.
    pub fn lines(&self) -> u64 {
        self.lines.load(Ordering::Acquire)
    }

    /// Machine timer compare value in ticks; `u64::MAX` before the first write.
    pub fn mtimecmp(&self) -> u64 {
        self.mtimecmp.load(Ordering::Acquire)
    }

    /// Sets the machine timer compare value in ticks.
    pub fn set_mtimecmp(&self, ticks: u64) {
        self.mtimecmp.store(ticks, Ordering::SeqCst);
        self.request(Attention::INTERRUPT);
    }

    /// Answers a sample request. Only the hart's own thread calls it.
    pub(super) fn put_sample(&self, sample: HartSample) {
        *self.sample.lock().unwrap_or_else(PoisonError::into_inner) = Some(sample);
    }

    /// Takes the answer to the latest [`Attention::SAMPLE`], if the hart has given one. A
    /// hart answers at its next poll; one that waits for the host or is paused does not
    /// answer.
    pub fn take_sample(&self) -> Option<HartSample> {
        self.sample.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Asks for a [`ProfileSample`](super::ProfileSample), which goes to the queue of
    /// [`HartControl::set_profile_queue`] at the hart's next poll. Does not wake a hart that sleeps,
    /// as it uses no CPU; returns whether it has been asked.
    pub fn request_profile(&self) -> bool {
        let activity = self.activity();
        if let Some(activity) = activity {
            self.profile.ask(activity);
            self.requests.fetch_or(u64::from(Attention::PROFILE.0), Ordering::SeqCst);
        }
        activity.is_some()
    }

    /// Sets where samples go, or that there is no profile.
    pub fn set_profile_queue(&self, queue: Option<Arc<ProfileQueue>>) {
        self.profile.set(queue);
    }

    /// Where the hart's profile goes.
    pub(super) fn profile(&self) -> &ProfileSlot {
        &self.profile
    }

    /// Records what the hart's thread does from now on. Costs a store, so that it can be called
    /// millions of times a second. Only that thread calls it.
    #[inline(always)]
    pub fn set_activity(&self, activity: HartActivity) {
        self.activity.store(activity as u8 + 1, Ordering::Relaxed);
    }

    /// What the hart's thread does; `None` while it sleeps.
    pub fn activity(&self) -> Option<HartActivity> {
        let number = usize::from(self.activity.load(Ordering::Relaxed));
        HartActivity::ALL.get(number.checked_sub(1)?).copied()
    }

    /// Runs `f` as `activity`, within what the hart's thread does now. Only that thread calls it.
    pub fn within<T>(&self, activity: HartActivity, f: impl FnOnce() -> T) -> T {
        let before = self.activity.load(Ordering::Relaxed);
        self.set_activity(activity);
        let result = f();
        self.activity.store(before, Ordering::Relaxed);
        result
    }

    /// Sets the CPU-time clock of the hart's thread.
    pub fn set_cpu_clock(&self, clock: Option<ThreadCpuClock>) {
        self.cpu_clock.store(clock.map_or(0, ThreadCpuClock::number), Ordering::Relaxed);
    }

    /// CPU-time clock of the hart's thread, while there is one.
    pub fn cpu_clock(&self) -> Option<ThreadCpuClock> {
        ThreadCpuClock::from_number(self.cpu_clock.load(Ordering::Relaxed))
    }

    /// Whether a request is pending; cheap enough for every poll.
    #[inline]
    pub fn wants_attention(&self) -> bool {
        attention_of(self.requests.load(Ordering::Relaxed)) != 0
    }

    /// Takes all requests; [`Attention::STOP`] also stays set until
    /// [`HartControl::clear_stop`]. Only the hart's own thread calls it.
    pub fn take_requests(&self) -> Taken {
        let kept = u64::MAX << FENCE_SHIFT | u64::from(Attention::STOP.0);
        let requests = self.requests.fetch_and(kept, Ordering::SeqCst);
        Taken { attention: Attention(attention_of(requests)), fences: fences_of(requests) }
    }

    /// Clears a stop request, so that the hart may run again.
    pub fn clear_stop(&self) {
        self.requests.fetch_and(!u64::from(Attention::STOP.0), Ordering::SeqCst);
    }

    /// Marks the hart's thread as entering or leaving guest execution. Enter before polling
    /// the requests: a thread that saw the hart not running relies on that poll.
    pub fn set_running(&self, running: bool) {
        self.running.store(running, Ordering::SeqCst);
        // The poll is a plain load; the fence orders it after the store.
        fence(Ordering::SeqCst);
        if !running {
            self.fences.wake();
        }
    }

    /// Sleeps until a request other than a fence arrives or `limit` has passed. Only the hart's
    /// own thread calls it, while not running.
    pub fn sleep(&self, limit: Duration) {
        let guard = self.sleep.lock().unwrap_or_else(PoisonError::into_inner);
        if attention_of(self.requests.load(Ordering::Relaxed)) & !Attention::DEFERRED == 0 {
            self.activity.store(0, Ordering::Relaxed);
            drop(self.wake.wait_timeout(guard, limit).unwrap_or_else(PoisonError::into_inner));
            self.set_activity(HartActivity::Runtime);
        }
    }

    /// Requests a fence for another hart; returns a ticket for [`HartControl::fence_done`]. Does
    /// not wake the hart, which serves it before its next instruction.
    pub fn request_fence(&self, fence: RemoteFence) -> u32 {
        let kind = match fence {
            RemoteFence::Instructions => Attention::FENCE_I,
            RemoteFence::Translations(extent) => {
                self.fences.add(extent);
                Attention::SFENCE_VMA
            }
        };
        // Overflow of the number leaves the word, as intended.
        let one_more = |requests: u64| Some((requests | u64::from(kind.0)).wrapping_add(1 << FENCE_SHIFT));
        let before = self.requests.fetch_update(Ordering::SeqCst, Ordering::SeqCst, one_more);
        // The closure always returns `Some`, so the update cannot fail.
        fences_of(before.unwrap_or_else(|requests| requests)).wrapping_add(1)
    }

    /// Takes what [`Attention::SFENCE_VMA`] asks for. Only the hart's own thread calls it, after
    /// it has taken the request.
    pub fn take_extents(&self) -> Vec<Extent> {
        self.fences.take()
    }

    /// Whether the fence of `ticket` has taken effect: the hart has served it, or is not
    /// running and serves it before its next instruction.
    pub fn fence_done(&self, ticket: u32) -> bool {
        self.fences.is_done(ticket) || !self.running.load(Ordering::SeqCst)
    }

    /// Waits at most `limit`, roughly, until [`HartControl::fence_done`]; returns whether it is.
    /// Leaves the CPU to other threads if it takes longer than a quantum.
    pub fn wait_for_fence(&self, ticket: u32, limit: Duration) -> bool {
        self.fences.wait(limit, || self.fence_done(ticket))
    }

    /// Marks all fences up to `ticket` as served.
    pub fn complete_fences(&self, ticket: u32) {
        self.fences.complete(ticket);
    }
}

#[expect(clippy::cast_possible_truncation, reason = "the low half is what is wanted")]
fn attention_of(requests: u64) -> u32 {
    requests as u32
}

fn fences_of(requests: u64) -> u32 {
    (requests >> FENCE_SHIFT) as u32
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicU32;

    use super::*;

    #[test]
    fn a_rising_line_asks_for_attention_once() {
        let control = HartControl::default();
        control.set_line(Interrupt::SupervisorExternal, true);
        assert_eq!(control.take_requests().attention, Attention::INTERRUPT);
        control.set_line(Interrupt::SupervisorExternal, true);
        assert!(control.take_requests().attention.is_empty());
        assert_eq!(control.lines(), 1 << 9);
        control.set_line(Interrupt::SupervisorExternal, false);
        assert_eq!(control.lines(), 0);
    }

    #[test]
    fn stop_stays_until_cleared() {
        let control = HartControl::default();
        control.request(Attention::STOP);
        assert!(control.take_requests().attention.contains(Attention::STOP));
        assert!(control.take_requests().attention.contains(Attention::STOP));
        control.clear_stop();
        assert!(control.take_requests().attention.is_empty());
    }

    #[test]
    fn a_request_wakes_a_sleeper() {
        let control = std::sync::Arc::new(HartControl::default());
        let sleeper = {
            let control = std::sync::Arc::clone(&control);
            std::thread::spawn(move || control.sleep(Duration::from_secs(3600)))
        };
        control.request(Attention::INTERRUPT);
        sleeper.join().unwrap();
    }

    #[test]
    fn an_activity_lasts_until_the_next_and_a_sleeper_has_none() {
        let control = std::sync::Arc::new(HartControl::default());
        assert_eq!(control.activity(), None, "no thread runs it");
        for &activity in HartActivity::ALL {
            control.set_activity(activity);
            assert_eq!(control.activity(), Some(activity));
        }
        control.set_activity(HartActivity::Interpreter);
        control.within(HartActivity::Device, || assert_eq!(control.activity(), Some(HartActivity::Device)));
        assert_eq!(control.activity(), Some(HartActivity::Interpreter));
        let sleeper = {
            let control = std::sync::Arc::clone(&control);
            std::thread::spawn(move || control.sleep(Duration::from_secs(3600)))
        };
        while control.activity().is_some() {
            std::thread::yield_now();
        }
        control.request(Attention::INTERRUPT);
        sleeper.join().unwrap();
        assert_eq!(control.activity(), Some(HartActivity::Runtime));
    }

    #[test]
    fn a_fence_on_an_idle_hart_counts_as_done() {
        let control = HartControl::default();
        let ticket = control.request_fence(RemoteFence::Instructions);
        assert!(control.fence_done(ticket));
        control.set_running(true);
        assert!(!control.fence_done(ticket));
        let taken = control.take_requests();
        assert_eq!(taken, Taken { attention: Attention::FENCE_I, fences: ticket });
        control.complete_fences(taken.fences);
        assert!(control.fence_done(ticket));
    }

    #[test]
    fn fences_do_not_wake_a_sleeper_and_are_kept_for_it() {
        const SLEEP: Duration = Duration::from_millis(20);
        let control = HartControl::default();
        let extent = Extent::of_range(0x1000, 1, Some(1));
        let mut tickets = 0;
        let mut sleeps_in_full = || {
            std::thread::scope(|scope| {
                let sleeper = scope.spawn(|| {
                    let started = std::time::Instant::now();
                    control.sleep(SLEEP);
                    started.elapsed()
                });
                while !sleeper.is_finished() {
                    control.request_fence(RemoteFence::Translations(extent));
                    tickets = control.request_fence(RemoteFence::Instructions);
                }
                sleeper.join().unwrap() >= SLEEP
            })
        };
        // The first ones come during the sleep; another one starts with them pending. The host may
        // end a wait without reason.
        for _ in 0..2 {
            assert!((0..5).any(|_| sleeps_in_full()));
        }
        let taken = control.take_requests();
        assert!(taken.attention.contains(Attention::SFENCE_VMA) && taken.attention.contains(Attention::FENCE_I));
        assert_eq!((control.take_extents(), taken.fences), (vec![extent], tickets));
    }

    #[test]
    fn a_hart_that_leaves_the_engine_ends_the_wait_for_its_fence() {
        let control = HartControl::default();
        control.set_running(true);
        let ticket = control.request_fence(RemoteFence::Instructions);
        std::thread::scope(|scope| {
            let caller = scope.spawn(|| control.wait_for_fence(ticket, Duration::from_secs(3600)));
            assert!(!control.fence_done(ticket));
            control.set_running(false);
            assert!(caller.join().unwrap());
        });
    }

    #[test]
    fn every_fence_is_served_before_it_is_done_and_done_at_last() {
        const FENCES: u32 = 20_000;
        let control = HartControl::default();
        control.set_running(true);
        let served = AtomicU32::new(0);
        std::thread::scope(|scope| {
            // Stands for the hart: serves requests as `Hart::serve_attention` does.
            scope.spawn(|| {
                while served.load(Ordering::SeqCst) < FENCES {
                    let taken = control.take_requests();
                    if taken.attention.contains(Attention::SFENCE_VMA) {
                        assert_eq!(control.take_extents(), [Extent::ALL]);
                        served.fetch_add(1, Ordering::SeqCst);
                    }
                    control.complete_fences(taken.fences);
                }
            });
            // Each fence waits for its predecessor, so that each is served on its own.
            for fence in 1..=FENCES {
                let ticket = control.request_fence(RemoteFence::Translations(Extent::ALL));
                while !control.wait_for_fence(ticket, Duration::from_secs(3600)) {}
                assert_eq!(served.load(Ordering::SeqCst), fence);
            }
        });
    }

    #[test]
    fn tickets_survive_their_overflow() {
        let control = HartControl::default();
        control.set_running(true);
        control.requests.store(u64::from(u32::MAX) << FENCE_SHIFT, Ordering::SeqCst);
        control.complete_fences(u32::MAX);
        let ticket = control.request_fence(RemoteFence::Instructions);
        assert_eq!(ticket, 0);
        assert!(!control.fence_done(ticket));
        control.complete_fences(control.take_requests().fences);
        assert!(control.fence_done(ticket));
    }
}
