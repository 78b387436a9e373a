//! What a hart's thread is seen to do, and which instructions call handlers or leave generated
//! code.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use riscope_core::addr::{GuestAddr, GuestPhys};
use riscope_core::clock::Clock;
use riscope_core::counters::{CodeExit, CounterPage, HartActivity};
use riscope_core::engine::{Engine, EngineContext, EngineFactory, Exit};
use riscope_core::hart::{Attention, Hart, HartConfig, PrivilegeMode};
use riscope_core::isa::OpClass;
use riscope_core::mem::GuestRam;
use riscope_jit::{JitConfig, JitFactory, Tiers};
use vm_memory::{Bytes, GuestAddress};

use crate::common::assembler::Assembler;

const RAM: u64 = 0x8000_0000;
const RAM_SIZE: usize = 1 << 20;
/// A function that the program rewrites, and data.
const FUNCTION: u64 = RAM + 0x1000;
const DATA: u64 = RAM + 0x8000;

/// Time after which a wait fails its test.
const PATIENCE: Duration = Duration::from_secs(60);

/// A hart that runs `program` in M-mode with templates, with floating point enabled.
fn start(program: Assembler) -> (Hart, Box<dyn Engine>) {
    let ram = Arc::new(GuestRam::new(GuestPhys(RAM), RAM_SIZE as u64).expect("memory"));
    ram.memory().write_slice(&program.finish(), GuestAddress(RAM)).expect("it is in RAM");
    let config = JitConfig { tiers: Tiers::Baseline, ..JitConfig::default() };
    let context = EngineContext::alone(Arc::clone(&ram));
    let engine = JitFactory::new(config).engines(&context, 1).expect("an engine").remove(0);
    let mut hart = Hart::new(HartConfig::alone(ram, Clock::manual()));
    hart.reset(GuestAddr(RAM), PrivilegeMode::Machine, 0, 0);
    (hart, engine)
}

fn enable_floating_point(asm: &mut Assembler) {
    asm.constant(5, 3 << 13);
    asm.csr("csrrs", 0, 0x300, 5);
}

/// Repeats forever: a loop; floating point, and loads behind a flush of the TLB; a function that is
/// rewritten and then called until it is translated.
fn everything() -> Assembler {
    let mut asm = Assembler::default();
    asm.constant(10, DATA);
    asm.constant(11, FUNCTION);
    // addi a2, a2, 1 and, to toggle it, the difference to addi a2, a2, 2; ret
    asm.constant(13, 0x0016_0613);
    asm.constant(14, 0x0030_0000);
    asm.constant(15, 0x0000_8067);
    asm.store("sw", 15, 11, 4);
    let again = asm.here();
    asm.constant(8, 3000);
    let spin = asm.here();
    asm.imm("addi", 8, 8, -1);
    asm.branch("bne", 8, 0, spin);
    asm.constant(8, 100);
    let miss = asm.here();
    asm.csr("csrrs", 0, 0x340, 8);
    asm.reg("sfence.vma", 0, 0, 0);
    for page in 0..4 {
        asm.imm("lui", 9, 0, page << 12);
        asm.reg("add", 9, 9, 10);
        asm.imm("ld", 9, 9, 0);
    }
    asm.imm("addi", 8, 8, -1);
    asm.branch("bne", 8, 0, miss);
    asm.reg("xor", 13, 13, 14);
    asm.store("sw", 13, 11, 0);
    asm.raw(0x0000_100f);
    asm.constant(8, 40);
    let call = asm.here();
    asm.imm("jalr", 1, 11, 0);
    asm.imm("addi", 8, 8, -1);
    asm.branch("bne", 8, 0, call);
    asm.jump(0, again);
    asm
}

/// Exits that were at an instruction.
fn exits_at_instructions(page: &CounterPage) -> u64 {
    [CodeExit::Fallback, CodeExit::Access, CodeExit::System].iter().map(|exit| page.code_exits()[exit.index()]).sum()
}

/// Runs `instruction` in a loop; returns the handler calls of each class and the exits at it.
fn counted(instruction: impl FnOnce(&mut Assembler)) -> ([u64; OpClass::ALL.len()], [u64; OpClass::ALL.len()]) {
    let mut asm = Assembler::default();
    enable_floating_point(&mut asm);
    asm.constant(10, DATA);
    let again = asm.here();
    asm.imm("addi", 11, 11, 1);
    instruction(&mut asm);
    asm.jump(0, again);
    let (mut hart, mut engine) = start(asm);
    assert_eq!(engine.run(&mut hart, 100_000), Exit::LimitReached);
    let page = hart.counters();
    assert_eq!(page.exit_instructions().iter().sum::<u64>(), exits_at_instructions(page));
    (page.handler_calls(), page.exit_instructions())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_a_hart_does_is_seen_from_outside() {
        let (mut hart, mut engine) = start(everything());
        let control = Arc::clone(hart.control());
        let wanted: BTreeSet<_> = HartActivity::ALL
            .iter()
            .filter(|activity| **activity != HartActivity::Device)
            .map(|activity| activity.as_str())
            .collect();
        let mut seen = BTreeSet::new();
        std::thread::scope(|scope| {
            let running = scope.spawn(|| engine.run(&mut hart, u64::MAX));
            let started = Instant::now();
            while seen != wanted && started.elapsed() < PATIENCE {
                seen.extend(control.activity().map(HartActivity::as_str));
            }
            control.request(Attention::STOP);
            assert_eq!(running.join().expect("it does not panic"), Exit::Stopped);
        });
        assert_eq!(seen, wanted);
        assert_eq!(control.activity(), Some(HartActivity::Runtime), "no code, no interpreter");
        let page = hart.counters();
        for class in [OpClass::Csr, OpClass::Fence] {
            assert!(page.handler_calls()[class.index()] > 0, "{class:?} {:?}", page.handler_calls());
        }
        assert_eq!(page.exit_instructions().iter().sum::<u64>(), exits_at_instructions(page));
    }

    /// Most of the 33333 rounds are in generated code.
    const MANY: u64 = 30_000;
    /// Ends of the seven quanta, and the calls after which a fragment would be promoted.
    const FEW: u64 = 60;

    #[test]
    fn handlers_called_from_code_are_counted_by_class() {
        let (calls, exits) = counted(|asm| asm.reg("fadd.d", 12, 10, 11));
        let float = calls[OpClass::Float.index()];
        assert!(float > MANY && calls.iter().sum::<u64>() == float, "{calls:?}");
        assert!(exits.iter().sum::<u64>() < FEW, "{exits:?}");
        let (calls, exits) = counted(|asm| asm.csr("csrrs", 12, 0x340, 0));
        assert!(calls[OpClass::Csr.index()] > MANY && exits.iter().sum::<u64>() < FEW, "{calls:?} {exits:?}");
    }

    #[test]
    fn common_instructions_call_no_handler_and_stay_in_generated_code() {
        let subjects: [fn(&mut Assembler); 11] = [
            |asm| asm.reg("amoadd.w", 12, 10, 11),
            |asm| asm.reg("amomaxu.d", 12, 10, 11),
            |asm| asm.imm("lr.d", 12, 10, 0),
            |asm| asm.reg("sc.d", 12, 10, 11),
            |asm| asm.imm("cbo.zero", 0, 10, 0),
            |asm| asm.csr("csrrw", 12, 0x140, 11),
            |asm| asm.csr("csrrs", 12, 0x142, 0),
            |asm| asm.csr("csrrs", 12, 0x100, 0),
            |asm| asm.csr("csrrci", 12, 0x100, 2),
            |asm| asm.imm("clz", 12, 11, 0),
            |asm| asm.imm("orc.b", 12, 11, 0),
        ];
        for (n, subject) in subjects.into_iter().enumerate() {
            let (calls, exits) = counted(subject);
            assert_eq!(calls.iter().sum::<u64>() + exits.iter().sum::<u64>(), 0, "subject {n}: {calls:?} {exits:?}");
        }
    }

    #[test]
    fn instructions_that_leave_code_are_counted_by_class() {
        let (calls, exits) = counted(|asm| asm.raw(0x0000_100f));
        assert!(calls[OpClass::Fence.index()] > MANY && exits[OpClass::Fence.index()] > MANY, "{calls:?} {exits:?}");
        // A load that crosses a page.
        let (calls, exits) = counted(|asm| asm.imm("ld", 12, 10, -4));
        assert!(exits[OpClass::Memory.index()] > MANY && calls.iter().sum::<u64>() == 0, "{calls:?} {exits:?}");
    }
}
