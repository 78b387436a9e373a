//! IPI extension (chapter 7).

use riscope_core::hart::Hart;

use super::pmu::FirmwareEvent;
use super::{Call, Sbi, SbiError, SbiResult};

const SEND_IPI: u64 = 0;

pub(super) fn call(sbi: &Sbi, hart: &Hart, call: Call) -> SbiResult {
    if call.function != SEND_IPI {
        return Err(SbiError::NotSupported);
    }
    let targets = sbi.harts_of(call.args[0], call.args[1])?;
    send(sbi, hart.id(), &targets);
    Ok(0)
}

/// Makes a supervisor software interrupt pending in each of `targets`.
pub(super) fn send(sbi: &Sbi, sender: usize, targets: &[usize]) {
    sbi.pmu.count(sender, FirmwareEvent::IpiSent);
    for &target in targets {
        sbi.pmu.count(target, FirmwareEvent::IpiReceived);
        sbi.harts[target].raise_supervisor_software();
    }
}
