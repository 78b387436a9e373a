//! A machine in the foreground: built, run through the resets that its guest asks for, and
//! ended.

use std::sync::Arc;
use std::time::{Duration, Instant};

use riscope_machine::{Machine, MachineError, MachineExit, MachineSpec};

use crate::error::CommandError;
use crate::message::say;
use crate::session::Session;
use crate::wiring::fallback_engine;

/// How a machine is to be run.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RunPolicy {
    /// End it after this time, counted from before it is built.
    pub(crate) timeout: Option<Duration>,
}

/// A machine that is built and does not execute yet.
#[derive(Debug)]
pub(crate) struct Foreground<'a> {
    session: &'a Session,
    spec: MachineSpec,
    deadline: Option<Instant>,
    machine: Machine,
}

/// A machine that has ended for good.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) exit: MachineExit,
    /// For what it leaves behind, such as a signature.
    pub(crate) machine: Arc<Machine>,
}

impl<'a> Foreground<'a> {
    /// Builds the machine, on the interpreter if the host refuses what the engine takes.
    /// The time-out begins.
    ///
    /// # Errors
    /// When the machine cannot be built.
    pub(crate) fn build(session: &'a Session, mut spec: MachineSpec, policy: RunPolicy) -> Result<Self, CommandError> {
        let deadline = policy.timeout.and_then(|timeout| Instant::now().checked_add(timeout));
        if let Some(deadline) = deadline {
            session.stopper.expire_at(deadline);
        }
        let machine = match build(session, &spec) {
            Err(CommandError::Machine(MachineError::Engine(error))) => {
                spec.engine = fallback_engine();
                let machine = build(session, &spec)?;
                say(&format_args!("{error}; the interpreter runs the guest, which is slower"));
                machine
            }
            built => built?,
        };
        Ok(Self { session, spec, deadline, machine })
    }

    /// What it is built from.
    pub(crate) fn spec(&self) -> &MachineSpec {
        &self.spec
    }

    /// The machine, before it starts.
    pub(crate) fn machine(&self) -> &Machine {
        &self.machine
    }

    /// Runs it until it ends for good; a reset boots it again if its specification says
    /// so.
    ///
    /// # Errors
    /// When the machine cannot be started or built again.
    pub(crate) fn run(self) -> Result<Ended, CommandError> {
        let Self { session, spec, deadline, mut machine } = self;
        let lineage = machine.lineage();
        loop {
            let running = Arc::new(machine);
            // Before the guest runs, which may be quick to say that it can be stopped.
            session.stopper.watch(&running);
            match running.start() {
                // It was stopped before.
                Err(MachineError::State(_)) if session.stopper.asked().is_some() => {}
                started => started?,
            }
            let exit = match deadline {
                Some(deadline) => running.wait_or_expire(deadline.saturating_duration_since(Instant::now())),
                None => running.wait(),
            };
            if exit != MachineExit::Reset || !spec.reboot {
                return Ok(Ended { exit, machine: running });
            }
            drop(running);
            machine = Machine::reset(&spec, lineage.clone())?;
        }
    }
}

fn build(session: &Session, spec: &MachineSpec) -> Result<Machine, CommandError> {
    let machine = Machine::new(spec)?;
    session.telemetry.register_vm(machine.counters().clone());
    Ok(machine)
}
