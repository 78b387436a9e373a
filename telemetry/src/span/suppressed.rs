//! Counters of suppressed spans.

use prometheus::{IntCounterVec, Registry};

use crate::label::Suppressible::{self, Compile, Evict, Hotspot, Panic};
use crate::label::Suppression;
use crate::metric::catalog;
use crate::metric::registry::counter_vec;

/// Kinds of spans that can be suppressed, with the reasons.
const SUPPRESSED: [(Suppressible, Suppression); 11] = [
    (Compile, Suppression::Threshold),
    (Compile, Suppression::RateLimit),
    (Compile, Suppression::TraceLimit),
    (Compile, Suppression::UnknownVm),
    (Hotspot, Suppression::RateLimit),
    (Hotspot, Suppression::TraceLimit),
    (Hotspot, Suppression::UnknownVm),
    (Evict, Suppression::RateLimit),
    (Evict, Suppression::TraceLimit),
    (Evict, Suppression::UnknownVm),
    (Panic, Suppression::RateLimit),
];

/// Counters of suppressed spans.
#[derive(Debug)]
pub(super) struct Suppressed(IntCounterVec);

impl Suppressed {
    pub(super) fn new(registry: &Registry) -> Result<Self, prometheus::Error> {
        let counters = counter_vec(registry, catalog::bus::SPANS_SUPPRESSED)?;
        for (span, reason) in SUPPRESSED {
            counters.with_label_values(&[span.as_str(), reason.as_str()]);
        }
        Ok(Self(counters))
    }

    pub(super) fn count(&self, span: Suppressible, reason: Suppression) {
        self.0.with_label_values(&[span.as_str(), reason.as_str()]).inc();
    }
}
