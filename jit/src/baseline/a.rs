//! A extension: atomic memory operations, by the host's, which are sequentially consistent.
//!
//! A reservation is what it is in `riscope_core::interp`: a host address, and the value loaded.

use riscope_core::isa::Operands;
use riscope_core::isa::a::A;

use super::assembler::Assembler;
use super::emitter::{Emitter, state, word};
use super::operand::{Condition, Mem, Reg, Source, Width};
use super::template::Template;
use crate::abi::{self, Word};

/// By one instruction of the host, which leaves what was there in its register.
macro_rules! fetch {
    ($operation:ident, $width:ident) => {
        Template::Alone(|e, o| e.fetch_and_update(o, Width::$width, |asm, w, m, s| asm.$operation(w, m, s)))
    };
}

/// By `rdx = rdx op rs2`, repeated until nobody else writes in between.
macro_rules! update {
    ($operation:ident, $width:ident) => {
        Template::Alone(|e, o| {
            e.update_loop(o, Width::$width, |asm, w, value| {
                asm.mov(Reg::RDX, Reg::RAX);
                asm.$operation(w, Reg::RDX, value);
            });
        })
    };
}

/// By choosing what is there if this condition holds for `rs2` and that.
macro_rules! choose {
    ($old_if:ident, $width:ident) => {
        Template::Alone(|e, o| {
            e.update_loop(o, Width::$width, |asm, w, value| {
                asm.mov(Reg::RDX, value);
                asm.cmp(w, Reg::RDX, Reg::RAX);
                asm.mov_if(Condition::$old_if, Reg::RDX, Reg::RAX);
            });
        })
    };
}

pub(super) fn template(op: A) -> Template {
    match op {
        A::LrW => Template::Alone(|e, o| e.load_reserved(o, Width::Word)),
        A::LrD => Template::Alone(|e, o| e.load_reserved(o, Width::Double)),
        A::ScW => Template::Alone(|e, o| e.store_conditional(o, Width::Word)),
        A::ScD => Template::Alone(|e, o| e.store_conditional(o, Width::Double)),
        A::AmoswapW => fetch!(exchange, Word),
        A::AmoswapD => fetch!(exchange, Double),
        A::AmoaddW => fetch!(exchange_and_add, Word),
        A::AmoaddD => fetch!(exchange_and_add, Double),
        A::AmoxorW => update!(xor, Word),
        A::AmoxorD => update!(xor, Double),
        A::AmoandW => update!(and, Word),
        A::AmoandD => update!(and, Double),
        A::AmoorW => update!(or, Word),
        A::AmoorD => update!(or, Double),
        A::AmominW => choose!(GreaterEqual, Word),
        A::AmominD => choose!(GreaterEqual, Double),
        A::AmomaxW => choose!(Less, Word),
        A::AmomaxD => choose!(Less, Double),
        A::AmominuW => choose!(AboveEqual, Word),
        A::AmominuD => choose!(AboveEqual, Double),
        A::AmomaxuW => choose!(Below, Word),
        A::AmomaxuD => choose!(Below, Double),
    }
}

const fn bytes(width: Width) -> u8 {
    match width {
        Width::Word => 4,
        Width::Double => 8,
    }
}

/// The operand, once its host address is in a register.
const fn at(base: Reg) -> Mem {
    Mem { base, offset: 0 }
}

impl Emitter<'_> {
    /// `rd` = a value that was loaded into `register`, a word of it sign-extended.
    fn set_loaded(&mut self, o: Operands, width: Width, register: Reg) {
        if o.rd() == 0 {
            return;
        }
        if width == Width::Word {
            self.asm.sign_extend_word(register, register);
        }
        self.set_x(o.rd(), register);
    }

    fn fetch_and_update(&mut self, o: Operands, width: Width, operation: fn(&mut Assembler, Width, Mem, Reg)) {
        // Before the branch to the miss: it has to be loaded on both ways.
        let value = self.x(o.rs2());
        self.atomic_pointer(o, bytes(width), true);
        self.asm.mov(Reg::RCX, value);
        operation(self.asm, width, at(Reg::RAX), Reg::RCX);
        self.set_loaded(o, width, Reg::RCX);
    }

    /// `compute` makes `rdx` of `rax`, what was there, and the value of `rs2`, and may change
    /// nothing else.
    fn update_loop(&mut self, o: Operands, width: Width, compute: fn(&mut Assembler, Width, Source)) {
        let value = self.x(o.rs2());
        self.atomic_pointer(o, bytes(width), true);
        self.asm.mov(Reg::RCX, Reg::RAX);
        self.asm.load_sized(Reg::RAX, at(Reg::RCX), bytes(width), false);
        let again = self.asm.label();
        self.asm.bind(again);
        compute(self.asm, width, value);
        self.asm.compare_and_exchange(width, at(Reg::RCX), Reg::RDX);
        self.asm.jump_if(Condition::NotEqual, again);
        self.set_loaded(o, width, Reg::RAX);
    }

    fn load_reserved(&mut self, o: Operands, width: Width) {
        self.atomic_pointer(o, bytes(width), false);
        self.asm.store(state(abi::RESERVATION), Reg::RAX);
        self.asm.load_sized(Reg::RAX, at(Reg::RAX), bytes(width), false);
        self.asm.store(state(abi::RESERVED_VALUE), Reg::RAX);
        self.set_loaded(o, width, Reg::RAX);
    }

    /// The flags of the last comparison made say whether it failed: that of the reservation, or
    /// that of the value.
    fn store_conditional(&mut self, o: Operands, width: Width) {
        let value = self.x(o.rs2());
        self.atomic_pointer(o, bytes(width), true);
        let done = self.asm.label();
        self.asm.mov(Reg::RDX, value);
        self.asm.mov(Reg::RCX, Reg::RAX);
        self.asm.mov(Reg::RAX, state(abi::RESERVED_VALUE));
        self.asm.cmp(Width::Double, Reg::RCX, state(abi::RESERVATION));
        self.asm.store_zero(state(abi::RESERVATION), 8);
        self.asm.jump_if(Condition::NotEqual, done);
        self.asm.compare_and_exchange(width, at(Reg::RCX), Reg::RDX);
        self.asm.bind(done);
        self.asm.set_if(Condition::NotEqual, Reg::RAX);
        self.asm.extend_reg(Reg::RAX, Reg::RAX, 1, false);
        self.asm.add_to(word(Word::StoresFailed), Reg::RAX);
        self.set_x(o.rd(), Reg::RAX);
    }
}
