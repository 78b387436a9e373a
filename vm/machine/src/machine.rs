//! Machine: built from a specification, started, paused, stopped and dropped.
//!
//! The module `lifecycle` describes its states. Dropping a machine ends it and joins its
//! threads; harts react within some tens of microseconds of guest time.

use std::fmt;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use riscope_core::addr::GuestAddr;
use riscope_core::clock::Clock;
use riscope_core::counters::VmCounters;
use riscope_core::engine::{Engine, EngineContext, EngineSetupError};
use riscope_core::event::{BootPhase, VmEvent, VmId, VmState};
use riscope_core::hart::{Hart, HartConfig, HartControl, PrivilegeMode};
use riscope_core::mem::GuestRam;

use crate::board::{Board, BuildError, MachineSpec, SpecError, TimeSource, check_formats};
use crate::boot::plan::{BootPlan, prepare};
use crate::boot::{BootError, Signature, SignatureError, Start};
use crate::console::Console;
use crate::device::htif::{Htif, HtifPoller};
use crate::exit::MachineExit;
use crate::hart_thread::HartThread;
use crate::lifecycle::{Lifecycle, WrongState};
use crate::lineage::Lineage;
use crate::sbi::Sbi;
use crate::sync::lock;
use crate::watch::{Watcher, WatcherParts};

/// Errors of creating or starting a machine.
#[derive(Debug, thiserror::Error)]
pub enum MachineError {
    /// The specification is invalid.
    #[error(transparent)]
    Spec(#[from] SpecError),
    /// The host cannot provide the parts of the board.
    #[error(transparent)]
    Build(#[from] BuildError),
    /// A file cannot be booted.
    #[error(transparent)]
    Boot(#[from] BootError),
    /// The host cannot provide what the engine needs.
    #[error(transparent)]
    Engine(#[from] EngineSetupError),
    /// The operation is not possible in this state.
    #[error(transparent)]
    State(#[from] WrongState),
    /// The host cannot create a thread.
    #[error("cannot start a thread of the machine: {0}")]
    Thread(#[source] std::io::Error),
}

/// One virtual machine.
pub struct Machine {
    board: Board,
    console: Arc<Console>,
    signature: Option<Signature>,
    lifecycle: Arc<Lifecycle>,
    /// Harts before the start. The lock makes the machine `Sync`, which harts are not.
    ready: Mutex<Vec<HartThread>>,
    threads: Mutex<Vec<JoinHandle<()>>>,
    /// Parts of the watcher before the start, if there is one.
    watched: Mutex<Option<WatcherParts>>,
    watcher: Mutex<Option<Watcher>>,
    lineage: Lineage,
}

impl Machine {
    /// Builds a machine and loads its program, without executing anything.
    ///
    /// # Errors
    /// [`MachineError`], which names the option or file.
    pub fn new(spec: &MachineSpec) -> Result<Self, MachineError> {
        check_formats(spec)?;
        Self::build(spec, Lineage::new(spec))
    }

    /// Rebuilds the machine of `lineage` after a guest reset. The previous machine must
    /// have been dropped: harts of both would share counters.
    ///
    /// # Errors
    /// Those of [`Machine::new`], for example because a file is gone; the machine then
    /// ends.
    pub fn reset(spec: &MachineSpec, lineage: Lineage) -> Result<Self, MachineError> {
        lineage.counters().engine.reset_gauges();
        Self::build(spec, lineage.clone()).inspect_err(|_| lineage.reset_failed())
    }

    fn build(spec: &MachineSpec, lineage: Lineage) -> Result<Self, MachineError> {
        spec.validate()?;
        let board = Board::new(spec, lineage.counters())?;
        let plan = prepare(spec, &board)?;
        let context = EngineContext {
            ram: Arc::clone(&board.ram),
            counters: Arc::clone(&lineage.counters().engine),
            events: lineage.events().clone(),
        };
        let engines = spec.engine.engines(&context, spec.harts)?;
        let lifecycle = Arc::new(Lifecycle::new(
            lineage.events().clone(),
            Arc::clone(&board.exit),
            board.harts.clone(),
            first_phase(&plan, spec),
            spec.reboot,
        ));
        let ready = make_harts(spec, &board, &plan, lineage.counters(), engines, &lifecycle);
        let watched = spec.is_watched().then(|| watched(spec, &board, &lineage));
        let machine = Self {
            board,
            console: Arc::clone(&spec.console),
            signature: plan.signature,
            lifecycle,
            ready: Mutex::new(ready),
            threads: Mutex::default(),
            watched: Mutex::new(watched),
            watcher: Mutex::default(),
            lineage,
        };
        machine.announce(spec, &plan);
        Ok(machine)
    }

    fn announce(&self, spec: &MachineSpec, plan: &BootPlan) {
        self.lineage.announce_boot(spec);
        for timed in plan.phases {
            let (phase, start_ns, end_ns) = (timed.phase, timed.start_ns, timed.end_ns);
            self.lifecycle.publish(VmEvent::BootPhaseCompleted { phase, start_ns, end_ns });
        }
        self.lifecycle.created();
    }

    /// Starts the harts.
    ///
    /// # Errors
    /// [`MachineError::State`] if it was started or stopped before,
    /// [`MachineError::Thread`] if the host cannot create a thread; the machine is then
    /// stopped.
    pub fn start(&self) -> Result<(), MachineError> {
        let watched = lock(&self.watched).take();
        let watcher = watched.map(Watcher::start).transpose().map_err(MachineError::Thread)?;
        let ready = std::mem::take(&mut *lock(&self.ready));
        self.lifecycle.start(ready.len())?;
        *lock(&self.watcher) = watcher;
        let mut ready = ready.into_iter();
        while let Some(hart) = ready.next() {
            let name = format!("hart{}", hart.hart.id());
            match std::thread::Builder::new().name(name).spawn(move || hart.run()) {
                Ok(thread) => lock(&self.threads).push(thread),
                Err(error) => {
                    self.lifecycle.end(MachineExit::Crashed);
                    // This hart and the remaining ones never ran.
                    (0..=ready.len()).for_each(|_| self.lifecycle.thread_ended());
                    return Err(MachineError::Thread(error));
                }
            }
        }
        Ok(())
    }

    /// Pauses all harts at an instruction boundary; returns when they have paused.
    ///
    /// # Errors
    /// [`WrongState`] if the machine is not running, or ends meanwhile.
    pub fn pause(&self) -> Result<(), WrongState> {
        self.lifecycle.pause()
    }

    /// Resumes a paused machine.
    ///
    /// # Errors
    /// [`WrongState`] if it is not paused.
    pub fn resume(&self) -> Result<(), WrongState> {
        self.lifecycle.resume()
    }

    /// Presses the power button, which asks the guest to shut down. False if the guest has
    /// no driver for the button; one with a driver may delay or ignore it. From now on a
    /// guest reset counts as power-off.
    pub fn press_power_button(&self) -> bool {
        // Set before the press, to which the guest may react at once.
        self.board.exit.set_shutting_down(true);
        let is_noticed = self.board.power_button.press();
        self.board.exit.set_shutting_down(is_noticed);
        is_noticed
    }

    /// Ends the machine with [`MachineExit::Stopped`], unless it is ending already. Does
    /// not wait.
    pub fn stop(&self) {
        self.lifecycle.end(MachineExit::Stopped);
    }

    /// Waits until all harts have stopped: the machine has ended or, if its specification
    /// has `reboot`, the guest has reset it.
    pub fn wait(&self) -> MachineExit {
        // Without a limit, the wait always returns a reason.
        self.lifecycle.wait(None).unwrap_or(MachineExit::Stopped)
    }

    /// Like [`Machine::wait`], for at most `limit`; leaves the machine running.
    pub fn wait_timeout(&self, limit: Duration) -> Option<MachineExit> {
        self.lifecycle.wait(Some(limit))
    }

    /// Waits until the machine has ended; after `limit`, ends it with
    /// [`MachineExit::Timeout`].
    pub fn wait_or_expire(&self, limit: Duration) -> MachineExit {
        self.wait_timeout(limit).unwrap_or_else(|| {
            self.lifecycle.end(MachineExit::Timeout);
            self.wait()
        })
    }

    /// State of the machine.
    pub fn state(&self) -> VmState {
        self.lifecycle.state()
    }

    /// Identity of the machine.
    pub fn vm_id(&self) -> VmId {
        self.lineage.counters().vm_id
    }

    /// State that survives a reset, for [`Machine::reset`].
    pub fn lineage(&self) -> Lineage {
        self.lineage.clone()
    }

    /// Console of the serial port.
    pub fn console(&self) -> &Arc<Console> {
        &self.console
    }

    /// Guest time base.
    pub fn clock(&self) -> &Clock {
        &self.board.clock
    }

    /// Guest RAM.
    pub fn ram(&self) -> &Arc<GuestRam> {
        &self.board.ram
    }

    /// Controls of the harts.
    pub fn hart_controls(&self) -> &[Arc<HartControl>] {
        &self.board.harts
    }

    /// Counters of the machine, which outlive it.
    pub fn counters(&self) -> &VmCounters {
        self.lineage.counters()
    }

    /// Whether the program has a signature.
    pub fn has_signature(&self) -> bool {
        self.signature.is_some()
    }

    /// Writes the program's signature to a file; see [`Signature::text`].
    ///
    /// # Errors
    /// [`SignatureError`] if there is none or it cannot be written.
    pub fn dump_signature(&self, path: &Path) -> Result<(), SignatureError> {
        self.signature.ok_or(SignatureError::Missing)?.dump(&self.board.ram, path)
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        self.stop();
        for thread in lock(&self.threads).drain(..) {
            // The thread has reported a panic and recorded it as `Crashed`.
            let _ = thread.join();
        }
    }
}

impl fmt::Debug for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Machine").field("vm_id", &self.vm_id()).field("state", &self.state()).finish_non_exhaustive()
    }
}

fn watched(spec: &MachineSpec, board: &Board, lineage: &Lineage) -> WatcherParts {
    board.panics.set_harts(lineage.counters().harts.clone());
    let harts = board.harts.iter().zip(&lineage.counters().harts);
    WatcherParts {
        panics: Arc::clone(&board.panics),
        events: lineage.events().clone(),
        harts: harts.map(|(control, page)| (Arc::clone(control), Arc::clone(page))).collect(),
        hot_pages: Arc::clone(&lineage.counters().hot_pages),
        stall_after: (spec.time == TimeSource::Host).then_some(spec.watch.stall_after),
    }
}

/// First boot phase of the guest. None for bare-metal programs and kernels that never enter
/// user mode, which count as running at once.
fn first_phase(plan: &BootPlan, spec: &MachineSpec) -> Option<BootPhase> {
    let first = if plan.firmware_then_kernel { BootPhase::Firmware } else { BootPhase::Kernel };
    (spec.kernel.is_some() && spec.user_mode).then_some(first)
}

fn make_harts(
    spec: &MachineSpec,
    board: &Board,
    plan: &BootPlan,
    counters: &VmCounters,
    engines: Vec<Box<dyn Engine>>,
    lifecycle: &Arc<Lifecycle>,
) -> Vec<HartThread> {
    let htif = plan.htif.map(|symbols| {
        let (ram, console) = (Arc::clone(&board.ram), Arc::clone(&spec.console));
        Arc::new(Htif::new(symbols, ram, console, Arc::clone(&board.exit)))
    });
    let sbi = matches!(plan.start, Start::Supervisor { .. }).then(|| {
        let (ram, exit) = (Arc::clone(&board.ram), Arc::clone(&board.exit));
        Arc::new(Sbi::new(board.harts.clone(), ram, Arc::clone(&spec.console), exit, Arc::clone(&board.panics)))
    });
    let harts = engines.into_iter().enumerate().map(|(id, engine)| {
        let mut hart = Hart::new(HartConfig {
            id,
            ram: Arc::clone(&board.ram),
            mmio: Arc::clone(&board.mmio),
            control: Arc::clone(&board.harts[id]),
            counters: Arc::clone(&counters.harts[id]),
            clock: board.clock.clone(),
            sbi: sbi.is_some(),
            mmu: spec.mmu,
        });
        place_at_start(&mut hart, plan.start);
        let htif = htif.as_ref().map(|htif| HtifPoller::new(Arc::clone(htif)));
        HartThread { hart, engine, lifecycle: Arc::clone(lifecycle), sbi: sbi.clone(), htif }
    });
    harts.collect()
}

/// Register number of `a2`.
const A2: usize = 12;

fn place_at_start(hart: &mut Hart, start: Start) {
    let id = hart.id() as u64;
    match start {
        // The SBI starts a stopped hart.
        Start::Supervisor { entry, fdt } => hart.reset(GuestAddr(entry), PrivilegeMode::Supervisor, id, fdt),
        Start::Machine { entry, fdt, dynamic_info } => {
            hart.reset(GuestAddr(entry), PrivilegeMode::Machine, id, fdt);
            hart.set_x(A2, dynamic_info);
        }
    }
}
