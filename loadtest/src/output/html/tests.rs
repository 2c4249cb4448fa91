use std::sync::Arc;
use std::time::Duration;

use super::*;
use crate::metrics::{Aggregate, Contains, Registry, TagSet, builtin};
use crate::output::fixture::{Fixture, counter, gauge, rate, trend};

/// A test of a minute, with a stall in its middle.
fn report() -> Report {
    let mut test = Fixture::new(Duration::from_secs(60));
    test.report.script = "<script>alert(1)</script>.js".to_owned();
    test.report.warnings = vec!["12 iterations were dropped & lost".to_owned()];
    test.check("", "status is 200", 5_990, 10);
    test.check("::read::cached", "has \"x-cache\"", 3_000, 0);
    test.metric("data_received", Contains::Data, counter(39_100_000.0));
    test.metric("data_sent", Contains::Data, counter(2_100_000.0));
    test.metric("dropped_iterations", Contains::Default, counter(12.0));
    let curve = |slowest: f64| -> Vec<(f64, usize)> {
        (0..600)
            .map(|place| {
                let rest = 1.0 - f64::from(place) / 600.0;
                (2.0 - rest.ln() * slowest / 8.0, 10)
            })
            .chain([(slowest * 1.5, 12)])
            .collect()
    };
    test.metric("http_req_duration", Contains::Time, trend(&curve(80.0)));
    test.threshold("p(95)<50", true, 31.2);
    for region in ["eu", "us", "ap"] {
        let slowest = if region == "eu" { 40.0 } else { 90.0 };
        test.part(&[("region", region)], trend(&curve(slowest)));
        test.threshold("p(95)<20", region == "eu", slowest / 3.0);
    }
    test.metric("http_req_failed", Contains::Default, rate(10, 6_012));
    test.metric("http_reqs", Contains::Default, counter(6_012.0));
    test.metric("iterations", Contains::Default, counter(6_000.0));
    test.metric("vus", Contains::Default, gauge(20.0, 1.0, 20.0));
    let registry = Arc::new(Registry::default());
    let tags = TagSet::new(Vec::new(), &registry);
    for second in 1..=60u32 {
        let mut delta = Aggregate::new(registry.clone(), false);
        let stall = (30..34).contains(&second);
        let requests = if stall { 20 } else { 100 + second % 7 };
        for place in 0..requests {
            let wave = f64::from(place % 20) + f64::from(second % 5);
            delta.record(builtin::HTTP_REQS, 1.0, 1, &tags);
            delta.record(builtin::ITERATIONS, 1.0, 1, &tags);
            let failed = f64::from(u8::from(stall && place < 5));
            delta.record(builtin::HTTP_REQ_FAILED, failed, 1, &tags);
            delta.record(
                builtin::HTTP_REQ_DURATION,
                if stall { 90.0 } else { 3.0 } + wave,
                1,
                &tags,
            );
        }
        test.report
            .timeline
            .push(f64::from(second), 1.0, &delta, second.min(20));
    }
    test.report
}

#[test]
fn a_page_needs_nothing_from_elsewhere() {
    let page = page(&report());
    for outside in ["http:", "https:", "src=", "href=", "@import", "url("] {
        assert!(!page.contains(outside), "{outside}");
    }
}

#[test]
fn nothing_of_the_test_becomes_markup() {
    let page = page(&report());
    assert!(!page.contains("<script>alert"), "the script's name");
    assert!(page.contains("<title>&lt;script&gt;alert(1)&lt;/script&gt;.js: load test</title>"));
    assert!(page.contains("dropped &amp; lost"));
    assert!(page.contains("has &quot;x-cache&quot;"));
}

#[test]
fn a_page_tells_verdict_figures_plots_and_tables() {
    let page = page(&report());
    for part in [
        "✗ 2 of 4 thresholds failed",
        "2023-11-14 22:13:20 UTC, 1m0s",
        "<dt>Requests</dt><dd>6012</dd><dd class=\"remark\">100/s</dd>",
        "<dt>Failed requests</dt><dd>0.16%</dd>",
        "<dt>p99</dt>",
        "<dt>Dropped iterations</dt><dd>12</dd>",
        "<h2>Latency over time</h2>",
        "<h2>Requests and iterations over time</h2>",
        "<h2>Virtual users over time</h2>",
        "<h2>Latency by percentile</h2>",
        "data-name=\"region:ap\"",
        "<td>read::cached</td>",
        "<code>http_req_duration{region:eu}</code>",
    ] {
        assert!(page.contains(part), "{part} is not in the page");
    }
}

#[test]
fn a_test_that_did_nothing_has_a_page_too() {
    let page = page(&Fixture::new(Duration::ZERO).report);
    assert!(
        page.contains("No thresholds") && !page.contains("<figure>"),
        "{page}"
    );
    assert!(!page.contains("NaN") && !page.contains("inf"), "{page}");
}

#[test]
fn no_drawing_has_a_place_that_is_no_number() {
    let page = page(&report());
    let plots = page.split("<figure>").skip(1);
    for plot in plots {
        let svg = plot.split("</svg><output").next().unwrap();
        assert!(!svg.contains("NaN") && !svg.contains("inf\""), "{svg}");
    }
}
