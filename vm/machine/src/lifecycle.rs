//! State machine of a machine, and the gate of its hart threads.
//!
//! ```text
//!            start()            first call from user mode
//!  CREATED ─────────► BOOTING ───────────────────────────► RUNNING
//!                      │    ▲                                │  ▲
//!              pause() ▼    └──────────┐ resume()    pause() ▼  │ resume()
//!                   PAUSING ────────► PAUSED ◄──────────── PAUSING
//!                      last hart is at the gate
//!
//!  any of them ── guest ends, stop(), time-out ──► STOPPING ── last thread ends ──► STOPPED
//!                 a thread of the host panics  ─────────────────────────────────► FAILED
//!                 guest resets itself ──► STOPPING ── last thread ends, reset() ──► CREATING
//! ```
//!
//! A machine without a kernel has no boot phases and enters RUNNING at once. Every
//! transition happens here, under one lock, and is published under it, so that observers
//! see transitions in order.

use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use riscope_core::event::{BootPhase, ExitReason, Publisher, VmEvent, VmState, monotonic_ns};
use riscope_core::hart::{Attention, HartControl};

use crate::exit::{ExitLatch, MachineExit};
use crate::sync::lock;

/// The operation is not possible in the machine's state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("cannot {action} a machine that is {}", state.as_str())]
pub struct WrongState {
    /// Requested operation.
    pub action: &'static str,
    /// State of the machine.
    pub state: VmState,
}

/// Result of passing the gate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Gate {
    /// Run.
    Open,
    /// End the thread.
    Ended,
}

#[derive(Debug)]
struct Inner {
    state: VmState,
    /// Hart threads that have not ended.
    threads: usize,
    /// Threads waiting at the gate.
    waiting: usize,
    /// Current boot phase and its start, in nanoseconds.
    boot: Option<(BootPhase, u64)>,
}

/// State and gate of one machine.
#[derive(Debug)]
pub(crate) struct Lifecycle {
    events: Publisher,
    exit: Arc<ExitLatch>,
    harts: Vec<Arc<HartControl>>,
    /// Whether the machine is booted again after a reset.
    reboots: bool,
    inner: Mutex<Inner>,
    changed: Condvar,
}

impl Lifecycle {
    /// A machine in state CREATING. `boot` is the first boot phase of its guest, if it has
    /// any; `reboots` selects whether a guest reset leaves the machine in STOPPING, to be
    /// booted again.
    pub(crate) fn new(
        events: Publisher,
        exit: Arc<ExitLatch>,
        harts: Vec<Arc<HartControl>>,
        boot: Option<BootPhase>,
        reboots: bool,
    ) -> Self {
        let boot = boot.map(|phase| (phase, 0));
        let inner = Inner { state: VmState::Creating, threads: 0, waiting: 0, boot };
        Self { events, exit, harts, reboots, inner: Mutex::new(inner), changed: Condvar::new() }
    }

    pub(crate) fn state(&self) -> VmState {
        lock(&self.inner).state
    }

    pub(crate) fn publish(&self, event: VmEvent) {
        self.events.publish(event);
    }

    fn enter(&self, inner: &mut Inner, to: VmState) {
        let from = std::mem::replace(&mut inner.state, to);
        if from != to {
            self.publish(VmEvent::StateChanged { from, to });
            self.changed.notify_all();
        }
    }

    /// Enters CREATED.
    pub(crate) fn created(&self) {
        self.enter(&mut lock(&self.inner), VmState::Created);
    }

    /// Starts the machine with `threads` hart threads.
    pub(crate) fn start(&self, threads: usize) -> Result<(), WrongState> {
        let inner = &mut *lock(&self.inner);
        if inner.state != VmState::Created {
            return Err(WrongState { action: "start", state: inner.state });
        }
        inner.threads = threads;
        let booting = match &mut inner.boot {
            Some((_, since)) => {
                *since = monotonic_ns();
                VmState::Booting
            }
            None => VmState::Running,
        };
        self.enter(inner, booting);
        Ok(())
    }

    /// Pauses the harts at an instruction boundary. Returns when all have paused or the
    /// machine ends.
    pub(crate) fn pause(&self) -> Result<(), WrongState> {
        let mut inner = lock(&self.inner);
        if !matches!(inner.state, VmState::Booting | VmState::Running) {
            return Err(WrongState { action: "pause", state: inner.state });
        }
        self.enter(&mut inner, VmState::Pausing);
        for hart in &self.harts {
            hart.request(Attention::STOP);
        }
        while inner.state == VmState::Pausing {
            inner = self.changed.wait(inner).unwrap_or_else(PoisonError::into_inner);
        }
        match inner.state {
            VmState::Paused => Ok(()),
            state => Err(WrongState { action: "pause", state }),
        }
    }

    /// Resumes the harts of a paused machine.
    pub(crate) fn resume(&self) -> Result<(), WrongState> {
        let inner = &mut *lock(&self.inner);
        if inner.state != VmState::Paused {
            return Err(WrongState { action: "resume", state: inner.state });
        }
        // A later request to end is seen at the gate, or sets the bit again.
        for hart in &self.harts {
            hart.clear_stop();
        }
        self.enter(inner, running(inner));
        Ok(())
    }

    /// Called by a hart's thread before it executes; waits while the machine is paused.
    pub(crate) fn pass_gate(&self) -> Gate {
        let mut inner = lock(&self.inner);
        loop {
            if self.exit.get().is_some() {
                return Gate::Ended;
            }
            if !matches!(inner.state, VmState::Pausing | VmState::Paused) {
                return Gate::Open;
            }
            inner.waiting += 1;
            if inner.state == VmState::Pausing && inner.waiting == inner.threads {
                self.enter(&mut inner, VmState::Paused);
            }
            inner = self.changed.wait(inner).unwrap_or_else(PoisonError::into_inner);
            inner.waiting -= 1;
        }
    }

    /// Ends the machine for this reason, unless it is ending already.
    pub(crate) fn end(&self, exit: MachineExit) {
        self.exit.request(exit);
        let inner = &mut *lock(&self.inner);
        self.stopping(inner);
    }

    /// Records the end of a hart's thread.
    pub(crate) fn thread_ended(&self) {
        let inner = &mut *lock(&self.inner);
        inner.threads = inner.threads.saturating_sub(1);
        self.stopping(inner);
    }

    /// Proceeds towards STOPPED if there is a reason to end.
    fn stopping(&self, inner: &mut Inner) {
        let Some(exit) = self.exit.get() else { return };
        if matches!(inner.state, VmState::Stopped | VmState::Failed) {
            return;
        }
        self.enter(inner, VmState::Stopping);
        // Threads at the gate check the reason again.
        self.changed.notify_all();
        if inner.threads > 0 || self.reboots && exit == MachineExit::Reset {
            return;
        }
        let (reason, state) = match exit {
            MachineExit::PowerOff => (ExitReason::Poweroff, VmState::Stopped),
            MachineExit::Reset => (ExitReason::Reset, VmState::Stopped),
            MachineExit::Failure(_) => (ExitReason::GuestFailure, VmState::Stopped),
            MachineExit::GuestPanic => (ExitReason::GuestPanic, VmState::Stopped),
            MachineExit::Timeout => (ExitReason::Timeout, VmState::Stopped),
            MachineExit::Stopped => (ExitReason::Killed, VmState::Stopped),
            MachineExit::Crashed => (ExitReason::Error, VmState::Failed),
        };
        self.publish(VmEvent::Exited { reason, code: exit.status().into() });
        self.enter(inner, state);
    }

    /// Waits until the machine has stopped or awaits a boot after a reset, for at most
    /// `limit`.
    pub(crate) fn wait(&self, limit: Option<Duration>) -> Option<MachineExit> {
        let deadline = limit.and_then(|limit| Instant::now().checked_add(limit));
        let mut inner = lock(&self.inner);
        while !(matches!(inner.state, VmState::Stopped | VmState::Failed) || self.awaits_boot(&inner)) {
            inner = match deadline {
                None => self.changed.wait(inner).unwrap_or_else(PoisonError::into_inner),
                Some(deadline) => {
                    let left = deadline.saturating_duration_since(Instant::now());
                    if left.is_zero() {
                        return None;
                    }
                    self.changed.wait_timeout(inner, left).unwrap_or_else(PoisonError::into_inner).0
                }
            };
        }
        self.exit.get()
    }

    /// Whether the guest has reset the machine and all harts have stopped.
    fn awaits_boot(&self, inner: &Inner) -> bool {
        inner.state == VmState::Stopping && inner.threads == 0 && self.reboots
    }

    /// Boot phase whose end hart threads should detect.
    pub(crate) fn boot_phase(&self) -> Option<BootPhase> {
        lock(&self.inner).boot.map(|(phase, _)| phase)
    }

    /// Records the end of `phase`, seen by a hart; only the first report counts.
    pub(crate) fn boot_phase_ended(&self, phase: BootPhase) {
        let inner = &mut *lock(&self.inner);
        let Some((current, start_ns)) = inner.boot.filter(|(current, _)| *current == phase) else { return };
        let end_ns = monotonic_ns();
        inner.boot = (current == BootPhase::Firmware).then_some((BootPhase::Kernel, end_ns));
        self.publish(VmEvent::BootPhaseCompleted { phase, start_ns, end_ns });
        if inner.state == VmState::Booting {
            self.enter(inner, running(inner));
        }
    }
}

/// State of a machine whose harts execute.
fn running(inner: &Inner) -> VmState {
    if inner.boot.is_some() { VmState::Booting } else { VmState::Running }
}

#[cfg(test)]
mod tests {
    use riscope_core::event::{DomainEventBus, Event, Filter, Subscription, VmId};

    use super::*;

    struct Fixture {
        lifecycle: Arc<Lifecycle>,
        events: Subscription,
    }

    fn fixture(boot: Option<BootPhase>) -> Fixture {
        let bus = DomainEventBus::new();
        let events = bus.subscribe("test", Filter::all(), 64);
        let harts: Vec<Arc<HartControl>> = vec![Arc::default()];
        let exit = Arc::new(ExitLatch::new(harts.clone()));
        let lifecycle = Arc::new(Lifecycle::new(Publisher::new(VmId::default(), Some(bus)), exit, harts, boot, false));
        lifecycle.created();
        Fixture { lifecycle, events }
    }

    impl Fixture {
        /// States entered since the last call, and names of other events.
        fn history(&self) -> Vec<&'static str> {
            let events = std::iter::from_fn(|| self.events.try_recv().ok());
            events
                .map(|envelope| match envelope.event {
                    Event::Vm(VmEvent::StateChanged { to, .. }) => to.as_str(),
                    Event::Vm(VmEvent::BootPhaseCompleted { phase, .. }) => phase.as_str(),
                    Event::Vm(VmEvent::Exited { reason, .. }) => reason.as_str(),
                    other => other.event_type(),
                })
                .collect()
        }
    }

    #[test]
    fn a_kernel_behind_firmware_boots_in_two_phases() {
        let fixture = fixture(Some(BootPhase::Firmware));
        fixture.lifecycle.start(1).unwrap();
        fixture.lifecycle.boot_phase_ended(BootPhase::Kernel);
        assert_eq!(fixture.lifecycle.boot_phase(), Some(BootPhase::Firmware));
        fixture.lifecycle.boot_phase_ended(BootPhase::Firmware);
        fixture.lifecycle.boot_phase_ended(BootPhase::Firmware);
        fixture.lifecycle.boot_phase_ended(BootPhase::Kernel);
        assert_eq!(fixture.lifecycle.boot_phase(), None);
        assert_eq!(fixture.history(), ["created", "booting", "firmware", "kernel", "running"]);
    }

    #[test]
    fn the_last_thread_stops_the_machine() {
        let fixture = fixture(None);
        fixture.lifecycle.start(2).unwrap();
        fixture.lifecycle.end(MachineExit::Failure(3));
        fixture.lifecycle.end(MachineExit::Stopped);
        assert_eq!(fixture.lifecycle.pass_gate(), Gate::Ended);
        fixture.lifecycle.thread_ended();
        assert_eq!(fixture.lifecycle.wait(Some(Duration::ZERO)), None);
        fixture.lifecycle.thread_ended();
        assert_eq!(fixture.lifecycle.wait(None), Some(MachineExit::Failure(3)));
        assert_eq!(fixture.history(), ["created", "running", "stopping", "guest_failure", "stopped"]);
    }

    #[test]
    fn a_machine_that_never_started_stops_at_once() {
        let fixture = fixture(Some(BootPhase::Kernel));
        fixture.lifecycle.end(MachineExit::Stopped);
        assert_eq!(fixture.lifecycle.state(), VmState::Stopped);
        assert!(fixture.lifecycle.start(1).is_err());
        assert_eq!(fixture.history(), ["created", "stopping", "killed", "stopped"]);
    }

    #[test]
    fn pause_waits_for_the_harts_and_resume_lets_them_go() {
        let fixture = fixture(Some(BootPhase::Kernel));
        assert!(fixture.lifecycle.pause().is_err(), "not started");
        fixture.lifecycle.start(1).unwrap();
        let hart = {
            let lifecycle = Arc::clone(&fixture.lifecycle);
            std::thread::spawn(move || {
                while lifecycle.pass_gate() == Gate::Open {
                    std::thread::yield_now();
                }
                lifecycle.thread_ended();
            })
        };
        fixture.lifecycle.pause().unwrap();
        assert!(fixture.lifecycle.harts[0].wants_attention());
        assert_eq!(fixture.lifecycle.state(), VmState::Paused);
        assert!(fixture.lifecycle.pause().is_err());
        fixture.lifecycle.resume().unwrap();
        assert!(!fixture.lifecycle.harts[0].wants_attention());
        assert!(fixture.lifecycle.resume().is_err());
        fixture.lifecycle.pause().unwrap();
        fixture.lifecycle.end(MachineExit::Stopped);
        hart.join().unwrap();
        assert_eq!(
            fixture.history(),
            [
                "created", "booting", "pausing", "paused", "booting", "pausing", "paused", "stopping", "killed",
                "stopped"
            ]
        );
    }

    #[test]
    fn a_guest_that_ends_while_it_is_to_be_paused_ends() {
        let fixture = fixture(None);
        fixture.lifecycle.start(1).unwrap();
        let pauser = {
            let lifecycle = Arc::clone(&fixture.lifecycle);
            std::thread::spawn(move || lifecycle.pause())
        };
        while fixture.lifecycle.state() != VmState::Pausing {
            std::thread::yield_now();
        }
        fixture.lifecycle.end(MachineExit::PowerOff);
        fixture.lifecycle.thread_ended();
        assert!(pauser.join().unwrap().is_err());
        assert_eq!(fixture.lifecycle.state(), VmState::Stopped);
    }
}
