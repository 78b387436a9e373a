//! Zifencei extension: instruction-fetch fence.

use super::row::extension;

extension! {
    /// Instruction-fetch fence.
    Zifencei {
        FenceI "fence.i" FenceI 0x0000_100f;
    }
}
