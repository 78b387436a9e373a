//! Instruction rows and the macro that declares them.

use super::{Format, Op};

/// Declaration of a 32-bit instruction.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    /// The operation.
    pub op: Op,
    /// Mnemonic.
    pub mnemonic: &'static str,
    /// Format: the fields that are operands.
    pub format: Format,
    /// Value of the fixed bits, those of [`Format::mask`].
    pub bits: u32,
}

/// Declares the instructions of one extension: an enum and its rows.
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

/// All 32-bit instructions. A special encoding precedes the general one that includes it,
/// so the first match is the instruction.
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
