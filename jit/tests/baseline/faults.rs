//! Accesses that leave a fragment in the middle: the state must be that between two
//! instructions, whatever was in host registers. Exhaustive over the number of guest
//! registers in use and the place of the access among the instructions that write them.

use riscope_core::addr::GuestAddr;
use riscope_core::counters::CodeExit;
use riscope_core::hart::PrivilegeMode;

use crate::bench::{DATA, DEVICE, PAGE, Pair, RAM, RAM_SIZE, at, csr};
use crate::common::assembler::{Assembler, Label};
use crate::common::encode::{Fields, encode, row};

/// Guest registers that programs write, more than there are host registers.
const WRITTEN: [u32; 14] = [10, 11, 12, 13, 14, 15, 16, 17, 28, 29, 30, 31, 6, 7];
/// The base of the access, its operand, and the address of the program.
pub(crate) const BASE: u32 = 8;
const VALUE: u32 = 9;
const PROGRAM: u32 = 18;
/// Uses of [`BASE`] that have it kept in a host register.
pub(crate) const COUNT: u32 = 19;

/// Offsets in RAM.
const SET_UP: u64 = 0;
const HANDLER: u64 = 0x400;
const TABLES: u64 = 0x1000;
pub(crate) const SLOTS: u64 = 0x5000;
const SLOT_BYTES: u64 = 128;
/// A page that nothing may access in M-mode.
pub(crate) const FORBIDDEN: u64 = 0x3_8000;
/// A cache block whose second half nothing may access in M-mode.
const HALF_FORBIDDEN: u64 = FORBIDDEN + PAGE;

/// Virtual addresses: a page of data, one without translation, and data again elsewhere; a
/// page of an address where nothing is, the device, and data that may be read only.
pub(crate) const MAPPED: u64 = 0x1000;
pub(crate) const UNMAPPED: u64 = 0x2000;
pub(crate) const BEHIND_UNMAPPED: u64 = 0x3000;
pub(crate) const ELSEWHERE: u64 = 0x4000;
pub(crate) const NOWHERE: u64 = 0x5000;
pub(crate) const REGISTERS: u64 = 0x6000;
const READABLE: u64 = 0x7000;
/// So many pages of data that each case has its own.
pub(crate) const FRESH: u64 = 0x1_0000;
const FRESH_PAGES: u64 = 256;

/// Rounds of a program with good addresses, in which it is translated.
const ROUNDS: u64 = 8;
/// Instructions with the bad address: more than are left behind a fragment at least.
const LIMIT: u64 = 200;

/// How a program goes on behind its last instruction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Closing {
    /// By a jump within the fragment: kept registers are loaded at the start.
    Jump,
    /// By a computed jump: the fragment is entered anew, and loads what it uses.
    Computed,
}

/// A program in a loop.
#[derive(Clone, Copy, Debug)]
struct Case {
    access: &'static str,
    /// Registers that it writes, and how many of them in front of the access.
    registers: usize,
    place: usize,
    /// Whether the access loads into the first of these rather than into [`VALUE`].
    into_first: bool,
    closing: Closing,
}

impl Case {
    /// Its instructions, and their number.
    fn build(self) -> (Vec<u8>, u64) {
        let mut asm = Assembler::default();
        let again = asm.here();
        for (n, &register) in WRITTEN[..self.registers].iter().enumerate() {
            if n == self.place {
                self.access(&mut asm);
            }
            // Others use some of them more often, so that these come first.
            let other = WRITTEN[n * 5 % self.registers];
            match n % 3 {
                0 => asm.imm("addi", register, register, 3 + n as i32),
                1 => asm.reg("add", register, register, other),
                _ => asm.reg("xor", register, other, COUNT),
            }
        }
        if self.place == self.registers {
            self.access(&mut asm);
        }
        asm.imm("addi", COUNT, COUNT, 1);
        self.close(&mut asm, again);
        assert!(asm.len() as u64 <= SLOT_BYTES);
        let instructions = asm.len() as u64 / 4;
        (asm.finish(), instructions)
    }

    fn access(self, asm: &mut Assembler) {
        let rd = match self.access {
            "cbo.zero" => 0,
            _ if self.into_first => WRITTEN[0],
            _ => VALUE,
        };
        let row = row(self.access);
        asm.raw(encode(row, Fields { rd, rs1: BASE, rs2: rd, imm: 0, ..Fields::default() }));
    }

    fn close(self, asm: &mut Assembler, again: Label) {
        match self.closing {
            Closing::Jump => asm.jump(0, again),
            Closing::Computed => asm.imm("jalr", 0, PROGRAM, 0),
        }
    }

    fn all(access: &'static str) -> impl Iterator<Item = Self> {
        let places = (1..=WRITTEN.len()).flat_map(|registers| (0..=registers).map(move |place| (registers, place)));
        places.enumerate().flat_map(move |(n, (registers, place))| {
            let into_first = n % 2 == 0;
            [Closing::Jump, Closing::Computed].map(|closing| Self {
                access,
                registers,
                place,
                into_first: into_first ^ (closing == Closing::Jump),
                closing,
            })
        })
    }
}

/// Registers that the two ways to an access write, and those that it leaves to the back edge.
#[derive(Clone, Copy, Debug)]
struct Join {
    left: u32,
    right: u32,
    behind: u32,
    /// Whether a handler of the interpreter is called in front of the access: it has all
    /// registers in memory.
    calls: bool,
}

/// Registers of a [`Join`].
const JOINED: [u32; 4] = [10, 12, 17, 28];

impl Join {
    /// Its instructions.
    fn build(self) -> Vec<u8> {
        let mut asm = Assembler::default();
        let (again, right, join) = (asm.here(), asm.label(), asm.label());
        asm.imm("addi", COUNT, COUNT, 1);
        asm.imm("andi", VALUE, COUNT, 1);
        let write = |asm: &mut Assembler, set: u32| {
            for (n, register) in JOINED.into_iter().enumerate().filter(|(n, _)| set >> n & 1 != 0) {
                asm.imm("addi", register, register, 17 + n as i32);
            }
        };
        asm.branch("beq", VALUE, 0, right);
        write(&mut asm, self.left);
        if self.calls {
            asm.csr("csrrw", 0, csr("mscratch"), JOINED[0]);
        }
        asm.jump(0, join);
        asm.bind(right);
        write(&mut asm, self.right);
        asm.bind(join);
        asm.imm("ld", 0, BASE, 0);
        write(&mut asm, self.behind);
        asm.jump(0, again);
        assert!(asm.len() as u64 <= SLOT_BYTES);
        asm.finish()
    }
}

/// What an access with a bad address is expected to do.
#[derive(Clone, Copy, Debug)]
enum Outcome {
    /// Trap with this cause, this far behind its address.
    Trap { cause: u64, behind: u64 },
    /// Leave generated code and go on.
    Pass,
    /// Go on in generated code, as every case has a page of its own, that is not in the TLB.
    Refill,
}

/// Machines that are set up for programs in this mode.
pub(crate) fn prepared(mode: PrivilegeMode) -> Pair {
    let mut pair = Pair::new(mode);
    let mut asm = Assembler::default();
    asm.constant(5, at(HANDLER));
    if mode == PrivilegeMode::Machine {
        asm.csr("csrrw", 0, csr("mtvec"), 5);
        // A naturally aligned page, locked, no permission.
        asm.constant(5, at(FORBIDDEN) >> 2 | (PAGE / 8 - 1));
        asm.csr("csrrw", 0, csr("pmpaddr0"), 5);
        // And 32 bytes.
        asm.constant(5, at(HALF_FORBIDDEN + 32) >> 2 | (32 / 8 - 1));
        asm.csr("csrrw", 0, csr("pmpaddr1"), 5);
        asm.constant(5, 0b1001_1000_1001_1000);
        asm.csr("csrrw", 0, csr("pmpcfg0"), 5);
    } else {
        asm.csr("csrrw", 0, csr("stvec"), 5);
        asm.constant(5, 8 << 60 | at(TABLES) >> 12);
        asm.csr("csrrw", 0, csr("satp"), 5);
    }
    let instructions = asm.len() as u64 / 4;
    pair.write(SET_UP, &asm.finish());
    let mut handler = Assembler::default();
    let here = handler.here();
    handler.jump(0, here);
    pair.write(HANDLER, &handler.finish());
    // All of RAM by a gigabyte of the root, the rest by pages.
    let data = |offset: u64| (at(DATA + offset), 0xc7);
    let leaves = [
        (MAPPED, data(0)),
        (BEHIND_UNMAPPED, data(2 * PAGE)),
        (ELSEWHERE, data(PAGE)),
        (NOWHERE, (RAM - PAGE, 0xc7)),
        (REGISTERS, (DEVICE, 0xc7)),
        (READABLE, (at(DATA), 0xc3)),
    ];
    let entry = |at: u64, target: u64, bits: u64| pair.write(at, &(target >> 2 | bits).to_le_bytes());
    entry(TABLES + 8 * (RAM >> 30), RAM, 0xcf);
    entry(TABLES, at(TABLES + PAGE), 1);
    entry(TABLES + PAGE, at(TABLES + 2 * PAGE), 1);
    let fresh = (0..FRESH_PAGES).map(|n| (FRESH + n * PAGE, data(0)));
    for (address, (target, bits)) in leaves.into_iter().chain(fresh) {
        entry(TABLES + 2 * PAGE + 8 * (address >> 12), target, bits);
    }
    pair.run(instructions, &|| "set-up".into());
    pair
}

/// Tries all programs around an access, first with a good address and then with a bad one.
fn try_all(mode: PrivilegeMode, access: &'static str, good: u64, first_bad: u64, outcome: Outcome) {
    let mut pair = prepared(mode);
    let mut slot = SLOTS;
    for (n, case) in (0..).zip(Case::all(access)) {
        let bad = if matches!(outcome, Outcome::Refill) { first_bad + n * PAGE } else { first_bad };
        let (code, instructions) = case.build();
        assert!(slot + SLOT_BYTES <= DATA, "more cases than there is room for");
        pair.write(slot, &code);
        let what = || format!("{case:?} at {bad:#x}");
        start(&mut pair, slot, good);
        // So many that generated code runs at the end of it, whatever a limit is worth.
        for _ in 0..ROUNDS {
            pair.run(instructions, &what);
        }
        assert_eq!(pair.translated.hart().pc(), GuestAddr(at(slot)), "{}", what());
        pair.each(|machine| machine.hart().set_x(BASE as usize, bad));
        let before = (pair.translated.exits(CodeExit::Access), pair.translated.exceptions());
        pair.run(LIMIT, &what);
        let after = (pair.translated.exits(CodeExit::Access), pair.translated.exceptions());
        let leaves = !matches!(outcome, Outcome::Refill);
        assert_eq!(after.0 > before.0, leaves, "leaving generated code for {}", what());
        match outcome {
            Outcome::Trap { cause, behind } => {
                assert_eq!(after.1 - before.1, 1, "traps of {}", what());
                let ran = pair.translated.hart().x(COUNT as usize);
                assert_eq!(ran, ROUNDS, "the trap was not the first thing of {}", what());
                let pc = at(slot) + 4 * case.place as u64;
                assert_eq!(pair.control_registers(&what), [cause, pc, bad + behind], "{}", what());
            }
            Outcome::Pass | Outcome::Refill => assert_eq!(after.1, before.1, "traps of {}", what()),
        }
        slot += SLOT_BYTES;
    }
}

/// A machine in front of code at `slot`, its registers all different.
pub(crate) fn start(pair: &mut Pair, slot: u64, base: u64) {
    pair.each(|machine| {
        let hart = machine.hart();
        hart.set_pc(GuestAddr(at(slot)));
        for (n, register) in (1..).zip(1..32) {
            hart.set_x(register, 0x0123_4567_89ab_cdef_u64.wrapping_mul(n));
        }
        hart.set_x(BASE as usize, base);
        hart.set_x(PROGRAM as usize, at(slot));
        hart.set_x(COUNT as usize, 0);
    });
}

/// Tries all joins, with the fault behind either way to it.
fn try_joins() {
    let mut pair = prepared(PrivilegeMode::Machine);
    let mut slot = SLOTS;
    let sets = (0..16).flat_map(|left| [0, 1, 2, 4, 6, 8, 15].map(|right| (left, right)));
    for (n, (left, right)) in (0u32..).zip(sets) {
        let join = Join { left, right, behind: n % 16, calls: n % 3 == 0 };
        pair.write(slot, &join.build());
        for way in [0, 1] {
            let what = || format!("{join:?}, way {way}");
            start(&mut pair, slot, at(DATA));
            pair.run(1000, &what);
            // To the start of a round, one instruction at a time.
            while pair.translated.hart().pc() != GuestAddr(at(slot))
                || pair.translated.hart().x(COUNT as usize) % 2 != way
            {
                pair.run(1, &what);
            }
            pair.each(|machine| machine.hart().set_x(BASE as usize, RAM - 8));
            let before = pair.translated.exits(CodeExit::Access);
            pair.run(LIMIT, &what);
            assert_eq!(pair.translated.exits(CodeExit::Access), before + 1, "{}", what());
        }
        slot += SLOT_BYTES;
        assert!(slot <= DATA, "more cases than there is room for");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOAD_ACCESS: u64 = 5;
    const STORE_ACCESS: u64 = 7;
    const LOAD_MISALIGNED: u64 = 4;
    const STORE_MISALIGNED: u64 = 6;
    const LOAD_PAGE: u64 = 13;
    const STORE_PAGE: u64 = 15;

    fn machine(access: &'static str, bad: u64, outcome: Outcome) {
        try_all(PrivilegeMode::Machine, access, at(DATA + 0x200), bad, outcome);
    }

    fn supervisor(access: &'static str, bad: u64, outcome: Outcome) {
        try_all(PrivilegeMode::Supervisor, access, MAPPED + 0x200, bad, outcome);
    }

    fn trap(cause: u64) -> Outcome {
        Outcome::Trap { cause, behind: 0 }
    }

    #[test]
    fn accesses_of_nothing_fault() {
        let nowhere = RAM - 0x100;
        machine("ld", nowhere, trap(LOAD_ACCESS));
        machine("sd", nowhere, trap(STORE_ACCESS));
        machine("amoadd.d", nowhere, trap(STORE_ACCESS));
        machine("lbu", nowhere, trap(LOAD_ACCESS));
        supervisor("lw", NOWHERE + 8, trap(LOAD_ACCESS));
        supervisor("sh", NOWHERE + 8, trap(STORE_ACCESS));
    }

    #[test]
    fn accesses_of_protected_memory_fault() {
        machine("lh", at(FORBIDDEN + 0x10), trap(LOAD_ACCESS));
        machine("sw", at(FORBIDDEN + 0x10), trap(STORE_ACCESS));
    }

    #[test]
    fn misaligned_atomics_fault() {
        machine("lr.w", at(DATA + 2), trap(LOAD_MISALIGNED));
        machine("sc.d", at(DATA + 4), trap(STORE_MISALIGNED));
        machine("amoadd.d", at(DATA + 0x1c), trap(STORE_MISALIGNED));
        supervisor("amomaxu.w", MAPPED + 0x11, trap(STORE_MISALIGNED));
        supervisor("amoswap.d", ELSEWHERE - 4, trap(STORE_MISALIGNED));
    }

    #[test]
    fn zeroing_what_is_no_memory_faults_at_the_address_given() {
        supervisor("cbo.zero", UNMAPPED + 0x2b, trap(STORE_PAGE));
        machine("cbo.zero", at(FORBIDDEN + 0x35), trap(STORE_ACCESS));
        machine("cbo.zero", RAM - 1, trap(STORE_ACCESS));
    }

    #[test]
    fn zeroing_a_block_that_is_protected_in_part_faults() {
        machine("cbo.zero", at(HALF_FORBIDDEN), trap(STORE_ACCESS));
    }

    #[test]
    fn whatever_may_store_faults_where_only_loads_are_allowed() {
        for access in ["sd", "sc.w", "amoadd.d", "amoor.w", "amomaxu.d"] {
            supervisor(access, READABLE + 0x18, trap(STORE_PAGE));
        }
        supervisor("cbo.zero", READABLE + 0x2b, trap(STORE_PAGE));
    }

    #[test]
    fn accesses_of_unmapped_pages_fault() {
        supervisor("ld", UNMAPPED + 0x18, trap(LOAD_PAGE));
        supervisor("sb", UNMAPPED + 0x18, trap(STORE_PAGE));
        supervisor("amoxor.w", UNMAPPED + 0x18, trap(STORE_PAGE));
        supervisor("lr.d", UNMAPPED + 0x18, trap(LOAD_PAGE));
        supervisor("sc.w", UNMAPPED + 0x18, trap(STORE_PAGE));
    }

    #[test]
    fn accesses_into_unmapped_pages_fault_there() {
        let second = Outcome::Trap { cause: LOAD_PAGE, behind: 3 };
        supervisor("ld", UNMAPPED - 3, second);
        supervisor("sw", UNMAPPED - 3, Outcome::Trap { cause: STORE_PAGE, behind: 3 });
        let first = trap(STORE_PAGE);
        supervisor("sd", BEHIND_UNMAPPED - 5, first);
        let end = RAM + RAM_SIZE - 2;
        machine("lw", end, Outcome::Trap { cause: LOAD_ACCESS, behind: 2 });
        machine("sd", end, Outcome::Trap { cause: STORE_ACCESS, behind: 2 });
    }

    #[test]
    fn accesses_across_two_pages_pass() {
        supervisor("ld", ELSEWHERE - 3, Outcome::Pass);
        supervisor("sd", ELSEWHERE - 3, Outcome::Pass);
        machine("lhu", at(DATA + PAGE - 1), Outcome::Pass);
        machine("sw", at(DATA + PAGE - 1), Outcome::Pass);
    }

    #[test]
    fn accesses_of_ram_that_is_not_in_the_tlb_find_it_there() {
        supervisor("ld", FRESH + 0x40, Outcome::Refill);
        supervisor("sh", FRESH + 0x40, Outcome::Refill);
        supervisor("amoor.d", FRESH + 0x48, Outcome::Refill);
        supervisor("lr.w", FRESH + 0x44, Outcome::Refill);
        supervisor("cbo.zero", FRESH + 0x7f, Outcome::Refill);
    }

    #[test]
    fn an_access_behind_a_join_has_what_either_way_wrote() {
        try_joins();
    }

    #[test]
    fn accesses_of_the_device_pass() {
        machine("ld", DEVICE + 0x10, Outcome::Pass);
        machine("sd", DEVICE + 0x18, Outcome::Pass);
        supervisor("lb", REGISTERS + 0x20, Outcome::Pass);
        supervisor("sw", REGISTERS + 0x28, Outcome::Pass);
        supervisor("cbo.zero", REGISTERS + 0x28, Outcome::Pass);
    }
}
