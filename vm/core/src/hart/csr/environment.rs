//! `menvcfg` and `senvcfg`: which optional behaviour lower modes get.

use super::{Effect, Hart};
use crate::counters::FlushScope;

/// Fences of I/O also order memory.
const FIOM: u64 = 1;
/// `cbo.zero` is allowed below.
pub(crate) const CBZE: u64 = 1 << 7;
/// Hardware updates accessed and dirty bits (Svadu).
pub(crate) const ADUE: u64 = 1 << 61;
/// `stimecmp` exists (Sstc).
pub(crate) const STCE: u64 = 1 << 63;

const MENVCFG_MASK: u64 = FIOM | CBZE | ADUE | STCE;
pub(super) const SENVCFG_MASK: u64 = FIOM | CBZE;

pub(super) fn write_menvcfg(hart: &mut Hart, _number: u16, value: u64) -> Effect {
    hart.csr.menvcfg = value & MENVCFG_MASK;
    hart.flush_translations(FlushScope::All);
    Effect::Resync
}
