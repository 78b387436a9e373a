//! Whether generated code may use the host's floating-point unit, and under which control
//! register.

use riscope_core::fp::RoundingMode;
use riscope_core::hart::{HartState, status};

use crate::abi::Word;
use crate::sys;

/// Host floating-point control register for the guest's code. 0 if floating point must be
/// interpreted: `FS` is off or must become dirty, or the host lacks the rounding mode.
pub(crate) fn control(state: &HartState) -> u64 {
    if state.status & status::FS != status::FS {
        return 0;
    }
    u8::try_from(state.frm).ok().and_then(RoundingMode::from_bits).map_or(0, sys::float::control)
}

/// Before the guest reads or writes its flags while generated code runs: takes over those that
/// the host's unit has accrued.
pub(crate) fn take_flags(state: &mut HartState) {
    if state.engine[Word::FloatControl as usize] != 0 {
        state.fflags |= u64::from(sys::float::flags(sys::float::take_flags()).bits());
    }
}

/// After the guest may have changed what [`control`] depends on while generated code runs: puts
/// the control register in force that fits now.
pub(crate) fn update(state: &mut HartState) {
    let (old, new) = (state.engine[Word::FloatControl as usize], control(state));
    if old == new {
        return;
    }
    take_flags(state);
    if old == 0 {
        state.engine[Word::HostFloatControl as usize] = sys::float::in_force();
    }
    sys::float::put_in_force(if new == 0 { state.engine[Word::HostFloatControl as usize] } else { new });
    state.engine[Word::FloatControl as usize] = new;
}
