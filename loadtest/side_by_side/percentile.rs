//! Percentiles of measured values.

/// The smallest value that at least `per_mille` thousandths of all do not exceed. Reorders the values.
pub(crate) fn percentile(values: &mut [u32], per_mille: usize) -> Option<f64> {
    let rank = (values.len() * per_mille).div_ceil(1000);
    let index = rank.saturating_sub(1);
    (index < values.len()).then(|| f64::from(*values.select_nth_unstable(index).1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_ranks() {
        let mut thousand: Vec<u32> = (1..=1000).rev().collect();
        assert_eq!(percentile(&mut thousand, 500), Some(500.0));
        assert_eq!(percentile(&mut thousand, 990), Some(990.0));
        assert_eq!(percentile(&mut thousand, 999), Some(999.0));
        assert_eq!(percentile(&mut thousand, 1000), Some(1000.0));
        assert_eq!(percentile(&mut [7], 990), Some(7.0));
        assert_eq!(percentile(&mut [], 500), None);
    }
}
