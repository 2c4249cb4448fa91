use std::io::Read as _;
use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};

use super::*;
use crate::metrics::{Contains, Kind, Selector, TagSet, builtin};
use crate::threshold::{AggregateOf, Operator};

fn registry() -> Registry {
    let registry = Registry::default();
    registry.select(&region()).unwrap();
    registry
        .declare("cache_hit", Kind::Rate, Contains::Default)
        .unwrap();
    registry
}

fn region() -> Selector {
    Selector {
        metric: "http_req_duration".to_owned(),
        tags: vec![("region".to_owned(), "eu".to_owned())],
    }
}

fn threshold(selector: Selector, source: &str) -> Threshold {
    Threshold {
        selector,
        source: source.to_owned(),
        aggregate: AggregateOf::Avg,
        operator: Operator::Less,
        bound: 5.0,
        abort_on_fail: false,
        delay_abort_eval: Duration::ZERO,
    }
}

fn samples(registry: &Registry) -> Vec<Sample> {
    let tags = |pairs: &[(&str, &str)]| {
        let pairs = pairs
            .iter()
            .map(|(name, value)| ((*name).into(), (*value).into()));
        TagSet::new(pairs.collect(), registry)
    };
    let request = tags(&[
        ("status", "200"),
        ("region", "eu"),
        ("url", "http://a/?q=\"1,2\""),
        ("zone", "b"),
    ]);
    let sample = |metric, second: u64, value, tags: &crate::metrics::Tags| Sample {
        metric,
        unix_ns: 1_700_000_000_000_000_005 + second * 1_000_000_000,
        value,
        tags: tags.clone(),
    };
    let cache_hit = registry.find("cache_hit").unwrap().id;
    vec![
        sample(builtin::HTTP_REQ_DURATION, 0, 12.345_678_9, &request),
        sample(builtin::HTTP_REQ_DURATION, 1, 2.0, &request),
        sample(cache_hit, 1, f64::NAN, &tags(&[])),
    ]
}

/// What an output writes, in two portions.
fn written(path: &Path, output: impl Output + 'static) -> String {
    let registry = registry();
    let all = Selector {
        tags: Vec::new(),
        ..region()
    };
    let thresholds = [threshold(all, "avg<5"), threshold(region(), "avg<9")];
    let samples = samples(&registry);
    let mut output = Box::new(output);
    output.write(&samples[..1], &registry, &thresholds).unwrap();
    output.write(&samples[1..], &registry, &thresholds).unwrap();
    output.finish().unwrap();
    let bytes = std::fs::read(path).unwrap();
    let mut text = String::new();
    if path.extension().is_some_and(|ending| ending == "gz") {
        flate2::read::GzDecoder::new(bytes.as_slice())
            .read_to_string(&mut text)
            .unwrap();
    } else {
        text = String::from_utf8(bytes).unwrap();
    }
    text
}

#[test]
fn json_introduces_a_metric_before_its_first_point() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("samples.json");
    let text = written(&path, JsonOutput::create(&path).unwrap());
    let lines: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let tags = json!({"region": "eu", "status": "200", "url": "http://a/?q=\"1,2\"", "zone": "b"});
    let point = |metric: &str, time: &str, value: Value, tags: &Value| json!({"type": "Point", "metric": metric, "data": {"time": time, "value": value, "tags": tags}});
    let part = json!(
        {"name": "http_req_duration{region:eu}", "suffix": "region:eu", "tags": {"region": "eu"}}
    );
    assert_eq!(
        lines,
        [
            json!({"type": "Metric", "metric": "http_req_duration", "data": {
                "name": "http_req_duration", "type": "trend", "contains": "time",
                "thresholds": ["avg<5"], "submetrics": [part],
            }}),
            point(
                "http_req_duration",
                "2023-11-14T22:13:20.000000005Z",
                json!(12.345_678_9),
                &tags
            ),
            point(
                "http_req_duration",
                "2023-11-14T22:13:21.000000005Z",
                json!(2),
                &tags
            ),
            json!({"type": "Metric", "metric": "cache_hit", "data": {
                "name": "cache_hit", "type": "rate", "contains": "default",
                "thresholds": [], "submetrics": null,
            }}),
            point(
                "cache_hit",
                "2023-11-14T22:13:21.000000005Z",
                Value::Null,
                &json!({})
            ),
        ]
    );
}

#[test]
fn json_keeps_the_order_of_keys_that_line_based_tools_look_for() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("samples.json");
    let text = written(&path, JsonOutput::create(&path).unwrap());
    let line = r#"{"type":"Point","metric":"http_req_duration","data":{"time":"2023-11-14T22:13:21.000000005Z","value":2,"tags":{"region":"eu","status":"200","url":"http://a/?q=\"1,2\"","zone":"b"}}}"#;
    assert_eq!(text.lines().nth(2), Some(line));
}

const CSV: &str = r#"metric_name,timestamp,metric_value,check,error,error_code,expected_response,group,method,name,proto,scenario,service,status,subproto,tls_version,url,extra_tags,metadata
http_req_duration,1700000000,12.345679,,,,,,,,,,,200,,,"http://a/?q=""1,2""",region=eu&zone=b,
http_req_duration,1700000001,2.000000,,,,,,,,,,,200,,,"http://a/?q=""1,2""",region=eu&zone=b,
cache_hit,1700000001,NaN,,,,,,,,,,,,,,,,
"#;

#[test]
fn csv_has_a_column_for_each_tag_of_k6_and_one_for_all_others() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("samples.csv");
    assert_eq!(written(&path, CsvOutput::create(&path).unwrap()), CSV);
}

#[test]
fn a_name_that_ends_with_gz_is_compressed() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("samples.csv.gz");
    assert_eq!(written(&path, CsvOutput::create(&path).unwrap()), CSV);
    assert_eq!(std::fs::read(&path).unwrap()[..2], [0x1f, 0x8b]);
}

#[test]
fn what_is_written_can_be_read_while_the_test_runs() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("samples.json");
    let registry = registry();
    let mut output = JsonOutput::create(&path).unwrap();
    output.write(&samples(&registry), &registry, &[]).unwrap();
    assert_eq!(std::fs::read_to_string(&path).unwrap().lines().count(), 5);
}

#[test]
fn a_file_that_cannot_be_created_is_named() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("missing/samples.csv");
    let error = CsvOutput::create(&path).err().unwrap();
    assert!(error.to_string().contains("missing/samples.csv: "), "{error}");
}
