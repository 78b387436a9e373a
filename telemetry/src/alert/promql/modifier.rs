//! Modifiers of the syntax tree: which labels count, and how many elements belong together.

use promql_parser::parser::{BinModifier, LabelModifier, VectorMatchCardinality};

use super::expr::{Cardinality, Grouping};

/// Labels by which an aggregation groups.
pub(super) fn grouping(modifier: Option<&LabelModifier>) -> Grouping {
    match modifier {
        Some(LabelModifier::Include(labels)) => Grouping::By(labels.labels.clone()),
        Some(LabelModifier::Exclude(labels)) => Grouping::Without(labels.labels.clone()),
        None => Grouping::By(Vec::new()),
    }
}

/// Labels by which a binary operator matches, and how many elements.
///
/// # Errors
/// If the operator fills in missing elements, which Prometheus 2 does not know.
pub(super) fn matching(modifier: Option<&BinModifier>) -> Result<(Grouping, Cardinality), String> {
    let Some(modifier) = modifier else { return Ok((Grouping::Without(Vec::new()), Cardinality::OneToOne)) };
    if modifier.fill_values.lhs.is_some() || modifier.fill_values.rhs.is_some() {
        return Err("`fill` is not supported".to_owned());
    }
    let labels = match &modifier.matching {
        Some(LabelModifier::Include(labels)) => Grouping::By(labels.labels.clone()),
        Some(LabelModifier::Exclude(labels)) => Grouping::Without(labels.labels.clone()),
        None => Grouping::Without(Vec::new()),
    };
    let cardinality = match &modifier.card {
        VectorMatchCardinality::OneToOne | VectorMatchCardinality::ManyToMany => Cardinality::OneToOne,
        VectorMatchCardinality::ManyToOne(labels) => Cardinality::ManyToOne(labels.labels.clone()),
        VectorMatchCardinality::OneToMany(labels) => Cardinality::OneToMany(labels.labels.clone()),
    };
    Ok((labels, cardinality))
}
