//! The row that declares an instruction, and the macro that lists rows.

use super::{Format, Op};

/// Declaration of one 32-bit instruction.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    /// The operation.
    pub op: Op,
    /// Assembler name.
    pub mnemonic: &'static str,
    /// Which fields are operands; the other bits are fixed.
    pub format: Format,
    /// Value of the fixed bits ([`Format::mask`]).
    pub bits: u32,
}

/// Lists the instructions of one extension: an enum, and its rows.
macro_rules! extension {
    ($(#[$doc:meta])* $name:ident { $($variant:ident $mnemonic:literal $format:ident $bits:literal;)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum $name {
            $(#[doc = concat!("`", $mnemonic, "`")] $variant,)*
        }

        pub(super) const ROWS: &[super::Row] = &[
            $(super::Row {
                op: super::Op::$name($name::$variant),
                mnemonic: $mnemonic,
                format: super::Format::$format,
                bits: $bits,
            },)*
        ];
    };
}
pub(super) use extension;

/// All 32-bit instructions. An exact encoding stands before the general one
/// that it is a case of, so the first match is the right one.
pub fn rows() -> impl Iterator<Item = &'static Row> {
    use super::{a, d, float, i, m, privileged, zba, zbb, zbs, zicboz, zicond, zicsr, zifencei};
    let extensions = [
        i::ROWS,
        m::ROWS,
        a::ROWS,
        float::ROWS,
        d::ROWS,
        zicsr::ROWS,
        zifencei::ROWS,
        privileged::ROWS,
        zba::ROWS,
        zbb::ROWS,
        zbs::ROWS,
        zicond::ROWS,
        zicboz::ROWS,
    ];
    extensions.into_iter().flatten()
}
