//! The arithmetic of a summary, done again from raw samples, exactly and slowly.

use std::collections::{BTreeMap, HashMap};

use serde_json::Value;

/// How far a percentile may be from the exact one, as a part of it.
const PERCENTILE_ERROR: f64 = 2e-3;
/// What adding in another order may change in a sum, as a part of it.
const SUM_ERROR: f64 = 1e-9;

/// One `Point`.
pub(super) struct Point {
    pub(super) metric: String,
    pub(super) value: f64,
    time: String,
    tags: HashMap<String, String>,
}

impl Point {
    /// Empty if there is none.
    pub(super) fn tag(&self, name: &str) -> &str {
        self.tags.get(name).map_or("", String::as_str)
    }
}

/// A file of `--out json`.
pub(super) struct Samples {
    pub(super) points: Vec<Point>,
    kinds: HashMap<String, String>,
}

impl Samples {
    pub(super) fn of(text: &str) -> Self {
        let (mut points, mut kinds) = (Vec::new(), HashMap::new());
        for line in text.lines() {
            let line: Value = serde_json::from_str(line).unwrap();
            let (metric, data) = (line["metric"].as_str().unwrap().to_owned(), &line["data"]);
            if line["type"] == "Metric" {
                let kind = data["type"].as_str().unwrap().to_owned();
                assert_eq!(kinds.insert(metric, kind), None, "introduced twice");
                continue;
            }
            assert!(kinds.contains_key(&metric), "{metric} is not introduced");
            points.push(Point {
                metric,
                value: data["value"].as_f64().unwrap(),
                time: data["time"].as_str().unwrap().to_owned(),
                tags: serde_json::from_value(data["tags"].clone()).unwrap(),
            });
        }
        Self { points, kinds }
    }

    /// Of `name` or `name{tag:value}`; `None` if it has no sample.
    pub(super) fn kind(&self, name: &str) -> Option<&str> {
        let metric = name.split('{').next().unwrap();
        self.kinds.get(metric).map(String::as_str)
    }

    /// All points of `name` or `name{tag:value,tag:value}`.
    pub(super) fn points_of(&self, name: &str) -> impl Iterator<Item = &Point> {
        let (metric, tags) = name.trim_end_matches('}').split_once('{').unwrap_or((name, ""));
        let conditions = tags.split(',').filter_map(|pair| pair.split_once(':'));
        let conditions: Vec<(String, String)> = conditions
            .map(|(tag, value)| (tag.to_owned(), value.to_owned()))
            .collect();
        let metric = metric.to_owned();
        self.points.iter().filter(move |point| {
            point.metric == metric && conditions.iter().all(|(tag, value)| point.tag(tag) == *value)
        })
    }

    /// How often each check of each group held, and how often not.
    pub(super) fn checks(&self) -> BTreeMap<(String, String), (u64, u64)> {
        let mut counted = BTreeMap::new();
        for point in self.points_of("checks") {
            let key = (point.tag("group").to_owned(), point.tag("check").to_owned());
            let (passes, fails) = counted.entry(key).or_insert((0, 0));
            *if point.value == 1.0 { passes } else { fails } += 1;
        }
        counted
    }

    pub(super) fn summed_up(&self, name: &str, kind: &str, seconds: f64) -> Numbers {
        let points: Vec<&Point> = self.points_of(name).collect();
        let mut values: Vec<f64> = points.iter().map(|point| point.value).collect();
        values.sort_by(f64::total_cmp);
        let sum: f64 = values.iter().sum();
        let (count, trues) = (
            values.len() as f64,
            values.iter().filter(|value| **value != 0.0).count() as f64,
        );
        let (min, max) = (
            values.first().copied().unwrap_or_default(),
            values.last().copied().unwrap_or_default(),
        );
        let share = if count > 0.0 { trues / count } else { 0.0 };
        let error = if values.iter().all(|value| value.fract() == 0.0) {
            0.0
        } else {
            SUM_ERROR
        };
        let numbers = match kind {
            "counter" => vec![("count", sum, error), ("rate", sum / seconds, SUM_ERROR)],
            "gauge" => {
                let last = points.iter().max_by(|a, b| a.time.cmp(&b.time));
                let last = last.map_or(0.0, |point| point.value);
                vec![("value", last, 0.0), ("min", min, 0.0), ("max", max, 0.0)]
            }
            "rate" => vec![
                ("value", share, SUM_ERROR),
                ("rate", share, SUM_ERROR), // as a threshold calls it
                ("passes", trues, 0.0),
                ("fails", count - trues, 0.0),
            ],
            _ => vec![
                ("count", count, 0.0),
                ("avg", sum / count.max(1.0), SUM_ERROR),
                ("min", min, 0.0),
                ("max", max, 0.0),
            ],
        };
        let numbers = numbers.into_iter().map(|(name, value, error): (&str, f64, f64)| {
            let error = value.abs() * error;
            (name.to_owned(), Exact { value, error })
        });
        Numbers {
            numbers: numbers.collect(),
            sorted: if kind == "trend" { values } else { Vec::new() },
        }
    }
}

/// What one metric comes to.
pub(super) struct Numbers {
    numbers: HashMap<String, Exact>,
    sorted: Vec<f64>,
}

/// A number, and how far one that is as good may be from it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Exact {
    value: f64,
    error: f64,
}

impl Numbers {
    pub(super) fn get(&self, statistic: &str) -> Exact {
        if let Some(number) = self.numbers.get(statistic) {
            return *number;
        }
        let percent = match statistic {
            "med" => 50.0,
            other => other
                .strip_prefix("p(")
                .and_then(|rest| rest.strip_suffix(')'))
                .unwrap_or_else(|| panic!("what is {other}?"))
                .parse()
                .unwrap(),
        };
        self.percentile(percent)
    }

    /// Linear between the values at both sides of `percent / 100 × (n − 1)`.
    #[expect(clippy::cast_possible_truncation, reason = "ranks are small")]
    fn percentile(&self, percent: f64) -> Exact {
        let Some(last) = self.sorted.len().checked_sub(1) else {
            return Exact {
                value: 0.0,
                error: 0.0,
            };
        };
        let rank = percent / 100.0 * last as f64;
        let (below, above) = (
            self.sorted[rank.floor() as usize],
            self.sorted[rank.ceil() as usize],
        );
        Exact {
            value: below + (above - below) * rank.fract(),
            error: below.abs().max(above.abs()) * PERCENTILE_ERROR + 2e-6,
        }
    }

    /// Whether a threshold holds.
    pub(super) fn meets(&self, threshold: &str) -> bool {
        let at = threshold.find(['<', '>', '=', '!']).unwrap();
        let (statistic, rest) = threshold.split_at(at);
        let number = rest.trim_start_matches(['<', '>', '=', '!']);
        let (operator, bound) = (&rest[..rest.len() - number.len()], number.parse::<f64>().unwrap());
        let value = self.get(statistic).value;
        match operator {
            "<" => value < bound,
            "<=" => value <= bound,
            ">" => value > bound,
            ">=" => value >= bound,
            "==" | "===" => value == bound,
            "!=" => value != bound,
            other => panic!("what is {other}?"),
        }
    }
}

#[track_caller]
pub(super) fn assert_same(place: &str, told: f64, exact: Exact) {
    let error = (told - exact.value).abs();
    assert!(error <= exact.error, "{place}: {told}, but it is {exact:?}");
}
