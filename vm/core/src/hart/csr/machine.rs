//! `misa`, `mhartid`, `mtvec` and the legal values of `medeleg`.

use super::effect::Effect;
use crate::arch::ExceptionCause;
use crate::hart::Hart;

/// RV64 with the extensions A, B (Zba, Zbb and Zbs), C, D, F, I, M, S and U.
const MISA: u64 = 2 << 62
    | extension(b'A')
    | extension(b'B')
    | extension(b'C')
    | extension(b'D')
    | extension(b'F')
    | extension(b'I')
    | extension(b'M')
    | extension(b'S')
    | extension(b'U');

/// Every exception except `ecall` from M-mode, which is never delegated.
pub(super) const DELEGABLE_EXCEPTIONS: u64 = ExceptionCause::MASK & !ExceptionCause::MachineEcall.mask();

const fn extension(letter: u8) -> u64 {
    1 << (letter - b'A')
}

pub(super) fn read_misa(_hart: &Hart, _number: u16) -> u64 {
    MISA
}

pub(super) fn read_mhartid(hart: &Hart, _number: u16) -> u64 {
    hart.id() as u64
}

pub(super) fn write_mtvec(hart: &mut Hart, _number: u16, value: u64) -> Effect {
    hart.csr.mtvec = legal_vector(value, hart.csr.mtvec);
    Effect::None
}

/// WARL value of a trap vector: direct or vectored mode; a reserved mode keeps the old one.
pub(super) fn legal_vector(value: u64, old: u64) -> u64 {
    let mode = if value & 2 == 0 { value & 1 } else { old & 1 };
    value & !3 | mode
}
