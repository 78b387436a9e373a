//! `fflags`, `frm` and `fcsr`.

use super::effect::Effect;
use crate::hart::Hart;

const FLAGS: u64 = 0x1f;
const ROUNDING: u64 = 7;

pub(super) fn allowed(hart: &Hart, _number: u16) -> bool {
    hart.float_enabled()
}

pub(super) fn read_fflags(hart: &Hart, _number: u16) -> u64 {
    hart.state.fflags
}

pub(super) fn write_fflags(hart: &mut Hart, _number: u16, value: u64) -> Effect {
    hart.state.fflags = value & FLAGS;
    hart.mark_float_dirty();
    Effect::None
}

pub(super) fn read_frm(hart: &Hart, _number: u16) -> u64 {
    hart.state.frm
}

pub(super) fn write_frm(hart: &mut Hart, _number: u16, value: u64) -> Effect {
    hart.state.frm = value & ROUNDING;
    hart.mark_float_dirty();
    Effect::None
}

pub(super) fn read_fcsr(hart: &Hart, _number: u16) -> u64 {
    hart.state.frm << 5 | hart.state.fflags
}

pub(super) fn write_fcsr(hart: &mut Hart, number: u16, value: u64) -> Effect {
    write_fflags(hart, number, value);
    write_frm(hart, number, value >> 5)
}
