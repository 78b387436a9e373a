//! `promtool`'s notation of series and their values.

use std::sync::Arc;

use riscope_telemetry::alert::{Labels, stale_marker};

/// Splits `name{label="value", ..}`.
pub(crate) fn series(text: &str) -> (Arc<str>, Labels) {
    let Some((name, rest)) = text.split_once('{') else { return (text.trim().into(), Labels::default()) };
    let inner = rest.trim().strip_suffix('}').unwrap_or_else(|| panic!("{text} does not end"));
    let mut labels = Labels::default();
    let mut rest = inner.trim();
    while let Some((label, quoted)) = rest.split_once("=\"") {
        let (value, behind) = quoted.split_once('"').unwrap_or_else(|| panic!("{text}: a quote is missing"));
        labels.set(label.trim(), value);
        rest = behind.trim_start_matches([',', ' ']);
    }
    assert!(rest.is_empty(), "{text}: {rest}");
    (name.trim().into(), labels)
}

/// Values at multiples of the interval; `None` where there is no sample.
pub(crate) fn values(text: &str) -> Vec<Option<f64>> {
    text.split_whitespace().flat_map(expanded).collect()
}

fn expanded(word: &str) -> Vec<Option<f64>> {
    let number = |text: &str| text.parse::<f64>().unwrap_or_else(|_| panic!("{word}: {text} is no number"));
    let times = |text: &str| text.parse::<usize>().unwrap_or_else(|_| panic!("{word}: {text} is no number"));
    match word.split_once('x') {
        None if word == "_" => vec![None],
        None if word == "stale" => vec![Some(stale_marker())],
        None => vec![Some(number(word))],
        Some(("_", repeated)) => vec![None; times(repeated)],
        Some((start, repeated)) => {
            // The sign of the first number is not that of the step.
            let step_at = start[1..].find(['+', '-']).map(|index| index + 1);
            let (start, step) = step_at.map_or((start, "0"), |index| start.split_at(index));
            let (start, step) = (number(start), number(step));
            // Each value is the one before and the step, with its error of rounding.
            std::iter::successors(Some(start), |value| Some(value + step)).take(times(repeated) + 1).map(Some).collect()
        }
    }
}

/// Milliseconds of a duration such as `1m30s`.
pub(crate) fn milliseconds(text: &str) -> i64 {
    if text.trim_end_matches(['s', 'm']).trim_start_matches('0').is_empty() {
        return 0;
    }
    let duration = promql_parser::util::parse_duration(text).unwrap_or_else(|error| panic!("{text}: {error}"));
    i64::try_from(duration.as_millis()).expect("short")
}

#[test]
fn the_notation_is_read_as_promtool_reads_it() {
    let some = |values: &[f64]| values.iter().copied().map(Some).collect::<Vec<_>>();
    assert_eq!(values("1x2 0+5x2 10-1x1 3"), some(&[1.0, 1.0, 1.0, 0.0, 5.0, 10.0, 10.0, 9.0, 3.0]));
    assert_eq!(values("_x2 -1+1x1 _"), [None, None, Some(-1.0), Some(0.0), None]);
    assert!(values("stale")[0].is_some_and(f64::is_nan));
    let (name, labels) = series(r#"a{job="riscope", instance="a:8440",device_name=""}"#);
    assert_eq!((&*name, labels.to_string().as_str()), ("a", r#"{instance="a:8440", job="riscope"}"#));
    assert_eq!(["0m", "1m30s", "2h8m", "500ms"].map(milliseconds), [0, 90_000, 7_680_000, 500]);
}
