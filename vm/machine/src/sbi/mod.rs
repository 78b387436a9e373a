//! Built-in SBI (RISC-V Supervisor Binary Interface Specification 2.0) for S-mode kernels.
//!
//! ```text
//!  guest: ecall ──► engine exits with SbiCall ──► Sbi::serve ──► one file per extension
//!         a7 extension, a6 function, a0.. arguments       a0 error, a1 value ──► guest
//! ```
//!
//! Every call with any arguments returns an error code or succeeds; none panics, and no
//! work is bounded only by an argument.

mod base;
mod dbcn;
mod hsm;
mod ipi;
mod legacy;
mod pmu;
mod rfence;
mod srst;
mod time;

use std::sync::Arc;

use riscope_core::addr::GuestAddr;
use riscope_core::counters::SbiExtension;
use riscope_core::hart::{Hart, HartControl};
use riscope_core::mem::GuestRam;

use crate::console::Console;
use crate::exit::ExitLatch;
use crate::watch::Panics;

pub use hsm::{HartStart, Hsm};
use pmu::Pmu;

/// Register numbers of the calling convention.
const A0: usize = 10;
const A1: usize = 11;
const A6: usize = 16;
const A7: usize = 17;

/// Error codes (section 3, "Binary Encoding").
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(i64)]
enum SbiError {
    NotSupported = -2,
    InvalidParam = -3,
    InvalidAddress = -5,
    AlreadyAvailable = -6,
    AlreadyStarted = -7,
    AlreadyStopped = -8,
    NoSharedMemory = -9,
}

/// Value for `a1`, or error for `a0`.
type SbiResult = Result<u64, SbiError>;

/// SBI call.
#[derive(Clone, Copy, Debug)]
struct Call {
    function: u64,
    args: [u64; 6],
}

/// SBI of one machine, shared by its hart threads.
#[derive(Debug)]
pub struct Sbi {
    harts: Vec<Arc<HartControl>>,
    hsm: Hsm,
    pmu: Pmu,
    ram: Arc<GuestRam>,
    console: Arc<Console>,
    exit: Arc<ExitLatch>,
    panics: Arc<Panics>,
}

impl Sbi {
    /// An SBI for these harts, in order of hart ids; hart 0 is started, all others stopped.
    pub fn new(
        harts: Vec<Arc<HartControl>>,
        ram: Arc<GuestRam>,
        console: Arc<Console>,
        exit: Arc<ExitLatch>,
        panics: Arc<Panics>,
    ) -> Self {
        Self { hsm: Hsm::new(harts.len()), pmu: Pmu::new(harts.len()), harts, ram, console, exit, panics }
    }

    /// States of the harts.
    pub fn hsm(&self) -> &Hsm {
        &self.hsm
    }

    /// Serves the `ecall` at `hart`'s `pc` and advances `pc`. The hart may be stopped
    /// afterwards ([`Hsm::is_started`]).
    pub fn serve(&self, hart: &mut Hart) {
        let ecall = hart.pc();
        hart.set_pc(GuestAddr(ecall.0.wrapping_add(4)));
        let extension = hart.x(A7);
        let call = Call { function: hart.x(A6), args: std::array::from_fn(|i| hart.x(A0 + i)) };
        if let Ok(number @ 0..=legacy::LAST) = u8::try_from(extension) {
            hart.counters().count_sbi_call(SbiExtension::Legacy);
            match legacy::call(self, hart, number, call.args) {
                Ok(result) => hart.set_x(A0, result),
                // Chapter 5: the guest takes the exception at its `ecall`.
                Err(fault) => {
                    hart.set_pc(ecall);
                    hart.take_exception(fault);
                }
            }
            return;
        }
        let Some(extension) = known(extension) else {
            hart.counters().count_sbi_call(SbiExtension::Other);
            respond(hart, Err(SbiError::NotSupported));
            return;
        };
        hart.counters().count_sbi_call(extension);
        if extension == SbiExtension::Hsm && hsm::leave(self, hart, call) {
            return;
        }
        let result = self.dispatch(hart, extension, call);
        respond(hart, result);
    }

    fn dispatch(&self, hart: &mut Hart, extension: SbiExtension, call: Call) -> SbiResult {
        match extension {
            SbiExtension::Base => base::call(call),
            SbiExtension::Time => time::call(self, hart, call),
            SbiExtension::Ipi => ipi::call(self, hart, call),
            SbiExtension::Rfence => rfence::call(self, hart, call),
            SbiExtension::Hsm => hsm::call(self, hart, call),
            SbiExtension::Srst => srst::call(self, call),
            SbiExtension::Dbcn => dbcn::call(self, call),
            SbiExtension::Pmu => self.pmu.call(hart.id(), call),
            SbiExtension::Legacy | SbiExtension::Other => Err(SbiError::NotSupported),
        }
    }

    /// Harts selected by a mask and its base (section 3.1). The base must be a hart even if
    /// the mask is empty.
    fn harts_of(&self, mask: u64, base: u64) -> Result<Vec<usize>, SbiError> {
        if base == u64::MAX {
            return Ok((0..self.harts.len()).collect());
        }
        if base >= self.harts.len() as u64 {
            return Err(SbiError::InvalidParam);
        }
        let bits = (0..u64::BITS).filter(|bit| mask >> bit & 1 != 0);
        bits.map(|bit| {
            let hart = base.checked_add(u64::from(bit)).and_then(|hart| usize::try_from(hart).ok());
            hart.filter(|&hart| hart < self.harts.len()).ok_or(SbiError::InvalidParam)
        })
        .collect()
    }
}

/// Extension IDs: the names in ASCII.
fn known(extension: u64) -> Option<SbiExtension> {
    Some(match extension {
        0x10 => SbiExtension::Base,
        0x5449_4d45 => SbiExtension::Time,
        0x73_5049 => SbiExtension::Ipi,
        0x5246_4e43 => SbiExtension::Rfence,
        0x48_534d => SbiExtension::Hsm,
        0x5352_5354 => SbiExtension::Srst,
        0x4442_434e => SbiExtension::Dbcn,
        0x50_4d55 => SbiExtension::Pmu,
        _ => return None,
    })
}

fn respond(hart: &mut Hart, result: SbiResult) {
    let (error, value) = match result {
        Ok(value) => (0, value),
        Err(error) => (error as i64, 0),
    };
    hart.set_x(A0, error.cast_unsigned());
    hart.set_x(A1, value);
}

#[cfg(test)]
mod error_table;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
