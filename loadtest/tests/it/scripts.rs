//! Scripts in the style of k6's documentation, run as they are; and those that want what there is not.

use std::path::Path;

use serde_json::Value;

use crate::harness::{Run, Server, Test};

/// Runs a script of `tests/scripts`, in a copy of that directory.
#[track_caller]
fn run(server: &Server, name: &str) -> Run {
    let scripts = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/scripts");
    let read = |name: &str| std::fs::read_to_string(scripts.join(name)).unwrap();
    let mut test = Test::new(&read(name));
    for beside in ["lib/agents.js", "data/users.json", "data/places.csv"] {
        test = test.file(beside, read(beside));
    }
    let base = format!("BASE_URL={}", server.url(""));
    let run = test
        .flags(&format!("-e {base} --out json=samples.json"))
        .run()
        .with_code(0);
    assert_eq!(run.logged("ERRO") + run.logged("WARN"), 0, "{}", run.stderr);
    run
}

#[test]
fn login_flow() {
    let server = Server::start();
    let run = run(&server, "login-flow.js");
    assert_eq!(run.count("iterations"), 6);
    assert_eq!(run.count("http_reqs"), 6 * (1 + 1 + 2 + 2));
    for (group, check) in [
        ("1. log in", "logged in"),
        ("1. log in", "has a session"),
        ("1. log in", "has a token"),
        ("2. account", "the jar has the session"),
        ("2. account", "it is my account"),
        ("2. account", "is JSON"),
        ("2. account", "redirects keep the session"),
        ("3. by token", "the token is enough"),
    ] {
        assert_eq!(run.check(&[group], check), (6, 0), "{check}");
    }
    assert_eq!(run.metric("http_req_failed", "value"), Some(0.0));
    let named = run.samples("http_reqs");
    assert_eq!(
        named
            .iter()
            .filter(|sample| sample.tag("name") == "account by token")
            .count(),
        6
    );
}

#[test]
fn crud() {
    let server = Server::start();
    let run = run(&server, "crud.js");
    assert_eq!(run.count("iterations"), 6);
    assert_eq!(run.count("http_reqs"), 1 + 6 * 5);
    for (groups, check) in [
        (&["create"][..], "created"),
        (&["modify", "read"], "as created"),
        (&["modify"], "changed"),
        (&["modify"], "has the new name"),
        (&["delete"], "deleted"),
        (&["delete"], "is gone"),
    ] {
        assert_eq!(run.check(groups, check), (6, 0), "{check}");
    }
    assert_eq!(run.check(&["setup"], "setup logged in"), (1, 0));
    assert_eq!(run.check(&["teardown"], "teardown has the token"), (1, 0));
    let methods: Vec<String> = server.seen().into_iter().map(|seen| seen.method).collect();
    for (method, times) in [("POST", 7), ("GET", 12), ("PATCH", 6), ("DELETE", 6)] {
        assert_eq!(
            methods.iter().filter(|seen| *seen == method).count(),
            times,
            "{method}"
        );
    }
}

#[test]
fn scenarios() {
    let server = Server::start();
    let run = run(&server, "scenarios.js");
    assert_eq!(run.count("http_reqs{my_tag:contacts}"), 8);
    assert_eq!(run.count("http_reqs{scenario:late}"), 1);
    let dropped = run.metric("dropped_iterations", "count").unwrap_or(0.0);
    let news = run.count("visits{page:/status/202}") as f64;
    assert!(
        (19.0..=21.0).contains(&(news + dropped)),
        "{news} ran, {dropped} were dropped"
    );
    assert_eq!(run.count("visits") as f64, news + 9.0);
    assert_eq!(run.metric("checks", "fails"), Some(0.0));
}

#[test]
fn custom_metrics_and_a_summary_of_its_own() {
    let server = Server::start();
    let run = run(&server, "custom-metrics.js");
    assert_eq!(run.stdout, "sizes: 10 of 4.8 on average, 9 at most\n");
    assert_eq!(run.logged("median number over true"), 1, "{}", run.stderr);
    assert_eq!(run.check(&[], "status is 200"), (9, 1));
    let summary: Value = serde_json::from_str(&run.file("results.json")).unwrap();
    for (pointer, value) in [
        ("/metrics/requests/type", Value::from("counter")),
        ("/metrics/requests/values/count", 10.into()),
        ("/metrics/requests/thresholds/count==10/ok", true.into()),
        ("/metrics/errors/values/fails", 9.into()),
        ("/metrics/waiting_time/contains", "time".into()),
        ("/root_group/checks/0/name", "status is 200".into()),
        ("/root_group/checks/0/passes", 9.into()),
        ("/options/summaryTrendStats/0", "avg".into()),
        ("/state/isStdOutTTY", false.into()),
    ] {
        assert_eq!(summary.pointer(pointer), Some(&value), "{pointer}: {summary:#}");
    }
    let lines = run.file("summary.txt");
    let mut lines: Vec<&str> = lines.lines().collect();
    lines.sort_unstable();
    assert_eq!(
        lines,
        [
            "body_size: true",
            "errors: true",
            "last_status: true",
            "requests: true",
            "waiting_time: true"
        ]
    );
}

#[test]
fn assets() {
    let server = Server::start();
    let run = run(&server, "assets.js");
    let pages = run.count("http_reqs{ctype:css}");
    assert!(pages > 0);
    assert_eq!(run.check(&[], "says hello").1, 0);
    let (there, missing) = run.check(&[], "asset is there");
    assert_eq!(
        (there, missing),
        (4 * run.check(&[], "named ones are there").0, 0)
    );
    assert!(run.metric("vus", "max").unwrap_or(3.0) <= 3.0);
}

#[test]
fn parameterised() {
    let server = Server::start();
    let run = run(&server, "parameterised.js");
    assert_eq!(run.check(&[], "the user arrived"), (5, 0));
    let bodies = server
        .seen()
        .into_iter()
        .map(|seen| serde_json::from_slice::<Value>(&seen.body).unwrap());
    let mut names: Vec<String> = bodies
        .map(|user| user["name"].as_str().unwrap().to_owned())
        .collect();
    names.sort_unstable();
    assert_eq!(names, ["ada", "bob", "cyd", "dée", "eve"], "every user once");
    let samples = run.samples("http_reqs");
    assert_eq!(
        samples
            .iter()
            .filter(|sample| sample.tag("plan") == "paid")
            .count(),
        2
    );
}

#[test]
fn asynchronous() {
    let server = Server::start();
    let run = run(&server, "async.js");
    let iterations = run.count("iterations");
    assert!(iterations >= 2);
    let (passed, failed) = run.check(&[], "the signature arrived");
    assert!(passed >= iterations && failed == 0);
    assert!(run.metric("overlap", "min").unwrap() >= 19.0);
}

/// Scripts, exit codes, and what the message has to name.
const REFUSED: [(&str, i32, &[&str]); 11] = [
        (
            "import { browser } from 'k6/browser';
             export const options = { scenarios: { ui: { executor: 'shared-iterations', options: { browser: { type: 'chromium' } } } } };
             export default async function () { const page = await browser.newPage(); await page.goto('https://example.com/'); }",
            107,
            &["k6/browser", "proxima-load has only"],
        ),
        (
            "import http from 'k6/http';
             export const options = { scenarios: { ui: { executor: 'shared-iterations', options: { browser: { type: 'chromium' } } } } };
             export default function () { http.get('http://127.0.0.1:1/'); }",
            104,
            &["browser"],
        ),
        (
            "import ws from 'k6/ws';
             export default function () { ws.connect('ws://127.0.0.1:1/', {}, (socket) => socket.close()); }",
            107,
            &["k6/ws"],
        ),
        (
            "import grpc from 'k6/net/grpc';
             const client = new grpc.Client();
             client.load(['definitions'], 'hello.proto');
             export default () => { client.connect('127.0.0.1:1', {}); };",
            107,
            &["k6/net/grpc"],
        ),
        (
            "import { textSummary } from 'https://jslib.k6.io/k6-summary/0.1.0/index.js';
             export default function () {}
             export const handleSummary = (data) => ({ stdout: textSummary(data, { indent: ' ' }) });",
            107,
            &["https://jslib.k6.io/k6-summary/0.1.0/index.js", "save it beside the script"],
        ),
        (
            "import http from 'k6/http';
             export const options = { tlsAuth: [{ domains: ['example.com'], cert: 'CERT', key: 'KEY' }] };
             export default function () { http.get('http://127.0.0.1:1/'); }",
            104,
            &["tlsAuth"],
        ),
        (
            "export const options = { dns: { ttl: '1m', select: 'first' }, cloud: { projectID: 1 }, localIPs: '10.0.0.0/8' };
             export default function () {}",
            104,
            &["dns", "cloud", "localIPs"],
        ),
        (
            "export const options = { scenarios: { s: { executor: 'externally-controlled', vus: 10, duration: '1s' } } };
             export default function () {}",
            104,
            &["externally-controlled"],
        ),
        (
            "import http from 'k6/http';
             const file = open('./script.js', 'b');
             const data = { field: 'x', file: http.file(file, 'test.bin') };
             export default function () { http.post('http://127.0.0.1:1/', data); }",
            107,
            &["http.file() is not supported"],
        ),
        (
            "export const options = { vus: 1, iteration: 5 };
             export default function () {}",
            104,
            &["iteration"],
        ),
        (
            "export const options = { thresholds: { http_req_duration: ['p95<200'] } };
             export default function () {}",
            104,
            &["p95<200"],
        ),
];

#[test]
fn scripts_that_want_what_there_is_not_are_refused() {
    for (script, code, words) in REFUSED {
        Test::new(script).run().refused(code, words);
        Test::inspect(script).run().refused(code, words);
    }
}
