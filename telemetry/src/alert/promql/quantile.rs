//! `histogram_quantile` over classic histograms, whose series have the label `le`.

use std::collections::HashMap;

use super::value::Sample;
use crate::alert::labels::Labels;

/// Upper bound of a bucket, and the number of observations up to it.
type Bucket = (f64, f64);

/// The quantile of each histogram. Elements without a bound in `le` are ignored.
pub(super) fn histogram_quantile(quantile: f64, samples: Vec<Sample>) -> Vec<Sample> {
    let mut histograms: HashMap<Labels, Vec<Bucket>> = HashMap::new();
    for Sample { labels, value } in samples {
        let Ok(bound) = labels.get("le").parse::<f64>() else { continue };
        histograms.entry(labels.filtered(|name| name != "le")).or_default().push((bound, value));
    }
    let results = histograms.into_iter().map(|(labels, buckets)| Sample { labels, value: of(quantile, buckets) });
    results.collect()
}

fn of(quantile: f64, mut buckets: Vec<Bucket>) -> f64 {
    if quantile.is_nan() {
        return f64::NAN;
    }
    if !(0.0..=1.0).contains(&quantile) {
        return if quantile < 0.0 { f64::NEG_INFINITY } else { f64::INFINITY };
    }
    buckets.sort_by(|a, b| a.0.total_cmp(&b.0));
    let buckets = monotonic(buckets);
    let [finite @ .., (last_bound, observations)] = buckets.as_slice() else { return f64::NAN };
    if *last_bound != f64::INFINITY || finite.is_empty() || *observations == 0.0 || observations.is_nan() {
        return f64::NAN;
    }
    let rank = quantile * observations;
    let index = finite.partition_point(|(_, count)| *count < rank);
    let Some(&(end, count)) = finite.get(index) else { return finite[finite.len() - 1].0 };
    match index.checked_sub(1).map(|below| finite[below]) {
        None if end <= 0.0 => end,
        None => end * (rank / count),
        Some((start, below)) => start + (end - start) * ((rank - below) / (count - below)),
    }
}

/// Buckets with different bounds, whose counts do not decrease: scrapes are not atomic.
fn monotonic(buckets: Vec<Bucket>) -> Vec<Bucket> {
    let mut result: Vec<Bucket> = Vec::new();
    for (bound, count) in buckets {
        match result.last_mut() {
            Some(last) if last.0.total_cmp(&bound).is_eq() => last.1 += count,
            _ => result.push((bound, count)),
        }
    }
    let mut highest = f64::NEG_INFINITY;
    for (_, count) in &mut result {
        highest = count.max(highest);
        *count = highest;
    }
    result
}
