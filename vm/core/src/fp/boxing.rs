//! NaN boxing: representation of binary32 numbers in 64-bit registers (unprivileged
//! specification, "NaN Boxing of Narrower Values").

#![expect(clippy::cast_possible_truncation, reason = "a boxed number is the low half of its register")]

use super::format::{F32, Format};

/// Boxes `number`: sets the upper half to all ones.
pub const fn box_f32(number: u32) -> u64 {
    number as u64 | 0xffff_ffff_0000_0000
}

/// Unboxes the number in `register`; the canonical NaN if it is not boxed.
pub const fn unbox_f32(register: u64) -> u32 {
    if register >> 32 == 0xffff_ffff { register as u32 } else { F32::CANONICAL_NAN as u32 }
}

#[cfg(test)]
mod tests {
    use super::{box_f32, unbox_f32};

    #[test]
    fn boxed_numbers_come_back_unchanged() {
        for number in [0, 1, 0x3f80_0000, 0x7f80_0001, u32::MAX] {
            assert_eq!(box_f32(number) >> 32, 0xffff_ffff);
            assert_eq!(unbox_f32(box_f32(number)), number);
        }
    }

    #[test]
    fn improperly_boxed_values_read_as_the_canonical_nan() {
        for register in [0, 0x3f80_0000, 0xffff_fffe_3f80_0000, 0x7fff_ffff_3f80_0000] {
            assert_eq!(unbox_f32(register), 0x7fc0_0000, "{register:#x}");
        }
    }
}
