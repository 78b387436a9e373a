//! Prometheus text format 0.0.4, by the encoder of the `prometheus` crate.

use prometheus::proto::MetricFamily;
use prometheus::{Encoder as _, TextEncoder};

/// Content type of the response.
pub(crate) const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Encodes the families as text. Omits a family that the encoder refuses.
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
