//! Closed sets of label values that are parts of others.

use riscope_core::counters::HOTTEST;
use riscope_core::event::Tier;

use crate::label::{ErrorType, FREE, QueueLoss};

/// Tiers that generate code: all except the first, the interpreter.
pub(super) const COMPILED: [&str; Tier::ALL.len() - 1] = without_first(Tier::NAMES);

/// Tiers from which code is promoted: all except the last.
pub(super) const PROMOTED: [&str; COMPILED.len()] = without_last(Tier::NAMES);

/// Segments of a code cache.
pub(super) const SEGMENTS: [&str; COMPILED.len() + 1] = with(COMPILED, FREE);

/// Outcomes of an export: the reason of the failure, or empty on success.
pub(super) const EXPORT_OUTCOMES: [&str; ErrorType::ALL.len() + 1] = with(ErrorType::NAMES, "");

/// Outcomes of sending an alert: the reason of the failure, or empty on success.
pub(super) const NOTIFICATION_OUTCOMES: [&str; EXPORT_OUTCOMES.len() + 1] =
    with(EXPORT_OUTCOMES, QueueLoss::Full.as_str());

/// Outcomes of queueing: the reason of the loss, or empty on success.
pub(super) const QUEUE_OUTCOMES: [&str; QueueLoss::ALL.len() + 1] = with(QueueLoss::NAMES, "");

/// Ranks of hot pages.
pub(crate) const RANKS: [&str; HOTTEST] = ["1", "2", "3", "4", "5", "6", "7", "8"];

/// `names` with one more.
const fn with<const N: usize, const M: usize>(names: [&'static str; N], more: &'static str) -> [&'static str; M] {
    assert!(M == N + 1);
    let mut all = [more; M];
    let mut index = 0;
    while index < N {
        all[index] = names[index];
        index += 1;
    }
    all
}

/// `names` without the first.
const fn without_first<const N: usize, const M: usize>(names: [&'static str; N]) -> [&'static str; M] {
    assert!(M == N - 1);
    let mut rest = [""; M];
    let mut index = 0;
    while index < M {
        rest[index] = names[index + 1];
        index += 1;
    }
    rest
}

/// `names` without the last.
const fn without_last<const N: usize, const M: usize>(names: [&'static str; N]) -> [&'static str; M] {
    assert!(M == N - 1);
    let mut rest = [""; M];
    let mut index = 0;
    while index < M {
        rest[index] = names[index];
        index += 1;
    }
    rest
}
