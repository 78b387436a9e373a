//! Host thread of a hart: runs the engine and serves its exits.
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
use riscope_core::counters::{HartTime, ThreadCpuClock};
use riscope_core::engine::{Engine, Exit};
use riscope_core::event::BootPhase;
use riscope_core::hart::{ExceptionCause, Hart, PrivilegeMode};

use crate::device::htif::HtifPoller;
use crate::exit::MachineExit;
use crate::lifecycle::{Gate, Lifecycle};
use crate::sbi::Sbi;

/// Instructions between two checks whether the guest has finished booting.
const BOOT_INTERVAL: u64 = 1_000_000;
/// Sleep of an idle hart whose HTIF must be polled again.
const HTIF_SLEEP: Duration = Duration::from_millis(1);
/// Longest sleep of a stopped hart; the loop sleeps again.
const PARKED_SLEEP: Duration = Duration::from_secs(3600);

/// A hart with everything its thread needs.
pub(crate) struct HartThread {
    pub(crate) hart: Hart,
    pub(crate) engine: Box<dyn Engine>,
    pub(crate) lifecycle: Arc<Lifecycle>,
    /// Built-in SBI, for harts without firmware.
    pub(crate) sbi: Option<Arc<Sbi>>,
    pub(crate) htif: Option<HtifPoller>,
}

/// Reports the end of the thread to the lifecycle, even after a panic.
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
        // Dropped before the guard: a machine has stopped when its engines are gone.
        let mut hart = self;
        let control = Arc::clone(hart.hart.control());
        control.set_cpu_clock(ThreadCpuClock::of_this_thread());
        let mut boot = hart.lifecycle.boot_phase();
        while hart.lifecycle.pass_gate() == Gate::Open {
            if hart.is_started() {
                hart.run_slice(&mut boot);
            }
        }
        control.set_cpu_clock(None);
    }

    /// Whether the hart is started. If not, sleeps until a request.
    fn is_started(&mut self) -> bool {
        let id = self.hart.id();
        let Some(sbi) = self.sbi.as_ref().filter(|sbi| !sbi.hsm().is_started(id)) else { return true };
        // Requests are taken before the state is checked: a later request ends the sleep at
        // once.
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
            // The gate handles a stop.
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
        // Only harts with built-in SBI return this exit. The next iteration checks whether
        // the hart is still started.
        if let Some(sbi) = &self.sbi {
            sbi.serve(&mut self.hart);
        }
    }

    /// Firmware has handed over when S-mode makes a call; the kernel is up when U-mode
    /// makes one.
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
