//! Machine in the foreground: built, run through guest resets, and ended.

use std::sync::Arc;
use std::time::{Duration, Instant};

use riscope_machine::{Machine, MachineError, MachineExit, MachineSpec};

use crate::error::CommandError;
use crate::message::say;
use crate::session::Session;
use crate::wiring::fallback_engine;

/// Limits of a run.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RunPolicy {
    /// Time limit, counted from before the machine is built.
    pub(crate) timeout: Option<Duration>,
}

/// Machine that is built but not started.
#[derive(Debug)]
pub(crate) struct Foreground<'a> {
    session: &'a Session,
    spec: MachineSpec,
    deadline: Option<Instant>,
    machine: Machine,
}

/// Machine that has ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) exit: MachineExit,
    /// The machine, for what remains of it, such as a signature.
    pub(crate) machine: Arc<Machine>,
}

impl<'a> Foreground<'a> {
    /// Builds the machine, with the interpreter if the host refuses what the engine needs.
    /// Starts the time limit.
    ///
    /// # Errors
    /// If the machine cannot be built.
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

    /// Specification of the machine.
    pub(crate) fn spec(&self) -> &MachineSpec {
        &self.spec
    }

    /// The machine, before its start.
    pub(crate) fn machine(&self) -> &Machine {
        &self.machine
    }

    /// Runs the machine until it ends, including reboots after resets if its specification
    /// allows them.
    ///
    /// # Errors
    /// If the machine cannot be started or rebuilt.
    pub(crate) fn run(self) -> Result<Ended, CommandError> {
        let Self { session, spec, deadline, mut machine } = self;
        let lineage = machine.lineage();
        loop {
            let running = Arc::new(machine);
            // Before the guest executes, which may be stoppable at once.
            session.stopper.watch(&running);
            session.profiles.watch(&running);
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
