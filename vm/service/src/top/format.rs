//! Figures with units, and text of bounded width.

/// Three significant digits with a decimal prefix: `1.23 k`, `45.6 M`. The unit follows.
pub(super) fn si(value: f64) -> String {
    let (scaled, prefix) = match value.abs() {
        v if v >= 1e12 => (value / 1e12, " T"),
        v if v >= 1e9 => (value / 1e9, " G"),
        v if v >= 1e6 => (value / 1e6, " M"),
        v if v >= 1e3 => (value / 1e3, " k"),
        _ => (value, ""),
    };
    format!("{}{prefix}", digits(scaled))
}

/// A number with three significant digits, or none behind the point from 100.
pub(super) fn digits(value: f64) -> String {
    match value.abs() {
        v if v >= 99.95 => format!("{value:.0}"),
        v if v >= 9.995 => format!("{value:.1}"),
        0.0 => "0".to_owned(),
        _ => format!("{value:.2}"),
    }
}

/// Bytes with a binary prefix.
pub(super) fn bytes(value: u64) -> String {
    #[expect(clippy::cast_precision_loss, reason = "three digits are shown")]
    let value = value as f64;
    let (scaled, unit) = match value {
        v if v >= 1_073_741_824.0 => (value / 1_073_741_824.0, "GiB"),
        v if v >= 1_048_576.0 => (value / 1_048_576.0, "MiB"),
        v if v >= 1024.0 => (value / 1024.0, "KiB"),
        _ => (value, "B"),
    };
    let is_whole = scaled.fract() == 0.0;
    if is_whole { format!("{scaled:.0} {unit}") } else { format!("{} {unit}", digits(scaled)) }
}

/// A count.
#[expect(clippy::cast_precision_loss, reason = "three digits are shown")]
pub(super) fn count(value: u64) -> String {
    if value < 100_000 { value.to_string() } else { si(value as f64) }
}

/// Per cent.
pub(super) fn percent(share: f64) -> String {
    format!("{} %", digits(share * 100.0))
}

/// A time that was measured in microseconds.
pub(super) fn microseconds(value: f64) -> String {
    match value {
        v if v >= 999.5e3 => format!("{} s", digits(value / 1e6)),
        v if v >= 999.5 => format!("{} ms", digits(value / 1e3)),
        _ => format!("{} µs", digits(value)),
    }
}

/// A duration in milliseconds as `1 d 02:03` or `02:03:04`.
pub(super) fn duration(ms: u64) -> String {
    let seconds = ms / 1000;
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3600 % 24, seconds / 60 % 60);
    if days > 0 {
        format!("{days} d {hours:02}:{minutes:02}")
    } else {
        format!("{hours:02}:{minutes:02}:{:02}", seconds % 60)
    }
}

/// Time of the day, in UTC.
pub(super) fn clock(ms: u64) -> String {
    let seconds = ms / 1000 % 86_400;
    format!("{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60)
}

/// Text for a terminal: without characters that control it.
pub(super) fn clean(text: &str) -> String {
    text.chars().map(|c| if c == '\t' { ' ' } else { c }).filter(|c| !c.is_control()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_have_three_digits_and_units() {
        for (value, text) in [
            (0.0, "0"),
            (0.004, "0.00"),
            (1.234, "1.23"),
            (12.34, "12.3"),
            (862.3, "862"),
            (1.1e3, "1.10 k"),
            (9.1e9, "9.10 G"),
        ] {
            assert_eq!(si(value), text);
        }
        for (value, text) in
            [(0, "0 B"), (512, "512 B"), (64 << 20, "64 MiB"), (481_484, "470 KiB"), (3 << 30, "3 GiB")]
        {
            assert_eq!(bytes(value), text);
        }
        assert_eq!((count(99_999), count(1_234_567)), ("99999".to_owned(), "1.23 M".to_owned()));
        assert_eq!(percent(0.1234), "12.3 %");
        assert_eq!([9.4, 8374.0, 2e6].map(microseconds), ["9.40 µs", "8.37 ms", "2.00 s"]);
    }

    #[test]
    fn times_are_of_one_width() {
        assert_eq!(
            (duration(3_723_000).as_str(), duration(86_400_000 + 7_380_000).as_str()),
            ("01:02:03", "1 d 02:03")
        );
        assert_eq!(clock(86_400_000 + 3_661_000), "01:01:01");
    }

    #[test]
    fn nothing_controls_the_terminal() {
        assert_eq!(clean("a\u{1b}[2J\tb\u{9b}"), "a[2J b");
    }
}
