//! Straight code with labels, for the fixed parts of test programs.

use super::encode::{Fields, encode, row};

/// A place in the code, perhaps not known yet.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Label(usize);

/// Collects 32-bit instructions.
#[derive(Debug, Default)]
pub(crate) struct Assembler {
    words: Vec<u32>,
    /// Word index of each label.
    labels: Vec<Option<usize>>,
    /// Words whose offset is missing, and where they go.
    open: Vec<(usize, &'static str, Fields, Label)>,
}

impl Assembler {
    /// A label that is bound later.
    pub(crate) fn label(&mut self) -> Label {
        self.labels.push(None);
        Label(self.labels.len() - 1)
    }

    /// Lets `label` stand for the next instruction.
    pub(crate) fn bind(&mut self, label: Label) {
        self.labels[label.0] = Some(self.words.len());
    }

    /// A label for the next instruction.
    pub(crate) fn here(&mut self) -> Label {
        let label = self.label();
        self.bind(label);
        label
    }

    /// Any instruction, as bits.
    pub(crate) fn raw(&mut self, bits: u32) {
        self.words.push(bits);
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
        self.open.push((self.words.len(), mnemonic, Fields { rs1, rs2, ..Fields::default() }, to));
        self.words.push(0);
    }

    /// `jal rd, label`
    pub(crate) fn jump(&mut self, rd: u32, to: Label) {
        self.open.push((self.words.len(), "jal", Fields { rd, ..Fields::default() }, to));
        self.words.push(0);
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

    /// The instructions.
    ///
    /// # Panics
    /// If a label was never bound.
    pub(crate) fn finish(mut self) -> Vec<u32> {
        for (at, mnemonic, fields, Label(label)) in self.open {
            let target = self.labels[label].unwrap_or_else(|| panic!("an unbound label in {mnemonic}"));
            let imm = (target as i32 - at as i32) * 4;
            self.words[at] = encode(row(mnemonic), Fields { imm, ..fields });
        }
        self.words
    }
}
