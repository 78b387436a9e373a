//! What executes a hart: the interpreter or the JIT.

use std::fmt::Debug;
use std::sync::Arc;

use crate::counters::EngineCounters;
use crate::event::{Publisher, Tier};
use crate::hart::{Hart, Polled};
use crate::mem::GuestRam;

/// Why an engine handed the hart back. The hart's state is precise: `pc` is the
/// next instruction to execute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// `wfi` with no interrupt pending. `pc` is behind it; the caller sleeps with
    /// [`Hart::wait_for_interrupt`] and runs on.
    Wfi,
    /// `ecall` from S-mode on a hart whose SBI is built in ([`crate::hart::HartConfig::sbi`]).
    /// `pc` is at the `ecall`; the caller serves it and moves `pc` on.
    SbiCall,
    /// Somebody requested [`crate::hart::Attention::STOP`].
    Stopped,
    /// The instruction limit of [`Engine::run`] is used up.
    LimitReached,
}

/// Runs harts. One engine drives one hart, on the hart's own thread.
pub trait Engine: Send + Debug {
    /// Executes `hart` until an [`Exit`], at most `limit` more instructions.
    /// Taking a trap counts as one.
    fn run(&mut self, hart: &mut Hart, limit: u64) -> Exit;
}

/// Runs `hart` by quanta of at most `quantum` instructions until an [`Exit`], and no more
/// than `limit` instructions: what all engines do between their own turns. `turn` executes
/// until a poll is due, the quantum's end at the latest, or until the exit that it returns.
/// Instructions that `turn` has not attributed to a tier count as interpreted.
pub fn run_quanta(hart: &mut Hart, limit: u64, quantum: u32, mut turn: impl FnMut(&mut Hart) -> Option<Exit>) -> Exit {
    hart.control().set_running(true);
    let mut left = limit;
    let exit = loop {
        if left == 0 {
            break Exit::LimitReached;
        }
        if hart.poll() == Polled::Stop {
            break Exit::Stopped;
        }
        // A limit beyond the type is beyond the quantum, too.
        hart.start_quantum(u32::try_from(left).map_or(quantum, |left| left.min(quantum)));
        let exit = turn(hart);
        left = left.saturating_sub(hart.finish_quantum());
        hart.count_retired(Tier::Interpreter);
        if let Some(exit) = exit {
            break exit;
        }
    };
    hart.control().set_running(false);
    exit
}

/// What the engines of one machine share with the rest of it.
#[derive(Clone, Debug)]
pub struct EngineContext {
    /// The machine's memory.
    pub ram: Arc<GuestRam>,
    /// Where engines count.
    pub counters: Arc<EngineCounters>,
    /// Publishes the machine's events.
    pub events: Publisher,
}

impl EngineContext {
    /// A machine without a bus, the counterpart of [`HartConfig::alone`](crate::hart::HartConfig::alone).
    #[must_use]
    pub fn alone(ram: Arc<GuestRam>) -> Self {
        Self { ram, counters: Arc::default(), events: Publisher::default() }
    }
}

/// The host cannot give an engine what it needs.
#[derive(Debug, thiserror::Error)]
#[error("cannot set up the {engine} engine: {reason}")]
pub struct EngineSetupError {
    /// Name of the engine.
    pub engine: &'static str,
    /// What the host said.
    pub reason: String,
}

/// Makes the engines of machines.
pub trait EngineFactory: Send + Sync + Debug {
    /// Name as `--engine` takes it.
    fn name(&self) -> &'static str;

    /// Engines for the harts of one machine, in the order of their indices.
    ///
    /// # Errors
    /// [`EngineSetupError`] when the host refuses memory or threads.
    fn engines(&self, context: &EngineContext, harts: usize) -> Result<Vec<Box<dyn Engine>>, EngineSetupError>;
}
