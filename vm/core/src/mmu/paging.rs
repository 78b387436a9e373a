//! Page-table formats.

/// Deepest page-table format of a hart; it supports all shallower ones, too.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum MmuType {
    /// Three levels, 39-bit addresses.
    Sv39,
    /// Four levels, 48-bit addresses.
    #[default]
    Sv48,
    /// Five levels, 57-bit addresses.
    Sv57,
}

impl MmuType {
    /// Value for the device tree's property `mmu-type`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Sv39 => "riscv,sv39",
            Self::Sv48 => "riscv,sv48",
            Self::Sv57 => "riscv,sv57",
        }
    }

    const fn levels(self) -> u32 {
        match self {
            Self::Sv39 => 3,
            Self::Sv48 => 4,
            Self::Sv57 => 5,
        }
    }
}

/// Address translation modes of `satp`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PagingMode {
    Bare,
    /// Page tables with this many levels: 3 for Sv39, 4 for Sv48, 5 for Sv57.
    Levels(u32),
}

impl PagingMode {
    /// Mode of a `satp` value; `None` for reserved encodings.
    pub(crate) fn from_satp(satp: u64) -> Option<Self> {
        match satp >> 60 {
            0 => Some(Self::Bare),
            8 => Some(Self::Levels(MmuType::Sv39.levels())),
            9 => Some(Self::Levels(MmuType::Sv48.levels())),
            10 => Some(Self::Levels(MmuType::Sv57.levels())),
            _ => None,
        }
    }

    /// Whether a hart with `mmu` supports the mode.
    pub(crate) fn is_there(self, mmu: MmuType) -> bool {
        match self {
            Self::Bare => true,
            Self::Levels(levels) => levels <= mmu.levels(),
        }
    }
}
