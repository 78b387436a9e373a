//! `mstatus` and its subset `sstatus`.

use super::effect::Effect;
use crate::arch::status::{
    FS, MIE, MPIE, MPP, MPP_SHIFT, MPRV, MXR, SD, SIE, SUM, SUPERVISOR, TSR, TVM, TW, UXL64, XL64,
};
use crate::counters::FlushScope;
use crate::hart::Hart;

const MACHINE_WRITABLE: u64 = SUPERVISOR | MIE | MPIE | MPP | MPRV | TVM | TW | TSR;

pub(super) fn read_mstatus(hart: &Hart, _number: u16) -> u64 {
    hart.state.status | XL64 | dirty_summary(hart)
}

pub(super) fn read_sstatus(hart: &Hart, _number: u16) -> u64 {
    hart.state.status & SUPERVISOR | UXL64 | dirty_summary(hart)
}

fn dirty_summary(hart: &Hart) -> u64 {
    if hart.state.status & FS == FS { SD } else { 0 }
}

pub(super) fn write_mstatus(hart: &mut Hart, _number: u16, value: u64) -> Effect {
    let mut mask = MACHINE_WRITABLE;
    if value >> MPP_SHIFT & 3 == 2 {
        // MPP is WARL: a reserved mode keeps the old value.
        mask &= !MPP;
    }
    update(hart, value, mask)
}

pub(super) fn write_sstatus(hart: &mut Hart, _number: u16, value: u64) -> Effect {
    update(hart, value, SUPERVISOR)
}

fn update(hart: &mut Hart, value: u64, mask: u64) -> Effect {
    let old = hart.state.status;
    let new = old & !mask | value & mask;
    hart.state.status = new;
    let changed = old ^ new;
    if changed & MXR != 0 {
        hart.flush_translations(FlushScope::All);
    }
    if changed & (MPRV | MPP | SUM | MXR) != 0 {
        hart.update_context();
    }
    let enabled = new & !old & (SIE | MIE) != 0;
    if enabled { Effect::Resync } else { Effect::None }
}
