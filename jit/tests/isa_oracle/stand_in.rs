//! Replacement oracle for hosts without the reference simulator.

use super::engines::{self, interpreter};
use super::suite::Suite;

/// The results that the interpreter computes for `suite`.
pub(crate) fn results(_name: &str, suite: &Suite) -> Vec<u64> {
    engines::results(suite, &*interpreter()).0
}
