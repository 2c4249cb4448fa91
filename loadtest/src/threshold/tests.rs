use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::metrics::{Contains, Kind, Registry, Sink};

fn threshold(source: &str) -> Threshold {
    Threshold::parse("http_req_duration", source).unwrap()
}

#[test]
fn conditions_are_read() {
    use AggregateOf as A;
    use Operator as O;
    for (source, aggregate, operator, bound) in [
        ("p(95)<200", A::Percentile(95.0), O::Less, 200.0),
        ("p(99.9) <= 1.5", A::Percentile(99.9), O::LessOrEqual, 1.5),
        (" p( 0 )  >  -3 ", A::Percentile(0.0), O::Greater, -3.0),
        ("count==0", A::Count, O::Equal, 0.0),
        ("rate===1", A::Rate, O::Equal, 1.0),
        ("rate != .5", A::Rate, O::NotEqual, 0.5),
        ("value>=1e3", A::Value, O::GreaterOrEqual, 1_000.0),
        ("avg<1E-3", A::Avg, O::Less, 0.001),
        ("min>0", A::Min, O::Greater, 0.0),
        ("max<+5", A::Max, O::Less, 5.0),
        ("med<5.", A::Med, O::Less, 5.0),
    ] {
        let read = threshold(source);
        assert_eq!(
            (read.aggregate, read.operator, read.bound),
            (aggregate, operator, bound),
            "{source}"
        );
        assert_eq!(read.source, source);
        assert!(!read.abort_on_fail && read.delay_abort_eval.is_zero());
    }
}

#[test]
fn what_is_no_condition_points_to_the_place() {
    for (source, column, expected) in [
        ("", 1, "an aggregate"),
        ("p95<200", 1, "an aggregate"),
        ("counts>1", 1, "an aggregate"),
        ("p(95<200", 5, "a closing parenthesis"),
        ("p(101)<1", 3, "a percentile from 0 to 100"),
        ("p()<1", 3, "a number"),
        ("rate", 5, "an operator"),
        ("rate=1", 5, "an operator"),
        ("rate => 1", 6, "an operator"),
        ("rate>", 6, "a number"),
        ("rate>x", 6, "a number"),
        ("rate>inf", 6, "a number"),
        ("rate>1e999", 6, "a number"),
        ("rate>99%", 8, "nothing more"),
        ("rate>1 && rate<2", 8, "nothing more"),
        ("p(95)<200ms", 10, "nothing more"),
        ("\u{a0}\u{a0}é", 3, "an aggregate"),
    ] {
        let error = Threshold::parse("checks", source).unwrap_err();
        let told = error.to_string();
        assert!(told.contains(&format!("expected {expected}")), "{told}");
        assert!(told.contains(&format!("at column {column};")), "{told}");
        assert!(told.contains("p(95)<200"), "an example is missing: {told}");
    }
    let error = Threshold::parse("checks{a", "rate>1").unwrap_err();
    assert!(error.to_string().contains("closing brace"), "{error}");
}

fn sink(kind: Kind, values: &[f64]) -> Sink {
    let mut sink = Sink::new(kind);
    for value in values {
        sink.record(*value, 1);
    }
    sink
}

#[test]
fn conditions_are_judged_by_their_number() {
    let trend = sink(Kind::Trend, &[1.0, 2.0, 3.0, 10.0]);
    let counter = sink(Kind::Counter, &[2.0, 3.0]);
    let gauge = sink(Kind::Gauge, &[7.0, 4.0]);
    let rate = sink(Kind::Rate, &[1.0, 0.0, 1.0, 1.0]);
    for (source, sink, holds, value) in [
        ("avg==4", &trend, true, 4.0),
        ("min<1", &trend, false, 1.0),
        ("min<=1", &trend, true, 1.0),
        ("max>=10", &trend, true, 10.0),
        ("max>10", &trend, false, 10.0),
        ("count!=4", &trend, false, 4.0),
        ("p(100)===10", &trend, true, 10.0),
        ("count==5", &counter, true, 5.0),
        ("rate==2.5", &counter, true, 2.5),
        ("value==4", &gauge, true, 4.0),
        ("rate>=0.75", &rate, true, 0.75),
        ("rate==0.7500001", &rate, false, 0.75),
    ] {
        assert_eq!(
            threshold(source).judge(Some(sink), Duration::from_secs(2)),
            (holds, value),
            "{source}"
        );
    }
    let (holds, median) = threshold("med<2.6").judge(Some(&trend), Duration::ZERO);
    assert!(holds && (median - 2.5).abs() < 0.01, "{median}");
}

#[test]
fn without_samples_zero_is_compared() {
    for (source, holds) in [
        ("p(95)<200", true),
        ("avg>0", false),
        ("count==0", true),
        ("count>0", false),
        ("rate<0.01", true),
        ("rate==1", false),
        ("value!=0", false),
    ] {
        assert_eq!(
            threshold(source).judge(None, Duration::from_secs(1)),
            (holds, 0.0),
            "{source}"
        );
    }
    for kind in [Kind::Counter, Kind::Rate] {
        let empty = sink(kind, &[]);
        assert_eq!(
            threshold("rate<1").judge(Some(&empty), Duration::ZERO),
            (true, 0.0),
            "{kind:?}"
        );
    }
}

#[test]
fn a_condition_fits_its_metric() {
    let registry = Registry::default();
    registry.declare("hits", Kind::Rate, Contains::Default).unwrap();
    for (metric, source, wanted) in [
        ("http_req_duration", "p(95)<1", None),
        ("http_req_duration{a:b}", "count>1", None),
        (
            "http_req_duration",
            "rate<1",
            Some("a trend has no such aggregate; it has count, avg, min, max, med, p(N)"),
        ),
        ("http_req_duration", "value<1", Some("a trend has no")),
        ("http_reqs", "count>1", None),
        ("http_reqs", "rate>1", None),
        (
            "http_reqs",
            "p(95)>1",
            Some("a counter has no such aggregate; it has count, rate"),
        ),
        ("hits{a:b}", "rate>1", None),
        (
            "hits",
            "count>1",
            Some("a rate has no such aggregate; it has rate"),
        ),
        ("vus", "value>1", None),
        (
            "vus",
            "max>1",
            Some("a gauge has no such aggregate; it has value"),
        ),
        (
            "http_req_durations",
            "max>1",
            Some("did you mean \"http_req_duration\"?"),
        ),
        (
            "misses{a:b}",
            "rate>1",
            Some("on misses{a:b}: there is no metric \"misses\""),
        ),
    ] {
        let told = check_kinds(&[Threshold::parse(metric, source).unwrap()], &registry);
        match (told, wanted) {
            (Ok(()), None) => {}
            (Err(errors), Some(wanted)) => {
                let [error] = &errors[..] else {
                    panic!("{errors:?}")
                };
                assert!(error.to_string().contains(wanted), "{error}");
            }
            (told, wanted) => panic!("{metric} {source}: {told:?}, not {wanted:?}"),
        }
    }
}

#[test]
fn all_conditions_that_do_not_fit_are_told() {
    let parse = |metric, source| Threshold::parse(metric, source).unwrap();
    let thresholds = [
        parse("vus", "count>1"),
        parse("checks", "rate>1"),
        parse("nothing", "rate>1"),
    ];
    assert_eq!(
        check_kinds(&thresholds, &Registry::default()).unwrap_err().len(),
        2
    );
}

proptest! {
    #[test]
    fn reading_never_panics(selector in "\\PC{0,20}", source in "\\PC{0,20}") {
        _ = Threshold::parse(&selector, &source);
        _ = Threshold::parse("checks", &source);
    }

    #[test]
    fn every_written_bound_is_read_exactly(bound in proptest::num::f64::NORMAL | proptest::num::f64::ZERO) {
        prop_assert_eq!(threshold(&format!("avg < {bound:e}")).bound, bound);
        prop_assert_eq!(threshold(&format!("avg<{bound}")).bound, bound);
    }
}
