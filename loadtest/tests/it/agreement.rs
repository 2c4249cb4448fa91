//! That every number of a summary is what one gets from the raw samples with pen and paper.

mod recount;

use std::io::Read;

use serde_json::Value;

use self::recount::{Samples, assert_same};
use crate::harness::{Run, Server, Test};

const SCRIPT: &str = include_str!("agreement/mixture.js");

#[test]
fn a_summary_is_what_the_raw_samples_say() {
    let server = Server::start();
    // A few thousand requests.
    let run = Test::new(SCRIPT)
        .against(&server)
        .flags("--threads 2 --out json=samples.json --out csv=samples.csv.gz")
        .run()
        .with_code(99);
    let samples = Samples::of(&run.file("samples.json"));
    assert_eq!(samples.points_of("http_reqs").count(), server.seen().len());
    assert_metrics(&run, &samples);
    assert_checks(&run, &samples);
    assert_same_samples(&run, &samples);
}

/// Every statistic and threshold of every metric, in all places that tell them.
fn assert_metrics(run: &Run, samples: &Samples) {
    let data: Value = serde_json::from_str(&run.file("data.json")).unwrap();
    let seconds = data["state"]["testRunDurationMs"].as_f64().unwrap() / 1e3;

    let named = run.stderr.trim_end().rsplit("were missed: ").next().unwrap();
    let named: Vec<&str> = named.split("; ").collect();
    let metrics = run.summary["metrics"].as_object().unwrap();
    assert!(metrics.len() > 30, "{:?}", metrics.keys());
    for (name, told) in metrics {
        let told = told.as_object().unwrap();
        let kind = data["metrics"][name]["type"].as_str().unwrap();
        assert!(samples.kind(name).is_none_or(|known| known == kind), "{name}");
        let counted = samples.summed_up(name, kind, seconds);
        for (statistic, value) in told.iter().filter(|(statistic, _)| *statistic != "thresholds") {
            let place = format!("{name} {statistic}");
            assert_same(&place, value.as_f64().unwrap(), counted.get(statistic));
            // The script is told the same, with another name for a rate's share.
            let own = if statistic == "value" && kind == "rate" {
                "rate"
            } else {
                statistic
            };
            assert_eq!(data["metrics"][name]["values"][own], *value, "{place}");
        }
        for (threshold, missed) in told
            .get("thresholds")
            .and_then(Value::as_object)
            .into_iter()
            .flatten()
        {
            let place = format!("{name} {threshold}");
            assert_eq!(missed.as_bool().unwrap(), !counted.meets(threshold), "{place}");
            assert_eq!(
                data["metrics"][name]["thresholds"][threshold]["ok"],
                !missed.as_bool().unwrap()
            );
            let named = named.contains(&format!("{name}: {threshold}").as_str());
            assert_eq!(named, missed.as_bool().unwrap(), "{place}: {}", run.stderr);
        }
    }
}

fn assert_checks(run: &Run, samples: &Samples) {
    let counted = samples.checks();
    assert_eq!(counted.len(), 5, "{counted:?}");
    for ((group, check), told) in &counted {
        let groups: Vec<&str> = group.split("::").skip(1).collect();
        assert_eq!(run.check(&groups, check), *told, "{group} {check}");
    }
    let (passes, fails) = counted
        .values()
        .fold((0, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1));
    assert_eq!(run.metric("checks", "passes"), Some(passes as f64));
    assert_eq!(run.metric("checks", "fails"), Some(fails as f64));
    assert!(passes > 1_000 && fails > 1_000, "{passes} {fails}");
}

/// Both raw outputs have them.
fn assert_same_samples(run: &Run, samples: &Samples) {
    let mut text = String::new();
    flate2::read::GzDecoder::new(run.bytes("samples.csv.gz").as_slice())
        .read_to_string(&mut text)
        .unwrap();
    let mut rows = csv::Reader::from_reader(text.as_bytes());
    let columns = rows.headers().unwrap().clone();
    let place = |name: &str| columns.iter().position(|column| column == name).unwrap();
    let (metric, value, url, extra) = (
        place("metric_name"),
        place("metric_value"),
        place("url"),
        place("extra_tags"),
    );
    let rows: Vec<csv::StringRecord> = rows.records().map(Result::unwrap).collect();
    assert_eq!(rows.len(), samples.points.len());
    for (row, point) in rows.iter().zip(&samples.points) {
        assert_eq!(row[metric], *point.metric);
        assert!((row[value].parse::<f64>().unwrap() - point.value).abs() <= 1e-6);
        assert_eq!(row[url], *point.tag("url"));
        assert_eq!(
            row[extra].contains("kind="),
            !point.tag("kind").is_empty(),
            "{row:?}"
        );
    }
}
