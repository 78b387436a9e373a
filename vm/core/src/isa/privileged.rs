//! Privileged instructions: trap returns, `wfi`, `sfence.vma`.

use super::row::extension;

extension! {
    /// Privileged instructions.
    Privileged {
        Mret "mret" Exact 0x3020_0073;
        Sret "sret" Exact 0x1020_0073;
        Wfi "wfi" Exact 0x1050_0073;
        SfenceVma "sfence.vma" Sfence 0x1200_0073;
    }
}
