//! Eviction in the middle of a quantum.

use riscope_core::counters::CodeExit;
use riscope_core::event::Tier;
use riscope_core::hart::PrivilegeMode;
use riscope_jit::{JitConfig, JitFactory, Tiers};

use crate::bench::{Pair, at, csr};
use crate::common::assembler::Assembler;
use crate::system::{HANDLER, MAIN, set_vector};

/// Where functions are, ...
const FUNCTIONS: u64 = 0x8000;
/// ... how many, ...
const COUNT: u64 = 64;
/// ... and the bytes of each.
const BYTES: usize = 512;

/// Ticks from one timer interrupt until the next is due: a hundred instructions, so that it is due when
/// code is evicted.
const PERIOD: i32 = 1;

/// Sets the next timer interrupt.
fn set_timer(asm: &mut Assembler) {
    asm.csr("csrrs", 28, csr("time"), 0);
    asm.imm("addi", 28, 28, PERIOD);
    asm.csr("csrrw", 0, csr("stimecmp"), 28);
}

/// Calls all functions, again and again.
fn main() -> Assembler {
    let mut asm = Assembler::default();
    set_vector(&mut asm, "mtvec");
    // `stimecmp` interrupts.
    asm.constant(5, 1 << 63);
    asm.csr("csrrw", 0, csr("menvcfg"), 5);
    asm.constant(5, 1 << 5);
    asm.csr("csrrw", 0, csr("mie"), 5);
    set_timer(&mut asm);
    asm.csr("csrrsi", 0, csr("mstatus"), 8);
    let (all, next) = (asm.here(), asm.label());
    asm.constant(24, at(FUNCTIONS));
    asm.constant(25, COUNT);
    asm.bind(next);
    asm.imm("jalr", 1, 24, 0);
    asm.imm("addi", 24, 24, BYTES as i32);
    asm.imm("addi", 25, 25, -1);
    asm.branch("bne", 25, 0, next);
    asm.jump(0, all);
    asm
}

fn functions() -> Vec<u8> {
    let function = |n: u64| {
        let mut asm = Assembler::default();
        for register in (10..18).cycle().take(BYTES / 4 - 1) {
            asm.imm("addi", register, register, n as i32);
        }
        asm.imm("jalr", 0, 1, 0);
        asm.finish()
    };
    (0..COUNT).flat_map(function).collect()
}

/// Mixes where it interrupts into register 9.
fn handler() -> Assembler {
    let mut asm = Assembler::default();
    asm.csr("csrrs", 28, csr("mepc"), 0);
    asm.imm("slli", 29, 9, 5);
    asm.reg("add", 9, 9, 29);
    asm.reg("add", 9, 9, 28);
    set_timer(&mut asm);
    asm.raw(0x3020_0073); // mret
    asm
}

#[test]
fn interrupts_come_at_the_same_instruction_whatever_is_evicted() {
    let config = JitConfig { hot_threshold: 2, code_cache_bytes: 32 << 10, synchronous: true, tiers: Tiers::Baseline };
    let mut pair = Pair::with_engine(&JitFactory::new(config), PrivilegeMode::Machine, 1);
    pair.write(MAIN, &main().finish());
    pair.write(HANDLER, &handler().finish());
    pair.write(FUNCTIONS, &functions());
    for step in 0..200 {
        pair.run(4000, &|| format!("step {step}"));
    }
    assert!(pair.translated.instructions(0, Tier::Baseline) > 50_000);
    assert_ne!(pair.translated.hart().x(9), 0, "it was interrupted");
    let exits = pair.translated.exits(CodeExit::Lookup);
    assert!(exits > 20, "code was dropped under the interpreter {exits} times");
}
