//! Encoder of OpenMetrics 1.0, which the `prometheus` crate does not support.
//!
//! It differs from the older format in that counter families are named without `_total`,
//! units are declared, bucket bounds have a canonical form, and `# EOF` marks the end, so
//! that truncation is detected.

use std::fmt::{self, Write as _};

use prometheus::proto::{LabelPair, Metric, MetricFamily, MetricType};

/// Content type of the response.
pub(crate) const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Encodes the families as text.
pub(crate) fn encode(families: &[MetricFamily]) -> Vec<u8> {
    let mut text = String::new();
    for family in families {
        let before = text.len();
        // Writing to a string fails only for an unsupported kind of family; the others are
        // still written.
        if write_family(&mut text, family).is_err() {
            text.truncate(before);
        }
    }
    text.push_str("# EOF\n");
    text.into_bytes()
}

fn write_family(out: &mut String, family: &MetricFamily) -> fmt::Result {
    let kind = match family.get_field_type() {
        MetricType::COUNTER => "counter",
        MetricType::GAUGE => "gauge",
        MetricType::HISTOGRAM => "histogram",
        MetricType::SUMMARY | MetricType::UNTYPED => return Err(fmt::Error),
    };
    let name = match family.get_field_type() {
        MetricType::COUNTER => family.name().strip_suffix("_total").unwrap_or_else(|| family.name()),
        _ => family.name(),
    };
    writeln!(out, "# TYPE {name} {kind}")?;
    if let Some(unit) = ["seconds", "bytes"].into_iter().find(|unit| has_unit(name, unit)) {
        writeln!(out, "# UNIT {name} {unit}")?;
    }
    writeln!(out, "# HELP {name} {}", Escaped(family.help()))?;
    family.get_metric().iter().try_for_each(|metric| match family.get_field_type() {
        MetricType::COUNTER => sample(out, name, "_total", metric.get_label(), None, metric.get_counter().get_value()),
        MetricType::GAUGE => sample(out, name, "", metric.get_label(), None, metric.get_gauge().get_value()),
        _ => histogram(out, name, metric),
    })
}

fn has_unit(name: &str, unit: &str) -> bool {
    name.strip_suffix(unit).is_some_and(|rest| rest.ends_with('_'))
}

fn histogram(out: &mut String, name: &str, metric: &Metric) -> fmt::Result {
    let histogram = metric.get_histogram();
    let labels = metric.get_label();
    for bucket in histogram.get_bucket().iter().filter(|bucket| bucket.upper_bound().is_finite()) {
        let bound = canonical(bucket.upper_bound());
        sample(out, name, "_bucket", labels, Some(&bound), count(bucket.cumulative_count()))?;
    }
    let total = count(histogram.get_sample_count());
    sample(out, name, "_bucket", labels, Some("+Inf"), total)?;
    sample(out, name, "_sum", labels, None, histogram.get_sample_sum())?;
    sample(out, name, "_count", labels, None, total)
}

fn count(number: u64) -> f64 {
    crate::metric::samples::to_f64(number)
}

fn sample(
    out: &mut String,
    name: &str,
    suffix: &str,
    labels: &[LabelPair],
    bound: Option<&str>,
    value: f64,
) -> fmt::Result {
    write!(out, "{name}{suffix}")?;
    let labels = labels.iter().map(|label| (label.name(), label.value()));
    let mut separator = '{';
    for (label, value) in labels.chain(bound.map(|bound| ("le", bound))) {
        write!(out, "{separator}{label}=\"{}\"", Escaped(value))?;
        separator = ',';
    }
    if separator == ',' {
        out.push('}');
    }
    writeln!(out, " {}", Number(value))
}

/// Text with its three special characters escaped.
struct Escaped<'a>(&'a str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.chars().try_for_each(|c| match c {
            '\\' => f.write_str("\\\\"),
            '\n' => f.write_str("\\n"),
            '"' => f.write_str("\\\""),
            c => f.write_char(c),
        })
    }
}

struct Number(f64);

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_infinite() {
            f.write_str(if self.0 > 0.0 { "+Inf" } else { "-Inf" })
        } else {
            // `NaN` is formatted as the specification requires.
            self.0.fmt(f)
        }
    }
}

/// A bucket bound as OpenMetrics prescribes ("Considerations: Canonical Numbers"): shortest
/// digits, always with a point or an exponent, the exponent with two digits and from 10⁶ up
/// or below 10⁻⁴.
fn canonical(bound: f64) -> String {
    let scientific = format!("{bound:e}");
    let (digits, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if (-4..6).contains(&exponent) {
        let plain = bound.to_string();
        return if plain.contains('.') { plain } else { plain + ".0" };
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{digits}e{sign}{:02}", exponent.unsigned_abs())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_are_canonical() {
        for (bound, text) in [
            (1e-5, "1e-05"),
            (2.5e-5, "2.5e-05"),
            (1e-4, "0.0001"),
            (2.5e-3, "0.0025"),
            (0.1, "0.1"),
            (1.0, "1.0"),
            (2.5, "2.5"),
            (60.0, "60.0"),
            (65536.0, "65536.0"),
            (1e5, "100000.0"),
            (1e6, "1e+06"),
            (1e9, "1e+09"),
            (1.5e10, "1.5e+10"),
        ] {
            assert_eq!(canonical(bound), text);
        }
    }

    #[test]
    fn values_are_written_as_the_format_wants_them() {
        for (value, text) in [
            (0.0, "0"),
            (1.5, "1.5"),
            (f64::INFINITY, "+Inf"),
            (f64::NEG_INFINITY, "-Inf"),
            (f64::NAN, "NaN"),
            (1e16, "10000000000000000"),
        ] {
            assert_eq!(Number(value).to_string(), text);
        }
    }

    #[test]
    fn a_kind_that_the_format_lacks_is_left_out_and_the_others_stay() {
        let mut summary = MetricFamily::default();
        summary.set_name("odd".to_owned());
        summary.set_field_type(MetricType::SUMMARY);
        summary.set_metric(vec![Metric::default()]);
        let mut gauge = MetricFamily::default();
        gauge.set_name("even_bytes".to_owned());
        gauge.set_help("Say \"hi\".".to_owned());
        gauge.set_field_type(MetricType::GAUGE);
        gauge.set_metric(vec![Metric::default()]);
        let text = String::from_utf8(encode(&[summary, gauge])).expect("UTF-8");
        let expected = "# TYPE even_bytes gauge\n# UNIT even_bytes bytes\n# HELP even_bytes Say \\\"hi\\\".\neven_bytes 0\n# EOF\n";
        assert_eq!(text, expected);
    }
}
