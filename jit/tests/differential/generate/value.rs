//! Values for registers and memory: edge values of their types, and random ones.

use super::super::layout::{DATA, DATA_BYTES, OPERAND_COUNT, OPERANDS, RAM, SUPERPAGE};
use crate::common::random::Random;

/// Integer edge values.
const EDGES: &[u64] = &[
    0,
    1,
    2,
    u64::MAX,
    u64::MAX - 1,
    i64::MAX as u64,
    i64::MIN as u64,
    i64::MIN as u64 + 1,
    i32::MAX as u64,
    i32::MIN as u64,
    0x8000_0000,
    0xffff_ffff,
    0x1_0000_0000,
    0x7fff_ffff_8000_0000,
    0x8000,
    0x7fff,
    0xff80,
    0x5555_5555_5555_5555,
    0xaaaa_aaaa_aaaa_aaaa,
    0x0123_4567_89ab_cdef,
];

/// Floating-point numbers of both formats: zeros, ones, infinities, NaNs, the
/// smallest and largest.
const FLOATS: &[u64] = &[
    0,
    1 << 63,
    0x3ff0_0000_0000_0000,
    0xbff0_0000_0000_0000,
    0x3ff0_0000_0000_0001,
    0x7ff0_0000_0000_0000,
    0xfff0_0000_0000_0000,
    0x7ff8_0000_0000_0000,
    0x7ff0_0000_0000_0001,
    0x0000_0000_0000_0001,
    0x000f_ffff_ffff_ffff,
    0x0010_0000_0000_0000,
    0x7fef_ffff_ffff_ffff,
    0x43e0_0000_0000_0000,
    0xffff_ffff_0000_0000,
    0xffff_ffff_8000_0000,
    0xffff_ffff_3f80_0000,
    0xffff_ffff_bf80_0000,
    0xffff_ffff_3f80_0001,
    0xffff_ffff_7f80_0000,
    0xffff_ffff_ff80_0000,
    0xffff_ffff_7fc0_0000,
    0xffff_ffff_7f80_0001,
    0xffff_ffff_0000_0001,
    0xffff_ffff_007f_ffff,
    0xffff_ffff_0080_0000,
    0xffff_ffff_7f7f_ffff,
    0xffff_ffff_4f00_0000,
];

/// An integer: an edge, close to one, or random bits, perhaps of few bits.
pub(super) fn integer(random: &mut Random) -> u64 {
    match random.below(4) {
        0 => random.pick(EDGES),
        1 => random.pick(EDGES).wrapping_add(random.between(-3, 3) as u64),
        2 => random.bits() >> random.below(64),
        _ => random.bits(),
    }
}

/// A floating-point register: an edge, a number of moderate size, random bits.
pub(super) fn float(random: &mut Random) -> u64 {
    match random.below(5) {
        0 => random.pick(FLOATS),
        1 => random.bits(),
        2 => 0xffff_ffff_0000_0000 | random.bits(),
        3 => random.bits() & 0x800f_ffff_ffff_ffff | u64::from(1023 - 32 + random.below(64)) << 52,
        _ => {
            let exponent = 127 - 16 + random.below(32);
            0xffff_ffff_0000_0000 | u64::from(random.word() & 0x807f_ffff | exponent << 23)
        }
    }
}

/// Contents of the data window, its superpage, and the operand table.
pub(super) fn data(random: &mut Random) -> Vec<(u64, u64)> {
    let mut words = Vec::new();
    for offset in (DATA..DATA + DATA_BYTES).step_by(8) {
        words.push((RAM + offset, integer(random)));
        words.push((RAM + SUPERPAGE + offset, random.bits()));
    }
    // The first entry counts the iterations.
    for n in 1..OPERAND_COUNT {
        let word = if random.chance(50) { integer(random) } else { float(random) };
        words.push((RAM + OPERANDS + 8 * n, word));
    }
    words
}
