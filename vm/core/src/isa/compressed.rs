//! C extension: 16-bit encodings, each of which expands to one 32-bit instruction.
//!
//! Rows are tried in order, special cases before general ones. Reserved encodings (chapter
//! "C", RVC instruction listings) match a row whose operand function returns `None`.

use super::float::{Float, Precision};
use super::i::I;
use super::{Op, Operands};

/// Declaration of a 16-bit instruction.
#[derive(Clone, Copy, Debug)]
pub struct CompressedRow {
    /// Mnemonic.
    pub mnemonic: &'static str,
    /// Operation of its expansion.
    pub op: Op,
    /// Mask of the fixed bits.
    pub mask: u16,
    /// Value of the fixed bits.
    pub bits: u16,
    /// Operands of its expansion; `None` for reserved encodings.
    pub operands: fn(u16) -> Option<Operands>,
}

macro_rules! compressed {
    ($($mnemonic:literal $op:expr, $mask:literal $bits:literal $operands:ident;)*) => {
        /// All 16-bit instructions.
        pub const ROWS: &[CompressedRow] = &[
            $(CompressedRow { mnemonic: $mnemonic, op: $op, mask: $mask, bits: $bits, operands: $operands },)*
        ];
    };
}

compressed! {
    // Quadrant 0
    "c.addi4spn" Op::I(I::Addi), 0xe003 0x0000 addi4spn;
    "c.fld" Op::Float(Float::Load, Precision::Double), 0xe003 0x2000 load_double;
    "c.lw" Op::I(I::Lw), 0xe003 0x4000 load_word;
    "c.ld" Op::I(I::Ld), 0xe003 0x6000 load_double;
    "c.fsd" Op::Float(Float::Store, Precision::Double), 0xe003 0xa000 store_double;
    "c.sw" Op::I(I::Sw), 0xe003 0xc000 store_word;
    "c.sd" Op::I(I::Sd), 0xe003 0xe000 store_double;
    // Quadrant 1
    "c.addi" Op::I(I::Addi), 0xe003 0x0001 immediate;
    "c.addiw" Op::I(I::Addiw), 0xe003 0x2001 immediate_nonzero_rd;
    "c.li" Op::I(I::Addi), 0xe003 0x4001 load_immediate;
    "c.addi16sp" Op::I(I::Addi), 0xef83 0x6101 addi16sp;
    "c.lui" Op::I(I::Lui), 0xe003 0x6001 upper_immediate;
    "c.srli" Op::I(I::Srli), 0xec03 0x8001 shift_short;
    "c.srai" Op::I(I::Srai), 0xec03 0x8401 shift_short;
    "c.andi" Op::I(I::Andi), 0xec03 0x8801 immediate_short;
    "c.sub" Op::I(I::Sub), 0xfc63 0x8c01 register_short;
    "c.xor" Op::I(I::Xor), 0xfc63 0x8c21 register_short;
    "c.or" Op::I(I::Or), 0xfc63 0x8c41 register_short;
    "c.and" Op::I(I::And), 0xfc63 0x8c61 register_short;
    "c.subw" Op::I(I::Subw), 0xfc63 0x9c01 register_short;
    "c.addw" Op::I(I::Addw), 0xfc63 0x9c21 register_short;
    "c.j" Op::I(I::Jal), 0xe003 0xa001 jump;
    "c.beqz" Op::I(I::Beq), 0xe003 0xc001 branch;
    "c.bnez" Op::I(I::Bne), 0xe003 0xe001 branch;
    // Quadrant 2
    "c.slli" Op::I(I::Slli), 0xe003 0x0002 shift;
    "c.fldsp" Op::Float(Float::Load, Precision::Double), 0xe003 0x2002 load_double_sp;
    "c.lwsp" Op::I(I::Lw), 0xe003 0x4002 load_word_sp;
    "c.ldsp" Op::I(I::Ld), 0xe003 0x6002 load_double_sp_nonzero_rd;
    "c.jr" Op::I(I::Jalr), 0xf07f 0x8002 jump_register;
    "c.mv" Op::I(I::Add), 0xf003 0x8002 move_register;
    "c.ebreak" Op::I(I::Ebreak), 0xffff 0x9002 none;
    "c.jalr" Op::I(I::Jalr), 0xf07f 0x9002 jump_link_register;
    "c.add" Op::I(I::Add), 0xf003 0x9002 add_register;
    "c.fsdsp" Op::Float(Float::Store, Precision::Double), 0xe003 0xa002 store_double_sp;
    "c.swsp" Op::I(I::Sw), 0xe003 0xc002 store_word_sp;
    "c.sdsp" Op::I(I::Sd), 0xe003 0xe002 store_double_sp;
}

const SP: u8 = 2;
const RA: u8 = 1;

/// Extracts `width` bits from bit `low` and moves them to bit `to`.
fn part(bits: u16, low: u32, width: u32, to: u32) -> i32 {
    i32::from((bits >> low) & ((1 << width) - 1)) << to
}

/// Five-bit register field at bit `low`.
fn reg(bits: u16, low: u32) -> u8 {
    super::format::field(u32::from(bits), low, 5)
}

/// Three-bit register field at bit `low`: x8 to x15.
fn reg_short(bits: u16, low: u32) -> u8 {
    8 + super::format::field(u32::from(bits), low, 3)
}

/// Sign-extends the low `width` bits.
fn sign_extend(value: i32, width: u32) -> i32 {
    value << (32 - width) >> (32 - width)
}

/// The 6-bit immediate of format CI, not sign-extended.
fn imm6(bits: u16) -> i32 {
    part(bits, 12, 1, 5) | part(bits, 2, 5, 0)
}

fn addi4spn(bits: u16) -> Option<Operands> {
    let imm = part(bits, 11, 2, 4) | part(bits, 7, 4, 6) | part(bits, 6, 1, 2) | part(bits, 5, 1, 3);
    (imm != 0).then(|| Operands::new(reg_short(bits, 2), SP, 0, imm))
}

fn offset_word(bits: u16) -> i32 {
    part(bits, 10, 3, 3) | part(bits, 6, 1, 2) | part(bits, 5, 1, 6)
}

fn offset_double(bits: u16) -> i32 {
    part(bits, 10, 3, 3) | part(bits, 5, 2, 6)
}

fn load_word(bits: u16) -> Option<Operands> {
    Some(Operands::new(reg_short(bits, 2), reg_short(bits, 7), 0, offset_word(bits)))
}

fn load_double(bits: u16) -> Option<Operands> {
    Some(Operands::new(reg_short(bits, 2), reg_short(bits, 7), 0, offset_double(bits)))
}

fn store_word(bits: u16) -> Option<Operands> {
    Some(Operands::new(0, reg_short(bits, 7), reg_short(bits, 2), offset_word(bits)))
}

fn store_double(bits: u16) -> Option<Operands> {
    Some(Operands::new(0, reg_short(bits, 7), reg_short(bits, 2), offset_double(bits)))
}

fn immediate(bits: u16) -> Option<Operands> {
    Some(Operands::new(reg(bits, 7), reg(bits, 7), 0, sign_extend(imm6(bits), 6)))
}

fn immediate_nonzero_rd(bits: u16) -> Option<Operands> {
    (reg(bits, 7) != 0).then(|| immediate(bits)).flatten()
}

fn load_immediate(bits: u16) -> Option<Operands> {
    Some(Operands::new(reg(bits, 7), 0, 0, sign_extend(imm6(bits), 6)))
}

fn addi16sp(bits: u16) -> Option<Operands> {
    let imm =
        part(bits, 12, 1, 9) | part(bits, 6, 1, 4) | part(bits, 5, 1, 6) | part(bits, 3, 2, 7) | part(bits, 2, 1, 5);
    (imm != 0).then(|| Operands::new(SP, SP, 0, sign_extend(imm, 10)))
}

fn upper_immediate(bits: u16) -> Option<Operands> {
    let imm = sign_extend(imm6(bits), 6) << 12;
    (imm != 0).then(|| Operands::new(reg(bits, 7), 0, 0, imm))
}

fn shift(bits: u16) -> Option<Operands> {
    Some(Operands::new(reg(bits, 7), reg(bits, 7), 0, imm6(bits)))
}

fn shift_short(bits: u16) -> Option<Operands> {
    Some(Operands::new(reg_short(bits, 7), reg_short(bits, 7), 0, imm6(bits)))
}

fn immediate_short(bits: u16) -> Option<Operands> {
    Some(Operands::new(reg_short(bits, 7), reg_short(bits, 7), 0, sign_extend(imm6(bits), 6)))
}

fn register_short(bits: u16) -> Option<Operands> {
    Some(Operands::new(reg_short(bits, 7), reg_short(bits, 7), reg_short(bits, 2), 0))
}

fn jump(bits: u16) -> Option<Operands> {
    let offset = part(bits, 12, 1, 11)
        | part(bits, 11, 1, 4)
        | part(bits, 9, 2, 8)
        | part(bits, 8, 1, 10)
        | part(bits, 7, 1, 6)
        | part(bits, 6, 1, 7)
        | part(bits, 3, 3, 1)
        | part(bits, 2, 1, 5);
    Some(Operands::new(0, 0, 0, sign_extend(offset, 12)))
}

fn branch(bits: u16) -> Option<Operands> {
    let offset =
        part(bits, 12, 1, 8) | part(bits, 10, 2, 3) | part(bits, 5, 2, 6) | part(bits, 3, 2, 1) | part(bits, 2, 1, 5);
    Some(Operands::new(0, reg_short(bits, 7), 0, sign_extend(offset, 9)))
}

fn offset_word_sp(bits: u16) -> i32 {
    part(bits, 12, 1, 5) | part(bits, 4, 3, 2) | part(bits, 2, 2, 6)
}

fn load_word_sp(bits: u16) -> Option<Operands> {
    (reg(bits, 7) != 0).then(|| Operands::new(reg(bits, 7), SP, 0, offset_word_sp(bits)))
}

fn load_double_sp(bits: u16) -> Option<Operands> {
    let offset = part(bits, 12, 1, 5) | part(bits, 5, 2, 3) | part(bits, 2, 3, 6);
    Some(Operands::new(reg(bits, 7), SP, 0, offset))
}

fn load_double_sp_nonzero_rd(bits: u16) -> Option<Operands> {
    (reg(bits, 7) != 0).then(|| load_double_sp(bits)).flatten()
}

fn store_word_sp(bits: u16) -> Option<Operands> {
    Some(Operands::new(0, SP, reg(bits, 2), part(bits, 9, 4, 2) | part(bits, 7, 2, 6)))
}

fn store_double_sp(bits: u16) -> Option<Operands> {
    Some(Operands::new(0, SP, reg(bits, 2), part(bits, 10, 3, 3) | part(bits, 7, 3, 6)))
}

fn jump_register(bits: u16) -> Option<Operands> {
    (reg(bits, 7) != 0).then(|| Operands::new(0, reg(bits, 7), 0, 0))
}

fn jump_link_register(bits: u16) -> Option<Operands> {
    Some(Operands::new(RA, reg(bits, 7), 0, 0))
}

fn move_register(bits: u16) -> Option<Operands> {
    Some(Operands::new(reg(bits, 7), 0, reg(bits, 2), 0))
}

fn add_register(bits: u16) -> Option<Operands> {
    Some(Operands::new(reg(bits, 7), reg(bits, 7), reg(bits, 2), 0))
}

fn none(_bits: u16) -> Option<Operands> {
    Some(Operands::default())
}
