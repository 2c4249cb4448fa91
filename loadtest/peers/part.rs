//! What was measured of all servers at one thing, and how Proxima compares.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::figure::Figure;
use crate::measure::{Better, Measure, Sample, sum_up};
use crate::peer::Peer;

/// What came of measuring a server once.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Outcome {
    /// What could be measured.
    pub(crate) sample: Sample,
    /// Why it must not be compared with others, if so.
    pub(crate) fault: Option<String>,
}

/// All servers at one thing: a table, and a chart.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Part {
    /// What it is a part of.
    pub(crate) figure: Figure,
    /// Its name among all parts: `hits-l1-https`.
    pub(crate) id: String,
    /// What was done: `L1 hit, HTTP/1.1 over TLS`.
    pub(crate) title: String,
    /// How: `64 connections (wrk)`.
    pub(crate) method: String,
    /// A server each.
    pub(crate) rows: Vec<Row>,
    /// Proxima's medians divided by others'.
    pub(crate) ratios: BTreeMap<Measure, Ratios>,
}

/// What a part is called.
#[derive(Debug, Clone)]
pub(crate) struct Heading {
    /// What it is a part of.
    pub(crate) figure: Figure,
    /// Its name among the parts of the figure; empty where there is one only.
    pub(crate) variant: String,
    /// What is done.
    pub(crate) title: String,
    /// How.
    pub(crate) method: String,
}

/// What was measured of one server.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Row {
    /// Which.
    pub(crate) peer: Peer,
    /// Of all rounds.
    pub(crate) median: Sample,
    /// One after another.
    pub(crate) rounds: Vec<Sample>,
    /// Why it is not compared with the others: it did not do what was asked of it.
    pub(crate) fault: Option<String>,
}

/// Proxima's median divided by those of others.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Ratios {
    /// By nginx's.
    pub(crate) to_nginx: Option<f64>,
    /// By the best of the others.
    pub(crate) to_best: Option<f64>,
    /// Whose that is.
    pub(crate) best: Option<Peer>,
}

impl From<Sample> for Outcome {
    fn from(sample: Sample) -> Self {
        Self { sample, fault: None }
    }
}

impl fmt::Display for Outcome {
    /// The first measure, which is what it is about, and the fault.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let first = self.sample.iter().next();
        let first = first.map(|(measure, value)| format!("{} {}", measure.show(*value), measure.title()));
        let fault = self.fault.as_ref().map(|fault| format!("NOT COMPARED: {fault}"));
        let told: Vec<_> = first.into_iter().chain(fault).collect();
        f.write_str(&told.join(", "))
    }
}

impl Row {
    /// Sums up. The first fault counts for all.
    pub(crate) fn new(peer: Peer, outcomes: Vec<Outcome>) -> Self {
        let fault = outcomes.iter().find_map(|outcome| outcome.fault.clone());
        let rounds: Vec<_> = outcomes.into_iter().map(|outcome| outcome.sample).collect();
        Self {
            peer,
            median: sum_up(&rounds),
            rounds,
            fault,
        }
    }

    /// Its median, unless it is not to be compared.
    fn comparable(&self, measure: Measure) -> Option<f64> {
        let value = self.median.get(&measure).copied();
        value.filter(|_| self.fault.is_none())
    }
}

impl Part {
    /// Compares.
    pub(crate) fn new(heading: Heading, rows: Vec<Row>) -> Self {
        let Heading {
            figure,
            variant,
            title,
            method,
        } = heading;
        let id = match variant.as_str() {
            "" => figure.as_str().to_owned(),
            variant => format!("{figure}-{variant}"),
        };
        let mut part = Self {
            figure,
            id,
            title,
            method,
            rows,
            ratios: BTreeMap::new(),
        };
        let measures = part.measures().into_iter();
        part.ratios = measures
            .filter_map(|measure| Some((measure, part.ratios_of(measure)?)))
            .collect();
        part
    }

    /// What was measured of any of its servers.
    pub(crate) fn measures(&self) -> Vec<Measure> {
        let all = self.rows.iter().flat_map(|row| row.median.keys().copied());
        let mut measures: Vec<_> = all.collect();
        measures.sort_unstable();
        measures.dedup();
        measures
    }

    fn ratios_of(&self, measure: Measure) -> Option<Ratios> {
        let of = |peer| {
            let row = self.rows.iter().find(|row| row.peer == peer)?;
            row.comparable(measure)
        };
        let own = of(Peer::Proxima)?;
        let others = self.rows.iter().filter(|row| row.peer != Peer::Proxima);
        let others = others.filter_map(|row| Some((row.peer, row.comparable(measure)?)));
        let best = match measure.better() {
            Better::Less => others.min_by(|one, other| one.1.total_cmp(&other.1)),
            Better::More => others.max_by(|one, other| one.1.total_cmp(&other.1)),
            Better::Neither => return None,
        };
        best.map(|(peer, value)| Ratios {
            to_nginx: of(Peer::Nginx).map(|nginx| own / nginx),
            to_best: Some(own / value),
            best: Some(peer),
        })
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// Proxima at 5 µs and two others; each has a second round that costs 1 µs more and one that costs 1 µs less.
    pub(crate) fn example() -> Part {
        let row = |peer, cpu: f64, rate: f64| {
            let sample = |cpu| {
                Sample::from([
                    (Measure::CpuUsPerRequest, cpu),
                    (Measure::RequestsPerSecond, rate),
                    (Measure::BusyShare, 0.98),
                ])
            };
            let outcome = |cpu| Outcome {
                sample: sample(cpu),
                fault: None,
            };
            Row::new(peer, vec![outcome(cpu), outcome(cpu + 1.0), outcome(cpu - 1.0)])
        };
        let heading = Heading {
            figure: Figure::Hits,
            variant: "l1-http".to_owned(),
            title: "L1 hit, HTTP/1.1".to_owned(),
            method: "64 connections (wrk)".to_owned(),
        };
        Part::new(
            heading,
            vec![
                row(Peer::Nginx, 10.0, 90_000.0),
                row(Peer::Haproxy, 8.0, 80_000.0),
                row(Peer::Proxima, 5.0, 135_000.0),
            ],
        )
    }

    /// The same of other rows.
    pub(crate) fn with_rows(part: Part, rows: Vec<Row>) -> Part {
        let heading = Heading {
            figure: part.figure,
            variant: "l1-http".to_owned(),
            title: part.title,
            method: part.method,
        };
        Part::new(heading, rows)
    }

    /// With that server marked as one that did not do what was asked of it.
    pub(crate) fn with_fault(mut part: Part, peer: Peer) -> Part {
        let mut rows = std::mem::take(&mut part.rows);
        for row in rows.iter_mut().filter(|row| row.peer == peer) {
            row.fault = Some("answered only 3 of 4 requests".to_owned());
        }
        with_rows(part, rows)
    }

    #[test]
    fn each_measure_has_its_own_best() {
        let ratios = example().ratios;
        let expected = |to_nginx, to_best, best| Ratios {
            to_nginx: Some(to_nginx),
            to_best: Some(to_best),
            best: Some(best),
        };
        assert_eq!(ratios.len(), 2, "a share of a core is neither good nor bad");
        assert_eq!(
            ratios[&Measure::CpuUsPerRequest],
            expected(0.5, 0.625, Peer::Haproxy)
        );
        assert_eq!(
            ratios[&Measure::RequestsPerSecond],
            expected(1.5, 1.5, Peer::Nginx)
        );
    }

    #[test]
    fn who_did_not_do_what_was_asked_is_not_compared_with() {
        let part = with_fault(example(), Peer::Haproxy);
        assert_eq!(
            part.ratios[&Measure::CpuUsPerRequest].best,
            Some(Peer::Nginx),
            "haproxy cost less, but was at fault"
        );
        assert!(with_fault(example(), Peer::Proxima).ratios.is_empty());
    }

    #[test]
    fn a_fault_in_one_round_counts_for_all() {
        let fault = Some("late".to_owned());
        let outcomes = vec![
            Outcome::default(),
            Outcome {
                fault: fault.clone(),
                ..Outcome::default()
            },
        ];
        assert_eq!(Row::new(Peer::Squid, outcomes).fault, fault);
    }

    #[test]
    fn ids_name_figure_and_variant() {
        assert_eq!(example().id, "hits-l1-http");
        let heading = Heading {
            figure: Figure::Start,
            variant: String::new(),
            title: String::new(),
            method: String::new(),
        };
        let plain = Part::new(heading, Vec::new());
        assert_eq!(plain.id, "start");
    }
}
