//! Engine interface: what runs a hart, implemented by the interpreter and the JIT.

use std::fmt::Debug;
use std::sync::Arc;

use crate::counters::{EngineCounters, HartActivity};
use crate::event::{ExecutionEvent, Publisher, Tier, monotonic_ns};
use crate::hart::{Hart, Polled};
use crate::mem::GuestRam;

/// Reason why an engine returned. The hart's state is precise: `pc` is the next instruction
/// to execute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// `wfi` without a pending interrupt. `pc` is after it; the caller sleeps in
    /// [`Hart::wait_for_interrupt`] and runs the hart again.
    Wfi,
    /// `ecall` from S-mode on a hart with built-in SBI ([`crate::hart::HartConfig::sbi`]).
    /// `pc` is at the `ecall`; the caller serves it and advances `pc`.
    SbiCall,
    /// [`crate::hart::Attention::STOP`] was requested.
    Stopped,
    /// The instruction limit of [`Engine::run`] is reached.
    LimitReached,
}

/// Executes one hart, on the hart's own thread.
pub trait Engine: Send + Debug {
    /// Executes `hart` until an [`Exit`], at most `limit` instructions. Taking a trap
    /// counts as one.
    fn run(&mut self, hart: &mut Hart, limit: u64) -> Exit;
}

/// Runs `hart` in quanta of `quantum` instructions, which the engine may renew, until an [`Exit`], and at most
/// `limit` instructions in all: the outer loop of every engine. `turn` executes, as the activity
/// that it sets ([`crate::hart::HartControl::set_activity`]), until a poll is due, at the latest at the end of the quantum, or returns an exit. Instructions
/// that `turn` has not attributed to a tier count as interpreted.
pub fn run_quanta(hart: &mut Hart, limit: u64, quantum: u32, mut turn: impl FnMut(&mut Hart) -> Option<Exit>) -> Exit {
    hart.control().set_running(true);
    let mut left = limit;
    let exit = loop {
        hart.control().set_activity(HartActivity::Runtime);
        if left == 0 {
            break Exit::LimitReached;
        }
        if hart.poll() == Polled::Stop {
            break Exit::Stopped;
        }
        // A limit that does not fit exceeds the quantum, too.
        hart.start_quantum(u32::try_from(left).map_or(quantum, |left| left.min(quantum)), left);
        let exit = turn(hart);
        left = left.saturating_sub(hart.finish_quantum());
        hart.count_retired(Tier::Interpreter);
        if let Some(exit) = exit {
            break exit;
        }
    };
    hart.control().set_activity(HartActivity::Runtime);
    hart.control().set_running(false);
    exit
}

/// What the engines of a machine share with the rest of it.
#[derive(Clone, Debug)]
pub struct EngineContext {
    /// Guest RAM.
    pub ram: Arc<GuestRam>,
    /// Counters of the engines.
    pub counters: Arc<EngineCounters>,
    /// Publisher of the machine's events.
    pub events: Publisher,
}

impl EngineContext {
    /// Context of a machine without an event bus, the counterpart of
    /// [`HartConfig::alone`](crate::hart::HartConfig::alone).
    #[must_use]
    pub fn alone(ram: Arc<GuestRam>) -> Self {
        Self { ram, counters: Arc::default(), events: Publisher::default() }
    }

    /// Publishes an event of the engine, or sums it up if there are too many
    /// ([`EngineCounters::admit`]).
    pub fn report(&self, event: ExecutionEvent) {
        self.report_at(event, monotonic_ns());
    }

    /// As [`EngineContext::report`], at a time that the caller has.
    pub fn report_at(&self, event: ExecutionEvent, now: u64) {
        if self.counters.admit(&event, now) {
            self.events.publish(event);
        }
    }
}

/// Failure of the host to provide what an engine needs.
#[derive(Debug, thiserror::Error)]
#[error("cannot set up the {engine} engine: {reason}")]
pub struct EngineSetupError {
    /// Name of the engine.
    pub engine: &'static str,
    /// The host's error.
    pub reason: String,
}

/// Factory of the engines of a machine.
pub trait EngineFactory: Send + Sync + Debug {
    /// Engine name, as `--engine` takes it.
    fn name(&self) -> &'static str;

    /// Makes the engines of a machine's harts, in the order of hart indices.
    ///
    /// # Errors
    /// [`EngineSetupError`] when the host refuses memory or a thread.
    fn engines(&self, context: &EngineContext, harts: usize) -> Result<Vec<Box<dyn Engine>>, EngineSetupError>;
}
