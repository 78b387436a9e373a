//! Tests that the host's floating-point control register is restored after every exit from
//! generated code.

#[cfg(test)]
mod tests {
    use std::arch::asm;
    use std::sync::Arc;

    use riscope_core::addr::{GuestAddr, GuestPhys};
    use riscope_core::clock::Clock;
    use riscope_core::counters::{CodeExit, CounterPage};
    use riscope_core::engine::{Engine, EngineContext, EngineFactory, Exit};
    use riscope_core::hart::{Hart, HartConfig, PrivilegeMode};
    use riscope_core::mem::GuestRam;
    use riscope_jit::{JitConfig, JitFactory, Tiers};
    use vm_memory::{Bytes, GuestAddress};

    use crate::common::assembler::Assembler;
    use crate::common::encode::{Fields, encode, row};

    const RAM: u64 = 0x8000_0000;
    const MSTATUS: u16 = 0x300;
    const FRM: u16 = 2;
    const TIME: u16 = 0xc01;
    const UPWARDS: u32 = 3;
    const DYNAMIC: u32 = 7;

    /// The host's control register.
    fn mxcsr() -> u32 {
        let mut value = 0_u32;
        // SAFETY: stores four bytes where there are four.
        unsafe { asm!("stmxcsr [{}]", in(reg) &raw mut value, options(nostack)) };
        value
    }

    /// A loop that divides 1 by 3 and then causes exits from generated code: it loads
    /// across a page, reads the time, and calls a function.
    fn program() -> Vec<u8> {
        let mut asm = Assembler::default();
        let float = |asm: &mut Assembler, mnemonic, rd, rs1, rs2| {
            asm.raw(encode(row(mnemonic), Fields { rd, rs1, rs2, modifier: DYNAMIC, ..Fields::default() }));
        };
        asm.constant(5, 3 << 13);
        asm.csr("csrrs", 0, MSTATUS, 5);
        asm.csr("csrrwi", 0, FRM, UPWARDS);
        asm.imm("addi", 6, 0, 1);
        float(&mut asm, "fcvt.d.l", 1, 6, 0);
        asm.imm("addi", 6, 0, 3);
        float(&mut asm, "fcvt.d.l", 2, 6, 0);
        asm.constant(9, RAM + 4092);
        let (again, function) = (asm.here(), asm.label());
        float(&mut asm, "fdiv.d", 3, 1, 2);
        asm.imm("ld", 8, 9, 0);
        float(&mut asm, "fdiv.d", 3, 1, 2);
        asm.csr("csrrs", 8, TIME, 0);
        float(&mut asm, "fdiv.d", 3, 1, 2);
        asm.jump(1, function);
        asm.jump(0, again);
        asm.bind(function);
        float(&mut asm, "fdiv.d", 3, 1, 2);
        asm.imm("jalr", 0, 1, 0);
        asm.finish()
    }

    /// Runs the program in pieces; generated code must be left for each of `exits`.
    fn the_host_keeps_its_register(tiers: Tiers, exits: &[CodeExit]) {
        let ram = Arc::new(GuestRam::new(GuestPhys(RAM), 8192).expect("guest memory"));
        ram.memory().write_slice(&program(), GuestAddress(RAM)).expect("the program fits");
        let counters: Arc<CounterPage> = Arc::default();
        let config =
            HartConfig { counters: Arc::clone(&counters), ..HartConfig::alone(Arc::clone(&ram), Clock::manual()) };
        let mut hart = Hart::new(config);
        hart.reset(GuestAddr(RAM), PrivilegeMode::Machine, 0, 0);
        let config = JitConfig { tiers, hot_threshold: 2, synchronous: true, ..JitConfig::default() };
        let mut engine: Box<dyn Engine> =
            JitFactory::new(config).engines(&EngineContext::alone(ram), 1).expect("an engine").remove(0);

        let before = mxcsr();
        for limit in (1..200).chain([50_000]) {
            assert_eq!(engine.run(&mut hart, limit), Exit::LimitReached);
            assert_eq!(mxcsr(), before, "after {limit} instructions");
        }
        assert_eq!(hart.state().f[3], 0x3fd5_5555_5555_5556, "1/3, rounded up");
        assert_eq!(hart.state().fflags, 1, "inexact");
        for &exit in exits {
            let count = counters.code_exits()[exit as usize];
            assert!(count > 0, "generated code was never left for {exit:?}");
        }
    }

    #[test]
    fn the_host_keeps_its_rounding_mode_and_flags() {
        let exits = [CodeExit::Quantum, CodeExit::Lookup, CodeExit::Fallback, CodeExit::Access];
        the_host_keeps_its_register(Tiers::Optimised, &exits);
    }

    #[test]
    fn the_host_keeps_its_rounding_mode_and_flags_beside_templates() {
        // They call the interpreter for what the other tier leaves generated code for.
        let exits = [CodeExit::Quantum, CodeExit::Access];
        the_host_keeps_its_register(Tiers::Baseline, &exits);
    }

    #[test]
    fn the_host_keeps_its_rounding_mode_and_flags_in_all_tiers() {
        // `System` stands for the promotion of what computes.
        let exits = [CodeExit::Quantum, CodeExit::Fallback, CodeExit::Access, CodeExit::System];
        the_host_keeps_its_register(Tiers::All, &exits);
    }
}
