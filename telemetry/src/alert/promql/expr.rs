//! Expressions as they are evaluated.

use std::collections::HashMap;
use std::sync::Arc;

use promql_parser::label::Matcher;

use crate::alert::labels::Labels;
use crate::alert::store::LOOKBACK_MS;

/// An expression.
#[derive(Clone, Debug)]
pub struct Expr(pub(super) Node);

/// What an expression consists of.
#[derive(Clone, Debug)]
pub(super) enum Node {
    /// A number.
    Number(f64),
    /// Seconds since the Unix epoch.
    Time,
    /// The present samples of a metric.
    Select(Selector),
    /// A function of the samples of a range.
    Over(RangeFunction, Range),
    /// A function of each value, with numbers as further arguments.
    Map(MapFunction, Box<Node>, Vec<Node>),
    /// The value of the only element, as a number.
    Scalar(Box<Node>),
    /// A number as an element without labels.
    Vector(Box<Node>),
    /// An element with these labels if there is no other.
    Absent(Labels, Box<Node>),
    /// `histogram_quantile`.
    Quantile(Box<Node>, Box<Node>),
    /// An aggregation over groups.
    Aggregate(Aggregation, Grouping, Box<Node>),
    /// An operator between two operands.
    Binary(Box<Binary>),
}

/// An operator with its operands.
#[derive(Clone, Debug)]
pub(super) struct Binary {
    pub(super) operator: Operator,
    pub(super) left: Node,
    pub(super) right: Node,
    /// Elements of which vectors belong together.
    pub(super) matching: Grouping,
    pub(super) cardinality: Cardinality,
    /// A comparison is 0 or 1 and does not filter.
    pub(super) is_bool: bool,
}

/// A metric with conditions on its labels.
#[derive(Clone, Debug)]
pub(super) struct Selector {
    pub(super) name: Arc<str>,
    pub(super) matchers: Vec<Matcher>,
    /// Age of what counts as present, in milliseconds.
    pub(super) offset_ms: i64,
}

impl Selector {
    pub(super) fn matches(&self, labels: &Labels) -> bool {
        self.matchers.iter().all(|matcher| matcher.is_match(labels.get(&matcher.name)))
    }
}

/// Samples of the last `range_ms` milliseconds.
#[derive(Clone, Debug)]
pub(super) struct Range {
    pub(super) source: Source,
    pub(super) range_ms: i64,
    /// Age of the end of the range in milliseconds.
    pub(super) offset_ms: i64,
}

/// Where the samples of a range come from.
#[derive(Clone, Debug)]
pub(super) enum Source {
    /// From the store.
    Stored(Selector),
    /// A subquery: from an expression, evaluated at the multiples of a step of so many
    /// milliseconds.
    Evaluated(Box<Node>, i64),
}

/// Which labels elements are grouped or matched by.
#[derive(Clone, Debug)]
pub(super) enum Grouping {
    /// These: `by`, `on`.
    By(Vec<String>),
    /// All but these: `without`, `ignoring`.
    Without(Vec<String>),
}

impl Grouping {
    /// The labels that decide.
    pub(super) fn key(&self, labels: &Labels) -> Labels {
        let named = |names: &[String], name: &str| names.iter().any(|it| it == name);
        match self {
            Self::By(names) => labels.filtered(|name| named(names, name)),
            Self::Without(names) => labels.filtered(|name| !named(names, name)),
        }
    }
}

/// How many elements of either side belong together.
#[derive(Clone, Debug)]
pub(super) enum Cardinality {
    /// One of each.
    OneToOne,
    /// `group_left`: many of the left side, which take these labels from the right.
    ManyToOne(Vec<String>),
    /// `group_right`, the reverse.
    OneToMany(Vec<String>),
}

/// Functions of the samples of a range.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RangeFunction {
    Rate,
    Increase,
    Delta,
    Avg,
    Min,
    Max,
    Sum,
    Count,
    Last,
    Changes,
    Resets,
}

/// Functions of one value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum MapFunction {
    Abs,
    Ceil,
    Floor,
    Clamp,
    ClampMin,
    ClampMax,
}

/// Aggregations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Aggregation {
    Sum,
    Avg,
    Min,
    Max,
    Count,
}

/// Operators.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operator {
    Add,
    Sub,
    Mul,
    Div,
    Mod,
    Pow,
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    And,
    Or,
    Unless,
}

impl Expr {
    /// Metrics that the expression refers to, with the age in milliseconds up to which it
    /// needs their samples.
    pub fn needs(&self) -> HashMap<Arc<str>, i64> {
        let mut needs = HashMap::new();
        self.0.add_needs(0, &mut needs);
        needs
    }
}

impl Node {
    /// Adds what the node needs if it is evaluated `age` milliseconds ago.
    fn add_needs(&self, age: i64, needs: &mut HashMap<Arc<str>, i64>) {
        match self {
            Self::Number(_) | Self::Time => {}
            Self::Select(selector) => selector.add_needs(age.saturating_add(LOOKBACK_MS), needs),
            Self::Over(_, Range { source, range_ms, offset_ms }) => {
                let age = age.saturating_add(*range_ms).saturating_add(*offset_ms);
                match source {
                    Source::Stored(selector) => selector.add_needs(age, needs),
                    Source::Evaluated(node, _) => node.add_needs(age, needs),
                }
            }
            Self::Map(_, node, parameters) => {
                node.add_needs(age, needs);
                parameters.iter().for_each(|parameter| parameter.add_needs(age, needs));
            }
            Self::Scalar(node) | Self::Vector(node) | Self::Absent(_, node) | Self::Aggregate(_, _, node) => {
                node.add_needs(age, needs);
            }
            Self::Quantile(quantile, node) => {
                quantile.add_needs(age, needs);
                node.add_needs(age, needs);
            }
            Self::Binary(binary) => {
                binary.left.add_needs(age, needs);
                binary.right.add_needs(age, needs);
            }
        }
    }
}

impl Selector {
    fn add_needs(&self, age: i64, needs: &mut HashMap<Arc<str>, i64>) {
        let age = age.saturating_add(self.offset_ms);
        let needed = needs.entry(Arc::clone(&self.name)).or_insert(age);
        *needed = age.max(*needed);
    }
}
