//! `k6/execution`

use crate::harness::{Server, Test, iterating};

#[test]
fn a_script_knows_where_it_is() {
    let server = Server::start();
    let run = iterating(
        &server,
        "equal([exec.vu.idInTest, exec.vu.idInInstance], [__VU, __VU]);
         equal([exec.vu.iterationInScenario, exec.vu.iterationInInstance], [__ITER, __ITER]);
         equal([exec.scenario.name, exec.scenario.executor], ['default', 'shared-iterations']);
         equal(exec.scenario.iterationInTest, exec.scenario.iterationInInstance);
         console.log(`number ${exec.scenario.iterationInTest}.`);
         ok(Math.abs(Date.now() - exec.scenario.startTime) < 60000, 'startTime');
         ok(exec.scenario.progress >= 0 && exec.scenario.progress <= 1, 'progress');
         ok(exec.instance.currentTestRunDuration > 0, 'currentTestRunDuration');
         ok(exec.instance.vusActive >= 1 && exec.instance.vusActive <= 2, 'vusActive');
         equal(exec.instance.vusInitialized, 2);
         ok(exec.instance.iterationsCompleted <= 6, 'iterationsCompleted');
         equal(exec.instance.iterationsInterrupted, 0);",
    );
    let run = run.flags("-u 2 -i 6").run().with_code(0);
    for number in 0..6 {
        assert_eq!(run.logged(&format!("number {number}.")), 1, "{}", run.stderr);
    }
}

#[test]
fn a_script_sees_the_options_that_it_runs_with() {
    let run = Test::new(
        "import exec from 'k6/execution';
         import { equal } from './expect.js';
         export const options = { iterations: 5, thresholds: { checks: ['rate>=0'] }, tags: { a: 'b' } };
         export default function () {
           const { scenarios, thresholds, tags, rps } = exec.test.options;
           equal([scenarios.default.executor, scenarios.default.vus, scenarios.default.iterations], ['shared-iterations', 3, 5]);
           equal(Object.keys(thresholds), ['checks']);
           equal(tags.a, 'b');
           equal(rps ?? null, null);
         }
         export function setup() { equal(exec.test.options.scenarios.default.vus, 3); }",
    );
    run.flags("-u 3 -i 5 --fail-on-exception").run().with_code(0);
}

#[test]
fn tags_of_a_virtual_user_go_to_all_its_samples() {
    let server = Server::start();
    let run = iterating(
        &server,
        "const { tags } = exec.vu.metrics;
         tags.region = 'eu';
         tags['number'] = 7;
         exec.vu.tags.other = true;
         equal([tags.region, tags.number, tags.other, tags.absent], ['eu', '7', 'true', undefined]);
         equal(Object.keys(tags).sort(), ['number', 'other', 'region']);
         ok('region' in tags && !('absent' in tags), 'in');
         http.get(`${base}/`);
         check(1, { one: true });
         http.get(`${base}/`, { tags: { region: 'us' } });
         delete tags.region;
         http.get(`${base}/`);
         throws(() => { tags.list = [1]; }, 'a text, a number or a boolean');
         throws(() => exec.vu.metrics.metadata, 'not supported');",
    );
    let run = run.run().with_code(0);
    let requests = run.samples("http_reqs");
    let regions: Vec<&str> = requests.iter().map(|sample| sample.tag("region")).collect();
    assert_eq!(regions, ["eu", "us", ""]);
    assert!(requests.iter().all(|sample| sample.tag("number") == "7"));
    let check = &run.samples("checks")[0];
    assert_eq!((check.tag("region"), check.tag("other")), ("eu", "true"));
    assert_eq!(run.samples("iteration_duration")[0].tag("number"), "7");
}

#[test]
fn a_virtual_user_can_name_its_requests_by_a_tag() {
    let server = Server::start();
    let run = iterating(
        &server,
        "exec.vu.metrics.tags.name = 'pages';
         exec.vu.metrics.tags.url = 'ignored';
         http.get(`${base}/status/200`);
         http.get(`${base}/status/201`, { tags: { name: 'own' } });
         http.get(http.url`${base}/status/${202}`);",
    );
    let requests = run.run().with_code(0).samples("http_reqs");
    let names: Vec<&str> = requests.iter().map(|sample| sample.tag("name")).collect();
    assert_eq!(names, ["pages", "own", "${}/status/${}"]);
    assert!(
        requests.iter().all(|sample| sample.tag("url") != "ignored"),
        "{requests:?}"
    );
}

#[test]
fn aborting_ends_the_run_and_tears_down() {
    let run = Test::new(
        "import exec from 'k6/execution';
         import { sleep } from 'k6';
         export const options = { vus: 2, duration: '1m' };
         export default function () {
           if (__VU === 1) exec.test.abort('seen enough');
           sleep(50);
           console.log('not reached');
         }
         export function teardown() { console.log('torn down'); }",
    );
    let run = run.run().with_code(108);
    assert_eq!(run.logged("torn down"), 1);
    assert_eq!(run.logged("not reached"), 0);
    assert!(run.stderr.contains("seen enough"), "{}", run.stderr);
    assert!(run.stdout.contains("TOTAL RESULTS"), "{}", run.stdout);
}

#[test]
fn aborting_works_in_setup_and_in_init_code() {
    for script in [
        "import exec from 'k6/execution';
         export function setup() { exec.test.abort('no server'); }
         export default function () { console.log('not reached'); }",
        "import exec from 'k6/execution';
         exec.test.abort('no server');
         export default function () { console.log('not reached'); }",
    ] {
        let run = Test::new(script).run().with_code(108);
        assert!(run.stderr.contains("no server"), "{}", run.stderr);
        assert_eq!(run.logged("not reached"), 0);
    }
}

#[test]
fn failing_the_test_lets_it_go_on() {
    let run = Test::new(
        "import exec from 'k6/execution';
         export const options = { iterations: 3 };
         export default function () { if (__ITER === 0) exec.test.fail('not what it was'); console.log('reached'); }",
    );
    let run = run.run().with_code(110);
    assert_eq!(run.logged("reached"), 3);
    assert!(run.stderr.contains("not what it was"), "{}", run.stderr);
}

#[test]
fn what_belongs_to_iterations_is_not_there_outside() {
    let run = Test::new(
        "import exec, { scenario } from 'k6/execution';
         import { throws } from './expect.js';
         throws(() => exec.instance.vusActive, 'init code');
         throws(() => exec.test.options, 'init code');
         export function setup() { throws(() => scenario.name, 'iterations only'); }
         export default function () {}",
    );
    run.run().with_code(0);
}
