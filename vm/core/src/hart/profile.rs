//! Samples of a hart for a profile of the guest.
//!
//! ```text
//!  profiler ── request_profile ──► request bit ── next poll ──► Hart::profile ──► ProfileQueue ──► profiler
//! ```
//!
//! A hart samples itself, where it polls: at the end of a quantum, some microseconds after the
//! request at most, or behind a trap or a system instruction, if one comes before. `pc` is therefore
//! the head of a block or loop, or an instruction behind such an event, close behind what executed when
//! the sample was requested: shares of functions are right, those of instructions are not. What the
//! hart's thread did at the time of the request is part of the sample. Without a profile, a hart does no
//! extra work.

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

impl Hart {
    /// Answers a request for a sample.
    #[cold]
    pub(super) fn profile(&mut self) {
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
    use crate::hart::HartConfig;
    use crate::mem::GuestRam;

    fn hart() -> Hart {
        let ram = Arc::new(GuestRam::new(GuestPhys(0x8000_0000), 1 << 20).unwrap());
        let mut hart = Hart::new(HartConfig::alone(ram, Clock::manual()));
        hart.state.pc = 0x8000_0010;
        hart
    }

    #[test]
    fn a_hart_answers_a_request_at_its_next_poll_and_no_other() {
        let mut hart = hart();
        let control = Arc::clone(hart.control());
        let queue = Arc::new(ProfileQueue::default());
        control.set_profile_queue(Some(Arc::clone(&queue)));
        control.set_activity(HartActivity::Code);
        assert!(control.request_profile());
        assert!(control.wants_attention());
        control.set_activity(HartActivity::Runtime);
        hart.serve_attention();
        hart.serve_attention();
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
        hart.serve_attention();
        let queue = Arc::new(ProfileQueue::default());
        control.set_profile_queue(Some(Arc::clone(&queue)));
        hart.serve_attention();
        assert_eq!(queue.take(), None);
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
            hart.serve_attention();
        }
        assert_eq!(queue.lost(), 3);
        assert_eq!(std::iter::from_fn(|| queue.take()).count(), CAPACITY);
    }
}
