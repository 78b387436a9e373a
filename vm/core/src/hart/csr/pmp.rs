//! `pmpcfg` and `pmpaddr`: sixteen entries; the others read as zero.

use super::effect::Effect;
use crate::counters::FlushScope;
use crate::hart::Hart;

const FIRST_CONFIG: u16 = 0x3a0;
const FIRST_ADDRESS: u16 = 0x3b0;

/// RV64 has only the even-numbered configuration registers.
pub(super) fn config_allowed(_hart: &Hart, number: u16) -> bool {
    number & 1 == 0
}

pub(super) fn read_config(hart: &Hart, number: u16) -> u64 {
    let first = usize::from(number - FIRST_CONFIG) * 4;
    let bytes: [u8; 8] = std::array::from_fn(|i| hart.mmu.pmp.config(first + i));
    u64::from_le_bytes(bytes)
}

pub(super) fn write_config(hart: &mut Hart, number: u16, value: u64) -> Effect {
    let first = usize::from(number - FIRST_CONFIG) * 4;
    for (i, byte) in value.to_le_bytes().into_iter().enumerate() {
        hart.mmu.pmp.set_config(first + i, byte);
    }
    hart.flush_translations(FlushScope::All);
    Effect::Resync
}

pub(super) fn read_address(hart: &Hart, number: u16) -> u64 {
    hart.mmu.pmp.address(usize::from(number - FIRST_ADDRESS))
}

pub(super) fn write_address(hart: &mut Hart, number: u16, value: u64) -> Effect {
    hart.mmu.pmp.set_address(usize::from(number - FIRST_ADDRESS), value);
    hart.flush_translations(FlushScope::All);
    Effect::Resync
}
