//! A distribution of values in memory that does not grow with their number.

use hdrhistogram::Histogram;

/// Values are kept in these parts of their unit: nanoseconds, for times.
const PARTS: f64 = 1e6;
/// Significant digits of a percentile: what a test reports is within 0.1 % of what it measured.
const DIGITS: u8 = 3;

/// A distribution. Count, sum, least and greatest are exact; percentiles are within 0.1 % of the exact ones, or one
/// millionth of the unit.
#[derive(Debug, Clone)]
pub struct Trend {
    positive: Histogram<u64>,
    /// Of the values below 0, by their size; times have none.
    negative: Option<Box<Histogram<u64>>>,
    count: u64,
    sum: f64,
    min: f64,
    max: f64,
}

impl Default for Trend {
    fn default() -> Self {
        Self {
            positive: histogram(),
            negative: None,
            count: 0,
            sum: 0.0,
            min: f64::INFINITY,
            max: f64::NEG_INFINITY,
        }
    }
}

fn histogram() -> Histogram<u64> {
    Histogram::new(DIGITS).expect("3 digits are allowed")
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "`as` saturates, as it should here"
)]
fn parts(size: f64) -> u64 {
    ((size * PARTS).round() as u64).min(u64::MAX / 4)
}

impl Trend {
    /// Takes one value in; one that is no number counts as 0.
    pub fn record(&mut self, value: f64) {
        let value = if value.is_finite() { value } else { 0.0 };
        if value < 0.0 {
            let negative = self.negative.get_or_insert_with(|| Box::new(histogram()));
            negative.record(parts(-value)).expect("it grows");
        } else {
            self.positive.record(parts(value)).expect("it grows");
        }
        self.count += 1;
        self.sum += value;
        self.min = self.min.min(value);
        self.max = self.max.max(value);
    }

    /// Takes in what another trend has.
    pub fn merge(&mut self, other: &Self) {
        if other.count == 0 {
            return;
        }
        self.positive.add(&other.positive).expect("it grows");
        if let Some(more) = &other.negative {
            let negative = self.negative.get_or_insert_with(|| Box::new(histogram()));
            negative.add(&**more).expect("it grows");
        }
        self.count += other.count;
        self.sum += other.sum;
        self.min = self.min.min(other.min);
        self.max = self.max.max(other.max);
    }

    /// Forgets everything and keeps its memory.
    pub fn clear(&mut self) {
        if self.count == 0 {
            return;
        }
        self.positive.reset();
        self.negative = None;
        (self.count, self.sum, self.min, self.max) = (0, 0.0, f64::INFINITY, f64::NEG_INFINITY);
    }

    /// How many values there are.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.count
    }

    /// Of all values.
    #[must_use]
    pub fn sum(&self) -> f64 {
        self.sum
    }

    /// The least; 0 of nothing.
    #[must_use]
    pub fn min(&self) -> f64 {
        if self.count == 0 { 0.0 } else { self.min }
    }

    /// The greatest; 0 of nothing.
    #[must_use]
    pub fn max(&self) -> f64 {
        if self.count == 0 { 0.0 } else { self.max }
    }

    /// The mean; 0 of nothing.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "a mean needs no more than 53 bits")]
    pub fn avg(&self) -> f64 {
        if self.count == 0 {
            0.0
        } else {
            self.sum / self.count as f64
        }
    }

    /// The value below which `percent` (0 to 100) of the values lie: linear between the values at both sides of
    /// `percent / 100 × (count − 1)`, as k6 has it; 0 of nothing.
    #[must_use]
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "ranks are small, and not below 0"
    )]
    pub fn percentile(&self, percent: f64) -> f64 {
        if self.count == 0 {
            return 0.0;
        }
        let rank = percent.clamp(0.0, 100.0) / 100.0 * (self.count - 1) as f64;
        let below = rank.floor();
        let lower = self.at_rank(below as u64);
        if rank == below {
            return lower;
        }
        lower + (self.at_rank(below as u64 + 1) - lower) * (rank - below)
    }

    /// Pairs of a value and how many values up to it there are, ascending: the curve of a percentile plot.
    #[must_use]
    pub fn cumulative(&self) -> Vec<(f64, u64)> {
        let mut so_far = 0;
        self.buckets()
            .map(|(value, count)| {
                so_far += count;
                (value, so_far)
            })
            .collect()
    }

    fn at_rank(&self, rank: u64) -> f64 {
        if rank == 0 {
            return self.min();
        }
        if rank + 1 >= self.count {
            return self.max();
        }
        let mut so_far = 0;
        for (value, count) in self.buckets() {
            so_far += count;
            if so_far > rank {
                return value;
            }
        }
        self.max()
    }

    #[expect(clippy::cast_precision_loss, reason = "within the 0.1 % of the histogram")]
    fn buckets(&self) -> impl Iterator<Item = (f64, u64)> + '_ {
        let negative: Vec<(f64, u64)> = self.negative.as_ref().map_or_else(Vec::new, |negative| {
            let mut values: Vec<_> = negative
                .iter_recorded()
                .map(|bucket| {
                    (
                        -(negative.median_equivalent(bucket.value_iterated_to()) as f64 / PARTS),
                        bucket.count_at_value(),
                    )
                })
                .collect();
            values.reverse();
            values
        });
        let positive = self.positive.iter_recorded().map(|bucket| {
            (
                self.positive.median_equivalent(bucket.value_iterated_to()) as f64 / PARTS,
                bucket.count_at_value(),
            )
        });
        let (min, max) = (self.min(), self.max());
        negative
            .into_iter()
            .chain(positive)
            .map(move |(value, count)| (value.clamp(min, max), count))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[expect(clippy::cast_possible_truncation, reason = "ranks are small")]
    fn exact(sorted: &[f64], percent: f64) -> f64 {
        let rank = percent / 100.0 * (sorted.len() - 1) as f64;
        let below = rank.floor() as usize;
        let above = (below + 1).min(sorted.len() - 1);
        sorted[below] + (sorted[above] - sorted[below]) * (rank - below as f64)
    }

    /// Of the two values around a rank.
    #[expect(clippy::cast_possible_truncation, reason = "ranks are small")]
    fn sizes(sorted: &[f64], rank: f64) -> Vec<f64> {
        let mut sizes = vec![
            sorted[rank.floor() as usize].abs(),
            sorted[rank.ceil() as usize].abs(),
        ];
        sizes.sort_by(f64::total_cmp);
        sizes
    }

    #[test]
    fn of_nothing_everything_is_zero() {
        let trend = Trend::default();
        assert_eq!(
            (trend.min(), trend.max(), trend.avg(), trend.percentile(95.0)),
            (0.0, 0.0, 0.0, 0.0)
        );
    }

    #[test]
    fn what_is_no_number_counts_as_zero() {
        let mut trend = Trend::default();
        trend.record(f64::NAN);
        trend.record(f64::INFINITY);
        assert_eq!((trend.count(), trend.sum(), trend.max()), (2, 0.0, 0.0));
    }

    proptest! {
        #[test]
        fn percentiles_are_within_a_thousandth_of_the_exact_ones(
            mut values in prop::collection::vec(prop_oneof![-1e4f64..1e4, 0.0f64..1e9, 0.0f64..1.0], 1..200),
            percent in 0.0f64..=100.0,
        ) {
            let mut trend = Trend::default();
            for value in &values {
                trend.record(*value);
            }
            values.sort_by(f64::total_cmp);
            let (told, exact) = (trend.percentile(percent), exact(&values, percent));
            // Between two values of different sizes the error is that of the greater one.
            let rank = percent / 100.0 * (values.len() - 1) as f64;
            let size = sizes(&values, rank)[1];
            prop_assert!((told - exact).abs() <= size * 1e-3 + 2e-6, "{told} for {exact}");
        }
    }
}
