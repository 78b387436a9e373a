//! Hart state management extension (chapter 9).
//!
//! ```text
//!             hart_start               thread takes it
//!  STOPPED ───────────────► START_PENDING ──────► STARTED ──hart_suspend──► SUSPENDED
//!     ▲                                              │  ▲                       │
//!     └─────────────── hart_stop ────────────────────┘  └──── any wake-up ──────┘
//! ```
//!
//! The thread of a stopped hart sleeps until the hart is started. A suspended hart waits
//! for an interrupt and then continues after the call or, after non-retentive suspension,
//! at the address given, as after a start.

use std::sync::Mutex;

use riscope_core::addr::{GuestAddr, GuestPhys};
use riscope_core::hart::{Attention, Hart};

use super::{Call, Sbi, SbiError, SbiResult};
use crate::sync::lock;

const HART_START: u64 = 0;
const HART_STOP: u64 = 1;
const HART_GET_STATUS: u64 = 2;
const HART_SUSPEND: u64 = 3;

/// The suspend type has 32 bits.
const KIND_MASK: u64 = 0xffff_ffff;
const RETENTIVE: u64 = 0;
const NON_RETENTIVE: u64 = 0x8000_0000;

/// Start of a hart, in S-mode with translation off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HartStart {
    /// Physical address of its first instruction.
    pub address: u64,
    /// Value for `a1`.
    pub opaque: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Started,
    Stopped,
    StartPending(HartStart),
    Suspended,
}

impl State {
    /// Encoding of `hart_get_status`.
    fn code(self) -> u64 {
        match self {
            Self::Started => 0,
            Self::Stopped => 1,
            Self::StartPending(_) => 2,
            Self::Suspended => 4,
        }
    }
}

/// States of all harts of a machine.
#[derive(Debug)]
pub struct Hsm {
    states: Mutex<Vec<State>>,
}

impl Hsm {
    /// Hart 0 started, all others stopped.
    pub(super) fn new(harts: usize) -> Self {
        let states = (0..harts).map(|hart| if hart == 0 { State::Started } else { State::Stopped }).collect();
        Self { states: Mutex::new(states) }
    }

    /// Whether a hart is started, suspended or not.
    pub fn is_started(&self, hart: usize) -> bool {
        matches!(lock(&self.states)[hart], State::Started | State::Suspended)
    }

    /// Takes a pending start of `hart`, which becomes started.
    pub fn take_start(&self, hart: usize) -> Option<HartStart> {
        let state = &mut lock(&self.states)[hart];
        let State::StartPending(start) = *state else { return None };
        *state = State::Started;
        Some(start)
    }

    pub(super) fn stop(&self, hart: usize) {
        self.set(hart, State::Stopped);
    }

    fn set(&self, hart: usize, state: State) {
        lock(&self.states)[hart] = state;
    }
}

/// Serves calls that do not return to their caller. Returns whether `call` was one.
pub(super) fn leave(sbi: &Sbi, hart: &mut Hart, call: Call) -> bool {
    let [kind, address, opaque, ..] = call.args;
    match (call.function, kind & KIND_MASK) {
        (HART_STOP, _) => sbi.hsm.stop(hart.id()),
        (HART_SUSPEND, NON_RETENTIVE) if is_entry(sbi, address) => {
            wait(sbi, hart);
            hart.resume_at(GuestAddr(address), hart.id() as u64, opaque);
        }
        _ => return false,
    }
    true
}

pub(super) fn call(sbi: &Sbi, hart: &mut Hart, call: Call) -> SbiResult {
    let [first, second, third, ..] = call.args;
    match call.function {
        HART_START => start(sbi, first, HartStart { address: second, opaque: third }),
        HART_GET_STATUS => {
            let target = target(sbi, first)?;
            Ok(lock(&sbi.hsm.states)[target].code())
        }
        HART_SUSPEND => suspend(sbi, hart, first),
        _ => Err(SbiError::NotSupported),
    }
}

fn target(sbi: &Sbi, hart: u64) -> Result<usize, SbiError> {
    usize::try_from(hart).ok().filter(|&hart| hart < sbi.harts.len()).ok_or(SbiError::InvalidParam)
}

fn start(sbi: &Sbi, hart: u64, start: HartStart) -> SbiResult {
    let target = target(sbi, hart)?;
    if !is_entry(sbi, start.address) {
        return Err(SbiError::InvalidAddress);
    }
    {
        let state = &mut lock(&sbi.hsm.states)[target];
        if *state != State::Stopped {
            return Err(SbiError::AlreadyAvailable);
        }
        *state = State::StartPending(start);
    }
    sbi.harts[target].request(Attention::INTERRUPT);
    Ok(0)
}

/// Whether a hart can start at a physical address: RAM has room for a compressed
/// instruction there.
fn is_entry(sbi: &Sbi, address: u64) -> bool {
    address & 1 == 0 && sbi.ram.contains(GuestPhys(address), 2)
}

fn wait(sbi: &Sbi, hart: &mut Hart) {
    sbi.hsm.set(hart.id(), State::Suspended);
    hart.wait_for_interrupt();
    sbi.hsm.set(hart.id(), State::Started);
}

fn suspend(sbi: &Sbi, hart: &mut Hart, kind: u64) -> SbiResult {
    match kind & KIND_MASK {
        RETENTIVE => {
            wait(sbi, hart);
            Ok(0)
        }
        // With a valid address, `leave` has served the call.
        NON_RETENTIVE => Err(SbiError::InvalidAddress),
        // Reserved, or specific to another platform.
        _ => Err(SbiError::InvalidParam),
    }
}
