//! Evaluation of an expression at a moment.

use std::collections::HashMap;

use super::expr::{Expr, MapFunction, Node, Range, RangeFunction, Selector, Source};
use super::value::{EvalError, Sample, Value, seconds};
use super::{aggregate, binary, quantile, range};
use crate::alert::labels::Labels;
use crate::alert::store::{LOOKBACK_MS, Point, Store, is_stale};

/// Evaluates an expression at `time_ms`, in milliseconds since the Unix epoch.
///
/// # Errors
/// If elements of vectors do not match as the expression demands.
pub fn evaluate(expr: &Expr, store: &Store, time_ms: i64) -> Result<Value, EvalError> {
    Context { store, time_ms }.eval(&expr.0)
}

/// Samples, and a moment.
#[derive(Clone, Copy, Debug)]
struct Context<'a> {
    store: &'a Store,
    time_ms: i64,
}

impl Context<'_> {
    fn eval(self, node: &Node) -> Result<Value, EvalError> {
        Ok(match node {
            Node::Number(value) => Value::Scalar(*value),
            Node::Time => Value::Scalar(seconds(self.time_ms)),
            Node::Select(selector) => Value::Vector(self.select(selector)),
            Node::Over(function, range) => Value::Vector(self.over(*function, range)?),
            Node::Map(function, node, parameters) => {
                let parameters = parameters.iter().map(|it| Ok(self.eval(it)?.into_scalar()));
                let parameters = parameters.collect::<Result<Vec<_>, _>>()?;
                let mut samples = self.eval(node)?.into_vector();
                samples.retain_mut(|sample| {
                    let mapped = map(*function, sample.value, &parameters);
                    sample.value = mapped.unwrap_or_default();
                    mapped.is_some()
                });
                Value::Vector(samples)
            }
            Node::Scalar(node) => Value::Scalar(self.eval(node)?.into_scalar()),
            Node::Vector(node) => Value::Vector(self.eval(node)?.into_vector()),
            Node::Absent(labels, node) => {
                let is_absent = self.eval(node)?.into_vector().is_empty();
                let absent = Sample { labels: labels.clone(), value: 1.0 };
                Value::Vector(if is_absent { vec![absent] } else { Vec::new() })
            }
            Node::Quantile(quantile, node) => {
                let (quantile, samples) = (self.eval(quantile)?.into_scalar(), self.eval(node)?.into_vector());
                Value::Vector(quantile::histogram_quantile(quantile, samples))
            }
            Node::Aggregate(aggregation, grouping, node) => {
                Value::Vector(aggregate::aggregate(*aggregation, grouping, self.eval(node)?.into_vector()))
            }
            Node::Binary(it) => binary::binary(it, self.eval(&it.left)?, self.eval(&it.right)?)?,
        })
    }

    /// The last sample of each series that is not older than [`LOOKBACK_MS`].
    fn select(self, selector: &Selector) -> Vec<Sample> {
        let time_ms = self.time_ms - selector.offset_ms;
        let matching = self.store.series(&selector.name).filter(|(labels, _)| selector.matches(labels));
        let present = matching.filter_map(|(labels, points)| {
            let end = points.partition_point(|(time, _)| *time <= time_ms);
            let (time, value) = *points.get(end.checked_sub(1)?)?;
            let is_present = time >= time_ms - LOOKBACK_MS && !is_stale(value);
            is_present.then(|| Sample { labels: labels.clone(), value })
        });
        present.collect()
    }

    fn over(self, function: RangeFunction, range: &Range) -> Result<Vec<Sample>, EvalError> {
        let end_ms = self.time_ms - range.offset_ms;
        let window = range::Window { start_ms: end_ms - range.range_ms, end_ms };
        let sample = |labels: &Labels, points: &[Point]| {
            let value = range::apply(function, points, window)?;
            Some(Sample { labels: labels.clone(), value })
        };
        match &range.source {
            Source::Stored(selector) => {
                let matching = self.store.series(&selector.name).filter(|(labels, _)| selector.matches(labels));
                let mut inside = Vec::new();
                let results = matching.filter_map(|(labels, points)| {
                    let start = points.partition_point(|(time, _)| *time < window.start_ms);
                    let end = points.partition_point(|(time, _)| *time <= window.end_ms);
                    inside.clear();
                    inside.extend(points.range(start..end).copied().filter(|(_, value)| !is_stale(*value)));
                    sample(labels, &inside)
                });
                Ok(results.collect())
            }
            Source::Evaluated(node, step_ms) => {
                let series = self.subquery(node, *step_ms, window)?;
                Ok(series.iter().filter_map(|(labels, points)| sample(labels, points)).collect())
            }
        }
    }

    /// Results at the multiples of the step in the window, as series.
    fn subquery(
        self,
        node: &Node,
        step_ms: i64,
        window: range::Window,
    ) -> Result<HashMap<Labels, Vec<Point>>, EvalError> {
        let mut series: HashMap<Labels, Vec<Point>> = HashMap::new();
        let mut time_ms = window.start_ms.div_euclid(step_ms) * step_ms;
        if time_ms < window.start_ms {
            time_ms += step_ms;
        }
        while time_ms <= window.end_ms {
            for Sample { labels, value } in (Context { time_ms, ..self }).eval(node)?.into_vector() {
                series.entry(labels).or_default().push((time_ms, value));
            }
            time_ms += step_ms;
        }
        Ok(series)
    }
}

/// Value of a function; `None` if there is none.
fn map(function: MapFunction, value: f64, parameters: &[f64]) -> Option<f64> {
    let parameter = |index: usize| parameters.get(index).copied().unwrap_or(f64::NAN);
    let at_least = |value: f64, bound: f64| if value.is_nan() || bound.is_nan() { f64::NAN } else { value.max(bound) };
    let at_most = |value: f64, bound: f64| if value.is_nan() || bound.is_nan() { f64::NAN } else { value.min(bound) };
    Some(match function {
        MapFunction::Abs => value.abs(),
        MapFunction::Ceil => value.ceil(),
        MapFunction::Floor => value.floor(),
        MapFunction::Clamp if parameter(1) < parameter(0) => return None,
        MapFunction::Clamp => at_least(at_most(value, parameter(1)), parameter(0)),
        MapFunction::ClampMin => at_least(value, parameter(0)),
        MapFunction::ClampMax => at_most(value, parameter(0)),
    })
}
