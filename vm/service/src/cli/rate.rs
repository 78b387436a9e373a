//! Rate of the samples of a profile.

use std::num::NonZeroU32;

use riscope_machine::profile::MAX_PROFILE_RATE;

/// Samples per hart and second unless others are asked for: not a divisor of what timers in guests
/// usually have.
pub(crate) const RATE: NonZeroU32 = NonZeroU32::new(99).expect("not zero");

/// Parses a rate, 1 to [`MAX_PROFILE_RATE`].
pub(crate) fn parse_rate(text: &str) -> Result<NonZeroU32, String> {
    let rate = text.parse().ok().filter(|rate: &NonZeroU32| rate.get() <= MAX_PROFILE_RATE);
    rate.ok_or_else(|| format!("a rate is 1 to {MAX_PROFILE_RATE} samples a second"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_a_number_within_bounds() {
        assert_eq!(parse_rate("1000").map(NonZeroU32::get), Ok(1000));
        assert!(["0", "1001", "-1", "x", ""].iter().all(|text| parse_rate(text).is_err()));
    }
}
