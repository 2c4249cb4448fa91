//! From `setup` to `handleSummary`, and which parts of that flags leave out.

use serde_json::{Value, json};

use crate::harness::{Server, Test};

#[test]
fn what_setup_returns_reaches_everything_after_it_as_json() {
    let run = Test::new(
        "export const options = { vus: 3, iterations: 9 };
         export function setup() {
             return { token: 'abc', list: [1, 2.5, null], none: undefined, when: new Date(0), deep: { ä: '€' } };
         }
         const show = (where, data) => console.log(`${where} ${JSON.stringify(data)}`);
         export default function (data) { show('iteration', data); }
         export function teardown(data) { show('teardown', data); }
         export function handleSummary(data) { show('summary', data.setup_data); return {}; }",
    );
    let run = run.run().with_code(0);
    let data = r#"{"token":"abc","list":[1,2.5,null],"when":"1970-01-01T00:00:00.000Z","deep":{"ä":"€"}}"#;
    for (place, times) in [("iteration", 9), ("teardown", 1), ("summary", 1)] {
        let lines = run.stderr.lines().filter_map(|line| line.split_once(place));
        let told: Vec<Value> = lines
            .map(|(_, json)| serde_json::from_str(json).unwrap())
            .collect();
        assert_eq!(
            told,
            vec![serde_json::from_str::<Value>(data).unwrap(); times],
            "{place}"
        );
    }
}

#[test]
fn virtual_users_cannot_see_what_others_do_with_the_data() {
    let run = Test::new(
        "export const options = { scenarios: { a: { executor: 'per-vu-iterations', vus: 4, iterations: 5 } } };
         export function setup() { return { by: [] }; }
         export default function ({ by }) {
             if (by.some((vu) => vu !== __VU)) throw new Error(`${__VU} sees ${by}`);
             by.push(__VU);
         }
         export function teardown({ by }) { if (by.length > 0) throw new Error(`teardown sees ${by}`); }",
    );
    run.flags("--fail-on-exception").run().with_code(0);
}

#[test]
fn what_setup_and_teardown_send_and_receive_counts() {
    let server = Server::start();
    let run = Test::new(
        "import http from 'k6/http';
         export function setup() { http.get(`${__ENV.BASE}/bytes/5000`); }
         export default function () {}
         export function teardown() { http.get(`${__ENV.BASE}/bytes/5000`); }",
    );
    let run = run.against(&server).run().with_code(0);
    let received = run.metric("data_received", "count").unwrap();
    assert!((10_000.0..20_000.0).contains(&received), "{received}");
    assert!(run.metric("data_sent", "count").unwrap() > 0.0);
}

#[test]
fn no_setup_means_no_data() {
    for (setup, flags) in [
        ("", ""),
        ("export function setup() {}", ""),
        ("export function setup() { return () => {}; }", ""),
        ("export function setup() { return 'anything'; }", "--no-setup"),
    ] {
        let script = format!(
            "{setup}
             export default function (data) {{ if (data !== undefined) throw new Error(`data: ${{data}}`); }}
             export function teardown(data) {{ if (data !== undefined) throw new Error(`data: ${{data}}`); }}"
        );
        Test::new(&script)
            .flags("--fail-on-exception")
            .flags(flags)
            .run()
            .with_code(0);
    }
}

#[test]
fn flags_leave_setup_teardown_and_thresholds_out() {
    let script = "
        export const options = { thresholds: { iterations: ['count>5'] } };
        export function setup() { console.log('<setup>'); }
        export default function () {}
        export function teardown() { console.log('<teardown>'); }";
    for (flags, code, said) in [
        ("", 99, &["<setup>", "<teardown>"][..]),
        ("--no-setup", 99, &["<teardown>"]),
        ("--no-teardown", 99, &["<setup>"]),
        ("--no-thresholds", 0, &["<setup>", "<teardown>"]),
        ("--no-setup --no-teardown --no-thresholds", 0, &[]),
    ] {
        let run = Test::new(script).flags(flags).run().with_code(code);
        for word in ["<setup>", "<teardown>"] {
            assert_eq!(run.stderr.contains(word), said.contains(&word), "{flags}: {word}");
        }
        assert_eq!(run.stdout.contains("THRESHOLDS"), code == 99, "{flags}");
    }
}

#[test]
fn a_script_can_write_the_summary_itself() {
    let run = Test::new(
        "export default function () {}
         export function handleSummary(data) {
             return {
                 stdout: 'to whom it may concern\\n',
                 stderr: 'oh\\n',
                 'data.json': JSON.stringify(data),
                 'out/of/reach.txt': 'x',
                 './copy.txt': `${data.metrics.iterations.values.count}`,
             };
         }",
    );
    std::fs::create_dir(run.path().join("out")).unwrap();
    let run = run.run().with_code(109); // for out/of is not there
    assert_eq!(run.stdout, "to whom it may concern\n");
    assert!(run.stderr.contains("oh\n"), "{}", run.stderr);
    assert!(
        run.stderr.contains("out/of/reach.txt: No such file"),
        "{}",
        run.stderr
    );
    assert_eq!(run.file("copy.txt"), "1");
    let data: Value = serde_json::from_str(&run.file("data.json")).unwrap();
    assert_eq!(data["root_group"]["checks"], json!([]));
    assert_eq!(run.count("iterations"), 1, "the export is written as well");
}

#[test]
fn a_summary_that_cannot_be_written_does_not_hide_a_missed_threshold() {
    let run = Test::new(
        "export const options = { thresholds: { iterations: ['count>5'] } };
         export default function () {}
         export function handleSummary() { return { 'not/there.txt': 'x' }; }",
    );
    run.run().refused(99, &["not/there.txt", "iterations: count>5"]);
}

#[test]
fn a_summary_of_the_script_that_fails_is_replaced_by_the_usual_one() {
    for body in ["throw new Error('no summary today');", "for (;;) {}"] {
        let script = format!(
            "export const options = {{ teardownTimeout: '300ms' }};
             export default function () {{}}
             export function handleSummary() {{ {body} }}"
        );
        let run = Test::new(&script).run().with_code(0);
        assert!(run.stdout.contains("iterations...........: 1 "), "{}", run.stdout);
        assert!(run.stderr.contains("ERRO"), "{}", run.stderr);
    }
}

#[test]
fn the_summary_is_as_long_as_one_wants() {
    let script = "
        import { check, group } from 'k6';
        export default function () { group('outer', () => check(1, { 'is 1': (n) => n === 1 })); }";
    let summary = |flags: &str| Test::new(script).flags(flags).run().with_code(0).stdout;
    let compact = summary("--summary-mode compact");
    assert!(
        compact.contains("✓ is 1") && !compact.contains("group_duration"),
        "{compact}"
    );
    assert_eq!(summary("--summary-mode disabled"), "");
    let full = summary("--summary-mode full");
    assert!(
        full.contains("GROUP: outer") && full.contains("group_duration"),
        "{full}"
    );
    let microseconds = summary("--summary-time-unit us --summary-trend-stats avg,p(99.9)");
    let line = microseconds
        .lines()
        .find(|line| line.contains("iteration_duration"))
        .unwrap();
    assert!(line.contains("µs p(99.9)=") && !line.contains("med="), "{line}");
    Test::new(script)
        .flags("--summary-mode legacy")
        .run()
        .refused(104, &["legacy"]);
}

#[test]
fn what_is_no_summary_is_replaced_by_the_usual_one_and_said() {
    for returned in ["5", "'text'", "[]", "null", "undefined", "() => {}"] {
        let script = format!(
            "export default function () {{}}
             export function handleSummary() {{ return {returned}; }}"
        );
        let run = Test::new(&script).run().with_code(0);
        assert!(run.stdout.contains("iterations...........: 1 "), "{}", run.stdout);
        assert!(
            run.stderr.contains("handleSummary() returned no object"),
            "{returned}: {}",
            run.stderr
        );
    }
    for content in ["5", "{ a: 1 }", "new Uint8Array(2).buffer"] {
        let script = format!(
            "export default function () {{}}
             export function handleSummary() {{ return {{ 'a.txt': {content} }}; }}"
        );
        Test::new(&script)
            .run()
            .refused(109, &["a.txt", "JSON.stringify"]);
    }
}

#[test]
fn a_summary_of_the_script_has_the_time_that_teardown_has() {
    let run = Test::new(
        "export const options = { teardownTimeout: '300ms' };
         export default function () {}
         export function handleSummary() { for (;;) {} }",
    );
    let run = run.run().with_code(0);
    assert!(run.stderr.contains("set teardownTimeout"), "{}", run.stderr);
}
