//! One run of one workload by one subject.

use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use riscope_core::engine::EngineFactory;
use riscope_core::interp::InterpreterFactory;
use riscope_jit::JitFactory;
use riscope_machine::console::{CaptureBackend, Console};
use riscope_machine::{ImageSource, Machine, MachineExit, MachineSpec};

use crate::workload::Workload;

/// Guest memory of all subjects, in MiB.
const MEMORY_MIB: u64 = 512;
/// Far beyond the time of the slowest run.
const LIMIT: Duration = Duration::from_secs(300);

/// Subject that runs a workload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Subject {
    Interpreter,
    Tiered,
    Qemu,
}

impl Subject {
    pub(crate) const ALL: [Self; 3] = [Self::Interpreter, Self::Tiered, Self::Qemu];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Interpreter => "interpreter",
            Self::Tiered => "tiered",
            Self::Qemu => "QEMU",
        }
    }
}

/// Result of a run.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Outcome {
    /// By the guest's clock.
    pub(crate) time: Duration,
    /// Instructions of the whole run, if the subject counts them.
    pub(crate) instructions: Option<u64>,
}

/// Runs the workload once.
///
/// # Panics
/// If the guest does not finish.
pub(crate) fn run(subject: Subject, workload: Workload) -> Outcome {
    match subject {
        Subject::Interpreter => machine(&specification(Arc::new(InterpreterFactory), workload), workload, |_| ()).0,
        Subject::Tiered => machine(&specification(Arc::new(JitFactory::default()), workload), workload, |_| ()).0,
        Subject::Qemu => qemu(workload),
    }
}

/// A specification with the capture of its console.
pub(crate) struct Specification {
    pub(crate) machine: MachineSpec,
    output: Arc<CaptureBackend>,
}

/// A machine for `workload`.
pub(crate) fn specification(engine: Arc<dyn EngineFactory>, workload: Workload) -> Specification {
    let output = Arc::new(CaptureBackend::default());
    let mut machine = MachineSpec::new(engine, Console::new(output.clone()));
    machine.memory = MEMORY_MIB << 20;
    machine.kernel = Some(ImageSource::path(workload.kernel()));
    machine.initrd = workload.initrd().as_ref().map(ImageSource::path);
    machine.append = workload.command_line().into();
    Specification { machine, output }
}

/// Runs a machine to its end. `built` is called before it starts.
pub(crate) fn machine<T>(
    specification: &Specification,
    workload: Workload,
    built: impl FnOnce(&Machine) -> T,
) -> (Outcome, T) {
    let machine = Machine::new(&specification.machine).expect("the machine can be built");
    let beside = built(&machine);
    machine.start().expect("the machine can be started");
    let exit = machine.wait_or_expire(LIMIT);
    let text = specification.output.text();
    assert_eq!(exit, MachineExit::PowerOff, "{text}");
    let instructions = machine.counters().harts.iter().flat_map(|hart| hart.instructions()).sum();
    let time = workload.time(&text).unwrap_or_else(|| panic!("no times in:\n{text}"));
    (Outcome { time, instructions: Some(instructions) }, beside)
}

fn qemu(workload: Workload) -> Outcome {
    let mut command = Command::new("qemu-system-riscv64");
    command.args(["-M", "virt", "-nographic", "-m", &format!("{MEMORY_MIB}M"), "-kernel"]).arg(workload.kernel());
    if let Some(initrd) = workload.initrd() {
        command.arg("-initrd").arg(initrd);
    }
    let output = command.args(["-append", &workload.command_line()]).stdin(Stdio::null()).output();
    let output = output.expect("QEMU runs: `make tools` installs it");
    let text = String::from_utf8_lossy(&output.stdout);
    let time = workload.time(&text).unwrap_or_else(|| panic!("no times in:\n{text}"));
    Outcome { time, instructions: None }
}
