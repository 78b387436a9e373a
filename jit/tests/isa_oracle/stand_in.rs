//! The oracle where the reference simulator is not published.

use super::engines::{self, interpreter};
use super::suite::Suite;

/// The results that the interpreter computes for `suite`.
pub(crate) fn results(_name: &str, suite: &Suite) -> Vec<u64> {
    engines::results(suite, &*interpreter()).0
}
