//! Where a value lies on an axis, and which values are written beside it.

use crate::output::number::{duration, plain};

/// About so many lines of the grid cross an axis.
const TICKS: f64 = 5.0;
/// Steps of seconds that a clock reader finds round; beyond them, whole multiples of the last.
const SECOND_STEPS: [f64; 16] = [
    1.0, 2.0, 5.0, 10.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0, 900.0, 1_800.0, 3_600.0, 7_200.0, 14_400.0,
    21_600.0,
];

/// What the numbers of an axis are.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Scale {
    /// From 0, in equal steps.
    Linear {
        /// At the far end.
        to: f64,
        /// Between two ticks.
        step: f64,
        /// In milliseconds, with their unit.
        time: bool,
    },
    /// From 0, in steps of a clock.
    Seconds {
        /// At the far end.
        to: f64,
        /// Between two ticks.
        step: f64,
    },
    /// Shares from 0 to 1, with as much room from 90 % to 99 % as from there to 99.9 %, as HDR plots have it.
    Percentile {
        /// Nines at the far end: 3 for 99.9 %.
        nines: f64,
    },
}

impl Scale {
    /// From 0 to the next round number from `max` on.
    pub(super) fn linear(max: f64, time: bool) -> Self {
        let max = if max.is_finite() && max > 0.0 { max } else { 1.0 };
        let rough = max / TICKS;
        let power = 10f64.powf(rough.log10().floor());
        let step = [1.0, 2.0, 5.0, 10.0]
            .into_iter()
            .map(|size| size * power)
            .find(|step| *step >= rough * 0.999)
            .unwrap_or(10.0 * power);
        Self::Linear {
            to: (max / step - 1e-9).ceil() * step,
            step,
            time,
        }
    }

    /// From 0 to `end` seconds.
    pub(super) fn seconds(end: f64) -> Self {
        let to = if end > 0.0 { end } else { 1.0 };
        let last = SECOND_STEPS[SECOND_STEPS.len() - 1];
        let step = SECOND_STEPS
            .into_iter()
            .find(|step| to / step <= TICKS * 2.0)
            .unwrap_or_else(|| (to / last / TICKS).ceil() * last);
        Self::Seconds { to, step }
    }

    /// Up to the greatest percentile that `count` values can tell.
    pub(super) fn percentile(count: f64) -> Self {
        Self::Percentile {
            nines: (2.0 * count).log10().max(2.0),
        }
    }

    /// From 0, the near end, to 1, the far one.
    pub(super) fn place(self, value: f64) -> f64 {
        let place = match self {
            Self::Linear { to, .. } | Self::Seconds { to, .. } => value / to,
            Self::Percentile { nines } => -(1.0 - value).max(1e-300).log10() / nines,
        };
        place.clamp(0.0, 1.0)
    }

    /// Values to mark, and what to write beside each.
    pub(super) fn ticks(self) -> Vec<(f64, String)> {
        match self {
            Self::Linear { to, step, time } => steps(to, step)
                .map(|value| (value, if time { duration(value, None) } else { plain(value) }))
                .collect(),
            Self::Seconds { to, step } => steps(to, step).map(|value| (value, clock(value))).collect(),
            Self::Percentile { nines } => [0.0, 0.5]
                .into_iter()
                .chain((1..=12).map(|nines| 1.0 - 10f64.powi(-nines)))
                .filter(|share| self.place(*share) < 1.0 || -(1.0 - share).log10() <= nines)
                .map(|share| (share, percentile_name(share)))
                .collect(),
        }
    }
}

/// 0, `step`, and so on up to `to`.
fn steps(to: f64, step: f64) -> impl Iterator<Item = f64> {
    (0..=1_000u32)
        .map(move |place| f64::from(place) * step)
        .take_while(move |value| *value <= to * (1.0 + 1e-9))
}

/// `p99.9`: as many digits as it takes.
pub(super) fn percentile_name(share: f64) -> String {
    let digits = format!("{:.10}", share * 100.0);
    format!("p{}", digits.trim_end_matches('0').trim_end_matches('.'))
}

/// Whole seconds as `h:mm:ss`, or less of it.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "seconds of a test are few, and not below 0"
)]
fn clock(seconds: f64) -> String {
    let all = seconds.round() as u64;
    let (hours, minutes, seconds) = (all / 3_600, all / 60 % 60, all % 60);
    if hours > 0 {
        format!("{hours}:{minutes:02}:{seconds:02}")
    } else {
        format!("{minutes}:{seconds:02}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(scale: Scale) -> Vec<String> {
        scale.ticks().into_iter().map(|(_, name)| name).collect()
    }

    #[test]
    fn ticks_are_round_numbers() {
        for (scale, ticks) in [
            (Scale::linear(9.3, false), vec!["0", "2", "4", "6", "8", "10"]),
            (
                Scale::linear(0.02, false),
                vec!["0", "0.005", "0.01", "0.015", "0.02"],
            ),
            (
                Scale::linear(1_000.0, true),
                vec!["0s", "200ms", "400ms", "600ms", "800ms", "1s"],
            ),
            (
                Scale::linear(f64::NAN, false),
                vec!["0", "0.2", "0.4", "0.6", "0.8", "1"],
            ),
            (
                Scale::seconds(31.0),
                vec!["0:00", "0:05", "0:10", "0:15", "0:20", "0:25", "0:30"],
            ),
            (
                Scale::seconds(7_200.0),
                vec![
                    "0:00", "15:00", "30:00", "45:00", "1:00:00", "1:15:00", "1:30:00", "1:45:00", "2:00:00",
                ],
            ),
            (Scale::percentile(600.0), vec!["p0", "p50", "p90", "p99", "p99.9"]),
            (Scale::percentile(0.0), vec!["p0", "p50", "p90", "p99"]),
        ] {
            assert_eq!(names(scale), ticks, "{scale:?}");
        }
    }

    #[test]
    fn a_long_test_has_few_ticks() {
        assert!(names(Scale::seconds(30.0 * 86_400.0)).len() <= 10);
    }

    #[test]
    fn each_nine_takes_the_same_room() {
        let scale = Scale::Percentile { nines: 4.0 };
        for (share, place) in [(0.0, 0.0), (0.9, 0.25), (0.99, 0.5), (0.999, 0.75), (1.0, 1.0)] {
            assert!((scale.place(share) - place).abs() < 1e-9, "{share}");
        }
    }
}
