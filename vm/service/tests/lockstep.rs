//! Debian's kernel boots in lockstep on interpreter and JIT: with time that instructions make,
//! both are in the same state after every few thousand of them.

mod support;

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use riscope_core::engine::{Engine, EngineContext, EngineFactory, EngineSetupError, Exit};
use riscope_core::hart::Hart;
use riscope_core::interp::InterpreterFactory;
use riscope_jit::JitFactory;
use riscope_machine::console::{CaptureBackend, Console};
use riscope_machine::{Entropy, ImageSource, Machine, MachineExit, MachineSpec, TimeSource};
use support::guest::{assert_no_complaint, exec, initrd, kernel};
use vm_memory::{Bytes, GuestAddress};

/// Instructions between two comparisons: a prime number, so that they are everywhere in loops,
/// and fewer than any engine executes without looking for interrupts.
const STEP: u64 = 4_093;
/// Bytes of guest memory.
const MEMORY: usize = 192 << 20;
/// Far beyond what the interpreter needs.
const LIMIT: Duration = Duration::from_secs(400);
/// What the guest does when it is up.
const WORK: &str = "for n in 1 2 3; do ls -lR /bin /etc | md5sum; dd if=/dev/zero bs=64k count=8 | sha256sum; \
    (echo $n | tr 1-3 a-c) & wait; done; cat /proc/cpuinfo; exit 3";

/// State after a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Moment {
    instructions: u64,
    pc: u64,
    time: u64,
    /// Hash of registers, mode and status.
    state: u64,
}

impl Moment {
    fn of(hart: &Hart) -> Self {
        let state = hart.state();
        let mut hasher = DefaultHasher::new();
        (state.x, state.f, hart.mode() as u64, state.status, state.fflags, state.frm).hash(&mut hasher);
        let state = hasher.finish();
        Self { instructions: hart.instructions_retired(), pc: hart.pc().0, time: hart.clock().now(), state }
    }
}

type Log = Arc<Mutex<Vec<Moment>>>;

/// An engine that is stopped after every step to note the state.
#[derive(Debug)]
struct Noting {
    engine: Box<dyn Engine>,
    log: Log,
}

impl Engine for Noting {
    fn run(&mut self, hart: &mut Hart, limit: u64) -> Exit {
        let mut left = limit;
        while left > 0 {
            let step = left.min(STEP);
            let exit = self.engine.run(hart, step);
            self.log.lock().expect("no thread panicked").push(Moment::of(hart));
            if exit != Exit::LimitReached {
                return exit;
            }
            left -= step;
        }
        Exit::LimitReached
    }
}

#[derive(Debug)]
struct NotingFactory {
    factory: Box<dyn EngineFactory>,
    log: Log,
}

impl EngineFactory for NotingFactory {
    fn name(&self) -> &'static str {
        self.factory.name()
    }

    fn engines(&self, context: &EngineContext, harts: usize) -> Result<Vec<Box<dyn Engine>>, EngineSetupError> {
        let engines = self.factory.engines(context, harts)?;
        let noting = |engine| Box::new(Noting { engine, log: Arc::clone(&self.log) }) as Box<dyn Engine>;
        Ok(engines.into_iter().map(noting).collect())
    }
}

/// Everything about a run that has to be the same.
struct Run {
    moments: Vec<Moment>,
    output: String,
    memory: Vec<u8>,
}

fn boot(factory: Box<dyn EngineFactory>) -> Run {
    let log = Log::default();
    let capture = Arc::new(CaptureBackend::default());
    let console = Console::new(Arc::clone(&capture) as _);
    let engine = Arc::new(NotingFactory { factory, log: Arc::clone(&log) });
    let mut spec = MachineSpec::new(engine, console);
    spec.memory = MEMORY as u64;
    spec.kernel = Some(ImageSource::path(kernel()));
    spec.initrd = Some(ImageSource::path(initrd()));
    spec.append = format!("console=ttyS0 {}", exec(WORK)).into();
    spec.rng = false;
    spec.entropy = Entropy::seeded(1);
    spec.time = TimeSource::Instructions;
    spec.epoch_nanos = Some(1_700_000_000_000_000_000);
    let machine = Machine::new(&spec).expect("a machine");
    machine.start().expect("threads");
    assert_eq!(machine.wait_or_expire(LIMIT), MachineExit::Failure(3), "{}", capture.text());
    let mut memory = vec![0; MEMORY];
    machine.ram().memory().read_slice(&mut memory, GuestAddress(machine.ram().base().0)).expect("it is RAM");
    let moments = log.lock().expect("no thread panicked").clone();
    Run { moments, output: capture.text(), memory }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debians_kernel_is_in_the_same_state_in_every_engine_all_along() {
        let expected = boot(Box::new(InterpreterFactory));
        let found = boot(Box::new(JitFactory::default()));
        assert_no_complaint(&found.output);
        let differing = expected.moments.iter().zip(&found.moments).position(|(a, b)| a != b);
        if let Some(n) = differing {
            let around = n.saturating_sub(1)..n + 1;
            panic!("step {n}: {:#x?}, but {:#x?}", &expected.moments[around.clone()], &found.moments[around]);
        }
        assert_eq!(expected.moments.len(), found.moments.len());
        assert!(expected.moments.len() > 10_000, "{} steps", expected.moments.len());
        assert_eq!(expected.output, found.output);
        let page = expected.memory.chunks(4096).zip(found.memory.chunks(4096)).position(|(a, b)| a != b);
        assert_eq!(page, None, "memory differs");
    }
}
