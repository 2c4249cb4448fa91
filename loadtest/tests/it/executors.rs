//! How many iterations each executor starts, and when it lets go of them: on one thread and on several.

use std::collections::BTreeSet;

use crate::harness::{Run, Test};

/// Runs one scenario `a` with `keys`, whose iterations log `run VU NUMBER` and then do `body`; once on one thread, once
/// on two.
fn each(keys: &str, body: &str, holds: impl Fn(&Run)) {
    let script = format!(
        "import {{ sleep }} from 'k6';
         import exec from 'k6/execution';
         export const options = {{ scenarios: {{ a: {{ {keys} }} }} }};
         export default function () {{
             console.log(`run ${{__VU}} ${{exec.scenario.iterationInTest}}`);
             {body}
         }}"
    );
    for threads in ["--threads 1", "--threads 2"] {
        let run = Test::new(&script).flags(threads).run().with_code(0);
        holds(&run);
    }
}

/// Who ran which iteration, by the log.
fn runs(run: &Run) -> Vec<(u32, u64)> {
    let lines = run.stderr.lines().filter_map(|line| line.split_once("run "));
    let mut runs: Vec<(u32, u64)> = lines
        .map(|(_, pair)| {
            let (vu, number) = pair.split_once(' ').unwrap();
            (vu.parse().unwrap(), number.parse().unwrap())
        })
        .collect();
    runs.sort_by_key(|(_, number)| *number);
    runs
}

/// The test's numbers of its iterations are 0, 1, 2 and so on.
#[track_caller]
fn assert_numbered(run: &Run, count: u64) {
    let numbers: Vec<u64> = runs(run).into_iter().map(|(_, number)| number).collect();
    assert_eq!(numbers, (0..count).collect::<Vec<_>>());
}

fn vus(run: &Run) -> BTreeSet<u32> {
    runs(run).into_iter().map(|(vu, _)| vu).collect()
}

/// 0 if there is no such metric.
fn count(run: &Run, metric: &str) -> u64 {
    run.summary["metrics"][metric]["count"].as_u64().unwrap_or(0)
}

#[test]
fn constant_vus_iterate_for_the_duration() {
    each(
        "executor: 'constant-vus', vus: 5, duration: '500ms', gracefulStop: '20s'",
        "sleep(0.2);",
        |run| {
            let iterations = count(run, "iterations");
            assert_eq!(vus(run), (1..=5).collect());
            assert!((5..=15).contains(&iterations), "{iterations}"); // at 0, 0.2 and 0.4 s
            assert_numbered(run, iterations);
            assert_eq!(count(run, "dropped_iterations"), 0);
        },
    );
}

#[test]
fn iterations_under_way_have_the_graceful_stop_to_come_to_their_end() {
    let body = "sleep(__VU === 1 ? 0.5 : 3600); console.log('over');";
    each(
        "executor: 'constant-vus', vus: 3, duration: '300ms', gracefulStop: '1500ms'",
        body,
        |run| {
            assert_eq!(count(run, "iterations"), 1);
            assert_eq!(run.stderr.matches("over").count(), 1, "{}", run.stderr);
        },
    );
    each(
        "executor: 'constant-vus', vus: 3, duration: '300ms', gracefulStop: '0s'",
        body,
        |run| assert_eq!(count(run, "iterations"), 0),
    );
}

#[test]
fn ramping_vus_come_and_those_that_go_have_their_grace() {
    each(
        "executor: 'ramping-vus', startVUs: 2, gracefulRampDown: '100ms', gracefulStop: '1h',
         stages: [
             { duration: '300ms', target: 6 }, { duration: '0s', target: 1 }, { duration: '1500ms', target: 1 },
         ]",
        "sleep(__VU === 1 ? 1 : 3600); console.log('over');",
        |run| {
            let vus = vus(run);
            // The sixth one comes at the very moment at which it is sent away.
            assert!(vus.is_superset(&(1..=5).collect()) && vus.len() <= 6, "{vus:?}");
            let over = run.stderr.matches("over").count();
            assert!((1..=2).contains(&over), "{}", run.stderr); // at 1 s and 2 s
            assert_eq!(count(run, "iterations"), over as u64);
        },
    );
}

#[test]
fn a_virtual_user_that_is_called_back_goes_on() {
    each(
        "executor: 'ramping-vus', startVUs: 2, gracefulRampDown: '1h', gracefulStop: '0s',
         stages: [
             { duration: '200ms', target: 2 }, { duration: '0s', target: 0 }, { duration: '400ms', target: 0 },
             { duration: '0s', target: 2 }, { duration: '200ms', target: 2 },
         ]",
        "sleep(0.02);",
        |run| {
            assert_eq!(vus(run), (1..=2).collect());
            let iterations = count(run, "iterations");
            assert!((4..=44).contains(&iterations), "{iterations}");
        },
    );
}

#[test]
fn each_virtual_user_has_iterations_of_its_own() {
    each(
        "executor: 'per-vu-iterations', vus: 7, iterations: 13",
        "",
        |run| {
            assert_eq!(count(run, "iterations"), 91);
            assert_numbered(run, 91);
            for vu in 1..=7 {
                let own = runs(run).iter().filter(|(who, _)| *who == vu).count();
                assert_eq!(own, 13, "{vu}");
            }
        },
    );
}

#[test]
fn iterations_that_no_time_was_left_for_are_dropped() {
    each(
        "executor: 'per-vu-iterations', vus: 3, iterations: 4, maxDuration: '500ms', gracefulStop: '0s'",
        "if (__VU === 1) sleep(3600);",
        |run| {
            assert_eq!(count(run, "iterations"), 8);
            assert_eq!(count(run, "dropped_iterations"), 3);
            assert!(
                run.stdout.contains("! 3 iterations were dropped"),
                "{}",
                run.stdout
            );
        },
    );
    each(
        "executor: 'shared-iterations', vus: 3, iterations: 50, maxDuration: '500ms', gracefulStop: '20s'",
        "sleep(0.3);",
        |run| {
            let iterations = count(run, "iterations");
            assert!((3..=6).contains(&iterations), "{iterations}");
            assert_eq!(iterations + count(run, "dropped_iterations"), 50);
        },
    );
}

#[test]
fn virtual_users_share_iterations_and_no_number_is_given_twice() {
    each(
        "executor: 'shared-iterations', vus: 10, iterations: 1234",
        "if (__VU === 1) sleep(0.2);",
        |run| {
            assert_eq!(count(run, "iterations"), 1234);
            assert_numbered(run, 1234);
            assert_eq!(count(run, "dropped_iterations"), 0);
        },
    );
}

#[test]
fn a_constant_rate_starts_as_many_iterations_as_rate_times_duration() {
    each(
        "executor: 'constant-arrival-rate', rate: 6000, timeUnit: '1m', duration: '1500ms', preAllocatedVUs: 100",
        "",
        |run| {
            assert_eq!(count(run, "iterations") + count(run, "dropped_iterations"), 150);
            assert_eq!(count(run, "iterations"), 150);
            assert_numbered(run, 150);
        },
    );
}

#[test]
fn a_ramping_rate_starts_as_many_iterations_as_lie_below_the_ramp() {
    each(
        "executor: 'ramping-arrival-rate', startRate: 0, preAllocatedVUs: 150,
         stages: [
             { duration: '500ms', target: 200 }, { duration: '500ms', target: 200 }, { duration: '500ms', target: 0 },
         ]",
        "",
        |run| {
            assert_eq!(count(run, "iterations"), 200); // 50 + 100 + 50
            assert_numbered(run, 200);
        },
    );
}

#[test]
fn arrivals_without_a_free_virtual_user_are_dropped_and_have_more_made() {
    each(
        "executor: 'constant-arrival-rate', rate: 100, duration: '2s', preAllocatedVUs: 2, maxVUs: 5, gracefulStop: '0s'",
        "sleep(3600);",
        |run| {
            assert_eq!(vus(run), (1..=5).collect());
            assert_eq!(count(run, "iterations"), 0);
            assert_eq!(count(run, "dropped_iterations"), 195);
            let message =
                "! 195 iterations were dropped, so that the load was lower than it should have been";
            assert!(run.stdout.contains(message), "{}", run.stdout);
            assert_eq!(run.metric("vus_max", "min"), Some(5.0));
        },
    );
}

#[test]
fn scenarios_have_a_start_a_function_variables_and_tags_of_their_own() {
    let script = "
        import { sleep } from 'k6';
        import exec from 'k6/execution';
        import { Counter } from 'k6/metrics';
        const calls = new Counter('calls');
        const fast = { executor: 'per-vu-iterations', iterations: 2, gracefulStop: '0s' };
        export const options = {
            tags: { test: 'all' },
            scenarios: {
                readers: { ...fast, vus: 5, exec: 'read', env: { KIND: 'reader' }, tags: { kind: 'r' } },
                writers: { ...fast, vus: 3, exec: 'write', startTime: '500ms', tags: { kind: 'w', test: 'own' } },
                late: { ...fast, vus: 1, startTime: '1s' },
            },
            thresholds: {
                'iterations{scenario:readers}': ['count==10'],
                'iterations{scenario:writers}': ['count==6'],
                'iterations{scenario:late}': ['count==2'],
                'calls{kind:r,test:all}': ['count==10'],
                'calls{kind:w,test:own}': ['count==6'],
                'calls{kind:w,test:all}': ['count==0'],
                'calls{test:all}': ['count==12'],
            },
        };
        function say(what) {
            calls.add(1);
            const ms = exec.instance.currentTestRunDuration;
            console.log(`${what} ${__ENV.KIND} ${exec.scenario.name} ${ms}`);
        }
        export function read() { say('read'); }
        export function write() { say('write'); }
        export default function () { say('default'); }";
    for threads in 1..=3 {
        let run = Test::new(script)
            .flags(&format!("--threads {threads} -e KIND=anything"))
            .run()
            .with_code(0);
        for (what, times, from_ms) in [
            ("read reader readers", 10, 0.0),
            ("write anything writers", 6, 500.0),
            ("default anything late", 2, 1_000.0),
        ] {
            let lines = run
                .stderr
                .lines()
                .filter_map(|line| line.split_once(what))
                .map(|(_, ms)| ms.trim().parse::<f64>().unwrap());
            let lines: Vec<f64> = lines.collect();
            assert_eq!(lines.len(), times, "{what}: {}", run.stderr);
            assert!(lines.iter().all(|ms| *ms >= from_ms), "{what}: {lines:?}");
        }
    }
}

#[test]
fn scenarios_may_ask_for_more_virtual_users_than_can_be_counted() {
    let run = Test::new(
        "const rarely = { executor: 'constant-arrival-rate', rate: 1, duration: '200ms', preAllocatedVUs: 1, maxVUs: 4294967295 };
         export const options = { scenarios: { a: rarely, b: rarely } };
         export default function () {}",
    );
    assert_eq!(run.run().with_code(0).count("iterations"), 2);
}

#[test]
fn an_iteration_lasts_as_long_as_it_has_to_and_is_measured_without_that() {
    let run = Test::new(
        "export const options = { iterations: 3, minIterationDuration: '300ms' };
         export default function () {}
         export function handleSummary({ state }) { return { stdout: String(state.testRunDurationMs) }; }",
    );
    let run = run.run().with_code(0);
    assert!(run.stdout.parse::<f64>().unwrap() >= 900.0, "{}", run.stdout);
    assert!(run.metric("iteration_duration", "min").unwrap() < 300.0);
}

#[test]
fn iterations_that_the_machine_has_no_time_for_are_dropped_and_the_test_ends_in_time() {
    let run = Test::new(
        "export const options = { scenarios: { flood: {
             executor: 'constant-arrival-rate', rate: 2e9, duration: '100ms', preAllocatedVUs: 1, gracefulStop: '0s',
         } } };
         export default function () {}",
    );
    let run = run.run().with_code(0);
    let done = run.count("iterations") + run.count("dropped_iterations");
    assert!((199_999_000..=200_000_000).contains(&done), "{done}");
    assert!(run.stdout.contains("iterations were dropped"), "{}", run.stdout);
}
