//! System reset extension (chapter 10).

use riscope_core::event::PanicSource;

use super::{Call, Sbi, SbiError, SbiResult};
use crate::exit::MachineExit;

const SYSTEM_RESET: u64 = 0;

const SHUTDOWN: u64 = 0;
const COLD_REBOOT: u64 = 1;
const WARM_REBOOT: u64 = 2;

const NO_REASON: u64 = 0;
const SYSTEM_FAILURE: u64 = 1;
/// Exit code of a shutdown due to a system failure.
const FAILURE_CODE: u32 = 1;

/// Ends the machine; the call does not return to the guest. Types and reasons have 32 bits.
/// Reserved ones, and vendor, platform and implementation-specific ones, none of which
/// exist here, are invalid parameters.
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
        // First: the panic policy overrides the guest's request.
        sbi.panics.report(PanicSource::Sbi);
    }
    sbi.exit.request(exit);
    Ok(0)
}
