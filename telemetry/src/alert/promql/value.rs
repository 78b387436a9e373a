//! Results of expressions.

use crate::alert::labels::Labels;

/// An element of a vector.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    /// Its labels, which no other element has.
    pub labels: Labels,
    /// Its value.
    pub value: f64,
}

/// Result of an expression.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// A number.
    Scalar(f64),
    /// A vector, in no particular order.
    Vector(Vec<Sample>),
}

/// Why an expression has no result.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EvalError {
    /// Several elements of the side that may have one belong to an element of the other.
    #[error("several elements of one side of an operator match {0}")]
    ManyMatches(Labels),
    /// Two elements of a result would have the same labels.
    #[error("two elements of a result have the labels {0}")]
    SameLabels(Labels),
}

impl Value {
    /// The elements; a number is one without labels.
    pub fn into_vector(self) -> Vec<Sample> {
        match self {
            Self::Scalar(value) => vec![Sample { labels: Labels::default(), value }],
            Self::Vector(samples) => samples,
        }
    }

    /// The number; NaN if it is a vector that does not consist of one element.
    pub(super) fn into_scalar(self) -> f64 {
        match self {
            Self::Scalar(value) => value,
            Self::Vector(samples) => match samples.as_slice() {
                [only] => only.value,
                _ => f64::NAN,
            },
        }
    }
}

/// Milliseconds as seconds.
#[expect(clippy::cast_precision_loss, reason = "binary64 holds milliseconds of 285 000 years")]
pub(super) fn seconds(ms: i64) -> f64 {
    ms as f64 / 1000.0
}
