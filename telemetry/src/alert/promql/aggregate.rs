//! Aggregations over groups of elements.

use std::collections::HashMap;

use super::expr::{Aggregation, Grouping};
use super::value::Sample;
use crate::alert::labels::Labels;

/// A group of elements.
struct Group {
    value: f64,
    number: f64,
}

/// Aggregates each group of elements.
pub(super) fn aggregate(aggregation: Aggregation, grouping: &Grouping, mut samples: Vec<Sample>) -> Vec<Sample> {
    // The result of a sum depends on the order, which must not be that of a hash table.
    samples.sort_by(|a, b| a.labels.cmp(&b.labels));
    let mut groups: HashMap<Labels, Group> = HashMap::new();
    for Sample { labels, value } in samples {
        let Some(group) = groups.get_mut(&grouping.key(&labels)) else {
            groups.insert(grouping.key(&labels), Group { value, number: 1.0 });
            continue;
        };
        group.number += 1.0;
        match aggregation {
            Aggregation::Sum => group.value += value,
            Aggregation::Avg if group.value.is_infinite() && !value.is_nan() && value != -group.value => {}
            Aggregation::Avg => group.value += value / group.number - group.value / group.number,
            Aggregation::Min if value < group.value || group.value.is_nan() => group.value = value,
            Aggregation::Max if value > group.value || group.value.is_nan() => group.value = value,
            Aggregation::Min | Aggregation::Max | Aggregation::Count => {}
        }
    }
    let result = |(labels, group): (Labels, Group)| {
        let value = if aggregation == Aggregation::Count { group.number } else { group.value };
        Sample { labels, value }
    };
    groups.into_iter().map(result).collect()
}
