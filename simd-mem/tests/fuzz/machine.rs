//! Execution of a program, operation by operation, on an implementation and on a model.

use simd_mem::{Implementation, PAGE_BYTES};

/// Long enough for every path except non-temporal ones, which have their own operation.
const BUFFER: usize = 3 * PAGE_BYTES;

/// A buffer with its expected contents.
struct Buffer {
    real: Vec<u8>,
    model: Vec<u8>,
}

impl Buffer {
    fn new() -> Self {
        Self { real: vec![0; BUFFER], model: vec![0; BUFFER] }
    }

    fn check(&self, what: &str) {
        let difference = self.real.iter().zip(&self.model).position(|(real, model)| real != model);
        assert_eq!(difference, None, "{what}");
    }
}

/// Reads numbers from a program; zeros after its end.
struct Program<'a>(&'a [u8]);

impl Program<'_> {
    fn byte(&mut self) -> u8 {
        let Some((&first, rest)) = self.0.split_first() else { return 0 };
        self.0 = rest;
        first
    }

    fn below(&mut self, limit: usize) -> usize {
        usize::from(u16::from_le_bytes([self.byte(), self.byte()])) % limit
    }

    /// Short lengths are as likely as long ones.
    fn len(&mut self) -> usize {
        let limit = [17, 65, 130, 300, 1100, PAGE_BYTES + 1, BUFFER][usize::from(self.byte() % 7)];
        self.below(limit)
    }

    /// A length and two places with room for it.
    fn places(&mut self) -> (usize, usize, usize) {
        let len = self.len();
        (len, self.below(BUFFER - len + 1), self.below(BUFFER - len + 1))
    }
}

/// Runs a program, comparing after each operation.
pub(crate) fn run(implementation: &'static Implementation, program: &[u8]) {
    let mut program = Program(program);
    let (mut a, mut b) = (Buffer::new(), Buffer::new());
    while !program.0.is_empty() {
        let operation = program.byte();
        let (len, first, second) = program.places();
        let what = format!("operation {operation}: {len} bytes at {first} and {second}");
        match operation % 8 {
            0 => {
                implementation.copy(&a.real[first..first + len], &mut b.real[second..second + len]);
                b.model[second..second + len].copy_from_slice(&a.model[first..first + len]);
            }
            1 => {
                implementation.copy_nontemporal(&b.real[first..first + len], &mut a.real[second..second + len]);
                a.model[second..second + len].copy_from_slice(&b.model[first..first + len]);
            }
            2 | 3 => {
                implementation.copy_within(&mut a.real, first..first + len, second);
                a.model.copy_within(first..first + len, second);
            }
            4 => {
                let byte = if operation & 0x80 == 0 { 0 } else { operation };
                implementation.fill(&mut a.real[first..first + len], byte);
                a.model[first..first + len].fill(byte);
            }
            5 => {
                a.real[first] = operation;
                a.model[first] = operation;
            }
            6 => compare(implementation, &a.model[first..first + len], &b.model[second..second + len], &what),
            _ => {
                let shorter = &b.model[second..second + len.saturating_sub(1)];
                compare(implementation, &a.model[first..first + len], shorter, &what);
            }
        }
        a.check(&what);
        b.check(&what);
    }
}

/// All read-only operations.
fn compare(implementation: &'static Implementation, a: &[u8], b: &[u8], what: &str) {
    assert_eq!(implementation.equal(a, b), a == b, "{what}");
    let difference = a.iter().zip(b).position(|(a, b)| a != b);
    assert_eq!(implementation.first_difference(a, b), difference, "{what}");
    assert_eq!(implementation.is_zero(a), a.iter().all(|byte| *byte == 0), "{what}");
    let (mut zero, mut different) = ([0], [0]);
    implementation.zero_pages(a, &mut zero);
    implementation.diff_pages(&a[..b.len()], b, &mut different);
    for (at, page) in a.chunks(PAGE_BYTES).enumerate() {
        assert_eq!(zero[0] >> at & 1 == 1, page.iter().all(|byte| *byte == 0), "{what}: page {at}");
    }
    for (at, (a, b)) in a[..b.len()].chunks(PAGE_BYTES).zip(b.chunks(PAGE_BYTES)).enumerate() {
        assert_eq!(different[0] >> at & 1 == 1, a != b, "{what}: page {at}");
    }
}
