//! Timer extension (chapter 6).

use riscope_core::hart::Hart;

use super::pmu::FirmwareEvent;
use super::{Call, Sbi, SbiError, SbiResult};

const SET_TIMER: u64 = 0;

pub(super) fn call(sbi: &Sbi, hart: &mut Hart, call: Call) -> SbiResult {
    if call.function != SET_TIMER {
        return Err(SbiError::NotSupported);
    }
    set_timer(sbi, hart, call.args[0]);
    Ok(0)
}

/// Programs the hart's supervisor timer, in ticks of the time base, which clears its
/// pending interrupt.
pub(super) fn set_timer(sbi: &Sbi, hart: &mut Hart, ticks: u64) {
    sbi.pmu.count(hart.id(), FirmwareEvent::SetTimer);
    hart.set_stimecmp(ticks);
}
