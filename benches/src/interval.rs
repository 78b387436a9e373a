//! Confidence interval of a median.

/// Bounds of the interval that contains the median with a probability of at least 95 %, by
/// the sign test, which assumes only that the values are independent. `None` for fewer than
/// six values, which do not suffice, and for more than a thousand.
pub fn of_median(values: &[f64]) -> Option<(f64, f64)> {
    if values.len() > 1000 {
        return None;
    }
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    // Each value is below the median with probability ½, so their number is binomial. The
    // median is outside of the interval that omits `skipped` values on either side with
    // twice the probability of at most that many.
    let number = sorted.len() as f64;
    let (mut skipped, mut outside, mut term) = (0_usize, 0.0, 0.5_f64.powf(number));
    loop {
        outside += 2.0 * term;
        if outside > 0.05 {
            break;
        }
        term *= (number - skipped as f64) / (skipped as f64 + 1.0);
        skipped += 1;
    }
    let lowest = skipped.checked_sub(1)?;
    Some((*sorted.get(lowest)?, *sorted.get(sorted.len().checked_sub(skipped)?)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_interval_is_that_of_the_tables() {
        // Ranks as in tables of the sign test, counted from 1.
        for (number, ranks) in
            [(6, (1, 6)), (10, (2, 9)), (20, (6, 15)), (30, (10, 21)), (31, (10, 22)), (100, (40, 61))]
        {
            let values: Vec<f64> = (1..=number).rev().map(f64::from).collect();
            let (low, high) = ranks;
            assert_eq!(of_median(&values), Some((f64::from(low), f64::from(high))), "{number} values");
        }
    }

    #[test]
    fn few_values_know_nothing() {
        assert_eq!(of_median(&[]), None);
        assert_eq!(of_median(&[1.0; 5]), None);
        assert_eq!(of_median(&[1.0; 1001]), None);
        assert_eq!(of_median(&[1.0; 1000]), Some((1.0, 1.0)));
    }
}
