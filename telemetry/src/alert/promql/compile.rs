//! Compilation of PromQL. What cannot be evaluated in process is an error.

use std::time::Duration;

use promql_parser::label::MatchOp;
use promql_parser::parser::value::ValueType;
use promql_parser::parser::{
    self, AggregateExpr, AtModifier, BinaryExpr, Call, Expr as Syntax, Offset, SubqueryExpr, VectorSelector,
};

use super::expr::{Aggregation, Binary, Expr, MapFunction, Node, Operator, Range, RangeFunction, Selector, Source};
use super::modifier::{grouping, matching};
use crate::alert::labels::Labels;

/// Longest range, offset or step, in milliseconds: a day.
const MAX_AGE_MS: i64 = 24 * 3600 * 1000;
/// Most evaluations of a subquery.
const MAX_STEPS: i64 = 1_000;
/// Longest expression in bytes, which also limits its depth.
const MAX_LENGTH: usize = 8 << 10;

/// Compiles an expression.
///
/// # Errors
/// A message that names what is wrong or not supported.
pub fn compile(text: &str) -> Result<Expr, String> {
    if text.len() > MAX_LENGTH {
        return Err(format!("the expression is longer than {MAX_LENGTH} bytes"));
    }
    let syntax = parser::parse(text)?;
    match syntax.value_type() {
        ValueType::Vector | ValueType::Scalar => node(&syntax).map(Expr),
        other => Err(format!("the expression is a {other}, not a vector or a number")),
    }
}

fn node(syntax: &Syntax) -> Result<Node, String> {
    match syntax {
        Syntax::NumberLiteral(number) => Ok(Node::Number(number.val)),
        Syntax::Paren(inner) => node(&inner.expr),
        Syntax::Unary(inner) => {
            let (operator, left, right) = (Operator::Mul, Node::Number(-1.0), node(&inner.expr)?);
            let (matching, cardinality) = matching(None)?;
            Ok(Node::Binary(Box::new(Binary { operator, left, right, matching, cardinality, is_bool: false })))
        }
        Syntax::VectorSelector(syntax) => selector(syntax).map(Node::Select),
        Syntax::Call(call) => function(call),
        Syntax::Aggregate(syntax) => aggregate(syntax),
        Syntax::Binary(syntax) => binary(syntax),
        Syntax::Subquery(_) | Syntax::MatrixSelector(_) => Err("a range outside of a function".to_owned()),
        Syntax::StringLiteral(_) | Syntax::Extension(_) => Err(format!("{syntax} is not supported in process")),
    }
}

fn selector(syntax: &VectorSelector) -> Result<Selector, String> {
    no_at(syntax.at.as_ref())?;
    if !syntax.matchers.or_matchers.is_empty() {
        return Err(format!("`or` between the matchers of {syntax} is not supported"));
    }
    let Some(name) = &syntax.name else { return Err(format!("{syntax} has no name of a metric")) };
    let matchers = syntax.matchers.matchers.iter().filter(|matcher| matcher.name != "__name__");
    Ok(Selector {
        name: name.as_str().into(),
        matchers: matchers.cloned().collect(),
        offset_ms: offset(syntax.offset.as_ref())?,
    })
}

fn no_at(at: Option<&AtModifier>) -> Result<(), String> {
    at.map_or(Ok(()), |_| Err("the modifier `@` is not supported".to_owned()))
}

fn offset(offset: Option<&Offset>) -> Result<i64, String> {
    match offset {
        None => Ok(0),
        Some(Offset::Pos(age)) => milliseconds(*age),
        Some(Offset::Neg(_)) => Err("a negative offset is not supported".to_owned()),
    }
}

fn milliseconds(duration: Duration) -> Result<i64, String> {
    let age = i64::try_from(duration.as_millis()).ok().filter(|age| *age <= MAX_AGE_MS);
    age.ok_or_else(|| format!("{} seconds are more than a day", duration.as_secs()))
}

/// The range argument of a function.
fn range(syntax: &Syntax) -> Result<Range, String> {
    match syntax {
        Syntax::Paren(inner) => range(&inner.expr),
        Syntax::MatrixSelector(syntax) => {
            let mut selector = selector(&syntax.vs)?;
            let offset_ms = std::mem::take(&mut selector.offset_ms);
            Ok(Range { source: Source::Stored(selector), range_ms: milliseconds(syntax.range)?, offset_ms })
        }
        Syntax::Subquery(syntax) => subquery(syntax),
        _ => Err(format!("{syntax} is not a range")),
    }
}

fn subquery(syntax: &SubqueryExpr) -> Result<Range, String> {
    no_at(syntax.at.as_ref())?;
    let Some(step) = syntax.step else { return Err("a subquery needs a step".to_owned()) };
    let (step_ms, range_ms) = (milliseconds(step)?, milliseconds(syntax.range)?);
    if step_ms == 0 || range_ms / step_ms > MAX_STEPS {
        return Err(format!("a subquery of more than {MAX_STEPS} steps"));
    }
    let source = Source::Evaluated(Box::new(node(&syntax.expr)?), step_ms);
    Ok(Range { source, range_ms, offset_ms: offset(syntax.offset.as_ref())? })
}

fn function(call: &Call) -> Result<Node, String> {
    let name = call.func.name;
    let arguments = &call.args.args;
    let argument = |index: usize| -> Result<&Syntax, String> {
        arguments.get(index).map(|it| &**it).ok_or_else(|| format!("{name} needs another argument"))
    };
    let over = |function| Ok(Node::Over(function, range(argument(0)?)?));
    let map = |function, parameters: usize| {
        let parameters = (1..=parameters).map(|index| node(argument(index)?)).collect::<Result<_, _>>()?;
        Ok(Node::Map(function, Box::new(node(argument(0)?)?), parameters))
    };
    match name {
        "rate" => over(RangeFunction::Rate),
        "increase" => over(RangeFunction::Increase),
        "delta" => over(RangeFunction::Delta),
        "avg_over_time" => over(RangeFunction::Avg),
        "min_over_time" => over(RangeFunction::Min),
        "max_over_time" => over(RangeFunction::Max),
        "sum_over_time" => over(RangeFunction::Sum),
        "count_over_time" => over(RangeFunction::Count),
        "last_over_time" => over(RangeFunction::Last),
        "changes" => over(RangeFunction::Changes),
        "resets" => over(RangeFunction::Resets),
        "abs" => map(MapFunction::Abs, 0),
        "ceil" => map(MapFunction::Ceil, 0),
        "floor" => map(MapFunction::Floor, 0),
        "clamp" => map(MapFunction::Clamp, 2),
        "clamp_min" => map(MapFunction::ClampMin, 1),
        "clamp_max" => map(MapFunction::ClampMax, 1),
        "time" => Ok(Node::Time),
        "scalar" => Ok(Node::Scalar(Box::new(node(argument(0)?)?))),
        "vector" => Ok(Node::Vector(Box::new(node(argument(0)?)?))),
        "absent" => Ok(Node::Absent(absent_labels(argument(0)?), Box::new(node(argument(0)?)?))),
        "histogram_quantile" => Ok(Node::Quantile(Box::new(node(argument(0)?)?), Box::new(node(argument(1)?)?))),
        _ => Err(format!("the function {name} is not supported in process")),
    }
}

/// Labels of the result of `absent`: those that the selector demands once.
fn absent_labels(syntax: &Syntax) -> Labels {
    let selector = match syntax {
        Syntax::VectorSelector(selector) => selector,
        Syntax::Paren(inner) => return absent_labels(&inner.expr),
        _ => return Labels::default(),
    };
    let mut labels = Labels::default();
    let matchers = &selector.matchers.matchers;
    for matcher in matchers.iter().filter(|matcher| matcher.name != "__name__") {
        let is_only = matchers.iter().filter(|other| other.name == matcher.name).count() == 1;
        if is_only && matches!(matcher.op, MatchOp::Equal) {
            labels.set(matcher.name.as_str(), matcher.value.as_str());
        }
    }
    labels
}

fn aggregate(syntax: &AggregateExpr) -> Result<Node, String> {
    let aggregation = match syntax.op.to_string().as_str() {
        "sum" => Aggregation::Sum,
        "avg" => Aggregation::Avg,
        "min" => Aggregation::Min,
        "max" => Aggregation::Max,
        "count" => Aggregation::Count,
        other => return Err(format!("the aggregation {other} is not supported in process")),
    };
    Ok(Node::Aggregate(aggregation, grouping(syntax.modifier.as_ref()), Box::new(node(&syntax.expr)?)))
}

fn binary(syntax: &BinaryExpr) -> Result<Node, String> {
    let operator = match syntax.op.to_string().as_str() {
        "+" => Operator::Add,
        "-" => Operator::Sub,
        "*" => Operator::Mul,
        "/" => Operator::Div,
        "%" => Operator::Mod,
        "^" => Operator::Pow,
        "==" => Operator::Equal,
        "!=" => Operator::NotEqual,
        "<" => Operator::Less,
        "<=" => Operator::LessOrEqual,
        ">" => Operator::Greater,
        ">=" => Operator::GreaterOrEqual,
        "and" => Operator::And,
        "or" => Operator::Or,
        "unless" => Operator::Unless,
        other => return Err(format!("the operator {other} is not supported in process")),
    };
    let (matching, cardinality) = matching(syntax.modifier.as_ref())?;
    Ok(Node::Binary(Box::new(Binary {
        operator,
        left: node(&syntax.lhs)?,
        right: node(&syntax.rhs)?,
        matching,
        cardinality,
        is_bool: syntax.return_bool(),
    })))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_rules_may_not_use_is_an_error() {
        for text in [
            "topk(3, a)",
            "quantile(0.9, a)",
            "label_replace(a, \"b\", \"$1\", \"c\", \"(.*)\")",
            "a offset -5m",
            "a @ 1000",
            "a[5m]",
            "\"text\"",
            "{vm_id=\"1\"}",
            "rate(a[2d])",
            "sum_over_time(a[4m:])",
            "sum_over_time(a[1d:1s])",
            "sum_over_time(a[2s:1ms])",
            "predict_linear(a[5m], 60)",
            "a atan2 b",
            "a +",
            "rate(a)",
        ] {
            assert!(compile(text).is_err(), "{text}");
        }
        assert!(compile(&"(".repeat(MAX_LENGTH + 1)).is_err());
    }

    #[test]
    fn an_expression_says_what_it_needs() {
        let text = "avg_over_time(rate(a[1m])[1h:5s] offset 10m) > 2 and b offset 40m and absent(a) or clamp_min(c, scalar(b)) > 1";
        let needs = compile(text).expect("it is supported").needs();
        let of = |name: &str| needs.get(name).map(|ms| ms / 60_000);
        assert_eq!((of("a"), of("b"), of("c"), needs.len()), (Some(71), Some(45), Some(5), 3));
    }
}
