//! PromQL expression, reduced to what the checks need.

use std::fmt;

use promql_parser::label::MatchOp;
use promql_parser::parser::{self, Expr, LabelModifier, VectorSelector};
use promql_parser::util::{ExprVisitor, walk_expr};

/// A matcher of a selector: label, operator, value.
pub(crate) type Matcher = (String, &'static str, String);

/// Vector selector.
#[derive(Debug)]
pub(crate) struct Selector {
    /// Name of the series; empty when the selector gives none.
    pub(crate) name: String,
    /// Its matchers.
    pub(crate) matchers: Vec<Matcher>,
}

impl Selector {
    /// Whether the selector has exactly this matcher.
    pub(crate) fn has(&self, label: &str, op: &str, value: &str) -> bool {
        self.matchers.iter().any(|matcher| (matcher.0.as_str(), matcher.1, matcher.2.as_str()) == (label, op, value))
    }
}

impl fmt::Display for Selector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let matchers = self.matchers.iter().map(|(label, op, value)| format!("{label}{op}{value:?}"));
        write!(f, "{}{{{}}}", self.name, matchers.collect::<Vec<_>>().join(","))
    }
}

/// A parsed expression.
#[derive(Debug, Default)]
pub(crate) struct Query {
    /// All vector selectors.
    pub(crate) selectors: Vec<Selector>,
    /// Labels named in `by`, `without`, `on`, `ignoring` and `group_left`.
    pub(crate) labels: Vec<String>,
    /// Its number literals.
    pub(crate) numbers: Vec<f64>,
}

impl Query {
    /// Parses an expression.
    ///
    /// # Errors
    /// Returns the parser's message.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let expression = parser::parse(text)?;
        let mut query = Self::default();
        walk_expr(&mut query, &expression)?;
        Ok(query)
    }

    fn select(&mut self, found: &VectorSelector) -> Result<(), String> {
        self.selectors.push(selector(found)?);
        Ok(())
    }

    fn group(&mut self, modifier: Option<&LabelModifier>) {
        if let Some(modifier) = modifier {
            self.labels.extend(modifier.labels().labels.iter().cloned());
        }
    }
}

/// Reduces a selector.
///
/// # Errors
/// Returns what is not PromQL of Prometheus.
pub(crate) fn selector(found: &VectorSelector) -> Result<Selector, String> {
    if !found.matchers.or_matchers.is_empty() {
        return Err("`or` between matchers is not PromQL of Prometheus".to_owned());
    }
    let matchers = found.matchers.matchers.iter();
    let matchers = matchers.map(|matcher| (matcher.name.clone(), operator(&matcher.op), matcher.value.clone()));
    Ok(Selector { name: found.name.clone().unwrap_or_default(), matchers: matchers.collect() })
}

fn operator(op: &MatchOp) -> &'static str {
    match op {
        MatchOp::Equal => "=",
        MatchOp::NotEqual => "!=",
        MatchOp::Re(_) => "=~",
        MatchOp::NotRe(_) => "!~",
    }
}

impl ExprVisitor for Query {
    type Error = String;

    fn pre_visit(&mut self, expression: &Expr) -> Result<bool, String> {
        match expression {
            Expr::VectorSelector(selector) => self.select(selector)?,
            Expr::MatrixSelector(selector) => self.select(&selector.vs)?,
            Expr::NumberLiteral(number) => self.numbers.push(number.val),
            Expr::Aggregate(aggregate) => self.group(aggregate.modifier.as_ref()),
            Expr::Binary(binary) => {
                if let Some(modifier) = &binary.modifier {
                    self.group(modifier.matching.as_ref());
                    self.labels.extend(modifier.card.labels().into_iter().flat_map(|labels| labels.labels.clone()));
                }
            }
            _ => {}
        }
        Ok(true)
    }
}

#[test]
fn a_query_tells_its_selectors_labels_and_numbers() {
    let query = Query::parse(
        r#"sum by (job) (rate(a_total{x="1", y!~"2"}[5m])) / on (job) group_left (name) b_info offset 1m > 0.5"#,
    )
    .expect("valid PromQL");
    let selectors: Vec<_> = query.selectors.iter().map(|selector| selector.name.as_str()).collect();
    assert_eq!(selectors, ["a_total", "b_info"]);
    assert!(query.selectors[0].has("x", "=", "1") && query.selectors[0].has("y", "!~", "2"));
    assert_eq!(query.numbers, [0.5]);
    let mut labels = query.labels;
    labels.sort();
    assert_eq!(labels, ["job", "job", "name"]);
}

#[test]
fn a_query_that_is_not_promql_is_refused() {
    for text in ["sum by (", "rate(a_total)", "a_total[5m] + 1", "a b", ""] {
        assert!(Query::parse(text).is_err(), "{text:?} was accepted");
    }
}
