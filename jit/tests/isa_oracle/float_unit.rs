//! Tests that the host's floating-point control register is restored after every exit from
//! generated code, and that the guest's is accessed without one.

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
    const FFLAGS: u16 = 1;
    const FRM: u16 = 2;
    const FCSR: u16 = 3;
    const TIME: u16 = 0xc01;
    const DOWNWARDS: u32 = 2;
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

    /// A loop that counts in `x8` how often 1/3 is inexact downwards and upwards, and compares
    /// without raising flags, as compilers do.
    fn accesses() -> Vec<u8> {
        let mut asm = Assembler::default();
        let float = |asm: &mut Assembler, mnemonic, rd, rs1, rs2, modifier| {
            asm.raw(encode(row(mnemonic), Fields { rd, rs1, rs2, modifier, ..Fields::default() }));
        };
        asm.constant(5, 3 << 13);
        asm.csr("csrrs", 0, MSTATUS, 5);
        for (register, value) in [(1, 1), (2, 3)] {
            asm.imm("addi", 6, 0, value);
            float(&mut asm, "fcvt.d.l", register, 6, 0, DYNAMIC);
        }
        asm.constant(9, u64::from(DOWNWARDS << 5));
        let again = asm.here();
        asm.csr("csrrw", 0, FCSR, 9);
        float(&mut asm, "fdiv.d", 3, 1, 2, DYNAMIC);
        asm.csr("csrrci", 6, FFLAGS, 1);
        asm.reg("add", 8, 8, 6);
        asm.csr("csrrwi", 7, FRM, UPWARDS);
        float(&mut asm, "fdiv.d", 4, 1, 2, DYNAMIC);
        asm.csr("csrrs", 6, FCSR, 0);
        float(&mut asm, "flt.d", 10, 3, 4, 0);
        asm.csr("csrrw", 0, FFLAGS, 6);
        asm.imm("andi", 6, 6, 1);
        asm.reg("add", 8, 8, 6);
        asm.jump(0, again);
        asm.finish()
    }

    #[test]
    fn flags_and_rounding_modes_are_accessed_without_leaving_generated_code() {
        let Machine { mut hart, mut engine, counters } = machine(&accesses(), Tiers::Optimised);
        assert_eq!(engine.run(&mut hart, 100_000), Exit::LimitReached);
        let iterations = hart.state().x[8] / 2;
        assert!(iterations > 5000, "{iterations} iterations");
        let found = hart.state();
        assert_eq!([found.f[3], found.f[4]], [0x3fd5_5555_5555_5555, 0x3fd5_5555_5555_5556]);
        assert_eq!((found.x[7], found.x[10]), (u64::from(DOWNWARDS), 1));
        let exits = counters.code_exits()[CodeExit::Fallback as usize];
        assert!(exits < 100, "left {exits} times for the interpreter");
    }

    struct Machine {
        hart: Hart,
        engine: Box<dyn Engine>,
        counters: Arc<CounterPage>,
    }

    fn machine(program: &[u8], tiers: Tiers) -> Machine {
        let ram = Arc::new(GuestRam::new(GuestPhys(RAM), 8192).expect("guest memory"));
        ram.memory().write_slice(program, GuestAddress(RAM)).expect("the program fits");
        let counters: Arc<CounterPage> = Arc::default();
        let config =
            HartConfig { counters: Arc::clone(&counters), ..HartConfig::alone(Arc::clone(&ram), Clock::manual()) };
        let mut hart = Hart::new(config);
        hart.reset(GuestAddr(RAM), PrivilegeMode::Machine, 0, 0);
        let config = JitConfig { tiers, hot_threshold: 2, synchronous: true, ..JitConfig::default() };
        let engine = JitFactory::new(config).engines(&EngineContext::alone(ram), 1).expect("an engine").remove(0);
        Machine { hart, engine, counters }
    }

    /// Runs the program in pieces; generated code must be left for each of `exits`.
    fn the_host_keeps_its_register(tiers: Tiers, exits: &[CodeExit]) {
        let Machine { mut hart, mut engine, counters } = machine(&program(), tiers);
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
