//! Samples of a hart for a profile of the guest.
//!
//! ```text
//!  profiler ── request_profile ──► request bit ── poll ──► Sampling ── end of the quantum ──►
//!              Hart::profile ──► ProfileQueue ──► profiler
//! ```
//!
//! A hart samples itself, where it polls. It also polls behind traps and system instructions, so that the
//! poll behind a request would find the code with such instructions too often. A request therefore ends
//! the quantum at a random instruction, up to some microseconds later, and the sample is taken there:
//! `pc` is the head of the next block or loop. Shares of functions are right, those of instructions are
//! not. What the hart's thread did at the time of the request is part of the sample. Without a profile,
//! a hart does no extra work.

use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use crossbeam_channel::{Receiver, Sender, bounded};

use super::Hart;
use super::stack::{CallStack, StackStart, walk};
use crate::arch::PrivilegeMode;
use crate::counters::HartActivity;
use crate::mmu::Peek;

/// Samples that may wait for the profiler.
const CAPACITY: usize = 1024;

/// State of a hart for a profile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProfileSample {
    /// Index of the hart.
    pub hart: usize,
    /// Privilege mode.
    pub mode: PrivilegeMode,
    /// `satp`, which is the address space unless `mode` is M-mode.
    pub satp: u64,
    /// What the hart's thread did when the sample was requested.
    pub activity: HartActivity,
    /// The call stack, with the present `pc` as its first address.
    pub stack: CallStack,
}

/// Queue of samples from harts to a profiler.
#[derive(Debug)]
pub struct ProfileQueue {
    sender: Sender<ProfileSample>,
    receiver: Receiver<ProfileSample>,
    lost: AtomicU64,
}

impl Default for ProfileQueue {
    fn default() -> Self {
        let (sender, receiver) = bounded(CAPACITY);
        Self { sender, receiver, lost: AtomicU64::new(0) }
    }
}

impl ProfileQueue {
    /// The oldest sample, if there is one.
    pub fn take(&self) -> Option<ProfileSample> {
        self.receiver.try_recv().ok()
    }

    /// Number of samples that the queue had no room for.
    pub fn lost(&self) -> u64 {
        self.lost.load(Ordering::Relaxed)
    }

    fn put(&self, sample: ProfileSample) {
        if self.sender.try_send(sample).is_err() {
            self.lost.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// Part of [`HartControl`](super::HartControl) for profiles.
#[derive(Debug, Default)]
pub(super) struct ProfileSlot {
    queue: Mutex<Option<Arc<ProfileQueue>>>,
    /// Position of the activity at the latest request.
    activity: AtomicU8,
}

impl ProfileSlot {
    pub(super) fn set(&self, queue: Option<Arc<ProfileQueue>>) {
        *self.queue.lock().unwrap_or_else(PoisonError::into_inner) = queue;
    }

    pub(super) fn ask(&self, activity: HartActivity) {
        self.activity.store(activity as u8, Ordering::Relaxed);
    }

    fn queue(&self) -> Option<Arc<ProfileQueue>> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn activity(&self) -> HartActivity {
        let position = usize::from(self.activity.load(Ordering::Relaxed));
        HartActivity::ALL.get(position).copied().unwrap_or_default()
    }
}

/// Sample that has been requested and not taken.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sampling {
    /// Number of retired instructions at which it is due; [`NEVER`] if there is none.
    due: u64,
    /// Whether a quantum has ended since the last poll.
    at_end: bool,
    random: u64,
}

/// Number of instructions that no hart retires.
const NEVER: u64 = u64::MAX;
/// Mask of the random number of instructions from a request to its sample: about a quantum.
const DELAY: u64 = 0x1fff;

impl Default for Sampling {
    fn default() -> Self {
        // Any other seed would do.
        Self { due: NEVER, at_end: false, random: 0x9e37_79b9_7f4a_7c15 }
    }
}

impl Sampling {
    /// Records a request at this number of retired instructions, unless there is one already.
    pub(super) fn request(&mut self, retired: u64) {
        if self.due == NEVER {
            self.random ^= self.random << 13;
            self.random ^= self.random >> 7;
            self.random ^= self.random << 17;
            self.due = retired.wrapping_add(1 + (self.random & DELAY));
            self.at_end = false;
        }
    }

    /// Length of a quantum of `instructions` that begins now, so that it does not go beyond a sample.
    #[inline]
    pub(super) fn cap(&self, retired: u64, instructions: u32) -> u32 {
        if self.due == NEVER {
            return instructions;
        }
        let left = u32::try_from(self.due.saturating_sub(retired)).unwrap_or(u32::MAX);
        instructions.min(left.max(1))
    }

    /// Records the end of a quantum.
    #[inline]
    pub(super) fn quantum_ends(&mut self) {
        self.at_end = true;
    }

    /// Whether a sample is to be taken at a poll.
    #[inline]
    fn is_due(&self, retired: u64) -> bool {
        self.due != NEVER && (self.at_end || retired >= self.due)
    }
}

impl Hart {
    /// Takes a sample at a poll, if one is due.
    #[inline]
    pub(super) fn sample_if_due(&mut self) {
        if self.sampling.is_due(self.instructions_retired()) {
            self.sampling.due = NEVER;
            self.profile();
        }
    }

    /// Gives a sample to the profiler.
    #[cold]
    fn profile(&mut self) {
        let slot = self.config.control.profile();
        let Some(queue) = slot.queue() else { return };
        let satp = if self.mode == PrivilegeMode::Machine { 0 } else { self.csr.satp };
        let x = &self.state.x;
        let start = StackStart { pc: self.state.pc, ra: x[1], sp: x[2], fp: x[8] };
        queue.put(ProfileSample {
            hart: self.config.id,
            mode: self.mode,
            satp,
            activity: slot.activity(),
            stack: walk(start, &Peek::new(&self.config.ram, satp)),
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::addr::GuestPhys;
    use crate::clock::Clock;
    use crate::hart::{HartConfig, Polled};
    use crate::mem::GuestRam;

    fn hart() -> Hart {
        let ram = Arc::new(GuestRam::new(GuestPhys(0x8000_0000), 1 << 20).unwrap());
        let mut hart = Hart::new(HartConfig::alone(ram, Clock::manual()));
        hart.state.pc = 0x8000_0010;
        hart
    }

    /// Polls, executes a quantum, and polls.
    fn sample(hart: &mut Hart) {
        assert_eq!(hart.poll(), Polled::Go);
        hart.start_quantum(10_000, 10_000);
        hart.state.countdown = 0;
        hart.finish_quantum();
        assert_eq!(hart.poll(), Polled::Go);
    }

    #[test]
    fn a_hart_answers_a_request_once() {
        let mut hart = hart();
        let control = Arc::clone(hart.control());
        let queue = Arc::new(ProfileQueue::default());
        control.set_profile_queue(Some(Arc::clone(&queue)));
        control.set_activity(HartActivity::Code);
        assert!(control.request_profile());
        assert!(control.wants_attention());
        control.set_activity(HartActivity::Runtime);
        sample(&mut hart);
        sample(&mut hart);
        let sample = queue.take().expect("an answer");
        assert_eq!((sample.hart, sample.mode, sample.satp), (0, PrivilegeMode::Machine, 0));
        assert_eq!((sample.activity, &sample.stack.addresses[..]), (HartActivity::Code, &[0x8000_0010][..]));
        assert_eq!(queue.take(), None);
    }

    #[test]
    fn a_hart_that_sleeps_or_has_no_profile_gives_no_sample() {
        let mut hart = hart();
        let control = Arc::clone(hart.control());
        assert!(!control.request_profile(), "its thread does nothing");
        assert!(!control.wants_attention());
        control.set_activity(HartActivity::Interpreter);
        assert!(control.request_profile());
        sample(&mut hart);
        let queue = Arc::new(ProfileQueue::default());
        control.set_profile_queue(Some(Arc::clone(&queue)));
        sample(&mut hart);
        assert_eq!(queue.take(), None);
    }

    #[test]
    fn a_request_ends_the_quantum_at_a_random_instruction_and_polls_before_are_no_samples() {
        let mut hart = hart();
        let control = Arc::clone(hart.control());
        let queue = Arc::new(ProfileQueue::default());
        control.set_profile_queue(Some(Arc::clone(&queue)));
        control.set_activity(HartActivity::Code);
        let mut delays = std::collections::BTreeSet::new();
        for _ in 0..20 {
            hart.start_quantum(100_000, 1_000_000);
            hart.state.countdown -= 10;
            let before = hart.instructions_retired();
            control.request_profile();
            assert_eq!(hart.poll_within_quantum(), Polled::Go);
            assert_eq!((hart.instructions_retired(), queue.take()), (before, None), "nothing has retired");
            let delay = hart.state.countdown;
            assert!((1..=8192).contains(&delay), "{delay}");
            delays.insert(delay);
            hart.state.countdown -= delay - 1;
            assert_eq!((hart.poll_within_quantum(), queue.take()), (Polled::Go, None));
            hart.state.countdown -= 1;
            assert!(hart.renew_quantum(100));
            assert_eq!(hart.poll_within_quantum(), Polled::Go);
            assert!(queue.take().is_some());
            assert_eq!((hart.state.countdown, hart.instructions_retired() - before), (100, delay.cast_unsigned()));
            assert_eq!(hart.finish_quantum(), 10 + delay.cast_unsigned());
        }
        assert!(delays.len() > 10, "{delays:?}");
    }

    #[test]
    fn what_does_not_fit_is_counted() {
        let mut hart = hart();
        let control = Arc::clone(hart.control());
        let queue = Arc::new(ProfileQueue::default());
        control.set_profile_queue(Some(Arc::clone(&queue)));
        control.set_activity(HartActivity::Interpreter);
        for _ in 0..CAPACITY + 3 {
            control.request_profile();
            sample(&mut hart);
        }
        assert_eq!(queue.lost(), 3);
        assert_eq!(std::iter::from_fn(|| queue.take()).count(), CAPACITY);
    }
}
