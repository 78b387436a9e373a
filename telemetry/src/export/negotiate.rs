//! Content negotiation of the format (RFC 9110, section 12.5.1).

/// Formats of `/metrics`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    /// Prometheus's text format 0.0.4.
    Text,
    /// OpenMetrics 1.0.
    OpenMetrics,
}

/// The format that `accept` prefers. Text if it expresses no preference or accepts neither,
/// as a readable body is better than an error. OpenMetrics must be requested by name, as
/// browsers accept everything and display only text.
pub(crate) fn negotiate(accept: Option<&str>) -> Format {
    let mut best = (0.0, Format::Text);
    for range in accept.unwrap_or_default().split(',') {
        if let Some((quality, format)) = parse(range)
            && quality > best.0
        {
            best = (quality, format);
        }
    }
    best.1
}

/// Quality and format of a media range; `None` for other formats.
fn parse(range: &str) -> Option<(f64, Format)> {
    let mut parts = range.split(';').map(str::trim);
    let media_type = parts.next()?.to_ascii_lowercase();
    let mut quality = 1.0;
    let mut version = None;
    for parameter in parts {
        let (name, value) = parameter.split_once('=')?;
        match name.trim().to_ascii_lowercase().as_str() {
            "q" => quality = value.trim().parse().ok().filter(|q| (0.0..=1.0).contains(q))?,
            "version" => version = Some(value.trim().trim_matches('"').to_owned()),
            _ => {}
        }
    }
    let format = match (media_type.as_str(), version.as_deref()) {
        ("application/openmetrics-text", None | Some("1.0.0")) => Format::OpenMetrics,
        ("text/plain", None | Some("0.0.4")) | ("text/*" | "*/*", _) => Format::Text,
        _ => return None,
    };
    Some((quality, format))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prometheus_gets_open_metrics() {
        let accept = "application/openmetrics-text;version=1.0.0;q=0.8,application/openmetrics-text;version=0.0.1;q=0.75,\
                      text/plain;version=0.0.4;q=0.5,*/*;q=0.1";
        assert_eq!(negotiate(Some(accept)), Format::OpenMetrics);
        let accept = "application/openmetrics-text; version=1.0.0; charset=utf-8";
        assert_eq!(negotiate(Some(accept)), Format::OpenMetrics);
        assert_eq!(negotiate(Some("Application/OpenMetrics-Text")), Format::OpenMetrics);
    }

    #[test]
    fn the_higher_quality_wins_and_the_first_of_equals() {
        assert_eq!(negotiate(Some("text/plain;q=0.9,application/openmetrics-text;q=0.8")), Format::Text);
        assert_eq!(negotiate(Some("application/openmetrics-text;q=0.9,text/plain;q=0.8")), Format::OpenMetrics);
        assert_eq!(negotiate(Some("text/plain,application/openmetrics-text")), Format::Text);
        assert_eq!(negotiate(Some("application/openmetrics-text,text/plain")), Format::OpenMetrics);
    }

    #[test]
    fn everything_else_gets_text() {
        for accept in [
            "",
            "*/*",
            "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
            "application/json",
            "application/openmetrics-text;q=0",
            "application/openmetrics-text;version=2.0.0",
            // The implemented version is 1.0.0.
            "application/openmetrics-text;version=0.0.1",
            "application/openmetrics-text;q=7",
            "application/openmetrics-text;q",
            ";;;,,,=",
        ] {
            assert_eq!(negotiate(Some(accept)), Format::Text, "{accept}");
        }
        assert_eq!(negotiate(None), Format::Text);
    }
}
