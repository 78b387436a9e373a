//! What executes a hart: the interpreter or the JIT.

use std::fmt::Debug;

use crate::hart::Hart;

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
    /// Executes `hart` until an [`Exit`], at most about `limit` more instructions.
    /// The interpreter stops exactly at the limit; an engine that translates may
    /// overshoot it by the rest of a block.
    fn run(&mut self, hart: &mut Hart, limit: u64) -> Exit;
}

/// Makes the engines of one machine, one for each hart.
pub trait EngineFactory: Send + Sync + Debug {
    /// Name as `--engine` takes it.
    fn name(&self) -> &'static str;

    /// An engine for the hart with this index.
    fn engine(&self, hart: usize) -> Box<dyn Engine>;
}
