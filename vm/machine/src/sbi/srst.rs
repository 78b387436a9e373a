//! System reset (chapter 10).

use riscope_core::event::PanicSource;

use super::{Call, Sbi, SbiError, SbiResult};
use crate::exit::MachineExit;

const SYSTEM_RESET: u64 = 0;

const SHUTDOWN: u64 = 0;
const COLD_REBOOT: u64 = 1;
const WARM_REBOOT: u64 = 2;

const NO_REASON: u64 = 0;
const SYSTEM_FAILURE: u64 = 1;
/// Code of the exit after a shutdown because of a system failure.
const FAILURE_CODE: u32 = 1;

/// Ends the machine; the call then does not return to the guest. Types and reasons are 32
/// bits wide. Those that are reserved, and those of vendors, platforms and
/// implementations, none of which exist here, are invalid parameters.
pub(super) fn call(sbi: &Sbi, call: Call) -> SbiResult {
    if call.function != SYSTEM_RESET {
        return Err(SbiError::NotSupported);
    }
    let [kind, reason] = [call.args[0], call.args[1]].map(|arg| arg & 0xffff_ffff);
    let exit = match (kind, reason) {
        (SHUTDOWN, SYSTEM_FAILURE) => MachineExit::Failure(FAILURE_CODE),
        (SHUTDOWN, NO_REASON) => MachineExit::PowerOff,
        (COLD_REBOOT | WARM_REBOOT, NO_REASON | SYSTEM_FAILURE) => MachineExit::Reset,
        _ => return Err(SbiError::InvalidParam),
    };
    if reason == SYSTEM_FAILURE {
        // First, because what follows from a panic comes before what the guest asks for.
        sbi.panics.report(PanicSource::Sbi);
    }
    sbi.exit.request(exit);
    Ok(0)
}
