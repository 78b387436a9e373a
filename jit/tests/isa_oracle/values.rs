//! Operands: all combinations of the edge values of each type, and random ones.

use crate::common::random::Random;

/// Integer edge values.
pub(crate) const INTEGERS: [u64; 33] = [
    0,
    1,
    2,
    3,
    7,
    31,
    32,
    63,
    64,
    0x7f,
    0x80,
    0xff,
    0x7fff,
    0x8000,
    0xffff,
    0x7fff_fffe,
    0x7fff_ffff,
    0x8000_0000,
    0xffff_ffff,
    0x1_0000_0000,
    0x8000_0000_0000,
    0x7fff_ffff_ffff_fffe,
    0x7fff_ffff_ffff_ffff,
    0x8000_0000_0000_0000,
    0x8000_0000_0000_0001,
    0xffff_ffff_7fff_ffff,
    0xffff_ffff_8000_0000,
    0xffff_ffff_ffff_8000,
    0xffff_ffff_ffff_fffe,
    0xffff_ffff_ffff_ffff,
    0x5555_5555_5555_5555,
    0xaaaa_aaaa_aaaa_aaaa,
    0x0180_0040_0002_0001,
];

/// Double-precision numbers of all classes and both signs, near the borders of rounding,
/// overflow, underflow and conversions.
pub(crate) const DOUBLES: [u64; 28] = [
    0x0000_0000_0000_0000,
    0x8000_0000_0000_0000,
    0x3ff0_0000_0000_0000,
    0xbff0_0000_0000_0000,
    0x3ff0_0000_0000_0001,
    0x3fe0_0000_0000_0000,
    0xbff8_0000_0000_0000,
    0x4008_0000_0000_0000,
    0x0000_0000_0000_0001,
    0x8000_0000_0000_0001,
    0x000f_ffff_ffff_ffff,
    0x0010_0000_0000_0000,
    0x8010_0000_0000_0000,
    0x0340_0000_0000_0000,
    0x7fef_ffff_ffff_ffff,
    0xffef_ffff_ffff_ffff,
    0x7ff0_0000_0000_0000,
    0xfff0_0000_0000_0000,
    0x7ff8_0000_0000_0000,
    0x7ff0_0000_0000_0001,
    0xfff8_0000_0000_1234,
    0x41df_ffff_ffe0_0000,
    0xc1e0_0000_0000_0000,
    0x43df_ffff_ffff_ffff,
    0x43e0_0000_0000_0000,
    0xc3e0_0000_0000_0000,
    0x47ef_ffff_f000_0000,
    0x3690_0000_0000_0000,
];

/// Single-precision numbers, as for [`DOUBLES`]; the last three are not NaN-boxed and count
/// as NaN.
pub(crate) const SINGLES: [u64; 28] = [
    0xffff_ffff_0000_0000,
    0xffff_ffff_8000_0000,
    0xffff_ffff_3f80_0000,
    0xffff_ffff_bf80_0000,
    0xffff_ffff_3f80_0001,
    0xffff_ffff_3f00_0000,
    0xffff_ffff_bfc0_0000,
    0xffff_ffff_4040_0000,
    0xffff_ffff_0000_0001,
    0xffff_ffff_8000_0001,
    0xffff_ffff_007f_ffff,
    0xffff_ffff_0080_0000,
    0xffff_ffff_8080_0000,
    0xffff_ffff_0d00_0000,
    0xffff_ffff_7f7f_ffff,
    0xffff_ffff_ff7f_ffff,
    0xffff_ffff_7f80_0000,
    0xffff_ffff_ff80_0000,
    0xffff_ffff_7fc0_0000,
    0xffff_ffff_7f80_0001,
    0xffff_ffff_ffc0_1234,
    0xffff_ffff_4eff_ffff,
    0xffff_ffff_cf00_0000,
    0xffff_ffff_5eff_ffff,
    0xffff_ffff_5f00_0000,
    0x0000_0000_3f80_0000,
    0xffff_fffe_3f80_0000,
    0x7fff_ffff_ff80_0000,
];

/// All pairs of `edges`, then `count` random ones.
pub(crate) fn pairs(edges: &[u64], count: usize, mut random: impl FnMut() -> u64) -> Vec<u64> {
    let edge_pairs = edges.iter().flat_map(|&a| edges.iter().flat_map(move |&b| [a, b]));
    let mut words: Vec<u64> = edge_pairs.collect();
    words.extend((0..2 * count).map(|_| random()));
    words
}

/// A random integer, of few bits as often as of many.
pub(crate) fn integer(random: &mut Random) -> u64 {
    let bits = random.bits();
    let shift = random.below(64);
    match random.below(3) {
        0 => bits,
        1 => bits >> shift,
        _ => (bits as i64 >> shift) as u64,
    }
}

/// A register with a random double, of moderate size more often than not.
pub(crate) fn double(random: &mut Random) -> u64 {
    let bits = random.bits();
    // Random bits are rarely close to anything.
    let exponent = match random.weighted(&[(2, 0), (3, 1), (3, 2), (3, 3)]) {
        0 => return bits,
        1 => 1023 - 2 + random.below(4),
        2 => 1023 - 64 + random.below(128),
        _ => random.pick(&[0, 1, 2, 896, 897, 1150, 1151, 2045, 2046]),
    };
    bits & 0x800f_ffff_ffff_ffff | u64::from(exponent) << 52
}

/// A register with a random boxed single.
pub(crate) fn single(random: &mut Random) -> u64 {
    let bits = random.word();
    let exponent = match random.weighted(&[(2, 0), (3, 1), (3, 2), (3, 3)]) {
        0 => return 0xffff_ffff_0000_0000 | u64::from(bits),
        1 => 127 - 2 + random.below(4),
        2 => 127 - 32 + random.below(64),
        _ => random.pick(&[0, 1, 2, 253, 254]),
    };
    0xffff_ffff_0000_0000 | u64::from(bits & 0x807f_ffff | exponent << 23)
}
