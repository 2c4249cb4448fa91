//! How a run ends: the exit codes, and what is said about them.

use crate::harness::Test;

/// One iteration that does nothing.
const IDLE: &str = "export default function () {}";

#[test]
fn a_run_that_went_well_exits_with_0() {
    let run = Test::new(IDLE).run().with_code(0);
    assert_eq!((run.count("iterations"), run.stderr.as_str()), (1, ""));
}

#[test]
fn missed_thresholds_exit_with_99_and_are_named_and_no_others() {
    let run = Test::new(
        "export const options = {
             iterations: 3,
             thresholds: { iterations: ['count==3', 'count>3'], 'iterations{scenario:nowhere}': ['count==0'] },
         };
         export default function () {}",
    );
    let run = run.run().with_code(99);
    assert!(
        run.stderr
            .ends_with("thresholds were missed: iterations: count>3\n"),
        "{}",
        run.stderr
    );
    let thresholds = &run.summary["metrics"]["iterations"]["thresholds"];
    assert_eq!(
        *thresholds,
        serde_json::json!({"count==3": false, "count>3": true})
    );
}

#[test]
fn an_output_that_lacks_samples_exits_with_109() {
    for output in ["json=/dev/full", "csv=/dev/full"] {
        for script in [
            IDLE,
            "export const options = { vus: 1, duration: '2s' }; export default function () {}",
        ] {
            let run = Test::new(script).flags(&format!("--out {output}")).run();
            run.refused(109, &["/dev/full: No space left", "lacks samples"]);
        }
    }
    let run = Test::new(
        "export const options = { thresholds: { iterations: ['count>5'] } }; export default () => {};",
    );
    run.flags("--out json=/dev/full")
        .run()
        .refused(99, &["/dev/full"]);
}

#[test]
fn functions_that_take_too_long_have_exit_codes_of_their_own() {
    for (function, code) in [("setup", 100), ("teardown", 101)] {
        for body in [
            "sleep(3600)",
            "for (;;) {}",
            "for (;;) { try { sleep(3600) } catch (error) {} }",
        ] {
            let script = format!(
                "import {{ sleep }} from 'k6';
                 export const options = {{ {function}Timeout: '200ms' }};
                 export function {function}() {{ {body} }}
                 {IDLE}"
            );
            let message = format!("{function}() did not end within 200ms");
            Test::new(&script).run().refused(code, &[&message]);
        }
    }
}

#[test]
fn options_that_cannot_be_read_are_not_taken_for_none() {
    for (options, word) in [
        ("() => ({ vus: 2 })", "not a function"),
        ("Promise.resolve({ vus: 2 })", "not a promise"),
        (
            "(() => { const all = { vus: 2 }; all.all = all; return all; })()",
            "circular",
        ),
        ("{ vus: 2n }", "BigInt"),
        ("{ toJSON() { throw new Error('not today'); } }", "not today"),
        ("{ tags: { half: '\\ud83d' } }", "JSON"),
    ] {
        let script = format!("export const options = {options}; {IDLE}");
        Test::new(&script).run().refused(104, &["options: ", word]);
    }
}

#[test]
fn what_cannot_be_run_exits_with_104_and_says_what_to_write() {
    let with = |options: &str| format!("export const options = {{ {options} }}; {IDLE}");
    for (script, words) in [
        (with("vus: 'many'"), ["vus", "whole number"]),
        (with("duration: '1 fortnight'"), ["duration", "fortnight"]),
        (with("vsu: 3"), ["vsu", "unknown option"]),
        (
            with("scenarios: { a: { executor: 'constant-vu', duration: '1s' } }"),
            ["constant-vu", "constant-vus"],
        ),
        (
            with("scenarios: { a: { executor: 'shared-iterations', exec: 'reed' } }"),
            ["a.exec", "\"reed\""],
        ),
        (
            with("thresholds: { http_reqs: ['count>>3'] }"),
            ["count>>3", "expected a number"],
        ),
        (
            with("thresholds: { http_reqs: ['p(95)<3'] }"),
            ["http_reqs", "p(95)<3"],
        ),
        (
            with("thresholds: { http_rqs: ['count>3'] }"),
            ["http_rqs", "there is no metric"],
        ),
        (
            "export function other() {}".to_owned(),
            ["\"default\"", "exports other"],
        ),
    ] {
        Test::new(&script).run().refused(104, &words);
        Test::inspect(&script).run().refused(104, &words);
    }
}

#[test]
fn a_script_or_an_output_that_is_not_there_exits_with_104() {
    let run = Test::new(IDLE);
    std::fs::remove_file(run.path().join("script.js")).unwrap();
    run.run().refused(104, &["script.js", "is the path right?"]);
    Test::new(IDLE)
        .flags("--out json=no/such/directory/out.json")
        .run()
        .refused(104, &["no/such/directory/out.json"]);
    Test::new(IDLE)
        .flags("--config nowhere.json")
        .run()
        .refused(104, &["nowhere.json"]);
}

#[test]
fn exceptions_outside_of_iterations_exit_with_107_and_say_where() {
    for (script, words) in [
        (
            "const one = 1;\nnowhere();\nexport default function () {}",
            ["ReferenceError: nowhere is not defined", "script.js:2:"],
        ),
        (
            "export default function () {\n  let a = ;\n}",
            ["SyntaxError", "script.js:2:"],
        ),
        (
            "import './other.js';\nexport default function () {}",
            ["SyntaxError", "other.js:3:"],
        ),
        (
            "export function setup() {\n  throw new TypeError('no server');\n}\nexport default function () {}",
            ["TypeError: no server", "script.js:2:"],
        ),
        (
            "export async function setup() {\n  await null;\n  throw new Error('later');\n}\nexport default function () {}",
            ["Error: later", "script.js:3:"],
        ),
        (
            "export default function () {}\nexport function teardown() {\n  null.x;\n}",
            ["TypeError", "script.js:3:"],
        ),
        // Only virtual users have a number.
        (
            "if (__VU === 1) {\n  throw 'not me';\n}\nexport default function () {}",
            ["Uncaught", "not me"],
        ),
    ] {
        let test = Test::new(script).file("other.js", "\n\nclass {}");
        test.run().refused(107, &words);
    }
}

#[test]
fn no_iteration_starts_after_a_setup_that_failed() {
    let run = Test::new(
        "export function setup() { throw new Error('no server'); }
         export default function () { console.log('an iteration'); }
         export function teardown() { console.log('a teardown'); }",
    );
    let run = run.run().with_code(107);
    assert!(
        !run.stderr.contains("an iteration") && !run.stderr.contains("a teardown"),
        "{}",
        run.stderr
    );
}

#[test]
fn an_exception_in_an_iteration_is_logged_and_the_iteration_counts() {
    let script = "export const options = { iterations: 3 };
        export default function () { throw new Error('boom'); }";
    let run = Test::new(script).run().with_code(0);
    assert_eq!(run.stderr.matches("Error: boom").count(), 3, "{}", run.stderr);
    assert_eq!(run.count("iterations"), 3);
    Test::new(script)
        .flags("--fail-on-exception")
        .run()
        .refused(107, &["exceptions ended 3 iterations"]);
}

#[test]
fn a_script_that_aborts_its_test_exits_with_108_wherever_it_does() {
    for function in ["setup", "default", "teardown"] {
        let body = "{ exec.test.abort('enough'); }";
        let functions = ["setup", "default", "teardown"].map(|name| {
            let body = if name == function { body } else { "{ }" };
            match name {
                "default" => format!("export default function () {body}"),
                other => format!("export function {other}() {body}"),
            }
        });
        let script = format!(
            "import exec from 'k6/execution';
             export const options = {{ vus: 3, duration: '{}' }};
             {}",
            if function == "teardown" { "100ms" } else { "1h" },
            functions.join("\n")
        );
        Test::new(&script)
            .run()
            .refused(108, &["the script aborted the test: enough"]);
    }
}

#[test]
fn a_virtual_user_can_abort_the_test_before_it_begins() {
    let run = Test::new(
        "import exec from 'k6/execution';
         export const options = { vus: 4, duration: '1h' };
         if (__VU === 3) exec.test.abort('not with me');
         export default function () {}",
    );
    run.run()
        .refused(108, &["the script aborted the test: not with me"]);
}

#[test]
fn an_aborted_test_is_torn_down_and_summed_up() {
    let run = Test::new(
        "import exec from 'k6/execution';
         import { sleep } from 'k6';
         export const options = { vus: 3, duration: '1h' };
         export default function () {
             if (__VU === 2 && __ITER === 2) exec.test.abort();
             sleep(__VU === 2 ? 0.01 : 3600);
         }
         export function teardown() { console.log('torn down'); }",
    );
    let run = run.run().with_code(108);
    assert!(run.stderr.contains("torn down"), "{}", run.stderr);
    assert!(!run.stderr.contains("interrupted"), "{}", run.stderr);
    assert_eq!(run.count("iterations"), 2);
}

#[test]
fn a_test_marked_as_failed_goes_on_and_exits_with_110() {
    let run = Test::new(
        "import exec from 'k6/execution';
         export const options = { iterations: 3 };
         export default function () { if (__ITER === 0) exec.test.fail('one is bad'); }",
    );
    let run = run.run().with_code(110);
    assert!(run.stderr.contains("test failed: one is bad"), "{}", run.stderr);
    assert_eq!(run.count("iterations"), 3);
}

#[test]
fn a_threshold_can_end_a_test_early() {
    let run = Test::new(
        "import { sleep } from 'k6';
         import { Counter } from 'k6/metrics';
         const errors = new Counter('errors');
         export const options = {
             duration: '1h',
             thresholds: { errors: [{ threshold: 'count<3', abortOnFail: true }], iterations: ['count>0'] },
         };
         export default function () { errors.add(1); sleep(0.01); }
         export function teardown() { console.log('torn down'); }",
    );
    let run = run.run().with_code(99);
    assert!(run.stderr.contains("torn down"), "{}", run.stderr);
    assert!(
        run.stderr.ends_with("missed: errors: count<3\n"),
        "{}",
        run.stderr
    );
}

#[test]
fn a_threshold_ends_no_test_before_its_delay_is_over() {
    let run = Test::new(
        "import { sleep } from 'k6';
         export const options = {
             duration: '3s',
             thresholds: { iterations: [{ threshold: 'count<3', abortOnFail: true, delayAbortEval: '1h' }] },
         };
         export default function () { sleep(0.1); }
         export function teardown(data) { console.log('torn down'); }
         export function handleSummary({ state }) { return { stdout: String(state.testRunDurationMs) }; }",
    );
    let run = run.run().with_code(99);
    let lasted_ms: f64 = run.stdout.parse().unwrap();
    assert!(lasted_ms >= 3_000.0, "{lasted_ms}");
}

#[test]
fn nobody_has_to_listen() {
    let run = Test::new(
        "export const options = { iterations: 5 };
         export default function () { console.log('hello'); }
         export function handleSummary() { return { stdout: 'hello', stderr: 'hello' }; }",
    );
    let run = run.run_unheard().with_code(0);
    assert_eq!(run.count("iterations"), 5);
    Test::inspect(IDLE).run_unheard().with_code(0);
    Test::new("export default 5").run_unheard().with_code(104);
}
