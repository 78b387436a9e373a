//! Numbers in annotations, as Go's `fmt` and the template functions of Prometheus write them.

/// Prefixes of ever larger and ever smaller units, by factors of a thousand.
const LARGER: [&str; 8] = ["k", "M", "G", "T", "P", "E", "Z", "Y"];
const SMALLER: [&str; 8] = ["m", "u", "n", "p", "f", "a", "z", "y"];
/// Prefixes by factors of 1024.
const BINARY: [&str; 8] = ["ki", "Mi", "Gi", "Ti", "Pi", "Ei", "Zi", "Yi"];

/// Go's `%v`: the shortest text that is read as the same number.
pub(super) fn shortest(value: f64) -> String {
    if let Some(text) = special(value) {
        return text.to_owned();
    }
    let magnitude = value.abs();
    if value == 0.0 || (1e-4..1e21).contains(&magnitude) { format!("{value}") } else { exponent(&format!("{value:e}")) }
}

/// Go's `%.4g`: four significant digits without trailing zeros.
pub(super) fn four_digits(value: f64) -> String {
    if let Some(text) = special(value) {
        return text.to_owned();
    }
    let scientific = format!("{value:.3e}");
    let (mantissa, power) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let power: i32 = power.parse().unwrap_or_default();
    if (-4..4).contains(&power) {
        let decimals = usize::try_from(3 - power).unwrap_or_default();
        return without_zeros(&format!("{value:.decimals$}")).to_owned();
    }
    exponent(&format!("{}e{power}", without_zeros(mantissa)))
}

fn special(value: f64) -> Option<&'static str> {
    match value {
        _ if value.is_nan() => Some("NaN"),
        f64::INFINITY => Some("+Inf"),
        f64::NEG_INFINITY => Some("-Inf"),
        _ => None,
    }
}

fn without_zeros(digits: &str) -> &str {
    if digits.contains('.') { digits.trim_end_matches('0').trim_end_matches('.') } else { digits }
}

/// With a sign and two digits in the exponent: `1e+09`.
fn exponent(scientific: &str) -> String {
    let (mantissa, power) = scientific.split_once('e').unwrap_or((scientific, "0"));
    let (sign, digits) = power.strip_prefix('-').map_or(('+', power), |digits| ('-', digits));
    format!("{mantissa}e{sign}{digits:0>2}")
}

/// `humanize`: four digits and a metric prefix.
pub(super) fn humanize(value: f64) -> String {
    let (value, prefix) = scaled(value, 1000.0, &LARGER, &SMALLER);
    format!("{}{prefix}", four_digits(value))
}

/// `humanize1024`: four digits and a binary prefix.
pub(super) fn humanize_1024(value: f64) -> String {
    let (value, prefix) = scaled(value, 1024.0, &BINARY, &[]);
    format!("{}{prefix}", four_digits(value))
}

/// `humanizePercentage`: a ratio as percentage.
pub(super) fn humanize_percentage(value: f64) -> String {
    format!("{}%", four_digits(value * 100.0))
}

/// `humanizeDuration`: seconds as days, hours, minutes and seconds.
#[expect(clippy::cast_possible_truncation, reason = "saturates, like a duration that nobody waits for")]
pub(super) fn humanize_duration(value: f64) -> String {
    if !value.is_finite() || value == 0.0 {
        return if value == 0.0 { "0s".to_owned() } else { four_digits(value) };
    }
    if value.abs() < 1.0 {
        let (value, prefix) = scaled(value, 1000.0, &[], &SMALLER);
        return format!("{}{prefix}s", four_digits(value));
    }
    let sign = if value < 0.0 { "-" } else { "" };
    let whole = value.abs() as i64;
    let (seconds, minutes, hours, days) = (whole % 60, whole / 60 % 60, whole / 3600 % 24, whole / 86_400);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{sign}{}s", four_digits(value.abs())),
        (0, 0, _) => format!("{sign}{minutes}m {seconds}s"),
        (0, ..) => format!("{sign}{hours}h {minutes}m {seconds}s"),
        _ => format!("{sign}{days}d {hours}h {minutes}m {seconds}s"),
    }
}

/// The value in a unit in which it is at least 1 and less than `factor`, if there is one.
fn scaled(mut value: f64, factor: f64, larger: &[&'static str], smaller: &[&'static str]) -> (f64, &'static str) {
    let mut prefix = "";
    if value == 0.0 || !value.is_finite() {
        return (value, prefix);
    }
    if value.abs() >= 1.0 {
        for next in larger {
            if value.abs() < factor {
                break;
            }
            (prefix, value) = (next, value / factor);
        }
    } else {
        for next in smaller {
            if value.abs() >= 1.0 {
                break;
            }
            (prefix, value) = (next, value * factor);
        }
    }
    (value, prefix)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_as_go_writes_them() {
        let four = [0.0, 1.0, 0.5, 1234.0, 12345.0, 123.456, 0.000_123_45, 0.000_012_3, -2.5, 9999.9, 1e9];
        assert_eq!(
            four.map(four_digits),
            ["0", "1", "0.5", "1234", "1.234e+04", "123.5", "0.0001234", "1.23e-05", "-2.5", "1e+04", "1e+09"]
        );
        let any = [0.0, 3.0, 0.1, 1e20, 1e21, 1.5e-5, f64::NAN, f64::INFINITY];
        assert_eq!(any.map(shortest), ["0", "3", "0.1", "100000000000000000000", "1e+21", "1.5e-05", "NaN", "+Inf"]);
    }

    #[test]
    fn values_are_humanized_as_prometheus_does() {
        assert_eq!([0.0, 999.0, 1234.5, 5e6, 0.001].map(humanize), ["0", "999", "1.234k", "5M", "1m"]);
        assert_eq!([1024.0, 3.0 * 1_048_576.0].map(humanize_1024), ["1ki", "3Mi"]);
        assert_eq!([0.9004, 1.0, 0.5].map(humanize_percentage), ["90.04%", "100%", "50%"]);
        let durations = [0.0, 0.4975, 1.5, 61.0, 3700.0, 90_061.0, -61.0, f64::INFINITY];
        assert_eq!(
            durations.map(humanize_duration),
            ["0s", "497.5ms", "1.5s", "1m 1s", "1h 1m 40s", "1d 1h 1m 1s", "-1m 1s", "+Inf"]
        );
    }
}
