//! Privilege modes.

use crate::labels;

labels! {
    /// Privilege modes, by their encoding in `mstatus.MPP`.
    #[derive(PartialOrd, Ord)]
    #[repr(u8)]
    pub enum PrivilegeMode {
        /// U-mode
        User "user" = 0,
        /// S-mode
        Supervisor "supervisor" = 1,
        /// M-mode
        Machine "machine" = 3,
    }
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
