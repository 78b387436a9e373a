//! Sizes and durations of command-line options.

use std::time::Duration;

use riscope_core::addr::PAGE_SIZE;
use riscope_machine::board::spec::{MAX_MEMORY, MIN_MEMORY};

const MEMORY_UNIT: u64 = PAGE_SIZE;

/// Parses a size such as `512M`, `2G`, `0x100000` or `65536` into bytes. Units K, M, G and
/// T, or KiB and so on, are powers of 1024.
///
/// # Errors
/// A message that describes valid sizes.
pub(crate) fn parse_size(text: &str) -> Result<u64, String> {
    let error =
        || format!("{text:?} is not a size; write a number of bytes or a number with K, M, G or T, such as 512M");
    if let Some(hex) = text.strip_prefix("0x") {
        return u64::from_str_radix(hex, 16).map_err(|_| error());
    }
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let shift = match text[digits.len()..].to_ascii_uppercase().as_str() {
        "" | "B" => 0,
        "K" | "KB" | "KIB" => 10,
        "M" | "MB" | "MIB" => 20,
        "G" | "GB" | "GIB" => 30,
        "T" | "TB" | "TIB" => 40,
        _ => return Err(error()),
    };
    let number: u64 = digits.parse().map_err(|_| error())?;
    number.checked_mul(1 << shift).ok_or_else(error)
}

/// Parses a guest memory size in bytes.
///
/// # Errors
/// A message that gives the valid range.
pub(crate) fn parse_memory(text: &str) -> Result<u64, String> {
    let size = parse_size(text)?;
    if (MIN_MEMORY..=MAX_MEMORY).contains(&size) && size.is_multiple_of(MEMORY_UNIT) {
        Ok(size)
    } else {
        let (least, most) = (MIN_MEMORY >> 20, MAX_MEMORY >> 40);
        Err(format!("a machine has {least}M to {most}T of memory, in whole pages of {MEMORY_UNIT} bytes"))
    }
}

/// Parses a positive number of seconds, with optional fraction.
///
/// # Errors
/// A message that describes valid time-outs.
pub(crate) fn parse_timeout(text: &str) -> Result<Duration, String> {
    let seconds: f64 = text.parse().map_err(|_| format!("{text:?} is not a number of seconds"))?;
    let duration = Duration::try_from_secs_f64(seconds).ok().filter(|duration| !duration.is_zero());
    duration.ok_or_else(|| format!("a time-out of {text} seconds is not possible; give a positive number"))
}

/// Parses a non-negative number of seconds, with optional fraction.
///
/// # Errors
/// A message that describes valid grace periods.
pub(crate) fn parse_grace(text: &str) -> Result<Duration, String> {
    let seconds: f64 = text.parse().map_err(|_| format!("{text:?} is not a number of seconds"))?;
    Duration::try_from_secs_f64(seconds)
        .map_err(|_| format!("a grace time of {text} seconds is not possible; give 0 or a positive number"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_are_powers_of_1024() {
        assert_eq!(parse_size("512M"), Ok(512 << 20));
        assert_eq!(parse_size("2GiB"), Ok(2 << 30));
        assert_eq!(parse_size("4096"), Ok(4096));
        assert_eq!(parse_size("0x1000"), Ok(4096));
        assert_eq!(parse_size("1t"), Ok(1 << 40));
    }

    #[test]
    fn memory_has_a_least_and_a_most() {
        assert_eq!(parse_memory("1M"), Ok(1 << 20));
        assert_eq!(parse_memory("1T"), Ok(1 << 40));
        for text in ["0", "1023K", "1048577", "1025G", "x"] {
            assert!(parse_memory(text).is_err(), "{text}");
        }
    }

    #[test]
    fn nonsense_and_overflow_are_refused() {
        for text in ["", "M", "12Q", "-1", "1.5G", "99999999999T", "0xzz"] {
            assert!(parse_size(text).is_err(), "{text}");
        }
        for text in ["", "0", "-1", "NaN", "inf", "x"] {
            assert!(parse_timeout(text).is_err(), "{text}");
            assert_eq!(parse_grace(text).is_err(), text != "0", "{text}");
        }
    }
}
