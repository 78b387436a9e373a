//! Accrued exception flags of `fcsr`.

use std::fmt;
use std::ops::{BitOr, BitOrAssign};

/// A set of accrued exceptions in the layout of `fflags` (unprivileged
/// specification, "Floating-Point Control and Status Register").
#[derive(Clone, Copy, Default, PartialEq, Eq)]
#[repr(transparent)]
pub struct Flags(u8);

impl Flags {
    /// No exception.
    pub const NONE: Self = Self(0);
    /// Inexact.
    pub const NX: Self = Self(1);
    /// Underflow: tiny after rounding, and inexact.
    pub const UF: Self = Self(2);
    /// Overflow.
    pub const OF: Self = Self(4);
    /// Divide by zero.
    pub const DZ: Self = Self(8);
    /// Invalid operation.
    pub const NV: Self = Self(16);

    /// The set in the low five bits of `bits`; higher bits are ignored, as a
    /// write to `fflags` ignores them.
    pub const fn from_bits(bits: u8) -> Self {
        Self(bits & 0x1f)
    }

    /// The value of `fflags`, 0 to 31.
    pub const fn bits(self) -> u8 {
        self.0
    }

    /// Whether every exception of `other` is in this set.
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }
}

impl BitOr for Flags {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl BitOrAssign for Flags {
    fn bitor_assign(&mut self, other: Self) {
        self.0 |= other.0;
    }
}

impl fmt::Debug for Flags {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const NAMES: [(Flags, &str); 5] =
            [(Flags::NV, "NV"), (Flags::DZ, "DZ"), (Flags::OF, "OF"), (Flags::UF, "UF"), (Flags::NX, "NX")];
        let raised: Vec<&str> =
            NAMES.into_iter().filter(|(flag, _)| self.contains(*flag)).map(|(_, name)| name).collect();
        write!(f, "[{}]", raised.join(" "))
    }
}

#[cfg(test)]
mod tests {
    use super::Flags;

    #[test]
    fn flags_have_the_bit_positions_of_fflags() {
        let mut flags = Flags::NONE;
        for (flag, bits) in
            [(Flags::NX, 0x01), (Flags::UF, 0x03), (Flags::OF, 0x07), (Flags::DZ, 0x0f), (Flags::NV, 0x1f)]
        {
            assert!(!flags.contains(flag));
            flags |= flag;
            assert_eq!(flags.bits(), bits);
            assert!(flags.contains(flag));
        }
        assert_eq!(Flags::from_bits(0xff), flags);
    }

    #[test]
    fn debug_names_the_raised_flags() {
        assert_eq!(format!("{:?}", Flags::OF | Flags::NX), "[OF NX]");
        assert_eq!(format!("{:?}", Flags::NONE), "[]");
    }
}
