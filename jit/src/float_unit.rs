//! Whether generated code may use the host's floating-point unit, and under which control
//! register.

use std::sync::LazyLock;

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

/// Bits of the host's control register that may be flags.
pub(crate) const STATUS_MASK: i64 = 0x3f;

/// The guest's flags for each value of these bits.
pub(crate) fn flags_by_status() -> &'static [u8; 64] {
    static FLAGS: LazyLock<[u8; 64]> = LazyLock::new(|| {
        let mut status = 0..;
        [(); 64].map(|()| sys::float::flags(status.next().unwrap_or(0)).bits())
    });
    &FLAGS
}

/// What [`control`] gives for each value of `frm` while `FS` is dirty.
pub(crate) fn controls_by_mode() -> &'static [u64; 8] {
    static CONTROLS: LazyLock<[u64; 8]> = LazyLock::new(|| {
        [0, 1, 2, 3, 4, 5, 6, 7].map(|frm| RoundingMode::from_bits(frm).map_or(0, sys::float::control))
    });
    &CONTROLS
}

/// Before the guest reads or writes its flags while generated code runs: takes over those that
/// the host's unit has accrued.
pub(crate) fn take_flags(state: &mut HartState) {
    if state.engine[Word::FloatControl as usize] != 0 {
        state.fflags |= u64::from(sys::float::flags(sys::float::take_flags()).bits());
    }
}

/// Before the host computes for itself while generated code waits: takes over the guest's flags and
/// puts the host's control register in force, until [`update`].
pub(crate) fn suspend(state: &mut HartState) {
    if state.engine[Word::FloatControl as usize] != 0 {
        take_flags(state);
        sys::float::put_in_force(state.engine[Word::HostFloatControl as usize]);
        state.engine[Word::FloatControl as usize] = 0;
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
