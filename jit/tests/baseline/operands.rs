//! Every instruction with every way that its registers may coincide, where they are kept in
//! host registers that survive calls, in others, in memory, or are `x0`.

use riscope_core::addr::GuestAddr;
use riscope_core::hart::PrivilegeMode;
use riscope_core::isa::{Format, Row};

use crate::bench::{DATA, Pair, at, csr};
use crate::common::assembler::Assembler;
use crate::common::encode::{Fields, encode};
use crate::common::random::Random;

/// Kept in host registers that calls preserve, by eight uses each; ...
const PRESERVED: [u32; 6] = [8, 10, 11, 13, 14, 15];
/// ... kept in others, by four: the subject, with three at most, does not change that.
const LOST: [u32; 4] = [12, 16, 17, 18];
/// Operands: `x0`, two of the first, one of the second, and two that stay in memory.
const OPERANDS: [u32; 6] = [0, 8, 10, 12, 20, 21];

/// Offsets in RAM: a page of loops, where everything ends; its end is for traps.
const IDLE: u64 = 0;
const IDLE_BYTES: usize = 0x800;
const SET_UP: u64 = 0x800;
const SLOTS: u64 = 0x1000;
const SLOT_BYTES: u64 = 192;

/// Instructions for these uses, one for two.
const KEEPING: u64 = (4 * PRESERVED.len() + 2 * LOST.len()) as u64;

/// Runs of a fragment; before the second it is translated.
const RUNS: u64 = 6;
/// Instructions of a run. More are left behind a fragment than it is entered with at least.
const LIMIT: u64 = 150;

/// What of an instruction is varied; `None` for what has no integer operands or is tested
/// elsewhere.
fn operands(format: Format) -> Option<[bool; 3]> {
    Some(match format {
        Format::R | Format::Amo => [true, true, true],
        Format::R1 | Format::I | Format::Load | Format::Shift64 | Format::Shift32 | Format::Lr | Format::Csr => {
            [true, true, false]
        }
        Format::S | Format::B => [false, true, true],
        Format::U | Format::J | Format::CsrImm => [true, false, false],
        Format::Fence | Format::FenceI | Format::Exact | Format::Sfence | Format::Cbo => return None,
        Format::FpLoad | Format::FpS | Format::FpRm | Format::Fp | Format::FpCmp | Format::FpFma => return None,
        Format::Fp1Rm | Format::FpToIntRm | Format::FpFromIntRm | Format::FpToInt | Format::FpFromInt => return None,
    })
}

/// All choices of three operands; one that an instruction does not have is `x0`.
fn combinations([rd, rs1, rs2]: [bool; 3]) -> impl Iterator<Item = [u32; 3]> {
    let choices = |present: bool| if present { &OPERANDS[..] } else { &OPERANDS[..1] };
    choices(rd).iter().flat_map(move |&rd| {
        choices(rs1).iter().flat_map(move |&rs1| choices(rs2).iter().map(move |&rs2| [rd, rs1, rs2]))
    })
}

fn immediate(row: &Row, slot: u64, subject: u64, random: &mut Random) -> i32 {
    match row.format {
        Format::Load | Format::S => random.between(-1024, 1023),
        Format::I if row.mnemonic == "jalr" => random.between(-128, 127),
        Format::I => random.between(-2048, 2047),
        Format::Shift64 | Format::Shift32 => random.between(0, 63),
        Format::U => (random.word() & 0xffff_f000) as i32,
        Format::Csr | Format::CsrImm => i32::from(csr("mscratch")),
        // Over one instruction.
        Format::B => 8,
        Format::J => IDLE as i32 - (slot + subject) as i32,
        _ => 0,
    }
}

/// Instructions that use each kept register as often as it must be, and leave it dirty.
fn keep(asm: &mut Assembler) {
    let all = PRESERVED.iter().map(|&register| (register, 4)).chain(LOST.iter().map(|&register| (register, 2)));
    for (register, times) in all {
        (0..times).for_each(|_| asm.imm("addi", register, register, 8));
    }
}

/// A fragment with the subject in front of or behind the other instructions.
fn fragment(row: &Row, [rd, rs1, rs2]: [u32; 3], behind: bool, slot: u64, random: &mut Random) -> Vec<u8> {
    let mut asm = Assembler::default();
    if behind {
        keep(&mut asm);
    }
    let imm = immediate(row, slot, asm.len() as u64, random);
    let rs1 = if row.format == Format::CsrImm { random.below(32) } else { rs1 };
    asm.raw(encode(row, Fields { rd, rs1, rs2, imm, ..Fields::default() }));
    asm.imm("xori", LOST[0], LOST[0], 1);
    if !behind {
        keep(&mut asm);
    }
    let to_idle = IDLE as i32 - (slot as i32 + asm.len() as i32);
    asm.imm("jal", 0, 0, to_idle);
    assert!(asm.len() as u64 <= SLOT_BYTES);
    asm.finish()
}

/// Integers of few bits as often as of many.
fn integer(random: &mut Random) -> u64 {
    let (bits, shift) = (random.bits(), random.below(64));
    match random.weighted(&[(2, 0), (1, 1), (1, 2), (1, 3)]) {
        0 if random.chance(50) => bits >> shift,
        0 => (bits as i64 >> shift) as u64,
        1 => u64::from(random.below(4)).wrapping_sub(2),
        2 => random.pick(&[1 << 63, (1 << 63) - 1, 1 << 31, !0 << 31, (1 << 31) - 1, 0xffff_ffff, 64, 32]),
        _ => bits,
    }
}

/// Values of all registers for a run, such that `rs1` is an address where it has to be one.
fn registers(row: &Row, rs1: u32, random: &mut Random) -> [u64; 32] {
    let mut values = std::array::from_fn(|_| integer(random));
    values[rs1 as usize] = match row.format {
        Format::Load | Format::S => at(DATA + 0x800) + u64::from(random.below(256)),
        Format::Amo | Format::Lr => at(DATA + 0x800) + 8 * u64::from(random.below(32)),
        Format::I if row.mnemonic == "jalr" => at(IDLE + 0x400) + u64::from(random.below(2)),
        _ => values[rs1 as usize],
    };
    values
}

/// A machine in front of nothing, whose traps end in a loop.
fn prepared() -> Pair {
    let mut pair = Pair::new(PrivilegeMode::Machine);
    const C_J_HERE: [u8; 2] = 0xa001_u16.to_le_bytes();
    pair.write(IDLE, &C_J_HERE.repeat(IDLE_BYTES / 2));
    let mut asm = Assembler::default();
    asm.csr("csrrw", 0, csr("mtvec"), 5);
    pair.write(SET_UP, &asm.finish());
    pair.each(|machine| {
        machine.hart().set_pc(GuestAddr(at(SET_UP)));
        machine.hart().set_x(5, at(IDLE));
    });
    pair.run(1, &|| "set-up".into());
    pair
}

/// Tries all combinations of a row on one machine.
fn try_all(row: &Row, present: [bool; 3], random: &mut Random) {
    let mut pair = prepared();
    let words: Vec<u8> = (0..0x4000).map(|_| random.below(256) as u8).collect();
    pair.write(DATA, &words);
    let mut slot = SLOTS;
    for behind in [false, true] {
        for combination in combinations(present) {
            assert!(slot + SLOT_BYTES <= DATA, "more combinations than there is room for");
            pair.write(slot, &fragment(row, combination, behind, slot, random));
            let what = || format!("{} with rd, rs1, rs2 = {combination:?}, behind: {behind}", row.mnemonic);
            let mut most = 0;
            for _ in 0..RUNS {
                let values = registers(row, combination[1], random);
                pair.each(|machine| {
                    machine.hart().set_pc(GuestAddr(at(slot)));
                    (1..).zip(&values[1..]).for_each(|(n, &value)| machine.hart().set_x(n, value));
                });
                let before = pair.translated.translated(0);
                pair.run(LIMIT, &what);
                most = most.max(pair.translated.translated(0) - before);
            }
            // Without the fragment, it would be the loop behind it at most.
            let jumps = row.format == Format::J || row.mnemonic == "jalr";
            let accesses = matches!(row.format, Format::Load | Format::S | Format::Amo | Format::Lr);
            let traps = combination[1] == 0 && (accesses || row.mnemonic == "jalr");
            let cut_short = traps || jumps && !behind;
            assert!(cut_short || most > LIMIT - 64 - KEEPING, "{most} instructions were translated in {}", what());
            slot += SLOT_BYTES;
        }
    }
}

#[cfg(test)]
mod tests {
    use riscope_core::isa::rows;

    use super::*;

    /// Tries the rows of which `choose` is true; there must be `count`.
    fn try_rows(count: usize, choose: impl Fn(&Row) -> bool) {
        let mut tried = 0;
        for (n, row) in (0..).zip(rows()) {
            if let Some(present) = operands(row.format).filter(|_| choose(row)) {
                try_all(row, present, &mut Random::new(n));
                tried += 1;
            }
        }
        assert_eq!(tried, count);
    }

    #[test]
    fn operands_of_three_registers_may_coincide() {
        try_rows(52, |row| row.format == Format::R);
    }

    #[test]
    fn operands_of_atomics_may_coincide() {
        try_rows(20, |row| row.format == Format::Amo);
    }

    #[test]
    fn operands_of_all_other_instructions_may_coincide() {
        try_rows(60, |row| !matches!(row.format, Format::R | Format::Amo));
    }
}
