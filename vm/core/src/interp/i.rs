//! RV64I base integer instruction set.

use super::{Flow, Handler, reg_imm, reg_reg, sext32};
use crate::hart::{Exception, ExceptionCause, Hart, PrivilegeMode};
use crate::isa::Operands;
use crate::isa::i::{I, PAUSE};

/// Fence sets: reads are bits 1 (memory) and 3 (device input), writes bits 0 and 2.
const READS: i32 = 0b1010;
const WRITES: i32 = 0b0101;

macro_rules! branch {
    (|$a:ident, $b:ident| $taken:expr) => {
        |hart, o| {
            let ($a, $b) = (hart.x(o.rs1()), hart.x(o.rs2()));
            if $taken {
                // The target is aligned: offsets are even, and IALIGN is 16.
                hart.state.pc = hart.state.pc.wrapping_add(o.imm_u64());
                Flow::Jump
            } else {
                Flow::Next
            }
        }
    };
}

macro_rules! load {
    ($load:ident, |$value:ident| $extended:expr) => {
        |hart, o| {
            let va = hart.x(o.rs1()).wrapping_add(o.imm_u64());
            match hart.$load(va) {
                Ok($value) => {
                    hart.set_x(o.rd(), $extended);
                    Flow::Next
                }
                Err(exception) => hart.raise(exception),
            }
        }
    };
}

macro_rules! store {
    ($store:ident) => {
        |hart, o| {
            let va = hart.x(o.rs1()).wrapping_add(o.imm_u64());
            match hart.$store(va, hart.x(o.rs2())) {
                Ok(()) => Flow::Next,
                Err(exception) => hart.raise(exception),
            }
        }
    };
}
pub(super) fn handler(op: I) -> Handler {
    match op {
        I::Lui => |hart, o| {
            hart.set_x(o.rd(), o.imm_u64());
            Flow::Next
        },
        I::Auipc => |hart, o| {
            hart.set_x(o.rd(), hart.state.pc.wrapping_add(o.imm_u64()));
            Flow::Next
        },
        I::Jal => jal,
        I::Jalr => jalr,
        I::Beq => branch!(|a, b| a == b),
        I::Bne => branch!(|a, b| a != b),
        I::Blt => branch!(|a, b| (a as i64) < b as i64),
        I::Bge => branch!(|a, b| a as i64 >= b as i64),
        I::Bltu => branch!(|a, b| a < b),
        I::Bgeu => branch!(|a, b| a >= b),
        I::Lb => load!(load8, |value| i64::from(value as i8) as u64),
        I::Lh => load!(load16, |value| i64::from(value as i16) as u64),
        I::Lw => load!(load32, |value| sext32(value as u32)),
        I::Ld => load!(load64, |value| value),
        I::Lbu => load!(load8, |value| value),
        I::Lhu => load!(load16, |value| value),
        I::Lwu => load!(load32, |value| value),
        I::Sb => store!(store8),
        I::Sh => store!(store16),
        I::Sw => store!(store32),
        I::Sd => store!(store64),
        I::Addi => reg_imm!(|a, imm| a.wrapping_add(imm)),
        I::Slti => reg_imm!(|a, imm| u64::from((a as i64) < imm as i64)),
        I::Sltiu => reg_imm!(|a, imm| u64::from(a < imm)),
        I::Xori => reg_imm!(|a, imm| a ^ imm),
        I::Ori => reg_imm!(|a, imm| a | imm),
        I::Andi => reg_imm!(|a, imm| a & imm),
        I::Slli => reg_imm!(|a, shift| a << (shift & 63)),
        I::Srli => reg_imm!(|a, shift| a >> (shift & 63)),
        I::Srai => reg_imm!(|a, shift| (a as i64 >> (shift & 63)) as u64),
        I::Add => reg_reg!(|a, b| a.wrapping_add(b)),
        I::Sub => reg_reg!(|a, b| a.wrapping_sub(b)),
        I::Sll => reg_reg!(|a, b| a << (b & 63)),
        I::Slt => reg_reg!(|a, b| u64::from((a as i64) < b as i64)),
        I::Sltu => reg_reg!(|a, b| u64::from(a < b)),
        I::Xor => reg_reg!(|a, b| a ^ b),
        I::Srl => reg_reg!(|a, b| a >> (b & 63)),
        I::Sra => reg_reg!(|a, b| (a as i64 >> (b & 63)) as u64),
        I::Or => reg_reg!(|a, b| a | b),
        I::And => reg_reg!(|a, b| a & b),
        I::Addiw => reg_imm!(|a, imm| sext32((a as u32).wrapping_add(imm as u32))),
        I::Slliw => reg_imm!(|a, shift| sext32((a as u32) << (shift & 31))),
        I::Srliw => reg_imm!(|a, shift| sext32(a as u32 >> (shift & 31))),
        I::Sraiw => reg_imm!(|a, shift| i64::from(a as i32 >> (shift & 31)) as u64),
        I::Addw => reg_reg!(|a, b| sext32((a as u32).wrapping_add(b as u32))),
        I::Subw => reg_reg!(|a, b| sext32((a as u32).wrapping_sub(b as u32))),
        I::Sllw => reg_reg!(|a, b| sext32((a as u32) << (b & 31))),
        I::Srlw => reg_reg!(|a, b| sext32(a as u32 >> (b & 31))),
        I::Sraw => reg_reg!(|a, b| i64::from(a as i32 >> (b & 31)) as u64),
        I::Fence => fence,
        I::Ecall => ecall,
        I::Ebreak => |hart, _| hart.raise(Exception::new(ExceptionCause::Breakpoint, hart.state.pc)),
    }
}

fn jal(hart: &mut Hart, o: Operands) -> Flow {
    let pc = hart.state.pc;
    hart.set_x(o.rd(), pc.wrapping_add(o.length()));
    hart.state.pc = pc.wrapping_add(o.imm_u64());
    Flow::Jump
}

fn jalr(hart: &mut Hart, o: Operands) -> Flow {
    let target = hart.x(o.rs1()).wrapping_add(o.imm_u64()) & !1;
    hart.set_x(o.rd(), hart.state.pc.wrapping_add(o.length()));
    hart.state.pc = target;
    Flow::Jump
}

/// Guest accesses are relaxed host atomics; a full host fence provides every ordering that
/// the predecessor and successor sets can require. `pause` lets another thread of the host run:
/// perhaps the hart that this one waits for.
fn fence(_hart: &mut Hart, o: Operands) -> Flow {
    if o.imm() == PAUSE {
        std::thread::yield_now();
    }
    let (predecessors, successors) = (o.imm() >> 4, o.imm());
    if predecessors & (READS | WRITES) != 0 && successors & (READS | WRITES) != 0 {
        std::sync::atomic::fence(std::sync::atomic::Ordering::SeqCst);
    }
    Flow::Next
}

fn ecall(hart: &mut Hart, _o: Operands) -> Flow {
    let cause = match hart.mode {
        PrivilegeMode::User => ExceptionCause::UserEcall,
        PrivilegeMode::Supervisor if hart.config.sbi => return Flow::SbiCall,
        PrivilegeMode::Supervisor => ExceptionCause::SupervisorEcall,
        PrivilegeMode::Machine => ExceptionCause::MachineEcall,
    };
    hart.raise(Exception::new(cause, 0))
}
