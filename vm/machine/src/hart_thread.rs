//! One host thread for each hart: runs the engine and serves its exits.
//!
//! ```text
//!  gate (paused? ended?) ─► started? ─► engine.run ─► look at HTIF and boot progress
//!     ▲                       │ no                        │
//!     │                     sleep                Wfi: sleep · SbiCall: serve · else nothing
//!     └───────────────────────┴──────────────────────────┘
//! ```

use std::sync::Arc;
use std::time::Duration;

use riscope_core::addr::GuestAddr;
use riscope_core::counters::HartTime;
use riscope_core::engine::{Engine, Exit};
use riscope_core::event::BootPhase;
use riscope_core::hart::{ExceptionCause, Hart, PrivilegeMode};

use crate::device::htif::HtifPoller;
use crate::exit::MachineExit;
use crate::lifecycle::{Gate, Lifecycle};
use crate::sbi::Sbi;

/// Instructions between two looks at whether the guest has finished booting.
const BOOT_INTERVAL: u64 = 1_000_000;
/// Sleep of a hart that has nothing to do but whose HTIF wants another look.
const HTIF_SLEEP: Duration = Duration::from_millis(1);
/// Longest sleep of a stopped hart; the loop around it sleeps again.
const PARKED_SLEEP: Duration = Duration::from_secs(3600);

/// A hart with what it needs to run.
pub(crate) struct HartThread {
    pub(crate) hart: Hart,
    pub(crate) engine: Box<dyn Engine>,
    pub(crate) lifecycle: Arc<Lifecycle>,
    /// The built-in SBI, for harts that have no firmware.
    pub(crate) sbi: Option<Arc<Sbi>>,
    pub(crate) htif: Option<HtifPoller>,
}

/// Tells the lifecycle when the thread ends, even if it panics.
struct EndGuard(Arc<Lifecycle>);

impl Drop for EndGuard {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.end(MachineExit::Crashed);
        }
        self.0.thread_ended();
    }
}

impl HartThread {
    /// Runs the hart until the machine ends.
    pub(crate) fn run(self) {
        let _guard = EndGuard(Arc::clone(&self.lifecycle));
        // Dropped before the guard: the machine has stopped when its engines are gone.
        let mut hart = self;
        let mut boot = hart.lifecycle.boot_phase();
        while hart.lifecycle.pass_gate() == Gate::Open {
            if hart.is_started() {
                hart.run_slice(&mut boot);
            }
        }
    }

    /// Whether the hart executes; if not, sleeps until somebody wants something.
    fn is_started(&mut self) -> bool {
        let id = self.hart.id();
        let Some(sbi) = self.sbi.as_ref().filter(|sbi| !sbi.hsm().is_started(id)) else { return true };
        // Requests are taken before the look at the state: one that comes later ends the
        // sleep at once.
        self.hart.serve_attention();
        if let Some(start) = sbi.hsm().take_start(id) {
            self.hart.reset(GuestAddr(start.address), PrivilegeMode::Supervisor, id as u64, start.opaque);
            return true;
        }
        self.hart.counters().spend(HartTime::Idle, || self.hart.control().sleep(PARKED_SLEEP));
        false
    }

    fn run_slice(&mut self, boot: &mut Option<BootPhase>) {
        let limit = match (&self.htif, &boot) {
            (Some(htif), _) => htif.interval(),
            (None, Some(_)) => BOOT_INTERVAL,
            (None, None) => u64::MAX,
        };
        let counters = Arc::clone(self.hart.counters());
        let exit = counters.spend(HartTime::Guest, || self.engine.run(&mut self.hart, limit));
        if let Some(phase) = *boot {
            self.watch_boot(phase);
            *boot = self.lifecycle.boot_phase();
        }
        let look_again = self.htif.as_mut().is_some_and(HtifPoller::poll);
        match exit {
            Exit::Wfi => self.idle(look_again),
            Exit::SbiCall => self.serve_sbi(),
            // The gate decides what a stop means.
            Exit::Stopped | Exit::LimitReached => {}
        }
    }

    fn idle(&mut self, look_again: bool) {
        let counters = Arc::clone(self.hart.counters());
        counters.spend(HartTime::Idle, || {
            if look_again {
                self.hart.control().sleep(HTIF_SLEEP);
            } else {
                self.hart.wait_for_interrupt();
            }
        });
    }

    fn serve_sbi(&mut self) {
        // Harts leave with this exit only if they have an SBI built in. Whether the hart
        // still executes is looked at before its next slice.
        if let Some(sbi) = &self.sbi {
            sbi.serve(&mut self.hart);
        }
    }

    /// Firmware has handed over when supervisor mode has called it; the kernel is up when
    /// user mode has called the kernel.
    fn watch_boot(&self, phase: BootPhase) {
        let exceptions = self.hart.counters().exceptions();
        let cause = match phase {
            BootPhase::Firmware => ExceptionCause::SupervisorEcall,
            _ => ExceptionCause::UserEcall,
        };
        if exceptions[cause.index()] > 0 {
            self.lifecycle.boot_phase_ended(phase);
        }
    }
}
