//! Bare-metal program that executes instructions on tables of operands and records the
//! results.
//!
//! ```text
//!  IMAGE   trap handler, code        one loop for each experiment
//!  TABLES  operands                  entries of one or more words
//!  WINDOW  memory for accesses
//!  RESULTS what the loops found      compared word by word
//! ```
//!
//! A trap stores its cause in [`CAUSE`] and continues after the instruction.

use crate::common::assembler::{Assembler, Label};
use crate::common::random::Random;

/// Address that the program is loaded and entered at.
pub(crate) const IMAGE: u64 = 0x8000_0000;
const TABLES: u64 = IMAGE + (4 << 20);
/// Memory that experiments may use.
pub(crate) const WINDOW: u64 = IMAGE + (12 << 20);
const TOHOST: u64 = WINDOW + (1 << 20) - 64;
const RESULTS: u64 = WINDOW + (1 << 20);

/// Set by the trap handler.
pub(crate) const CAUSE: u32 = 24;
const HANDLER_TEMPORARIES: [u32; 2] = [22, 23];
const ENTRY: u32 = 25;
const LAST: u32 = 26;
const RESULT: u32 = 27;

/// Registers that an experiment may use.
pub(crate) const FREE: [u32; 25] =
    [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 28, 29, 30, 31];

/// Addresses in the image.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Symbols {
    /// Written to end the program; the following word is `fromhost`.
    pub(crate) tohost: u64,
    pub(crate) begin_signature: u64,
    pub(crate) end_signature: u64,
}

/// A program with the addresses of its parts.
#[derive(Debug)]
pub(crate) struct Suite {
    pub(crate) image: Vec<u8>,
    pub(crate) symbols: Symbols,
    pub(crate) experiments: Vec<Experiment>,
    /// Operand combinations tested, by instruction.
    pub(crate) tried: Vec<(&'static str, usize)>,
    /// Offsets in the image of the tested instructions.
    subjects: Vec<usize>,
}

/// Operands in memory.
#[derive(Clone, Debug)]
pub(crate) struct Table {
    address: u64,
    /// Words of an entry.
    width: usize,
    words: Vec<u64>,
}

impl Table {
    /// Number of entries.
    pub(crate) fn len(&self) -> usize {
        self.words.len() / self.width
    }

    /// The first entry alone.
    pub(crate) fn first(&self) -> Self {
        Self { words: self.words[..self.width].to_vec(), ..self.clone() }
    }
}

impl Experiment {
    /// Indices of its results.
    pub(crate) fn range(&self) -> std::ops::Range<usize> {
        self.first..self.first + self.results.len() * self.table.len()
    }
}

/// Meaning of a range of results.
#[derive(Debug)]
pub(crate) struct Experiment {
    pub(crate) title: String,
    table: Table,
    /// Index of its first result.
    first: usize,
    /// Meaning of each result of an entry.
    results: Vec<String>,
}

impl Suite {
    /// Number of results.
    pub(crate) fn results(&self) -> usize {
        ((self.symbols.end_signature - self.symbols.begin_signature) / 8) as usize
    }

    /// The same program with the tested instructions removed.
    pub(crate) fn without_subjects(mut self) -> Self {
        for &at in &self.subjects {
            let nop: &[u8] = if self.image[at] & 3 == 3 { &[0x13, 0, 0, 0] } else { &[0x01, 0] };
            self.image[at..at + nop.len()].copy_from_slice(nop);
        }
        self
    }

    /// Meaning of result `n`.
    pub(crate) fn describe(&self, n: usize) -> String {
        let experiment = self.experiments.iter().rfind(|experiment| experiment.first <= n);
        let Some(Experiment { title, table, first, results }) = experiment else { return format!("result {n}") };
        let (entry, which) = ((n - first) / results.len(), (n - first) % results.len());
        let operands: Vec<_> =
            table.words.chunks(table.width).nth(entry).unwrap_or(&[]).iter().map(|word| format!("{word:#x}")).collect();
        format!("{title}: {} of {}", results[which], operands.join(", "))
    }
}

/// Builds a suite.
#[derive(Debug)]
pub(crate) struct Builder {
    /// The code so far.
    pub(crate) asm: Assembler,
    pub(crate) random: Random,
    tables: Vec<u64>,
    results: usize,
    experiments: Vec<Experiment>,
    tried: Vec<(&'static str, usize)>,
    subjects: Vec<usize>,
    /// Names of the results of the current experiment's entry.
    current: Vec<String>,
    entry_width: usize,
}

impl Builder {
    /// Starts with the trap handler and set-up: floating point on, all memory open.
    pub(crate) fn new(seed: u64) -> Self {
        let mut asm = Assembler::default();
        let [a, b] = HANDLER_TEMPORARIES;
        let start = asm.label();
        asm.jump(0, start);
        let handler = IMAGE + 4;
        asm.csr("csrrs", CAUSE, 0x342, 0);
        asm.csr("csrrs", a, 0x341, 0);
        asm.imm("lhu", b, a, 0);
        asm.imm("andi", b, b, 3);
        asm.imm("sltiu", b, b, 3);
        asm.imm("slli", b, b, 1);
        asm.reg("sub", a, a, b);
        asm.imm("addi", a, a, 4);
        asm.csr("csrrw", 0, 0x341, a);
        asm.reg("mret", 0, 0, 0);
        asm.bind(start);
        for (register, value) in [(0x305, handler), (0x300, 3 << 13), (0x3b0, u64::MAX >> 10), (0x3a0, 0x1f)] {
            asm.constant(a, value);
            asm.csr("csrrw", 0, register, a);
        }
        Self {
            asm,
            random: Random::new(seed),
            tables: Vec::new(),
            results: 0,
            experiments: Vec::new(),
            tried: Vec::new(),
            subjects: Vec::new(),
            current: Vec::new(),
            entry_width: 0,
        }
    }

    /// Puts entries of `width` words into memory.
    pub(crate) fn table(&mut self, width: usize, words: Vec<u64>) -> Table {
        let address = TABLES + 8 * self.tables.len() as u64;
        self.tables.extend(&words);
        Table { address, width, words }
    }

    /// Registers that differ from one another.
    pub(crate) fn registers<const N: usize>(&mut self) -> [u32; N] {
        let mut free = FREE.to_vec();
        std::array::from_fn(|_| free.swap_remove(self.random.below(free.len() as u32) as usize))
    }

    /// Runs the code that `body` emits for each entry of `table`. The body reads operands
    /// with [`Builder::operand`] and stores results with [`Builder::result`].
    pub(crate) fn each(&mut self, title: &str, table: &Table, body: impl FnOnce(&mut Self)) {
        self.asm.constant(ENTRY, table.address);
        self.asm.constant(LAST, table.address + 8 * table.words.len() as u64);
        self.asm.constant(RESULT, RESULTS + 8 * self.results as u64);
        self.entry_width = table.width;
        let first = self.results;
        let (again, done) = (self.asm.here(), self.asm.label());
        body(self);
        let results = std::mem::take(&mut self.current);
        self.asm.imm("addi", ENTRY, ENTRY, 8 * table.width as i32);
        self.asm.imm("addi", RESULT, RESULT, 8 * results.len() as i32);
        self.asm.branch("beq", ENTRY, LAST, done);
        self.asm.jump(0, again);
        self.asm.bind(done);
        self.results += results.len() * table.len();
        self.experiments.push(Experiment { title: title.to_owned(), table: table.clone(), first, results });
    }

    /// Counts `combinations` of operands as tested on an instruction.
    pub(crate) fn count(&mut self, mnemonic: &'static str, combinations: usize) {
        self.tried.push((mnemonic, combinations));
    }

    /// Emits the tested instruction.
    pub(crate) fn subject(&mut self, bits: u32) {
        self.subjects.push(self.asm.len());
        self.asm.raw(bits);
    }

    /// Emits the tested branch.
    pub(crate) fn subject_branch(&mut self, mnemonic: &'static str, rs1: u32, rs2: u32, to: Label) {
        self.subjects.push(self.asm.len());
        self.asm.branch(mnemonic, rs1, rs2, to);
    }

    /// Loads word `n` of the entry.
    pub(crate) fn operand(&mut self, register: u32, n: usize) {
        assert!(n < self.entry_width, "the entry has {} words", self.entry_width);
        self.asm.imm("ld", register, ENTRY, 8 * n as i32);
    }

    /// Loads word `n` of the entry into a floating-point register.
    pub(crate) fn float_operand(&mut self, register: u32, n: usize) {
        assert!(n < self.entry_width, "the entry has {} words", self.entry_width);
        self.asm.imm("fld", register, ENTRY, 8 * n as i32);
    }

    /// Stores a register as a result.
    pub(crate) fn result(&mut self, register: u32, name: &str) {
        let at = self.result_offset(name);
        self.asm.store("sd", register, RESULT, at);
    }

    /// Stores a floating-point register as a result.
    pub(crate) fn float_result(&mut self, register: u32, name: &str) {
        let at = self.result_offset(name);
        self.asm.store("fsd", register, RESULT, at);
    }

    fn result_offset(&mut self, name: &str) -> i32 {
        self.current.push(name.to_owned());
        8 * (self.current.len() as i32 - 1)
    }

    /// The program, which ends by writing to `tohost`.
    pub(crate) fn finish(mut self) -> Suite {
        self.asm.constant(5, TOHOST);
        self.asm.imm("addi", 6, 0, 1);
        self.asm.store("sd", 6, 5, 0);
        let here = self.asm.here();
        self.asm.jump(0, here);
        let mut image = self.asm.finish();
        assert!(image.len() as u64 <= TABLES - IMAGE, "the code is too long");
        image.resize((TABLES - IMAGE) as usize, 0);
        image.extend(self.tables.iter().flat_map(|word| word.to_le_bytes()));
        assert!(image.len() as u64 <= WINDOW - IMAGE, "the tables are too long");
        let end_signature = RESULTS + 8 * self.results as u64;
        let symbols = Symbols { tohost: TOHOST, begin_signature: RESULTS, end_signature };
        Suite { image, symbols, experiments: self.experiments, tried: self.tried, subjects: self.subjects }
    }
}
