//! Comparison of one operation with the oracle.

use riscope_core::fp::{Flags, RoundingMode};

use super::oracle;
use super::random::Random;

/// Random cases per operation, format and rounding mode.
const RANDOM_CASES: usize = 1_000_000;

/// One operation of `N` operands in one format.
pub(crate) struct Comparison<'a, const N: usize, Ours, Theirs, Generate> {
    /// Name for messages and seed of the random operands.
    pub(crate) name: &'a str,
    /// Rounding modes to try; one will do if the operation does not round.
    pub(crate) modes: &'a [RoundingMode],
    /// Operands tried in all `N`-fold combinations.
    pub(crate) edges: &'a [u64],
    /// Makes random operands.
    pub(crate) generate: Generate,
    /// The implementation under test.
    pub(crate) ours: Ours,
    /// The same by the oracle.
    pub(crate) theirs: Theirs,
    /// Every exception that the operation can raise, and no other.
    pub(crate) raises: Flags,
}

impl<const N: usize, Ours, Theirs, Generate> Comparison<'_, N, Ours, Theirs, Generate>
where
    Ours: Fn([u64; N], RoundingMode, &mut Flags) -> u64,
    Theirs: Fn([u64; N], RoundingMode) -> u64,
    Generate: Fn(&mut Random, &[u64]) -> [u64; N],
{
    /// Runs all cases and panics at the first difference in result or flags.
    ///
    /// In each mode the oracle must have raised exactly the exceptions that the
    /// operation can raise, which shows that the operands reach all of them.
    pub(crate) fn run(&self) {
        for &rm in self.modes {
            oracle::set_rounding(rm);
            let mut seen = Flags::NONE;
            for index in 0..self.edges.len().pow(N.try_into().expect("at most three operands")) {
                seen |= self.compare(self.combination(index), rm);
            }
            let mut random = Random::new(self.name, rm.bits());
            for _ in 0..RANDOM_CASES {
                seen |= self.compare((self.generate)(&mut random, self.edges), rm);
            }
            assert_eq!(seen, self.raises, "{} {rm:?}: exceptions that the cases raised", self.name);
        }
    }

    /// The `index`-th choice of `N` edges.
    fn combination(&self, index: usize) -> [u64; N] {
        let mut rest = index;
        std::array::from_fn(|_| {
            let edge = self.edges[rest % self.edges.len()];
            rest /= self.edges.len();
            edge
        })
    }

    /// Compares one case; returns the flags it raises.
    #[inline]
    fn compare(&self, operands: [u64; N], rm: RoundingMode) -> Flags {
        let expected = oracle::with_flags(|| (self.theirs)(operands, rm));
        let mut flags = Flags::NONE;
        let result = (self.ours)(operands, rm, &mut flags);
        assert!(
            (result, flags) == expected,
            "{} {rm:?} of {operands:#x?}:\nriscope   {result:#x} {flags:?}\nsoftfloat {:#x} {:?}",
            self.name,
            expected.0,
            expected.1,
        );
        flags
    }
}
