//! Assembler of straight-line code with labels, for the fixed parts of test programs.

use super::encode::{Fields, encode, row};

/// A position in the code, possibly not bound yet.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Label(usize);

/// Collects instructions.
#[derive(Debug, Default)]
pub(crate) struct Assembler {
    code: Vec<u8>,
    /// Offset of each label.
    labels: Vec<Option<usize>>,
    /// Offsets of 32-bit instructions that refer to an unbound label.
    open: Vec<(usize, &'static str, Fields, Label)>,
}

impl Assembler {
    /// Bytes so far.
    pub(crate) fn len(&self) -> usize {
        self.code.len()
    }

    /// A label that is bound later.
    pub(crate) fn label(&mut self) -> Label {
        self.labels.push(None);
        Label(self.labels.len() - 1)
    }

    /// Binds `label` to the next instruction.
    pub(crate) fn bind(&mut self, label: Label) {
        self.labels[label.0] = Some(self.code.len());
    }

    /// A label for the next instruction.
    pub(crate) fn here(&mut self) -> Label {
        let label = self.label();
        self.bind(label);
        label
    }

    /// Emits an instruction by its bits; of a 16-bit one, only the lower half.
    pub(crate) fn raw(&mut self, bits: u32) {
        let len = if bits & 3 == 3 { 4 } else { 2 };
        self.code.extend_from_slice(&bits.to_le_bytes()[..len]);
    }

    /// `mnemonic rd, rs1, rs2`
    pub(crate) fn reg(&mut self, mnemonic: &str, rd: u32, rs1: u32, rs2: u32) {
        self.raw(encode(row(mnemonic), Fields { rd, rs1, rs2, ..Fields::default() }));
    }

    /// `mnemonic rd, rs1, imm`, also in the forms of loads, shifts and `lui`.
    pub(crate) fn imm(&mut self, mnemonic: &str, rd: u32, rs1: u32, imm: i32) {
        self.raw(encode(row(mnemonic), Fields { rd, rs1, imm, ..Fields::default() }));
    }

    /// `mnemonic rs2, imm(rs1)`
    pub(crate) fn store(&mut self, mnemonic: &str, rs2: u32, rs1: u32, imm: i32) {
        self.raw(encode(row(mnemonic), Fields { rs1, rs2, imm, ..Fields::default() }));
    }

    /// `mnemonic rd, csr, rs1`; the immediate forms have their value in `rs1`.
    pub(crate) fn csr(&mut self, mnemonic: &str, rd: u32, csr: u16, rs1: u32) {
        self.imm(mnemonic, rd, rs1, i32::from(csr));
    }

    /// A branch.
    pub(crate) fn branch(&mut self, mnemonic: &'static str, rs1: u32, rs2: u32, to: Label) {
        self.lead_to(mnemonic, Fields { rs1, rs2, ..Fields::default() }, to);
    }

    /// `jal rd, label`
    pub(crate) fn jump(&mut self, rd: u32, to: Label) {
        self.lead_to("jal", Fields { rd, ..Fields::default() }, to);
    }

    fn lead_to(&mut self, mnemonic: &'static str, fields: Fields, to: Label) {
        self.open.push((self.code.len(), mnemonic, fields, to));
        self.code.extend_from_slice(&[0; 4]);
    }

    /// Loads a 64-bit constant.
    pub(crate) fn constant(&mut self, rd: u32, value: u64) {
        let value = value as i64;
        let low = (value << 52 >> 52) as i32;
        if value == i64::from(low) {
            self.imm("addi", rd, 0, low);
        } else if value == i64::from(value as i32) {
            self.imm("lui", rd, 0, (value as i32).wrapping_sub(low));
            self.imm("addiw", rd, rd, low);
        } else {
            self.constant(rd, (value.wrapping_sub(i64::from(low)) >> 12) as u64);
            self.imm("slli", rd, rd, 12);
            self.imm("addi", rd, rd, low);
        }
    }

    /// The code.
    ///
    /// # Panics
    /// If a label was never bound.
    pub(crate) fn finish(mut self) -> Vec<u8> {
        for (at, mnemonic, fields, Label(label)) in self.open {
            let target = self.labels[label].unwrap_or_else(|| panic!("an unbound label in {mnemonic}"));
            let imm = target as i32 - at as i32;
            self.code[at..at + 4].copy_from_slice(&encode(row(mnemonic), Fields { imm, ..fields }).to_le_bytes());
        }
        self.code
    }
}
