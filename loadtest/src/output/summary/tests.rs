use std::time::Duration;

use super::*;
use crate::metrics::{Contains, Sink};
use crate::options::Executor;
use crate::output::fixture::{Fixture, counter, gauge, rate, scenario, trend};

const PLAIN: Style = Style { color: false };

/// The latencies of the sample: avg 4.21, min 0.312, med 2.9, max 88.12, p(90) 9.01 and p(95) 12.33 milliseconds.
fn latencies() -> Sink {
    let most = [
        (0.312_445, 1),
        (2.905, 19),
        (5.0, 780),
        (9.015, 21),
        (10.0, 79),
        (12.335, 21),
        (13.0, 88),
        (88.125, 1),
    ];
    let sum: f64 = most.iter().map(|(value, times)| value * *times as f64).sum();
    let rest = (4.215 * 2_000.0 - sum) / 990.0;
    trend(&[most.as_slice(), &[(rest, 990)]].concat())
}

fn sample() -> Fixture {
    let mut test = Fixture::new(Duration::from_secs_f64(2_000.0 / 199.061_7));
    test.check("", "status is 200", 2_000, 0);
    test.check("::read", "has x-cache", 1_999, 1);
    test.metric("checks", Contains::Default, rate(3_999, 4_000));
    test.metric("vus", Contains::Default, gauge(3.0, 1.0, 12.0));
    test.metric("vus_max", Contains::Default, gauge(20.0, 20.0, 20.0));
    test.metric("iterations", Contains::Default, counter(2_000.0));
    test.metric("iteration_duration", Contains::Time, trend(&[(5.09, 2_000)]));
    test.metric("http_reqs", Contains::Default, counter(2_000.0));
    test.metric("http_req_failed", Contains::Default, rate(0, 2_000));
    test.metric("http_req_waiting", Contains::Time, trend(&[(1.0, 2_000)]));
    test.metric("http_req_duration", Contains::Time, latencies());
    test.threshold("p(95)<50", true, 12.335);
    test.part(&[("expected_response", "true")], latencies());
    test.part(&[("region", "eu")], trend(&[(3.1, 1_000)]));
    test.threshold("p(95)<5", false, 9.8);
    test.part(&[("region", "nowhere")], trend(&[]));
    test.metric("data_sent", Contains::Data, counter(210_000.0));
    test.metric("data_received", Contains::Data, counter(3_910_000.0));
    test.metric("cache_hit", Contains::Default, rate(1_900, 2_000));
    test
}

const SAMPLE: &str = "
  █ THRESHOLDS 

    http_req_duration
    ✓ 'p(95)<50' p(95)=12.33ms

      {region:eu}
      ✗ 'p(95)<5' p(95)=9.8ms


  █ TOTAL RESULTS 

    checks_total.......: 4000   398.1234/s
    checks_succeeded...: 99.97% 3999 out of 4000
    checks_failed......: 0.02%  1 out of 4000

    ✓ status is 200
    ✗ has x-cache
      ↳  99% — ✓ 1999 / ✗ 1

    CUSTOM
    cache_hit......................: 95.00% 1900 out of 2000

    HTTP
    http_req_duration..............: avg=4.21ms min=312.44µs med=2.9ms  max=88.12ms p(90)=9.01ms p(95)=12.33ms
      { expected_response:true }...: avg=4.21ms min=312.44µs med=2.9ms  max=88.12ms p(90)=9.01ms p(95)=12.33ms
      { region:eu }................: avg=3.1ms  min=3.1ms    med=3.1ms  max=3.1ms   p(90)=3.1ms  p(95)=3.1ms  
    http_req_failed................: 0.00%  0 out of 2000
    http_reqs......................: 2000   199.0617/s

    EXECUTION
    iteration_duration.............: avg=5.09ms min=5.09ms   med=5.09ms max=5.09ms  p(90)=5.09ms p(95)=5.09ms 
    iterations.....................: 2000   199.0617/s
    vus............................: 3      min=1            max=12
    vus_max........................: 20     min=20           max=20

    NETWORK
    data_received..................: 3.9 MB 389 kB/s
    data_sent......................: 210 kB 21 kB/s

";

#[test]
fn the_compact_summary_is_laid_out_as_k6_does() {
    assert_eq!(text(&sample().report, PLAIN), SAMPLE);
}

#[test]
fn a_test_without_thresholds_and_checks_shows_neither() {
    let mut test = Fixture::new(Duration::from_secs(2));
    test.metric("iterations", Contains::Default, counter(3.0));
    assert_eq!(
        text(&test.report, PLAIN),
        "
  █ TOTAL RESULTS 

    EXECUTION
    iterations...: 3 1.5/s

"
    );
}

#[test]
fn what_arrival_rates_owe_the_truth_stands_among_the_execution_and_warnings_stand_last() {
    let mut test = Fixture::new(Duration::from_secs(10));
    for name in ["iteration_start_delay", "iteration_latency", "iteration_duration"] {
        test.metric(name, Contains::Time, trend(&[(1.0, 1)]));
    }
    test.metric("dropped_iterations", Contains::Default, counter(5.0));
    test.option(|options| options.summary_trend_stats = vec![TrendStat::Max, TrendStat::Count]);
    test.report.warnings = vec!["5 iterations were dropped".to_owned()];
    assert_eq!(
        text(&test.report, PLAIN),
        "
  █ TOTAL RESULTS 

    EXECUTION
    dropped_iterations......: 5 0.5/s
    iteration_duration......: max=1ms count=1
    iteration_latency.......: max=1ms count=1
    iteration_start_delay...: max=1ms count=1

  ! 5 iterations were dropped

"
    );
}

#[test]
fn a_time_unit_is_that_of_all_times() {
    let mut test = Fixture::new(Duration::from_secs(1));
    test.metric("http_req_duration", Contains::Time, trend(&[(1_234.5, 1)]));
    test.threshold("max<1000", false, 1_234.5);
    test.metric("tries", Contains::Default, trend(&[(2.0, 1), (3.5, 1)]));
    test.option(|options| {
        options.summary_trend_stats = vec![TrendStat::Max];
        options.summary_time_unit = Some(TimeUnit::Seconds);
    });
    assert_eq!(
        text(&test.report, PLAIN),
        "
  █ THRESHOLDS 

    http_req_duration
    ✗ 'max<1000' max=1.23s


  █ TOTAL RESULTS 

    CUSTOM
    tries...............: max=3.5  

    HTTP
    http_req_duration...: max=1.23s

"
    );
}

#[test]
fn a_threshold_shows_its_value_in_the_unit_of_what_it_compares() {
    let mut test = Fixture::new(Duration::from_secs(1));
    test.metric("checks", Contains::Default, rate(29, 100));
    test.threshold("rate == 1", false, 0.29);
    test.metric("data_sent", Contains::Data, counter(1_500.0));
    test.threshold("count>=1000", true, 1_500.0);
    test.threshold("rate<10", false, 1_500.0);
    test.metric("vus", Contains::Default, gauge(2.0, 1.0, 2.0));
    test.threshold("value!=0", true, 2.0);
    test.metric("http_req_duration", Contains::Time, trend(&[]));
    test.part(&[("a", "b"), ("c", "d")], trend(&[]));
    test.threshold("count>0", false, 0.0);
    let text = text(&test.report, PLAIN);
    for line in [
        "    ✗ 'rate == 1' rate=29.00%",
        "    ✓ 'count>=1000' count=1.5 kB",
        "    ✗ 'rate<10' rate=1.5 kB/s",
        "    ✓ 'value!=0' value=2",
        "      {a:b,c:d}",
        "      ✗ 'count>0' count=0",
        "      { a:b,c:d }.......: avg=0s min=0s med=0s max=0s p(90)=0s p(95)=0s",
    ] {
        assert!(text.lines().any(|is| is == line), "{line} is not in {text}");
    }
}

fn grouped() -> Fixture {
    let mut test = Fixture::new(Duration::from_secs(10));
    test.option(|options| {
        options.summary_mode = SummaryMode::Full;
        options.summary_trend_stats = vec![TrendStat::Max];
        options.scenarios = ["left", "idle"]
            .map(|name| {
                scenario(
                    name,
                    Executor::ConstantVus {
                        vus: 1,
                        duration: Duration::from_secs(10),
                    },
                )
            })
            .into();
    });
    test.check("::shop", "is open", 9, 1);
    test.check("::shop::till", "is quick", 10, 0);
    test.metric("checks", Contains::Default, rate(19, 20));
    test.part(&[("scenario", "left")], rate(19, 20));
    test.metric("group_duration", Contains::Time, trend(&[(3.0, 20)]));
    test.metric("http_req_waiting", Contains::Time, trend(&[(2.0, 20)]));
    test.part(&[("scenario", "left")], trend(&[(2.0, 20)]));
    test.part(&[("group", "::shop::till")], trend(&[(1.0, 10)]));
    test.metric("http_reqs", Contains::Default, counter(20.0));
    test.part(&[("group", "::shop")], counter(10.0));
    test
}

#[test]
fn the_full_summary_has_a_section_for_each_group_and_each_scenario_that_did_something() {
    assert_eq!(
        text(&grouped().report, PLAIN),
        "
  █ TOTAL RESULTS 

    checks_total.......: 20     2/s
    checks_succeeded...: 95.00% 19 out of 20
    checks_failed......: 5.00%  1 out of 20

    ✗ is open
      ↳  90% — ✓ 9 / ✗ 1
    ✓ is quick

    HTTP
    http_req_waiting.....: max=2ms
    http_reqs............: 20 2/s

    EXECUTION
    group_duration.......: max=3ms


  █ GROUP: shop 

    checks_total.......: 10     1/s
    checks_succeeded...: 90.00% 9 out of 10
    checks_failed......: 10.00% 1 out of 10

    ✗ is open
      ↳  90% — ✓ 9 / ✗ 1

    HTTP
    http_reqs............: 10 1/s

    ↳ GROUP: till 

      checks_total.......: 10      1/s
      checks_succeeded...: 100.00% 10 out of 10
      checks_failed......: 0.00%   0 out of 10

      ✓ is quick

      HTTP
      http_req_waiting...: max=1ms


  █ SCENARIO: left 

    checks_total.......: 20     2/s
    checks_succeeded...: 95.00% 19 out of 20
    checks_failed......: 5.00%  1 out of 20

    HTTP
    http_req_waiting.....: max=2ms

"
    );
}

#[test]
fn a_disabled_summary_is_empty() {
    let mut test = sample();
    test.option(|options| options.summary_mode = SummaryMode::Disabled);
    assert_eq!(text(&test.report, PLAIN), "");
}

#[test]
fn colours_change_nothing_but_the_colours() {
    let colored = text(&sample().report, Style { color: true });
    assert!(colored.contains("\u{1b}[32m✓\u{1b}[0m"), "{colored}");
    assert!(colored.contains("\u{1b}[31m✗\u{1b}[0m"), "{colored}");
    let mut plain = String::new();
    for (place, part) in colored.split('\u{1b}').enumerate() {
        plain.push_str(if place == 0 {
            part
        } else {
            part.split_once('m').unwrap().1
        });
    }
    assert_eq!(plain, SAMPLE);
}
