//! Encodings, compared with those of `cranelift-assembler-x64`.

use cranelift_assembler_x64::{Fixed, GprMem, inst};

use super::super::assembler::Assembler;
use super::super::operand::{Condition, Regs};
use super::*;

const REGISTERS: [Reg; 16] = [
    Reg::RAX,
    Reg::RCX,
    Reg::RDX,
    Reg::RBX,
    Reg::RSP,
    Reg::RBP,
    Reg::RSI,
    Reg::RDI,
    Reg::R8,
    Reg::R9,
    Reg::R10,
    Reg::R11,
    Reg::R12,
    Reg::R13,
    Reg::R14,
    Reg::R15,
];
const OFFSETS: [i32; 9] = [0, 1, -1, 127, 128, -128, -129, i32::MAX, i32::MIN];
const IMMEDIATES: [i32; 9] = [1, -1, 127, 128, -128, -129, 0x1234, i32::MAX, i32::MIN];
const WIDTHS: [Width; 2] = [Width::Double, Width::Word];

fn pairs() -> impl Iterator<Item = (Reg, Reg)> {
    REGISTERS.into_iter().flat_map(|a| REGISTERS.map(|b| (a, b)))
}

fn places() -> impl Iterator<Item = Mem> {
    REGISTERS.into_iter().flat_map(|base| OFFSETS.map(|offset| Mem { base, offset }))
}

/// What an assembler makes of a call.
#[track_caller]
fn made(call: impl Fn(&mut Assembler)) -> Vec<u8> {
    let mut asm = Assembler::default();
    call(&mut asm);
    asm.finish().bytes.to_vec()
}

/// The bytes of an instruction by the library.
macro_rules! library {
    ($name:ident($($operand:expr),*)) => {{
        let mut code = Code::default();
        inst::$name::<Regs>::new($($operand),*).encode(&mut code);
        code.bytes().to_vec()
    }};
}

/// Removes a prefix that changes nothing, as the library has it for a 32-bit register whose 8-bit name
/// would need it.
fn remove_empty_prefix(bytes: &mut Vec<u8>) {
    if bytes[0] == 0x40 {
        bytes.remove(0);
    }
}

/// That `asm.$call(width, d, source)` is one of these, for 64 and for 32 bits.
macro_rules! two_operands {
    ($($call:ident: $q_rm:ident $l_rm:ident $q_i8:ident $l_i8:ident $q_i32:ident $l_i32:ident;)*) => {
        $(for width in WIDTHS {
            for (d, s) in pairs() {
                let expected = match width {
                    Width::Double => library!($q_rm(d, GprMem::Gpr(s))),
                    Width::Word => library!($l_rm(d, GprMem::Gpr(s))),
                };
                assert_eq!(made(|asm| asm.$call(width, d, s)), expected, "{} {d:?} {s:?}", stringify!($call));
            }
            for (d, m) in REGISTERS.into_iter().flat_map(|d| places().map(move |m| (d, m))) {
                let expected = match width {
                    Width::Double => library!($q_rm(d, GprMem::Mem(m.into()))),
                    Width::Word => library!($l_rm(d, GprMem::Mem(m.into()))),
                };
                assert_eq!(made(|asm| asm.$call(width, d, m)), expected, "{} {d:?} {m:?}", stringify!($call));
            }
            for (d, imm) in REGISTERS.into_iter().flat_map(|d| IMMEDIATES.map(|imm| (d, imm))) {
                let d_rm = GprMem::Gpr(d);
                let expected = match (width, i8::try_from(imm)) {
                    (Width::Double, Ok(imm)) => library!($q_i8(d_rm, imm)),
                    (Width::Word, Ok(imm)) => library!($l_i8(d_rm, imm)),
                    (Width::Double, Err(_)) => library!($q_i32(d_rm, imm)),
                    (Width::Word, Err(_)) => library!($l_i32(d_rm, imm)),
                };
                assert_eq!(made(|asm| asm.$call(width, d, imm)), expected, "{} {d:?} {imm}", stringify!($call));
            }
        })*
    };
}

#[test]
fn operations_on_two_operands_are_the_librarys() {
    two_operands! {
        add: addq_rm addl_rm addq_mi_sxb addl_mi_sxb addq_mi_sxl addl_mi;
        sub: subq_rm subl_rm subq_mi_sxb subl_mi_sxb subq_mi_sxl subl_mi;
        and: andq_rm andl_rm andq_mi_sxb andl_mi_sxb andq_mi_sxl andl_mi;
        or: orq_rm orl_rm orq_mi_sxb orl_mi_sxb orq_mi_sxl orl_mi;
        xor: xorq_rm xorl_rm xorq_mi_sxb xorl_mi_sxb xorq_mi_sxl xorl_mi;
        cmp: cmpq_rm cmpl_rm cmpq_mi_sxb cmpl_mi_sxb cmpq_mi cmpl_mi;
    }
}

#[test]
fn shifts_are_the_librarys() {
    macro_rules! shifts {
        ($($call:ident $by_cl:ident: $q_i:ident $l_i:ident $q_c:ident $l_c:ident;)*) => {
            $(for d in REGISTERS {
                let (rm, rcx) = (GprMem::Gpr(d), Fixed(Reg::RCX));
                for amount in [0, 1, 31, 63] {
                    assert_eq!(made(|asm| asm.$call(Width::Double, d, amount)), library!($q_i(rm, amount)));
                    assert_eq!(made(|asm| asm.$call(Width::Word, d, amount)), library!($l_i(rm, amount)));
                }
                assert_eq!(made(|asm| asm.$by_cl(Width::Double, d)), library!($q_c(rm, rcx)));
                assert_eq!(made(|asm| asm.$by_cl(Width::Word, d)), library!($l_c(rm, rcx)));
            })*
        };
    }
    shifts! {
        shl shl_cl: shlq_mi shll_mi shlq_mc shll_mc;
        shr shr_cl: shrq_mi shrl_mi shrq_mc shrl_mc;
        sar sar_cl: sarq_mi sarl_mi sarq_mc sarl_mc;
        ror ror_cl: rorq_mi rorl_mi rorq_mc rorl_mc;
    }
    for d in REGISTERS {
        let rcx = Fixed(Reg::RCX);
        assert_eq!(made(|asm| asm.rol_cl(Width::Double, d)), library!(rolq_mc(GprMem::Gpr(d), rcx)));
        assert_eq!(made(|asm| asm.rol_cl(Width::Word, d)), library!(roll_mc(GprMem::Gpr(d), rcx)));
    }
}

#[test]
fn copies_within_registers_are_the_librarys() {
    for (d, s) in pairs() {
        let rm = GprMem::Gpr(s);
        if d != s {
            assert_eq!(made(|asm| asm.mov(d, s)), library!(movq_rm(d, rm)));
        }
        assert_eq!(made(|asm| asm.mov_word(d, s)), library!(movl_rm(d, rm)));
        let mut zero_extended = library!(movzbl_rm(d, rm));
        if s.number() < 4 {
            remove_empty_prefix(&mut zero_extended);
        }
        assert_eq!(made(|asm| asm.extend_reg(d, s, 1, false)), zero_extended);
        assert_eq!(made(|asm| asm.extend_reg(d, s, 1, true)), library!(movsbq_rm(d, rm)));
        assert_eq!(made(|asm| asm.extend_reg(d, s, 2, false)), library!(movzwl_rm(d, rm)));
        assert_eq!(made(|asm| asm.extend_reg(d, s, 2, true)), library!(movswq_rm(d, rm)));
        assert_eq!(made(|asm| asm.sign_extend_word(d, s)), library!(movslq_rm(d, rm)));
        assert_eq!(made(|asm| asm.imul(Width::Double, d, s)), library!(imulq_rm(d, rm)));
        assert_eq!(made(|asm| asm.imul(Width::Word, d, s)), library!(imull_rm(d, rm)));
        assert_eq!(made(|asm| asm.test(Width::Double, d, s)), library!(testq_mr(GprMem::Gpr(d), s)));
        assert_eq!(made(|asm| asm.test(Width::Word, d, s)), library!(testl_mr(GprMem::Gpr(d), s)));
    }
    for (d, imm) in REGISTERS.into_iter().flat_map(|d| IMMEDIATES.map(|imm| (d, imm))) {
        let expected = match u32::try_from(imm) {
            Ok(imm) => library!(movl_oi(d, imm)),
            Err(_) => library!(movq_mi_sxl(GprMem::Gpr(d), imm)),
        };
        assert_eq!(made(|asm| asm.mov(d, imm)), expected);
    }
    for d in REGISTERS {
        assert_eq!(made(|asm| asm.mov(d, 0)), library!(xorl_rm(d, GprMem::Gpr(d))));
        assert_eq!(made(|asm| asm.mov_wide(d, 1 << 63 | 7)), library!(movabsq_oi(d, 1 << 63 | 7)));
        assert_eq!(made(|asm| asm.neg(Width::Double, d)), library!(negq_m(GprMem::Gpr(d))));
        assert_eq!(made(|asm| asm.neg(Width::Word, d)), library!(negl_m(GprMem::Gpr(d))));
        assert_eq!(made(|asm| asm.not(d)), library!(notq_m(GprMem::Gpr(d))));
    }
}

#[test]
fn accesses_to_memory_are_the_librarys() {
    for (r, m) in REGISTERS.into_iter().flat_map(|r| places().map(move |m| (r, m))) {
        let rm = || GprMem::Mem(m.into());
        assert_eq!(made(|asm| asm.mov(r, m)), library!(movq_rm(r, rm())));
        assert_eq!(made(|asm| asm.store(m, r)), library!(movq_mr(rm(), r)));
        assert_eq!(made(|asm| asm.store_sized(m, r, 1)), library!(movb_mr(rm(), r)));
        assert_eq!(made(|asm| asm.store_sized(m, r, 2)), library!(movw_mr(rm(), r)));
        assert_eq!(made(|asm| asm.store_sized(m, r, 4)), library!(movl_mr(rm(), r)));
        let mut zero_extended = library!(movzbl_rm(r, rm()));
        remove_empty_prefix(&mut zero_extended);
        assert_eq!(made(|asm| asm.load_sized(r, m, 1, false)), zero_extended);
        assert_eq!(made(|asm| asm.load_sized(r, m, 1, true)), library!(movsbq_rm(r, rm())));
        assert_eq!(made(|asm| asm.load_sized(r, m, 2, false)), library!(movzwl_rm(r, rm())));
        assert_eq!(made(|asm| asm.load_sized(r, m, 2, true)), library!(movswq_rm(r, rm())));
        assert_eq!(made(|asm| asm.load_sized(r, m, 4, false)), library!(movl_rm(r, rm())));
        assert_eq!(made(|asm| asm.load_sized(r, m, 4, true)), library!(movslq_rm(r, rm())));
        let Mem { base, offset } = m;
        assert_eq!(
            made(|asm| asm.lea(Width::Double, r, base, offset)),
            library!(leaq_rm(r, cranelift_assembler_x64::Amode::from(m)))
        );
        assert_eq!(
            made(|asm| asm.lea(Width::Word, r, base, offset)),
            library!(leal_rm(r, cranelift_assembler_x64::Amode::from(m)))
        );
    }
    for m in places() {
        let rm = || GprMem::Mem(m.into());
        assert_eq!(made(|asm| asm.store_zero(m, 1)), library!(movb_mi(rm(), 0)));
        assert_eq!(made(|asm| asm.store_zero(m, 2)), library!(movw_mi(rm(), 0)));
        assert_eq!(made(|asm| asm.store_zero(m, 4)), library!(movl_mi(rm(), 0u32)));
        assert_eq!(made(|asm| asm.store_zero(m, 8)), library!(movq_mi_sxl(rm(), 0)));
        assert_eq!(made(|asm| asm.compare_with(m, -7)), library!(cmpq_mi_sxb(rm(), -7)));
        assert_eq!(made(|asm| asm.subtract_from(m, 64)), library!(subq_mi_sxb(rm(), 64)));
        assert_eq!(made(|asm| asm.push(m.into())), library!(pushq_m(rm())));
        assert_eq!(made(|asm| asm.call_at(m)), library!(callq_m(rm())));
        assert_eq!(made(|asm| asm.jump_at(m)), library!(jmpq_m(rm())));
    }
}

#[test]
fn jumps_are_the_librarys() {
    for r in REGISTERS {
        assert_eq!(made(|asm| asm.push(r.into())), library!(pushq_o(r)));
    }
}

#[test]
fn conditions_are_the_librarys() {
    macro_rules! conditions {
        ($($condition:ident $mov:ident $set:ident;)*) => {
            $(for (d, s) in pairs() {
                let condition = Condition::$condition;
                assert_eq!(made(|asm| asm.mov_if(condition, d, s)), library!($mov(d, GprMem::Gpr(s))));
                assert_eq!(made(|asm| asm.set_if(condition, d)), library!($set(GprMem::Gpr(d))));
            })*
        };
    }
    conditions! {
        Equal cmoveq_rm sete_m;
        NotEqual cmovneq_rm setne_m;
        Less cmovlq_rm setl_m;
        GreaterEqual cmovgeq_rm setge_m;
        Below cmovbq_rm setb_m;
        AboveEqual cmovaeq_rm setae_m;
    }
}
