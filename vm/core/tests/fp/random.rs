//! Deterministic generator (SplitMix64), for reproducible failures.

/// Pseudo-random numbers from a seed.
#[derive(Debug)]
pub(crate) struct Random(u64);

impl Random {
    /// A generator whose sequence depends on `name` and `stream` alone.
    pub(crate) fn new(name: &str, stream: u8) -> Self {
        // FNV-1a.
        let seed = name
            .bytes()
            .chain([stream])
            .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3));
        Self(seed)
    }

    /// 64 random bits.
    pub(crate) fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number from `low` to `high`, both included.
    pub(crate) fn within(&mut self, low: i32, high: i32) -> i32 {
        let count = i64::from(high) - i64::from(low) + 1;
        let offset = (i128::from(self.bits()) * i128::from(count)) >> 64;
        i32::try_from(i128::from(low) + offset).expect("between two i32")
    }

    /// True once in `odds` times.
    pub(crate) fn once_in(&mut self, odds: i32) -> bool {
        self.within(1, odds) == 1
    }

    /// One of `choices`.
    pub(crate) fn pick(&mut self, choices: &[u64]) -> u64 {
        let last = i32::try_from(choices.len()).expect("a short table") - 1;
        choices[usize::try_from(self.within(0, last)).expect("not negative")]
    }
}
