//! Content coding: negotiation of gzip (RFC 9110, section 12.5.3) and compression.

use std::io::Write;

use axum::http::{HeaderMap, header};
use flate2::Compression;
use flate2::write::GzEncoder;

/// Whether the client accepts gzip and does not prefer the identity coding.
pub(super) fn accepts_gzip(headers: &HeaderMap) -> bool {
    let lines = headers.get_all(header::ACCEPT_ENCODING).iter().filter_map(|line| line.to_str().ok());
    let (mut gzip, mut identity, mut any) = (None, None, None);
    for (coding, quality) in lines.flat_map(|line| line.split(',')).filter_map(coding) {
        match coding.to_ascii_lowercase().as_str() {
            "gzip" | "x-gzip" => gzip = Some(quality),
            "identity" => identity = Some(quality),
            "*" => any = Some(quality),
            _ => {}
        }
    }
    let quality = gzip.or(any).unwrap_or(0);
    quality > 0 && quality >= identity.unwrap_or(0)
}

/// A coding with its weight in thousandths; `None` if malformed.
fn coding(text: &str) -> Option<(&str, u16)> {
    let mut parts = text.split(';').map(str::trim);
    let name = parts.next().filter(|name| !name.is_empty())?;
    let Some(weight) = parts.next() else { return Some((name, 1000)) };
    let value = weight.strip_prefix("q=").or_else(|| weight.strip_prefix("Q="))?;
    Some((name, quality(value)?))
}

/// Weight in thousandths: 0 to 1 with at most three decimal places.
fn quality(text: &str) -> Option<u16> {
    let (whole, decimals) = text.split_once('.').unwrap_or((text, ""));
    if whole.len() != 1 || decimals.len() > 3 || !decimals.bytes().all(|digit| digit.is_ascii_digit()) {
        return None;
    }
    let thousandths: u16 = format!("{whole}{decimals:0<3}").parse().ok()?;
    (thousandths <= 1000).then_some(thousandths)
}

/// Compresses `text` at the fastest level; `None` on failure.
pub(super) fn gzip(text: &[u8]) -> Option<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::with_capacity(text.len() / 4), Compression::fast());
    encoder.write_all(text).ok()?;
    encoder.finish().ok()
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    fn accepts(lines: &[&str]) -> bool {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(header::ACCEPT_ENCODING, line.parse().expect("a header"));
        }
        accepts_gzip(&headers)
    }

    #[test]
    fn a_client_gets_gzip_if_it_accepts_it() {
        for line in ["gzip", "GZip", "x-gzip", "br, gzip", "gzip;q=0.5", "deflate;q=1.0,gzip ; q=0.001", "*", "*;q=0.1"]
        {
            assert!(accepts(&[line]), "{line}");
        }
        assert!(accepts(&["br", "gzip"]), "several lines are one list");
        assert!(accepts(&["gzip;q=0.5, identity;q=0.5"]));
    }

    #[test]
    fn a_client_gets_plain_text_if_it_does_not_accept_or_want_gzip() {
        for line in ["", "br", "identity", "gzip;q=0", "gzip;q=0.000, *", "*;q=0", "gzip;q=0.5, identity"] {
            assert!(!accepts(&[line]), "{line}");
        }
        assert!(!accepts(&[]));
    }

    #[test]
    fn a_weight_that_is_none_counts_as_no_acceptance() {
        for line in
            ["gzip;q=2", "gzip;q=-1", "gzip;q=x", "gzip;q=", "gzip;q=0.1234", "gzip;level=9", ";q=1", "gzip;q=1.5"]
        {
            assert!(!accepts(&[line]), "{line}");
        }
    }

    #[test]
    fn gzip_leads_back_to_the_text() {
        let text = "riscope_up 1\n".repeat(1000);
        let compressed = gzip(text.as_bytes()).expect("memory is there");
        assert!(compressed.len() < text.len() / 10);
        let mut back = String::new();
        flate2::read::GzDecoder::new(compressed.as_slice()).read_to_string(&mut back).expect("it is gzip");
        assert_eq!(back, text);
    }
}
