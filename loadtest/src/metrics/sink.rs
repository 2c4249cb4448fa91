//! Where samples end up: sums of fixed size, so that a long test needs no more memory than a short one.

use super::registry::Kind;
use super::trend::Trend;

/// A sum.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Counter {
    /// Of all values.
    pub sum: f64,
    /// How many values there were.
    pub count: u64,
}

/// The last value.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Gauge {
    /// The latest.
    pub value: f64,
    /// The least.
    pub min: f64,
    /// The greatest.
    pub max: f64,
    /// When `value` was measured, in nanoseconds since the Unix epoch; 0 if nothing was.
    pub unix_ns: u64,
}

/// A share.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Rate {
    /// Values that were not 0.
    pub trues: u64,
    /// All values.
    pub total: u64,
}

impl Rate {
    /// From 0 to 1; 0 of nothing.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "a share needs no more than 53 bits")]
    pub fn share(self) -> f64 {
        if self.total == 0 {
            0.0
        } else {
            self.trues as f64 / self.total as f64
        }
    }
}

/// All values of one metric or sub-metric, summed up.
#[derive(Debug, Clone)]
pub enum Sink {
    /// Of a [`Kind::Counter`].
    Counter(Counter),
    /// Of a [`Kind::Gauge`].
    Gauge(Gauge),
    /// Of a [`Kind::Rate`].
    Rate(Rate),
    /// Of a [`Kind::Trend`].
    Trend(Box<Trend>),
}

impl Sink {
    /// With nothing in it.
    #[must_use]
    pub fn new(kind: Kind) -> Self {
        match kind {
            Kind::Counter => Self::Counter(Counter::default()),
            Kind::Gauge => Self::Gauge(Gauge::default()),
            Kind::Rate => Self::Rate(Rate::default()),
            Kind::Trend => Self::Trend(Box::default()),
        }
    }

    /// Takes one value in.
    pub fn record(&mut self, value: f64, unix_ns: u64) {
        match self {
            Self::Counter(counter) => {
                counter.sum += value;
                counter.count += 1;
            }
            Self::Gauge(gauge) => gauge.merge(&Gauge {
                value,
                min: value,
                max: value,
                unix_ns,
            }),
            Self::Rate(rate) => {
                rate.trues += u64::from(value != 0.0);
                rate.total += 1;
            }
            Self::Trend(trend) => trend.record(value),
        }
    }

    /// Takes in what another sink of the same kind has.
    ///
    /// # Panics
    /// If it is of another kind.
    pub fn merge(&mut self, other: &Self) {
        match (self, other) {
            (Self::Counter(counter), Self::Counter(other)) => {
                counter.sum += other.sum;
                counter.count += other.count;
            }
            (Self::Gauge(gauge), Self::Gauge(other)) => gauge.merge(other),
            (Self::Rate(rate), Self::Rate(other)) => {
                rate.trues += other.trues;
                rate.total += other.total;
            }
            (Self::Trend(trend), Self::Trend(other)) => trend.merge(other),
            _ => unreachable!("a metric's kind never changes"),
        }
    }

    /// Nothing came in.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        match self {
            Self::Counter(counter) => counter.count == 0,
            Self::Gauge(gauge) => gauge.unix_ns == 0,
            Self::Rate(rate) => rate.total == 0,
            Self::Trend(trend) => trend.count() == 0,
        }
    }

    /// Forgets everything and keeps its memory.
    pub fn clear(&mut self) {
        match self {
            Self::Counter(counter) => *counter = Counter::default(),
            Self::Gauge(gauge) => *gauge = Gauge::default(),
            Self::Rate(rate) => *rate = Rate::default(),
            Self::Trend(trend) => trend.clear(),
        }
    }
}

impl Gauge {
    fn merge(&mut self, other: &Self) {
        if other.unix_ns == 0 {
            return;
        }
        if self.unix_ns == 0 {
            *self = *other;
            return;
        }
        self.min = self.min.min(other.min);
        self.max = self.max.max(other.max);
        if other.unix_ns >= self.unix_ns {
            (self.value, self.unix_ns) = (other.value, other.unix_ns);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(sink: &Sink) -> String {
        match sink {
            Sink::Trend(trend) => format!("{} {} {:?}", trend.sum(), trend.avg(), trend.cumulative()),
            other => format!("{other:?}"),
        }
    }

    #[test]
    fn merging_is_recording_together() {
        for kind in [Kind::Counter, Kind::Gauge, Kind::Rate, Kind::Trend] {
            let (mut one, mut two, mut both) = (Sink::new(kind), Sink::new(kind), Sink::new(kind));
            for (place, value) in [3.0, 0.0, -2.5, 7.25].into_iter().enumerate() {
                let unix_ns = 10 + place as u64;
                if place < 2 { &mut one } else { &mut two }.record(value, unix_ns);
                both.record(value, unix_ns);
            }
            one.merge(&two);
            assert_eq!(shown(&one), shown(&both), "{kind:?}");
            one.clear();
            assert!(one.is_empty(), "{kind:?}");
        }
    }
}
