//! `k6/metrics`

use crate::harness::Test;

#[test]
fn the_four_kinds_sum_up_their_values() {
    let run = Test::new(
        "import { Counter, Gauge, Rate, Trend } from 'k6/metrics';
         import metrics from 'k6/metrics';
         import { equal } from './expect.js';
         const count = new Counter('my_count');
         const gauge = new Gauge('my_gauge');
         const rate = new Rate('my_rate');
         const trend = new Trend('my_trend');
         const time = new metrics.Trend('my_time', true);
         export const options = { summaryTrendStats: ['count', 'avg', 'min', 'med', 'max', 'p(90)'] };
         export default function () {
           equal(count.name, 'my_count');
           count.add(2); count.add(3.5); count.add(true);
           gauge.add(7); gauge.add(3); gauge.add(5);
           rate.add(true); rate.add(0); rate.add(2); rate.add(false);
           for (const value of [1, 2, 3, 4]) trend.add(value);
           time.add(1500);
         }",
    );
    let run = run.flags("--fail-on-exception").run().with_code(0);
    for (metric, statistic, value) in [
        ("my_count", "count", 6.5),
        ("my_gauge", "value", 5.0),
        ("my_gauge", "min", 3.0),
        ("my_gauge", "max", 7.0),
        ("my_rate", "value", 0.5),
        ("my_rate", "passes", 2.0),
        ("my_rate", "fails", 2.0),
        ("my_trend", "count", 4.0),
        ("my_trend", "avg", 2.5),
        ("my_trend", "med", 2.5),
        ("my_trend", "p(90)", 3.7),
        ("my_time", "max", 1500.0),
    ] {
        let found = run
            .metric(metric, statistic)
            .unwrap_or_else(|| panic!("{metric}.{statistic}"));
        assert!(
            (found - value).abs() <= 0.002 * value,
            "{metric}.{statistic}: {found}"
        );
    }
    assert!(
        run.stdout.contains("my_time") && run.stdout.contains("avg=1.5s"),
        "{}",
        run.stdout
    );
    assert!(run.stdout.contains("avg=2.5 "), "{}", run.stdout);
}

#[test]
fn values_carry_tags_which_thresholds_select() {
    let run = Test::new(
        "import { Counter } from 'k6/metrics';
         import { group } from 'k6';
         const errors = new Counter('errors');
         export const options = { thresholds: {
           'errors{kind:bad}': ['count==1'], 'errors{kind:good}': ['count==2'], 'errors{kind:good,level:2}': ['count==1'],
           'errors{group:::inside}': ['count==1'],
         } };
         export default function () {
           errors.add(1, { kind: 'bad' });
           errors.add(1, { kind: 'good', level: 1 });
           group('inside', () => errors.add(1, { kind: 'good', level: 2 }));
         }",
    );
    let run = run.run().with_code(0);
    assert_eq!(run.count("errors"), 3);
    assert_eq!(run.count("errors{kind:good}"), 2);
}

#[test]
fn a_value_that_is_no_number_is_left_out_with_a_warning() {
    let run = Test::new(
        "import { Trend } from 'k6/metrics';
         import { equal } from './expect.js';
         const trend = new Trend('t');
         export default function () {
           for (const value of [NaN, undefined, 'text', {}, Infinity]) equal(trend.add(value), false);
           equal(trend.add(1), true);
           equal(trend.add('2'), true);
         }",
    );
    let run = run.flags("--fail-on-exception").run().with_code(0);
    assert_eq!(run.logged("no number"), 5, "{}", run.stderr);
    assert_eq!(run.metric("t", "max"), Some(2.0));
}

#[test]
fn what_cannot_be_declared_is_refused() {
    for (code, words) in [
        ("new Counter('')", "name"),
        ("new Counter('with space')", "with space"),
        ("new Counter('1st')", "1st"),
        ("new Counter('ümlaut')", "ümlaut"),
        ("new Counter()", "needs a name"),
        ("new Counter('a'.repeat(129))", "128"),
        ("new Counter('same'); new Trend('same')", "same"),
        ("new Trend('same'); new Trend('same', true)", "same"),
        ("new Counter('http_reqs', true)", "http_reqs"),
        ("new Trend('http_reqs')", "http_reqs"),
        ("new Trend('iteration_latency_')", ""),
    ] {
        let script =
            format!("import {{ Counter, Trend }} from 'k6/metrics'; {code}; export default function () {{}}");
        if words.is_empty() {
            Test::new(&script).run().with_code(0);
        } else {
            Test::new(&script).run().refused(107, &[words, "script.js:1"]);
        }
    }
}

#[test]
fn the_same_metric_may_be_declared_twice() {
    let run = Test::new(
        "import { Counter } from 'k6/metrics';
         const first = new Counter('same');
         const second = new Counter('same');
         export default function () { first.add(1); second.add(2); }",
    );
    assert_eq!(run.run().with_code(0).count("same"), 3);
}

#[test]
fn metrics_are_declared_in_init_code_only() {
    let run = Test::new(
        "import { Counter } from 'k6/metrics';
         import { throws } from './expect.js';
         export default function () { throws(() => new Counter('late'), 'init code'); }",
    );
    run.flags("--fail-on-exception").run().with_code(0);
}
