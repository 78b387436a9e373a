//! Functions of the samples of a range.

use super::expr::RangeFunction;
use super::value::seconds;
use crate::alert::store::Point;

/// A range of time in milliseconds, both ends included.
#[derive(Clone, Copy, Debug)]
pub(super) struct Window {
    pub(super) start_ms: i64,
    pub(super) end_ms: i64,
}

/// Value of a function of the samples in the window, oldest first; `None` if they are too few.
pub(super) fn apply(function: RangeFunction, points: &[Point], window: Window) -> Option<f64> {
    let ((_, first), (_, last)) = (points.first()?, points.last()?);
    let values = || points.iter().map(|(_, value)| *value);
    let pairs = || points.windows(2).map(|pair| (pair[0].1, pair[1].1));
    let extreme = |is_better: fn(f64, f64) -> bool| {
        values().fold(*first, |best, value| if is_better(value, best) || best.is_nan() { value } else { best })
    };
    match function {
        RangeFunction::Rate => extrapolated(points, window, true, seconds(window.end_ms - window.start_ms)),
        RangeFunction::Increase => extrapolated(points, window, true, 1.0),
        RangeFunction::Delta => extrapolated(points, window, false, 1.0),
        RangeFunction::Avg => Some(average(values())),
        RangeFunction::Min => Some(extreme(|value, best| value < best)),
        RangeFunction::Max => Some(extreme(|value, best| value > best)),
        RangeFunction::Sum => Some(sum(values())),
        RangeFunction::Count => Some(count(points.len())),
        RangeFunction::Last => Some(*last),
        RangeFunction::Changes => Some(count(pairs().filter(|(a, b)| a != b && !(a.is_nan() && b.is_nan())).count())),
        RangeFunction::Resets => Some(count(pairs().filter(|(a, b)| b < a).count())),
    }
}

/// How much the value has grown over the window, from at least two samples, divided by `unit`.
///
/// As in Prometheus, the growth between the first and the last sample is extrapolated to the
/// ends of the window if they are closer than 1.1 times the mean distance of samples,
/// otherwise by half of that distance, and never to before a counter would have been zero. A
/// counter that decreases has begun again at zero.
fn extrapolated(points: &[Point], window: Window, is_counter: bool, unit: f64) -> Option<f64> {
    let ([(first_ms, first), .., (last_ms, last)], number) = (points, points.len()) else { return None };
    let mut growth = last - first;
    if is_counter {
        let lost = points.windows(2).filter(|pair| pair[1].1 < pair[0].1).map(|pair| pair[0].1);
        growth = lost.fold(growth, |growth, before| growth + before);
    }
    let sampled = seconds(last_ms - first_ms);
    let distance = sampled / count(number - 1);
    let mut to_start = seconds(first_ms - window.start_ms);
    let to_end = seconds(window.end_ms - last_ms);
    if is_counter && growth > 0.0 && *first >= 0.0 {
        to_start = to_start.min(sampled * (first / growth));
    }
    let reach = |gap: f64| if gap < distance * 1.1 { gap } else { distance / 2.0 };
    // In the order of Prometheus, to the last bit.
    Some(growth * ((sampled + reach(to_start) + reach(to_end)) / sampled / unit))
}

/// The sum, with Kahan's and Neumaier's compensation.
fn sum(values: impl Iterator<Item = f64>) -> f64 {
    let (mut sum, mut lost) = (0.0_f64, 0.0_f64);
    for value in values {
        let total = sum + value;
        lost += if sum.abs() >= value.abs() { (sum - total) + value } else { (value - total) + sum };
        sum = total;
    }
    if sum.is_infinite() { sum } else { sum + lost }
}

/// The mean.
fn average(values: impl Iterator<Item = f64>) -> f64 {
    let (mut mean, mut lost, mut number) = (0.0_f64, 0.0_f64, 0.0_f64);
    for value in values {
        number += 1.0;
        if mean.is_infinite() {
            let stays = if value.is_infinite() { (mean > 0.0) == (value > 0.0) } else { !value.is_nan() };
            if stays {
                continue;
            }
        }
        let change = value / number - mean / number;
        let total = mean + change;
        lost += if mean.abs() >= change.abs() { (mean - total) + change } else { (change - total) + mean };
        mean = total;
    }
    if mean.is_infinite() { mean } else { mean + lost }
}

#[expect(clippy::cast_precision_loss, reason = "a number of samples is far below 2^53")]
pub(super) fn count(number: usize) -> f64 {
    number as f64
}
