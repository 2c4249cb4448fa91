//! What can be measured, how each is shown, and whether less or more of it is better.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::side_by_side::median::median;

/// Something that is measured of a server. Names in the file end with the unit; the order is that of a table's columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Measure {
    /// The server's CPU time per request, in user and kernel mode.
    CpuUsPerRequest,
    /// The server's CPU time per miss: a request that it fetches from the origin and stores.
    CpuUsPerMiss,
    /// The server's CPU time per new connection.
    CpuUsPerConnection,
    /// Requests answered per second.
    RequestsPerSecond,
    /// Requests answered per second where a rate was offered.
    ReachedPerSecond,
    /// New connections per second.
    ConnectionsPerSecond,
    /// New connections per second of CPU time: what a core would do that the load never keeps waiting.
    ConnectionsPerCpuSecond,
    /// Median time of a request as the client saw it.
    P50Us,
    /// 99th percentile of it.
    P99Us,
    /// 99.9th percentile of it.
    #[serde(rename = "p99_9_us")]
    P999Us,
    /// Memory per idle connection.
    KibPerConnection,
    /// Memory per stored object beyond its body.
    OverheadBytesPerObject,
    /// Memory per stored object, its body included.
    BytesPerObject,
    /// Share of the objects that were still stored after all had been fetched.
    HeldShare,
    /// From a server's start to its first answer from the cache.
    FirstHitMs,
    /// Share of its core that the server used: far below 1, the load was the bottleneck.
    BusyShare,
    /// Lines of the access log per request: below 1, lines were dropped.
    LoggedShare,
    /// Requests that reached the origin all the same: of a cached hit there should be none.
    Misses,
    /// The memcached node's CPU time per request.
    NodeCpuUsPerRequest,
}

/// What one measurement says of a server.
pub(crate) type Sample = BTreeMap<Measure, f64>;

/// What is to be wished for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Better {
    /// As little as can be.
    Less,
    /// As much as can be.
    More,
    /// Neither: it tells whether the others can be trusted.
    Neither,
}

/// How a measure is shown.
struct Column {
    title: &'static str,
    /// What a value is multiplied by.
    factor: f64,
    decimals: usize,
    suffix: &'static str,
    better: Better,
}

const fn column(title: &'static str, factor: f64, decimals: usize, better: Better) -> Column {
    Column {
        title,
        factor,
        decimals,
        suffix: "",
        better,
    }
}

const fn share(title: &'static str) -> Column {
    Column {
        suffix: " %",
        ..column(title, 100.0, 0, Better::Neither)
    }
}

impl Measure {
    fn column(self) -> Column {
        use Better::{Less, More, Neither};
        match self {
            Self::CpuUsPerRequest => column("CPU µs/request", 1.0, 1, Less),
            Self::CpuUsPerMiss => column("CPU µs/miss", 1.0, 1, Less),
            Self::CpuUsPerConnection => column("CPU µs/connection", 1.0, 0, Less),
            Self::RequestsPerSecond => column("requests/s", 1.0, 0, More),
            Self::ReachedPerSecond => column("reached requests/s", 1.0, 0, Neither),
            Self::ConnectionsPerSecond => column("connections/s", 1.0, 0, More),
            Self::ConnectionsPerCpuSecond => column("connections/s of a full core", 1.0, 0, More),
            Self::P50Us => column("p50 ms", 1e-3, 2, Less),
            Self::P99Us => column("p99 ms", 1e-3, 2, Less),
            Self::P999Us => column("p99.9 ms", 1e-3, 2, Less),
            Self::KibPerConnection => column("KiB/connection", 1.0, 1, Less),
            Self::OverheadBytesPerObject => column("overhead bytes/object", 1.0, 0, Less),
            Self::BytesPerObject => column("bytes/object", 1.0, 0, Less),
            Self::HeldShare => share("held"),
            Self::FirstHitMs => column("first hit ms", 1.0, 0, Less),
            Self::BusyShare => share("busy"),
            Self::LoggedShare => share("logged"),
            Self::Misses => column("misses", 1.0, 0, Neither),
            Self::NodeCpuUsPerRequest => column("memcached µs/request", 1.0, 1, Less),
        }
    }

    /// Its name, with the unit.
    pub(crate) fn title(self) -> &'static str {
        self.column().title
    }

    /// What is to be wished for.
    pub(crate) fn better(self) -> Better {
        self.column().better
    }

    /// A value in the unit of the title.
    pub(crate) fn show(self, value: f64) -> String {
        let Column {
            factor,
            decimals,
            suffix,
            ..
        } = self.column();
        grouped(&format!("{:.decimals$}{suffix}", value * factor))
    }

    /// One value for several: the middle one, but of misses the most.
    fn sum_up(self, values: Vec<f64>) -> Option<f64> {
        match self {
            Self::Misses => values.into_iter().reduce(f64::max),
            _ => median(values),
        }
    }
}

/// A number with its thousands set apart: `20,000`.
pub(crate) fn grouped(number: &str) -> String {
    let whole = number.find(|c: char| c != '-' && !c.is_ascii_digit());
    let (whole, rest) = number.split_at(whole.unwrap_or(number.len()));
    let digits = whole.trim_start_matches('-').len();
    let mut text = String::new();
    for (place, digit) in whole.chars().rev().enumerate() {
        if place > 0 && place < digits && place % 3 == 0 {
            text.insert(0, ',');
        }
        text.insert(0, digit);
    }
    text + rest
}

/// One sample for several: each measure on its own, of the samples that have it.
pub(crate) fn sum_up(samples: &[Sample]) -> Sample {
    let mut values: BTreeMap<Measure, Vec<f64>> = BTreeMap::new();
    for (measure, value) in samples.iter().flatten() {
        values.entry(*measure).or_default().push(*value);
    }
    values
        .into_iter()
        .filter_map(|(measure, values)| Some((measure, measure.sum_up(values)?)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_measure_has_its_own_median_and_of_misses_the_most_count() {
        let sample = |cpu, rate, misses| {
            Sample::from([
                (Measure::CpuUsPerRequest, cpu),
                (Measure::RequestsPerSecond, rate),
                (Measure::Misses, misses),
            ])
        };
        let samples = [
            sample(1.0, 30.0, 0.0),
            sample(2.0, 10.0, 9.0),
            sample(3.0, 20.0, 0.0),
        ];
        assert_eq!(sum_up(&samples), sample(2.0, 20.0, 9.0));
        assert_eq!(sum_up(&[]), Sample::new());
    }

    #[test]
    fn a_measure_counts_where_it_was_taken() {
        let (with, without) = (Sample::from([(Measure::P99Us, 7.0)]), Sample::new());
        assert_eq!(sum_up(&[without, with.clone()]), with);
    }

    #[test]
    fn values_are_shown_in_the_unit_of_the_title() {
        let cases = [
            (Measure::CpuUsPerRequest, 5.06, "5.1"),
            (Measure::P999Us, 2_345.0, "2.35"),
            (Measure::BusyShare, 0.976, "98 %"),
            (Measure::RequestsPerSecond, 91_234.4, "91,234"),
        ];
        for (measure, value, shown) in cases {
            assert_eq!(measure.show(value), shown, "{measure:?}");
        }
    }

    #[test]
    fn thousands_are_set_apart() {
        let cases = [
            ("0", "0"),
            ("999", "999"),
            ("1000", "1,000"),
            ("-1000", "-1,000"),
            ("-100", "-100"),
            ("1000000", "1,000,000"),
            ("1234.5678", "1,234.5678"),
            ("98 %", "98 %"),
        ];
        for (number, expected) in cases {
            assert_eq!(grouped(number), expected);
        }
    }

    #[test]
    fn names_in_the_file_end_with_the_unit() {
        let sample = Sample::from([(Measure::CpuUsPerRequest, 5.0), (Measure::P999Us, 1.0)]);
        let text = serde_json::to_string(&sample).unwrap();
        assert_eq!(text, r#"{"cpu_us_per_request":5.0,"p99_9_us":1.0}"#);
        assert_eq!(serde_json::from_str::<Sample>(&text).unwrap(), sample);
    }
}
