//! Hart state management (chapter 9).
//!
//! ```text
//!             hart_start               thread takes it
//!  STOPPED ───────────────► START_PENDING ──────► STARTED ──hart_suspend──► SUSPENDED
//!     ▲                                              │  ▲                       │
//!     └─────────────── hart_stop ────────────────────┘  └──── any wake-up ──────┘
//! ```
//!
//! A stopped hart's thread sleeps until it is started. Suspension is retentive: the
//! hart waits for an interrupt and goes on where it was.

use std::sync::Mutex;

use riscope_core::addr::GuestPhys;
use riscope_core::hart::{Attention, Hart};

use super::{Call, Sbi, SbiError, SbiResult};
use crate::sync::lock;

const HART_START: u64 = 0;
pub(super) const HART_STOP: u64 = 1;
const HART_GET_STATUS: u64 = 2;
const HART_SUSPEND: u64 = 3;

const RETENTIVE: u64 = 0;
const NON_RETENTIVE: u64 = 0x8000_0000;

/// Where a hart starts, in S-mode with translation off.
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
    /// Number as `hart_get_status` returns it.
    fn code(self) -> u64 {
        match self {
            Self::Started => 0,
            Self::Stopped => 1,
            Self::StartPending(_) => 2,
            Self::Suspended => 4,
        }
    }
}

/// States of all harts.
#[derive(Debug)]
pub struct Hsm {
    states: Mutex<Vec<State>>,
}

impl Hsm {
    /// Hart 0 started, the others stopped.
    pub(super) fn new(harts: usize) -> Self {
        let states = (0..harts).map(|hart| if hart == 0 { State::Started } else { State::Stopped }).collect();
        Self { states: Mutex::new(states) }
    }

    /// Whether a hart executes, suspended or not.
    pub fn is_started(&self, hart: usize) -> bool {
        matches!(lock(&self.states)[hart], State::Started | State::Suspended)
    }

    /// Takes a pending start of `hart`, which is then started.
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
    // Room for at least one compressed instruction.
    if start.address & 1 != 0 || !sbi.ram.contains(GuestPhys(start.address), 2) {
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

fn suspend(sbi: &Sbi, hart: &mut Hart, kind: u64) -> SbiResult {
    match kind {
        RETENTIVE => {
            sbi.hsm.set(hart.id(), State::Suspended);
            hart.wait_for_interrupt();
            sbi.hsm.set(hart.id(), State::Started);
            Ok(0)
        }
        // The default non-retentive and all platform-specific kinds.
        NON_RETENTIVE | 0x1000_0000..=0x7fff_ffff | 0x9000_0000..=0xffff_ffff => Err(SbiError::NotSupported),
        _ => Err(SbiError::InvalidParam),
    }
}
