//! Operators between vectors and numbers.

use std::collections::{HashMap, HashSet};

use super::expr::{Binary, Cardinality, Grouping, Operator};
use super::value::{EvalError, Sample, Value};
use crate::alert::labels::Labels;

/// Result of an operator.
pub(super) fn binary(it: &Binary, left: Value, right: Value) -> Result<Value, EvalError> {
    Ok(match (left, right) {
        (Value::Scalar(left), Value::Scalar(right)) => {
            let (value, holds) = apply(it.operator, left, right);
            Value::Scalar(if is_comparison(it.operator) { truth(holds) } else { value })
        }
        (Value::Vector(samples), Value::Scalar(number)) => {
            Value::Vector(with_number(it, samples, |value| apply(it.operator, value, number)))
        }
        (Value::Scalar(number), Value::Vector(samples)) => Value::Vector(with_number(it, samples, |value| {
            let (result, holds) = apply(it.operator, number, value);
            // A comparison that filters keeps the value of the element.
            (if is_comparison(it.operator) { value } else { result }, holds)
        })),
        (Value::Vector(left), Value::Vector(right)) => Value::Vector(match it.operator {
            Operator::And | Operator::Unless => {
                let found: HashSet<_> = right.iter().map(|sample| it.matching.key(&sample.labels)).collect();
                let keeps = it.operator == Operator::And;
                left.into_iter().filter(|sample| found.contains(&it.matching.key(&sample.labels)) == keeps).collect()
            }
            Operator::Or => {
                let found: HashSet<_> = left.iter().map(|sample| it.matching.key(&sample.labels)).collect();
                let others = right.into_iter().filter(|sample| !found.contains(&it.matching.key(&sample.labels)));
                left.into_iter().chain(others).collect()
            }
            _ => between_vectors(it, left, right)?,
        }),
    })
}

/// An operator between each element and a number.
fn with_number(it: &Binary, samples: Vec<Sample>, apply: impl Fn(f64) -> (f64, bool)) -> Vec<Sample> {
    let result = |Sample { labels, value }| {
        let value = decide(it, apply(value))?;
        Some(Sample { labels, value })
    };
    samples.into_iter().filter_map(result).collect()
}

/// Value of an element of the result, if it has one.
fn decide(it: &Binary, (value, holds): (f64, bool)) -> Option<f64> {
    if it.is_bool { Some(truth(holds)) } else { holds.then_some(value) }
}

fn between_vectors(it: &Binary, left: Vec<Sample>, right: Vec<Sample>) -> Result<Vec<Sample>, EvalError> {
    // `group_right` is `group_left` with exchanged sides.
    let (many, one, included, is_swapped) = match &it.cardinality {
        Cardinality::OneToOne => (left, right, None, false),
        Cardinality::ManyToOne(labels) => (left, right, Some(labels), false),
        Cardinality::OneToMany(labels) => (right, left, Some(labels), true),
    };
    let mut partners: HashMap<Labels, Sample> = HashMap::new();
    for sample in one {
        let key = it.matching.key(&sample.labels);
        if let Some(other) = partners.insert(key, sample) {
            return Err(EvalError::ManyMatches(it.matching.key(&other.labels)));
        }
    }
    let mut results = Vec::new();
    let mut seen = HashSet::new();
    for sample in many {
        let key = it.matching.key(&sample.labels);
        let Some(partner) = partners.get(&key) else { continue };
        let (a, b) = if is_swapped { (partner.value, sample.value) } else { (sample.value, partner.value) };
        let Some(value) = decide(it, apply(it.operator, a, b)) else { continue };
        let labels = result_labels(it, &sample.labels, &partner.labels, included);
        match included {
            None if !seen.insert(key.clone()) => return Err(EvalError::ManyMatches(key)),
            Some(_) if !seen.insert(labels.clone()) => return Err(EvalError::SameLabels(labels)),
            _ => results.push(Sample { labels, value }),
        }
    }
    Ok(results)
}

/// Labels of an element of the result.
fn result_labels(it: &Binary, many: &Labels, one: &Labels, included: Option<&Vec<String>>) -> Labels {
    let Some(included) = included else { return one_to_one(&it.matching, many) };
    let mut labels = many.clone();
    for name in included {
        labels.set(name.as_str(), one.get(name));
    }
    labels
}

fn one_to_one(matching: &Grouping, labels: &Labels) -> Labels {
    matching.key(labels)
}

/// Value of an operator, and whether an element of the result has it.
#[expect(clippy::float_cmp, reason = "PromQL compares exactly")]
fn apply(operator: Operator, left: f64, right: f64) -> (f64, bool) {
    match operator {
        Operator::Add => (left + right, true),
        Operator::Sub => (left - right, true),
        Operator::Mul => (left * right, true),
        Operator::Div => (left / right, true),
        Operator::Mod => (left % right, true),
        Operator::Pow => (left.powf(right), true),
        Operator::Equal => (left, left == right),
        Operator::NotEqual => (left, left != right),
        Operator::Less => (left, left < right),
        Operator::LessOrEqual => (left, left <= right),
        Operator::Greater => (left, left > right),
        Operator::GreaterOrEqual => (left, left >= right),
        // Only between vectors, which the parser checks.
        Operator::And | Operator::Or | Operator::Unless => (f64::NAN, false),
    }
}

fn is_comparison(operator: Operator) -> bool {
    matches!(
        operator,
        Operator::Equal
            | Operator::NotEqual
            | Operator::Less
            | Operator::LessOrEqual
            | Operator::Greater
            | Operator::GreaterOrEqual
    )
}

fn truth(holds: bool) -> f64 {
    f64::from(u8::from(holds))
}
