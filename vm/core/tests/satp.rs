//! Tests that a hart supports its configured page-table formats and no deeper ones.

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use riscope_core::addr::{GuestAddr, GuestPhys};
    use riscope_core::clock::Clock;
    use riscope_core::engine::{Engine, Exit};
    use riscope_core::hart::{Hart, HartConfig, PrivilegeMode};
    use riscope_core::interp::Interpreter;
    use riscope_core::mem::GuestRam;
    use riscope_core::mmu::MmuType;
    use vm_memory::{Bytes, GuestAddress};

    const RAM: u64 = 0x8000_0000;
    /// `csrw satp, t0; csrw satp, t1; csrr a0, satp`
    const PROGRAM: [u32; 3] = [0x1802_9073, 0x1803_1073, 0x1800_2573];

    /// `satp` after it was written twice.
    fn satp_after(mmu: MmuType, first: u64, second: u64) -> u64 {
        let ram = Arc::new(GuestRam::new(GuestPhys(RAM), 4096).unwrap());
        ram.memory().write_obj(PROGRAM, GuestAddress(RAM)).unwrap();
        let mut hart = Hart::new(HartConfig { mmu, ..HartConfig::alone(ram, Clock::manual()) });
        hart.reset(GuestAddr(RAM), PrivilegeMode::Machine, 0, 0);
        hart.set_x(5, first);
        hart.set_x(6, second);
        assert_eq!(Interpreter::default().run(&mut hart, 3), Exit::LimitReached);
        hart.x(10)
    }

    #[test]
    fn a_deeper_mode_changes_no_field_of_satp() {
        let modes = [(8, MmuType::Sv39), (9, MmuType::Sv48), (10, MmuType::Sv57)];
        for mmu in modes.map(|(_, mmu)| mmu) {
            for (mode, needed) in modes {
                let before = 8 << 60 | 0x1_0000;
                let written = mode << 60 | 7 << 44 | 0x8_0123;
                let expected = if needed <= mmu { written } else { before };
                assert_eq!(satp_after(mmu, before, written), expected, "mode {mode} with {mmu:?}");
            }
            assert_eq!(satp_after(mmu, 8 << 60, 0), 0, "Bare is always there");
        }
    }
}
