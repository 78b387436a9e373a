//! Machines for these tests.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use riscope_core::interp::InterpreterFactory;
use riscope_machine::console::{CaptureBackend, Console};
use riscope_machine::{Entropy, ImageSource, Machine, MachineExit, MachineSpec};

use crate::asm::{Asm, image};

/// Far beyond the need of any of these guests; reached only by a failing test.
pub(crate) const PATIENCE: Duration = Duration::from_secs(120);

/// A specification with a console whose output is kept.
pub(crate) fn spec() -> (MachineSpec, Arc<CaptureBackend>) {
    let capture = Arc::new(CaptureBackend::default());
    let console = Console::new(Arc::clone(&capture) as _);
    let mut spec = MachineSpec::new(Arc::new(InterpreterFactory), console);
    spec.memory = 16 << 20;
    spec.entropy = Entropy::seeded(1);
    (spec, capture)
}

/// A machine that runs `program` in M-mode at the start of RAM.
pub(crate) fn bare(program: &Asm) -> (MachineSpec, Arc<CaptureBackend>) {
    let (mut spec, capture) = spec();
    spec.firmware = Some(ImageSource::bytes("program", program.bytes()));
    (spec, capture)
}

/// A machine that runs `program` in S-mode as a kernel under the built-in SBI.
pub(crate) fn kernel(program: &Asm) -> (MachineSpec, Arc<CaptureBackend>) {
    let (mut spec, capture) = spec();
    spec.kernel = Some(ImageSource::bytes("kernel", image(program)));
    (spec, capture)
}

/// Starts a machine.
pub(crate) fn start(spec: &MachineSpec) -> Machine {
    let machine = Machine::new(spec).unwrap();
    machine.start().unwrap();
    machine
}

/// Runs a machine to its end.
pub(crate) fn run(spec: &MachineSpec) -> MachineExit {
    start(spec).wait_or_expire(PATIENCE)
}

/// Temporary directory of a test, removed at its end.
pub(crate) struct Scratch(PathBuf);

impl Scratch {
    pub(crate) fn new() -> Self {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        let name = format!("riscope-machine-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir(&path).unwrap();
        Self(path)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // A failure here does not matter.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
