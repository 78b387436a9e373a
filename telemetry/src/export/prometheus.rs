//! Prometheus's text format 0.0.4, by the `prometheus` crate's encoder.

use prometheus::proto::MetricFamily;
use prometheus::{Encoder as _, TextEncoder};

/// What an HTTP response declares.
pub(crate) const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// The families as text. One that the encoder refuses is left out, not the others.
pub(crate) fn encode(families: &[MetricFamily]) -> Vec<u8> {
    let encoder = TextEncoder::new();
    let mut body = Vec::new();
    for family in families {
        let before = body.len();
        if encoder.encode(std::slice::from_ref(family), &mut body).is_err() {
            body.truncate(before);
        }
    }
    body
}
