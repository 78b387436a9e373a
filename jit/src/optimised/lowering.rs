//! How an instruction may be lowered, and what many lowerings have in common.

use cranelift_codegen::ir::{InstBuilder, Type, Value, types};
use riscope_core::isa::Operands;

use super::memory::Group;
use super::translator::Translator;

/// Emits the code of an instruction with these operands.
pub(crate) type Emit = fn(&mut Translator<'_>, Operands);

/// How an instruction is translated.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Lowering {
    /// Translated; execution continues with the next instruction.
    Straight(Emit),
    /// Translated; the instruction ends its block.
    Transfer(Emit, Successors),
    /// Not translated: executed by the interpreter.
    Interpreted,
}

/// Static successors of a transfer that may belong to the same fragment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Successors {
    /// The encoded target.
    Target,
    /// The encoded target or the next instruction.
    TargetOrBehind,
    /// None: the target is computed, or is the callee of a call, a fragment of its own. The
    /// return enters the code behind a call.
    Elsewhere,
}

/// `lowering` if `condition` holds, otherwise interpreted.
pub(super) fn when(condition: bool, lowering: Lowering) -> Lowering {
    if condition { lowering } else { Lowering::Interpreted }
}

/// Size of a value in memory, 1 to 8 bytes.
pub(super) fn bytes(ty: Type) -> u8 {
    ty.bytes().to_le_bytes()[0]
}

/// `rd = f(rs1, rs2)`
macro_rules! reg_reg {
    (|$t:ident, $a:ident, $b:ident| $result:expr) => {
        $crate::optimised::lowering::Lowering::Straight(|$t, o| {
            let ($a, $b) = ($t.x(o.rs1()), $t.x(o.rs2()));
            let result = $result;
            $t.set_x(o.rd(), result);
        })
    };
}

/// `rd = f(rs1, imm)`, the immediate sign-extended to 64 bits.
macro_rules! reg_imm {
    (|$t:ident, $a:ident, $imm:ident| $result:expr) => {
        $crate::optimised::lowering::Lowering::Straight(|$t, o| {
            let ($a, $imm) = ($t.x(o.rs1()), $t.immediate(o));
            let result = $result;
            $t.set_x(o.rd(), result);
        })
    };
}

/// `rd = f(rs1)`
macro_rules! reg {
    (|$t:ident, $a:ident| $result:expr) => {
        $crate::optimised::lowering::Lowering::Straight(|$t, o| {
            let $a = $t.x(o.rs1());
            let result = $result;
            $t.set_x(o.rd(), result);
        })
    };
}

/// `rd = sext(f(rs1, rs2))` on the low 32 bits. Cranelift's shifts take their amount
/// modulo the width, as RISC-V does.
macro_rules! word_word {
    (|$t:ident, $a:ident, $b:ident| $result:expr) => {
        $crate::optimised::lowering::Lowering::Straight(|$t, o| {
            let ($a, $b) = ($t.w(o.rs1()), $t.w(o.rs2()));
            let result = $result;
            $t.set_w(o.rd(), result);
        })
    };
}

/// `rd = sext(f(rs1, imm))` on the low 32 bits.
macro_rules! word_imm {
    (|$t:ident, $a:ident, $imm:ident| $result:expr) => {
        $crate::optimised::lowering::Lowering::Straight(|$t, o| {
            let ($a, $imm) = ($t.w(o.rs1()), $t.word_immediate(o));
            let result = $result;
            $t.set_w(o.rd(), result);
        })
    };
}

/// `rd = sext(f(rs1))` on the low 32 bits.
macro_rules! word {
    (|$t:ident, $a:ident| $result:expr) => {
        $crate::optimised::lowering::Lowering::Straight(|$t, o| {
            let $a = $t.w(o.rs1());
            let result = $result;
            $t.set_w(o.rd(), result);
        })
    };
}
pub(super) use {reg, reg_imm, reg_reg, word, word_imm, word_word};

impl Translator<'_> {
    /// The immediate, sign-extended to 64 bits.
    pub(super) fn immediate(&mut self, o: Operands) -> Value {
        self.b.ins().iconst(types::I64, i64::from(o.imm()))
    }

    /// The immediate's low 32 bits.
    pub(super) fn word_immediate(&mut self, o: Operands) -> Value {
        let value = self.immediate(o);
        self.b.ins().ireduce(types::I32, value)
    }

    /// Host address of the memory operand `imm(rs1)`.
    pub(super) fn operand_pointer(&mut self, o: Operands, span: u8, store: bool) -> Value {
        let base = self.x(o.rs1());
        let first = if o.imm() == 0 { base } else { self.b.ins().iadd_imm_s(base, i64::from(o.imm())) };
        self.host_pointer(Group { first, span, store })
    }
}
