//! What scripts find without an import, and what `k6` itself has.

use crate::harness::{Server, Test, iterating, passes};

#[test]
fn a_check_returns_whether_all_conditions_hold() {
    let server = Server::start();
    let run = passes(
        &server,
        "equal(check(7, { 'is 7': (n) => n === 7, 'is odd': (n) => n % 2 === 1 }), true);
         equal(check(7, { 'is 7': (n) => n === 7, 'is 8': (n) => n === 8 }), false);
         equal(check(7, { constant: true, 'is 0': 0 }), false);
         throws(() => check(7, 'is 7'), 'an object of named conditions');",
    );
    assert_eq!(run.check(&[], "is 7"), (2, 0));
    assert_eq!(run.check(&[], "is 8"), (0, 1));
    assert_eq!(run.check(&[], "constant"), (1, 0));
    assert_eq!(run.metric("checks", "passes"), Some(4.0));
    assert_eq!(run.metric("checks", "fails"), Some(2.0));
}

#[test]
fn a_condition_that_throws_has_failed_and_ends_the_iteration() {
    let server = Server::start();
    let run = iterating(
        &server,
        "check(null, { 'has a body': (r) => r.body, 'never asked': () => true });
         console.log('not reached');",
    );
    let run = run.run().with_code(107);
    assert_eq!(run.check(&[], "has a body"), (0, 1));
    assert!(run.summary["root_group"]["checks"]["never asked"].is_null());
    assert_eq!(run.logged("not reached"), 0);
    assert_eq!(run.logged("TypeError"), 1);
    assert_eq!(run.count("iterations"), 1);
}

#[test]
fn checks_carry_their_name_group_scenario_and_own_tags() {
    let server = Server::start();
    let run = passes(
        &server,
        "group('checkout', () => check(1, { one: (n) => n === 1 }, { kind: 'sum', level: 3 }));",
    );
    let [sample] = &run.samples("checks")[..] else {
        panic!("{:?}", run.samples("checks"));
    };
    for (tag, value) in [
        ("check", "one"),
        ("group", "::checkout"),
        ("scenario", "default"),
        ("kind", "sum"),
        ("level", "3"),
    ] {
        assert_eq!(sample.tag(tag), value, "{tag}");
    }
}

#[test]
fn groups_nest_return_what_their_function_returns_and_are_timed() {
    let server = Server::start();
    let run = passes(
        &server,
        "equal(group('outer', () => group('inner', () => { check(1, { deep: true }); return 'out'; })), 'out');
         group('outer', () => check(1, { shallow: true }));
         check(1, { outside: true });
         throws(() => group('x', () => { throw new Error('through'); }), 'through');
         check(1, { 'outside again': true });
         throws(() => group('a::b', () => {}), '::');
         throws(() => group('x', async () => {}), 'async');
         throws(() => group('x'), 'a function');",
    );
    assert_eq!(run.check(&["outer", "inner"], "deep"), (1, 0));
    assert_eq!(run.check(&["outer"], "shallow"), (1, 0));
    assert_eq!(run.check(&[], "outside again"), (1, 0));
    let durations = run.samples("group_duration");
    let groups: Vec<&str> = durations.iter().map(|sample| sample.tag("group")).collect();
    assert_eq!(groups, ["::outer::inner", "::outer", "::outer", "::x"]);
    let inner = &run.summary["root_group"]["groups"]["outer"]["groups"]["inner"];
    assert_eq!(inner["path"], "::outer::inner");
}

#[test]
fn fail_ends_the_iteration_and_not_the_run() {
    let run = Test::new(
        "import { fail } from 'k6';
         export const options = { iterations: 3 };
         export default function () { if (__ITER === 1) fail('no luck'); console.log(`end of ${__ITER}`); }",
    );
    let run = run.run().with_code(0);
    assert_eq!(run.count("iterations"), 3);
    assert_eq!(run.logged("no luck"), 1);
    for (line, times) in [("end of 0", 1), ("end of 1", 0), ("end of 2", 1)] {
        assert_eq!(run.logged(line), times, "{line}");
    }
}

#[test]
fn sleep_takes_at_least_its_time_and_fractions_of_seconds() {
    let server = Server::start();
    let run = passes(
        &server,
        "const began = Date.now();
         sleep(0.05);
         ok(Date.now() - began >= 49, 'slept 50 ms');
         sleep(0); sleep(-1); sleep('0.001');
         for (const nothing of [NaN, undefined, null, 'long', {}]) throws(() => sleep(nothing), 'a number of seconds');",
    );
    assert!(run.metric("iteration_duration", "min").unwrap() >= 50.0);
}

#[test]
fn a_seed_makes_random_numbers_the_same_in_every_run() {
    let script = "import { randomSeed } from 'k6';
         randomSeed(42);
         export default function () { console.log('drawn', Math.random(), Math.random()); }";
    let drawn = || {
        let run = Test::new(script).run().with_code(0);
        let line = run
            .stderr
            .lines()
            .find(|line| line.contains("drawn"))
            .unwrap()
            .to_owned();
        line.split_once("drawn").unwrap().1.to_owned()
    };
    let first = drawn();
    assert_eq!(first, drawn());
    let numbers: Vec<f64> = first
        .split_whitespace()
        .map(|number| number.parse().unwrap())
        .collect();
    assert!(
        numbers[0] != numbers[1] && numbers.iter().all(|number| (0.0..1.0).contains(number)),
        "{numbers:?}"
    );
}

#[test]
fn virtual_users_and_iterations_are_numbered() {
    let run = Test::new(
        "export const options = { scenarios: { s: { executor: 'per-vu-iterations', vus: 3, iterations: 2 } } };
         console.log(`init ${__VU} ${typeof __ITER}`);
         export default function () { console.log(`vu ${__VU} iter ${__ITER}`); }
         export function setup() { console.log(`setup ${__VU}`); }",
    );
    let run = run.run().with_code(0);
    for vu in 1..=3 {
        for iteration in 0..2 {
            assert_eq!(
                run.logged(&format!("vu {vu} iter {iteration}")),
                1,
                "{}",
                run.stderr
            );
        }
        assert_eq!(run.logged(&format!("init {vu} undefined")), 1, "{}", run.stderr);
    }
    assert_eq!(run.logged("setup 0"), 1);
    assert_eq!(run.logged("vu 0"), 0);
}

#[test]
fn variables_come_from_the_environment_and_flags_override_them() {
    let script = "export default function () { console.log(`${__ENV.A} ${__ENV.B} ${__ENV.C}`); }";
    let run = Test::new(script)
        .env("A", "system")
        .env("B", "system")
        .flags("-e B=flag")
        .run()
        .with_code(0);
    assert_eq!(run.logged("system flag undefined"), 1, "{}", run.stderr);
    let run = Test::new(script)
        .env("A", "system")
        .flags("--include-system-env-vars=false")
        .run()
        .with_code(0);
    assert_eq!(run.logged("undefined undefined undefined"), 1, "{}", run.stderr);
}

#[test]
fn files_are_opened_in_init_code_as_text_or_as_bytes() {
    let run = Test::new(
        "import { equal, throws, ok } from './expect.js';
         const text = open('./data/text.txt');
         const bytes = open('data/bytes.bin', 'b');
         throws(() => open('./absent.txt'), 'absent.txt');
         throws(() => open('./data/text.txt', 'w'), 'mode');
         export default function () {
           equal(text, 'grüße\\n');
           ok(bytes instanceof ArrayBuffer, 'an ArrayBuffer');
           equal([...new Uint8Array(bytes)], [0, 255, 128]);
           throws(() => open('./data/text.txt'), 'init code');
         }",
    );
    run.file("data/text.txt", "grüße\n")
        .file("data/bytes.bin", [0, 255, 128])
        .flags("--fail-on-exception")
        .run()
        .with_code(0);
}

#[test]
fn the_console_has_levels_and_shows_objects_as_json() {
    let server = Server::start();
    let run = passes(
        &server,
        "console.debug('d'); console.log('l', 1, true, null, undefined); console.info('i'); console.warn('w');
         console.error('e', { a: [1, { b: 'c' }] }, [1, 'x']);
         console.log(new Error('went wrong'));
         const round = {}; round.round = round;
         console.log('round', round);
         console.log('after');
         console.log('body', http.get(`${base}/status/418`));",
    );
    for line in [
        "INFO[0000] l 1 true null undefined",
        "INFO[0000] i",
        "WARN[0000] w",
        r#"ERRO[0000] e {"a":[1,{"b":"c"}]} [1,"x"]"#,
        "Error: went wrong",
        "round",
        "after",
        r#""status":418"#,
    ] {
        assert!(
            run.stderr.replace("[0001]", "[0000]").contains(line),
            "{line}\n{}",
            run.stderr
        );
    }
}

#[test]
fn texts_become_bytes_and_bytes_texts() {
    let server = Server::start();
    passes(
        &server,
        "const bytes = new TextEncoder().encode('aü€😀');
         ok(bytes instanceof Uint8Array, 'a Uint8Array');
         equal([...bytes], [97, 0xc3, 0xbc, 0xe2, 0x82, 0xac, 0xf0, 0x9f, 0x98, 0x80]);
         equal(new TextDecoder().decode(bytes), 'aü€😀');
         equal(new TextDecoder('UTF-8').decode(bytes.buffer), 'aü€😀');
         equal(new TextDecoder().decode(bytes.subarray(1, 3)), 'ü');
         equal(new TextDecoder().decode(new Uint8Array([0xef, 0xbb, 0xbf, 97, 255])), 'a\u{fffd}');
         equal([new TextEncoder().encode().length, new TextDecoder().decode()], [0, '']);
         throws(() => new TextDecoder('utf-16le'), 'only utf-8');
         throws(() => new TextDecoder('utf-8', { fatal: true }), 'fatal');",
    );
}

#[test]
fn an_error_that_nobody_awaits_ends_the_iteration_like_any_other() {
    let server = Server::start();
    for (body, message) in [
        ("(async () => { throw new Error('lost'); })();", "lost"),
        ("Promise.reject(new Error('lost'));", "lost"),
        ("Promise.reject(42);", "42"),
        ("setTimeout(() => { throw new Error('lost'); }, 1);", "lost"),
        (
            "await Promise.all([Promise.reject(new Error('lost')), 1]);",
            "lost",
        ),
    ] {
        let run = iterating(&server, body).run();
        assert_eq!(run.code, Some(107), "{body}\n{}", run.stderr);
        assert_eq!(run.logged(message), 1, "{body}\n{}", run.stderr);
    }
    passes(
        &server,
        "const later = Promise.reject(new Error('caught late'));
         await new Promise((resolve) => setTimeout(resolve, 1));
         await later.catch(() => {});
         try { await Promise.reject(new Error('caught')); } catch {}",
    );
}

#[test]
fn timers_fire_in_the_order_of_their_times_and_can_be_stopped() {
    let server = Server::start();
    passes(
        &server,
        "const order = [];
         const never = setTimeout(() => order.push('never'), 5);
         clearTimeout(never); clearTimeout(never); clearTimeout(99); clearTimeout(undefined);
         setTimeout((a, b) => order.push(a + b), 60, 'la', 'st');
         setTimeout(() => order.push('first'), 1);
         await new Promise((resolve) => {
           let ticks = 0;
           const ticking = setInterval(() => { if (++ticks === 3) { clearInterval(ticking); resolve(); } }, 1);
         });
         order.push('ticked');
         await new Promise((resolve) => setTimeout(resolve, 120));
         equal(order.filter((word) => word !== 'ticked'), ['first', 'last']);
         ok(order.includes('ticked'), 'ticked');
         throws(() => setTimeout('text', 1), 'needs a function');",
    );
}

#[test]
fn an_iteration_waits_for_its_timers() {
    let server = Server::start();
    let run = passes(&server, "setTimeout(() => console.log('the end'), 30);");
    assert_eq!(run.logged("the end"), 1);
    assert!(run.metric("iteration_duration", "min").unwrap() >= 30.0);
}

#[test]
fn what_iterations_have_is_refused_in_init_code() {
    for (code, words) in [
        ("sleep(1)", "sleep() cannot be used in init code"),
        ("check(1, { a: true })", "check() cannot be used in init code"),
        ("group('g', () => {})", "group() cannot be used in init code"),
        (
            "http.get('http://127.0.0.1:1/')",
            "requests cannot be made in init code",
        ),
        (
            "http.batch(['http://127.0.0.1:1/'])",
            "requests cannot be made in init code",
        ),
        ("setTimeout(() => {}, 1)", "timers cannot be used in init code"),
        ("counter.add(1)", "init code"),
    ] {
        let script = format!(
            "import {{ sleep, check, group }} from 'k6';
             import http from 'k6/http';
             import {{ Counter }} from 'k6/metrics';
             const counter = new Counter('c');
             {code};
             export default function () {{}}"
        );
        Test::new(&script).run().refused(107, &[words, "script.js:5"]);
    }
}

#[test]
fn hashes_and_base64_are_there_from_end_to_end() {
    let run = Test::new(
        "import crypto, { hmac } from 'k6/crypto';
         import encoding, { b64decode } from 'k6/encoding';
         import { equal } from './expect.js';
         export default function () {
           equal(crypto.sha256('hello world!', 'hex'), '7509e5bda0c762d2bac7f90d758b5b2263fa01ccbc542ab5e3df163be08e6ca9');
           equal(hmac('sha1', 'key', 'data', 'base64'), 'EEFSxb/coHvGM+69RhmfAlXJ9J0=');
           equal(crypto.md5(new Uint8Array([97]).buffer, 'hex'), '0cc175b9c0f1b6a831c399e269772661');
           equal(new Uint8Array(crypto.randomBytes(5)).length, 5);
           equal(encoding.b64encode('user:password'), 'dXNlcjpwYXNzd29yZA==');
           equal(b64decode('aGk_', 'rawurl', 's'), 'hi?');
         }",
    );
    run.flags("--fail-on-exception").run().with_code(0);
}

#[test]
fn the_harness_says_what_a_script_found_different() {
    let run = Test::new(
        "import { equal } from './expect.js';
         export default function () { equal({ a: 1 }, { a: 2 }, 'the number'); }",
    );
    run.flags("--fail-on-exception")
        .run()
        .refused(107, &[r#"the number: expected {"a":2}, got {"a":1}"#]);
}
