//! Interpreters with one rare fault each, which the comparison must find. The faults are
//! typical of translators and show only under a narrow condition.

use std::collections::HashMap;
use std::sync::Arc;

use riscope_core::addr::{GuestAddr, GuestPhys, PAGE_MASK};
use riscope_core::engine::{Engine, EngineContext, EngineFactory, EngineSetupError, Exit, run_quanta};
use riscope_core::hart::{Hart, PrivilegeMode};
use riscope_core::interp::{BlockEnd, Interpreter};
use riscope_core::isa::a::A;
use riscope_core::isa::float::{Float, Precision};
use riscope_core::isa::i::I;
use riscope_core::isa::m::M;
use riscope_core::isa::privileged::Privileged;
use riscope_core::isa::zifencei::Zifencei;
use riscope_core::isa::{Insn, Op, decode};
use riscope_core::mem::GuestRam;
use vm_memory::{Bytes, GuestAddress};

use super::layout::{DEVICE, PAGE};

/// Instructions between two polls, as in the interpreter.
const QUANTUM: u32 = 8192;

/// Kinds of faults.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// `addw` zero-extends a negative result if the low bits of a source are ones.
    WordNotSignExtended,
    /// `sra` by more than 31 shifts in zeros.
    ShiftNotArithmetic,
    /// `mulhsu` of a negative and a large operand is one too much.
    HighProductOffByOne,
    /// A taken `bge` is not counted.
    MissedCountdown,
    /// `c.jalr` links as if it were four bytes long.
    WrongLink,
    /// `fence.i` does nothing.
    IgnoredInstructionFence,
    /// `sfence.vma` with an address does nothing.
    IgnoredTranslationFence,
    /// Where another address space has `slt`, `sltu`, `or` or `xor`, the one that was executed
    /// there first is executed.
    CodeOfAnotherSpace,
    /// A return goes behind the last call wherever it should go.
    MispredictedReturn,
    /// A return to a page that was another one at the call is not counted.
    ReturnToOldPage,
    /// `fdiv.s` raises no flags.
    LostFlags,
    /// `fmul.d` rounds to nearest whatever `frm` says.
    IgnoredRoundingMode,
    /// `flw` leaves the upper half of the register 0.
    LostBoxing,
    /// A load across a page boundary misses its last byte.
    TornLoad,
    /// A load of a device register reads it twice.
    RepeatedDeviceRead,
    /// `sc.d` reports success where it failed.
    FalseSuccess,
}

/// Factory of faulty engines.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FaultyFactory(pub(crate) Fault);

impl EngineFactory for FaultyFactory {
    fn name(&self) -> &'static str {
        "faulty"
    }

    fn engines(&self, context: &EngineContext, harts: usize) -> Result<Vec<Box<dyn Engine>>, EngineSetupError> {
        let engine = |_| {
            let ram = Arc::clone(&context.ram);
            let interpreter = Interpreter::default();
            let (first, calls) = (HashMap::new(), Vec::new());
            Box::new(FaultyEngine { fault: self.0, interpreter, ram, first, calls }) as Box<dyn Engine>
        };
        Ok((0..harts).map(engine).collect())
    }
}

/// Executes instruction by instruction, and falsifies some.
#[derive(Debug)]
struct FaultyEngine {
    fault: Fault,
    interpreter: Interpreter,
    ram: Arc<GuestRam>,
    /// Operation that was executed at an address first.
    first: HashMap<u64, Op>,
    /// Return addresses of calls, and where they are in memory if that is on the caller's page.
    calls: Vec<(u64, Option<GuestPhys>)>,
}

impl Engine for FaultyEngine {
    fn run(&mut self, hart: &mut Hart, limit: u64) -> Exit {
        run_quanta(hart, limit, QUANTUM, |hart| {
            loop {
                match self.step(hart) {
                    BlockEnd::Jump | BlockEnd::Hot { .. } => {}
                    BlockEnd::Poll => return None,
                    BlockEnd::Exit(exit) => return Some(exit),
                }
            }
        })
    }
}

/// The hart before an instruction.
struct Before {
    insn: Insn,
    pc: u64,
    x: [u64; 32],
    fflags: u64,
    frm: u64,
    mode: PrivilegeMode,
    traps: u64,
}

impl Before {
    fn source(&self) -> u64 {
        self.x[self.insn.operands.rs1()]
    }

    fn second(&self) -> u64 {
        self.x[self.insn.operands.rs2()]
    }

    /// Address of a load or store.
    fn address(&self) -> u64 {
        self.source().wrapping_add(self.insn.operands.imm_u64())
    }
}

fn traps(hart: &Hart) -> u64 {
    hart.counters().exceptions().iter().sum()
}

impl FaultyEngine {
    fn step(&mut self, hart: &mut Hart) -> BlockEnd {
        let state = hart.state();
        let (x, fflags, frm, ready) = (state.x, state.fflags, state.frm, state.countdown > 0);
        let Some(insn) = self.instruction(hart).filter(|_| ready) else { return self.interpreter.step(hart) };
        let before = Before { insn, pc: hart.pc().0, x, fflags, frm, mode: hart.mode(), traps: traps(hart) };
        if self.skips(&before) {
            let state = hart.state_mut();
            state.pc += insn.operands.length();
            state.countdown -= 1;
            return BlockEnd::Poll;
        }
        if self.fault == Fault::IgnoredRoundingMode && insn.op == Op::Float(Float::Mul, Precision::Double) {
            hart.state_mut().frm = 0;
        }
        let end = self.interpreter.step(hart);
        if insn.op == Op::Float(Float::Mul, Precision::Double) {
            hart.state_mut().frm = before.frm;
        }
        if traps(hart) != before.traps {
            return end;
        }
        if self.fault == Fault::RepeatedDeviceRead && reads(insn.op) && before.address() & !(PAGE - 1) == DEVICE {
            let state = hart.state_mut();
            (state.x, state.pc) = (before.x, before.pc);
            state.countdown += 1;
            return self.interpreter.step(hart);
        }
        self.falsify(hart, &before);
        self.follow_calls(hart, &before);
        end
    }

    /// The instruction at `pc`, if there is one.
    fn instruction(&self, hart: &mut Hart) -> Option<Insn> {
        let pc = hart.pc().0;
        let mut half = |at: u64| -> Option<u32> {
            let GuestPhys(phys) = hart.translate_fetch(at).ok()?.phys;
            self.ram.memory().read_obj::<u16>(GuestAddress(phys)).ok().map(u32::from)
        };
        let low = half(pc)?;
        decode(if low & 3 == 3 { half(pc.wrapping_add(2))? << 16 | low } else { low })
    }

    /// Records calls, and falsifies returns if the fault applies to them.
    fn follow_calls(&mut self, hart: &mut Hart, before: &Before) {
        let is_link = |register| matches!(register, 1 | 5);
        let Insn { op: op @ Op::I(I::Jal | I::Jalr), operands: o } = before.insn else { return };
        let place = |hart: &mut Hart, at: u64| hart.translate_fetch(at).ok().map(|translation| translation.phys);
        if is_link(o.rd()) {
            let behind = before.pc.wrapping_add(o.length());
            let on_page = behind & !PAGE_MASK == before.pc & !PAGE_MASK;
            self.calls.push((behind, if on_page { place(hart, behind) } else { None }));
        } else if op == Op::I(I::Jalr) && is_link(o.rs1()) {
            let Some((behind, phys)) = self.calls.pop() else { return };
            if hart.pc().0 != behind && self.fault == Fault::MispredictedReturn {
                hart.set_pc(GuestAddr(behind));
            } else if hart.pc().0 == behind
                && self.fault == Fault::ReturnToOldPage
                && phys.is_some_and(|phys| place(hart, behind).is_some_and(|now| now != phys))
            {
                hart.state_mut().countdown += 1;
            }
        }
    }

    /// Whether the fault makes this instruction have no effect.
    fn skips(&self, before: &Before) -> bool {
        match (self.fault, before.insn.op) {
            (Fault::IgnoredInstructionFence, Op::Zifencei(Zifencei::FenceI)) => true,
            (Fault::IgnoredTranslationFence, Op::Privileged(Privileged::SfenceVma)) => {
                before.mode != PrivilegeMode::User && before.insn.operands.rs1() != 0
            }
            _ => false,
        }
    }

    /// Falsifies the effect of the instruction, if the fault applies to it.
    fn falsify(&mut self, hart: &mut Hart, before: &Before) {
        let o = before.insn.operands;
        let result = hart.x(o.rd());
        let falsified = match (self.fault, before.insn.op) {
            (Fault::WordNotSignExtended, Op::I(I::Addw)) if before.source() & 15 == 15 => result & 0xffff_ffff,
            (Fault::ShiftNotArithmetic, Op::I(I::Sra)) if before.second() & 32 != 0 => {
                before.source() >> (before.second() & 63)
            }
            (Fault::HighProductOffByOne, Op::M(M::Mulhsu)) if before.source() & before.second() >> 63 != 0 => {
                result.wrapping_add(1)
            }
            (Fault::WrongLink, Op::I(I::Jalr)) if o.length() == 2 && o.rd() == 1 => result.wrapping_add(2),
            (Fault::FalseSuccess, Op::A(A::ScD)) => 0,
            (Fault::CodeOfAnotherSpace, op @ Op::I(I::Slt | I::Sltu | I::Or | I::Xor)) => {
                let (a, b) = (before.source(), before.second());
                match *self.first.entry(before.pc).or_insert(op) {
                    Op::I(I::Slt) => u64::from((a as i64) < b as i64),
                    Op::I(I::Sltu) => u64::from(a < b),
                    Op::I(I::Or) => a | b,
                    _ => a ^ b,
                }
            }
            (Fault::TornLoad, Op::I(I::Ld)) if before.address() & PAGE_MASK > PAGE - 8 => result & u64::MAX >> 8,
            _ => result,
        };
        hart.set_x(o.rd(), falsified);
        let state = hart.state_mut();
        match (self.fault, before.insn.op) {
            (Fault::LostFlags, Op::Float(Float::Div, Precision::Single)) => state.fflags = before.fflags,
            (Fault::LostBoxing, Op::Float(Float::Load, Precision::Single)) => state.f[o.rd()] &= 0xffff_ffff,
            (Fault::MissedCountdown, Op::I(I::Bge)) if state.pc != before.pc.wrapping_add(o.length()) => {
                state.countdown += 1;
            }
            _ => {}
        }
    }
}

fn reads(op: Op) -> bool {
    matches!(op, Op::I(I::Lb | I::Lh | I::Lw | I::Ld | I::Lbu | I::Lhu | I::Lwu))
}

#[cfg(test)]
mod tests {
    use riscope_core::interp::InterpreterFactory;

    use super::*;
    use crate::campaign::{Finding, compare, run};
    use crate::generate::profile::{CONTROL, FLOAT, INTEGER, MEMORY, PATCHING, PRIVILEGED, Profile};

    /// Instructions within which a fault has to be found.
    const BUDGET: u64 = 12_000_000;

    /// Finds the fault; checks that the smallest program that shows it contains `culprit`
    /// and has at most `most` instructions.
    fn is_found(fault: Fault, profile: &Profile, culprit: &str, most: usize) {
        let result = run(profile, 0xfa01_0000, BUDGET, &FaultyFactory(fault));
        let finding: Box<Finding> = result.err().unwrap_or_else(|| panic!("{fault:?} was not found"));
        let text = finding.to_string();
        assert!(text.contains(culprit), "{fault:?}: no {culprit} in\n{text}");
        assert!(finding.program.live() <= most, "{fault:?}: more than {most} instructions in\n{text}");
        let sound = compare(&finding.program, &InterpreterFactory, None);
        assert_eq!(sound, None, "the program itself is to blame");
    }

    /// Number of kinds of planted bugs.
    const KINDS: usize = 16;

    /// A test for each fault.
    macro_rules! found {
        ($($test:ident: $fault:ident in $profile:ident by $culprit:literal, $most:literal;)*) => {
            const _: () = assert!([$(Fault::$fault,)*].len() == KINDS, "each kind has its test");

            $(#[test]
            fn $test() {
                is_found(Fault::$fault, &$profile, $culprit, $most);
            })*
        };
    }

    found! {
        a_missing_sign_extension_is_found: WordNotSignExtended in INTEGER by "addw", 10;
        a_logical_instead_of_an_arithmetic_shift_is_found: ShiftNotArithmetic in INTEGER by "sra ", 10;
        a_wrong_high_product_is_found: HighProductOffByOne in INTEGER by "mulhsu", 10;
        a_missed_countdown_is_found: MissedCountdown in CONTROL by "bge ", 14;
        a_wrong_return_address_is_found: WrongLink in CONTROL by "c.jalr", 10;
        stale_code_is_found: IgnoredInstructionFence in PATCHING by "fence.i", 12;
        a_stale_translation_is_found: IgnoredTranslationFence in PRIVILEGED by "sfence.vma", 16;
        code_of_another_address_space_is_found: CodeOfAnotherSpace in PRIVILEGED by ",satp,", 40;
        a_mispredicted_return_is_found: MispredictedReturn in CONTROL by "jalr", 12;
        a_return_to_a_page_that_is_another_one_now_is_found: ReturnToOldPage in PRIVILEGED by "jalr", 40;
        lost_flags_are_found: LostFlags in FLOAT by "fdiv.s", 10;
        an_ignored_rounding_mode_is_found: IgnoredRoundingMode in FLOAT by "fmul.d", 10;
        lost_boxing_is_found: LostBoxing in FLOAT by "flw", 10;
        a_torn_load_is_found: TornLoad in MEMORY by "ld ", 10;
        a_repeated_device_read_is_found: RepeatedDeviceRead in MEMORY by "lui", 10;
        a_false_success_is_found: FalseSuccess in MEMORY by "sc.d", 10;
    }
}
