//! Tests of loops whose registers the optimising tier carries in SSA values: wherever it stops
//! or faults, the hart is as the interpreter leaves it, flags of unused results included.

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use riscope_core::addr::{GuestAddr, GuestPhys};
    use riscope_core::clock::Clock;
    use riscope_core::counters::CounterPage;
    use riscope_core::engine::{Engine, EngineContext, EngineFactory, Exit};
    use riscope_core::event::Tier;
    use riscope_core::hart::{Hart, HartConfig, PrivilegeMode};
    use riscope_core::interp::InterpreterFactory;
    use riscope_core::mem::GuestRam;
    use riscope_jit::{JitConfig, JitFactory, Tiers};
    use vm_memory::{Bytes, GuestAddress};

    use crate::common::assembler::Assembler;
    use crate::common::encode::{Fields, encode, row};

    const RAM: u64 = 0x8000_0000;
    const RAM_BYTES: u64 = 8192;
    const FFLAGS: u16 = 1;
    const FRM: u16 = 2;
    const FCSR: u16 = 3;
    const MSTATUS: u16 = 0x300;
    const MTVEC: u16 = 0x305;
    const MEPC: u16 = 0x341;
    const DYNAMIC: u32 = 7;

    struct Machine {
        hart: Hart,
        engine: Box<dyn Engine>,
        counters: Arc<CounterPage>,
    }

    impl Machine {
        fn new(program: &[u8], factory: &dyn EngineFactory) -> Self {
            let ram = Arc::new(GuestRam::new(GuestPhys(RAM), RAM_BYTES).expect("guest memory"));
            ram.memory().write_slice(program, GuestAddress(RAM)).expect("the program fits");
            let counters: Arc<CounterPage> = Arc::default();
            let config =
                HartConfig { counters: Arc::clone(&counters), ..HartConfig::alone(Arc::clone(&ram), Clock::manual()) };
            let mut hart = Hart::new(config);
            hart.reset(GuestAddr(RAM), PrivilegeMode::Machine, 0, 0);
            let engine = factory.engines(&EngineContext::alone(ram), 1).expect("an engine").remove(0);
            Self { hart, engine, counters }
        }

        /// Registers, flags, `pc` and the count of instructions.
        fn state(&self) -> Vec<u64> {
            let state = self.hart.state();
            let rest = [state.fflags, state.frm, state.pc, self.hart.instructions_retired()];
            state.x.into_iter().chain(state.f).chain(rest).collect()
        }
    }

    fn float(asm: &mut Assembler, mnemonic: &str, rd: u32, rs1: u32, rs2: u32) {
        let modifier = if mnemonic.starts_with("fsgnj") || mnemonic.starts_with("feq") { 0 } else { DYNAMIC };
        asm.raw(encode(row(mnemonic), Fields { rd, rs1, rs2, modifier, ..Fields::default() }));
    }

    /// Enables floating point, and sets `f1`, `f2` to 1 and 3, `f5`, `f6` to the same in single
    /// precision, and `f4` to a signalling NaN.
    fn set_up(asm: &mut Assembler) {
        asm.constant(5, 3 << 13);
        asm.csr("csrrs", 0, MSTATUS, 5);
        for (double, single, value) in [(1, 5, 1), (2, 6, 3)] {
            asm.imm("addi", 6, 0, value);
            float(asm, "fcvt.d.l", double, 6, 0);
            float(asm, "fcvt.s.l", single, 6, 0);
        }
        asm.constant(6, 0x7ff0_0000_0000_0001);
        asm.raw(encode(row("fmv.d.x"), Fields { rd: 4, rs1: 6, ..Fields::default() }));
    }

    /// Runs a program in pieces of 1 to 300 instructions, and a long one, on both engines.
    /// Most of it must run in optimised code.
    fn engines_agree(program: &[u8]) {
        let config = JitConfig { tiers: Tiers::Optimised, hot_threshold: 2, synchronous: true, ..JitConfig::default() };
        let mut optimised = Machine::new(program, &JitFactory::new(config));
        let mut interpreted = Machine::new(program, &InterpreterFactory);
        for limit in (1..300).chain([20_000, 7]) {
            for machine in [&mut optimised, &mut interpreted] {
                assert_eq!(machine.engine.run(&mut machine.hart, limit), Exit::LimitReached);
            }
            assert_eq!(optimised.state(), interpreted.state(), "after {limit} instructions");
        }
        let retired = optimised.counters.instructions()[Tier::Optimised as usize];
        let all = optimised.hart.instructions_retired();
        assert!(retired > all / 2, "{retired} of {all} instructions ran in optimised code");
    }

    /// Adds to `x8` the flags raised since the last time.
    fn add_flags(asm: &mut Assembler) {
        asm.csr("csrrw", 7, FFLAGS, 0);
        asm.reg("add", 8, 8, 7);
    }

    #[test]
    fn flags_of_an_overwritten_number_are_raised() {
        let mut asm = Assembler::default();
        set_up(&mut asm);
        asm.constant(11, (1 << 24) + 1);
        let again = asm.here();
        float(&mut asm, "fdiv.d", 3, 1, 2);
        float(&mut asm, "fsgnj.d", 3, 1, 1);
        add_flags(&mut asm);
        float(&mut asm, "fdiv.s", 7, 5, 6);
        float(&mut asm, "fadd.s", 7, 7, 7);
        float(&mut asm, "fsgnj.s", 7, 5, 5);
        add_flags(&mut asm);
        float(&mut asm, "fcvt.s.l", 7, 11, 0);
        float(&mut asm, "fsgnj.s", 7, 5, 5);
        add_flags(&mut asm);
        asm.jump(0, again);
        engines_agree(&asm.finish());
    }

    #[test]
    fn flags_of_an_overwritten_comparison_are_raised() {
        let mut asm = Assembler::default();
        set_up(&mut asm);
        let again = asm.here();
        float(&mut asm, "feq.d", 10, 4, 1);
        asm.imm("addi", 10, 0, 1);
        add_flags(&mut asm);
        asm.jump(0, again);
        engines_agree(&asm.finish());
    }

    #[test]
    fn flags_of_a_comparison_are_raised_once() {
        let mut asm = Assembler::default();
        set_up(&mut asm);
        let again = asm.here();
        float(&mut asm, "feq.d", 10, 4, 1);
        add_flags(&mut asm);
        // Uses the result behind the read of the flags.
        asm.branch("bne", 10, 0, again);
        add_flags(&mut asm);
        asm.jump(0, again);
        engines_agree(&asm.finish());
    }

    #[test]
    fn a_loop_is_entered_in_rounding_modes_that_the_host_has_and_another() {
        let mut asm = Assembler::default();
        set_up(&mut asm);
        asm.imm("addi", 6, 0, 4);
        float(&mut asm, "fcvt.d.l", 3, 6, 0);
        float(&mut asm, "fadd.d", 3, 3, 1);
        asm.imm("addi", 6, 0, 2);
        float(&mut asm, "fcvt.d.l", 7, 6, 0);
        // 2.5, which is rounded to 2, or to 3 as in the last mode.
        float(&mut asm, "fdiv.d", 3, 3, 7);
        let outer = asm.here();
        // The modes 1 to 4 by turns; hosts do not have the last one.
        asm.imm("addi", 20, 20, 1);
        asm.imm("andi", 19, 20, 3);
        asm.imm("addi", 19, 19, 1);
        asm.csr("csrrw", 0, FRM, 19);
        float(&mut asm, "fcvt.l.d", 10, 3, 0);
        asm.reg("add", 8, 8, 10);
        asm.imm("addi", 21, 0, 20);
        let inner = asm.here();
        float(&mut asm, "fcvt.l.d", 10, 3, 0);
        asm.reg("add", 8, 8, 10);
        asm.imm("addi", 21, 21, -1);
        asm.branch("bne", 21, 0, inner);
        asm.jump(0, outer);
        engines_agree(&asm.finish());
    }

    #[test]
    fn a_loop_is_entered_with_numbers_that_are_not_boxed() {
        let mut asm = Assembler::default();
        set_up(&mut asm);
        // 1 in single precision, boxed and not by turns.
        asm.constant(24, 0xffff_ffff_3f80_0000);
        asm.constant(25, 0xffff_ffff_0000_0000);
        let outer = asm.here();
        asm.reg("xor", 24, 24, 25);
        asm.raw(encode(row("fmv.d.x"), Fields { rd: 5, rs1: 24, ..Fields::default() }));
        asm.imm("addi", 21, 0, 20);
        let inner = asm.here();
        float(&mut asm, "fadd.s", 7, 6, 5);
        asm.raw(encode(row("fmv.x.w"), Fields { rd: 10, rs1: 7, ..Fields::default() }));
        asm.reg("add", 8, 8, 10);
        asm.imm("addi", 21, 21, -1);
        asm.branch("bne", 21, 0, inner);
        asm.jump(0, outer);
        engines_agree(&asm.finish());
    }

    #[test]
    fn flags_and_rounding_mode_keep_only_bits_that_they_have() {
        let mut asm = Assembler::default();
        set_up(&mut asm);
        asm.constant(11, !0);
        asm.constant(12, !7);
        asm.constant(13, !0xe0);
        let again = asm.here();
        for (register, value) in [(FFLAGS, 11), (FRM, 12), (FCSR, 13)] {
            asm.csr("csrrw", 0, register, value);
            for read in [FFLAGS, FRM, FCSR] {
                asm.csr("csrrs", 7, read, 0);
                asm.reg("add", 8, 8, 7);
            }
        }
        asm.jump(0, again);
        engines_agree(&asm.finish());
    }

    #[test]
    fn faults_and_limits_anywhere_in_a_loop_find_all_registers() {
        let mut asm = Assembler::default();
        let start = asm.label();
        asm.jump(0, start);
        let handler = RAM + asm.len() as u64;
        asm.csr("csrrs", 22, MEPC, 0);
        asm.imm("addi", 22, 22, 4);
        asm.csr("csrrw", 0, MEPC, 22);
        asm.raw(encode(row("mret"), Fields::default()));
        asm.bind(start);
        asm.constant(5, handler);
        asm.csr("csrrw", 0, MTVEC, 5);
        set_up(&mut asm);
        let outer = asm.here();
        // The last five loads cross the end of RAM or lie behind it.
        asm.constant(9, RAM + RAM_BYTES - 8 * 15 + 3);
        asm.imm("addi", 21, 0, 20);
        let (inner, odd) = (asm.here(), asm.label());
        float(&mut asm, "fdiv.d", 3, 1, 2);
        float(&mut asm, "fadd.s", 7, 7, 5);
        asm.raw(encode(row("fld"), Fields { rd: 8, rs1: 9, ..Fields::default() }));
        float(&mut asm, "fmul.d", 3, 8, 3);
        asm.imm("andi", 23, 21, 1);
        asm.branch("bne", 23, 0, odd);
        float(&mut asm, "fadd.d", 9, 9, 3);
        asm.bind(odd);
        asm.reg("add", 8, 8, 9);
        asm.imm("addi", 9, 9, 8);
        asm.raw(encode(row("fsw"), Fields { rs1: 9, rs2: 7, imm: -64, ..Fields::default() }));
        asm.imm("addi", 21, 21, -1);
        asm.branch("bne", 21, 0, inner);
        asm.jump(0, outer);
        engines_agree(&asm.finish());
    }
}
