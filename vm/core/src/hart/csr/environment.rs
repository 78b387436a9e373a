//! `menvcfg` and `senvcfg`.

use super::effect::Effect;
use crate::arch::envcfg::{ADUE, CBZE, FIOM, STCE};
use crate::counters::FlushScope;
use crate::hart::Hart;

const MENVCFG_MASK: u64 = FIOM | CBZE | ADUE | STCE;
const SENVCFG_MASK: u64 = FIOM | CBZE;

pub(super) fn write_menvcfg(hart: &mut Hart, _number: u16, value: u64) -> Effect {
    hart.csr.menvcfg = value & MENVCFG_MASK;
    hart.flush_translations(FlushScope::All);
    hart.update_permissions();
    Effect::Resync
}

pub(super) fn write_senvcfg(hart: &mut Hart, _number: u16, value: u64) -> Effect {
    hart.csr.senvcfg = value & SENVCFG_MASK;
    hart.update_permissions();
    Effect::None
}
