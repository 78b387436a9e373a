//! Privilege modes.

/// Privilege modes, by their encoding in `mstatus.MPP`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum PrivilegeMode {
    /// U-mode
    User = 0,
    /// S-mode
    Supervisor = 1,
    /// M-mode
    Machine = 3,
}

impl PrivilegeMode {
    /// The mode of a two-bit field; the reserved code 2 counts as U-mode.
    pub fn from_bits(bits: u64) -> Self {
        match bits & 3 {
            3 => Self::Machine,
            1 => Self::Supervisor,
            _ => Self::User,
        }
    }
}
