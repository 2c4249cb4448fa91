//! Ctrl-C, and what else ends a process.

use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::harness::{Running, Test};

fn send(run: &Running, signal: Signal) {
    let pid = Pid::from_raw(run.pid().try_into().unwrap()).unwrap();
    kill_process(pid, signal).unwrap();
}

/// Prints `ready` in its first iteration, and then does `body` for a very long time.
fn busy(body: &str) -> Running {
    let script = format!(
        "import {{ sleep }} from 'k6';
         export const options = {{ vus: 2, duration: '1h', teardownTimeout: '1h' }};
         export default function () {{ console.log('ready'); {body} }}
         export function teardown() {{ console.log('torn down'); }}"
    );
    let run = Test::new(&script).start();
    run.wait_for("ready");
    run
}

#[test]
fn a_signal_cuts_iterations_short_and_the_rest_of_the_test_follows() {
    for (signal, body) in [
        (Signal::INT, "sleep(3600);"),
        (Signal::TERM, "sleep(3600);"),
        (Signal::INT, "for (;;) {}"),
        (
            Signal::INT,
            "for (;;) { try { sleep(3600); } catch (error) {} finally { continue; } }",
        ),
        (Signal::INT, "const all = []; for (;;) all.push({});"),
        (Signal::TERM, "/(a+)+$/.test('a'.repeat(60) + 'b');"),
    ] {
        let run = busy(body);
        send(&run, signal);
        let sent = Instant::now();
        let run = run.wait().with_code(105);
        assert!(sent.elapsed() < Duration::from_secs(20), "{body}");
        assert!(run.stderr.contains("torn down"), "{body}: {}", run.stderr);
        assert!(run.stderr.ends_with("stopped by a signal\n"), "{}", run.stderr);
        assert!(run.stdout.contains("TOTAL RESULTS"), "{body}: {}", run.stdout);
        assert_eq!(run.metric("iterations", "count"), None, "{body}");
    }
}

#[test]
fn a_second_signal_ends_the_process_at_once() {
    let run = Test::new(
        "export default function () {}
         export function teardown() { console.log('ready'); for (;;) {} }",
    );
    let run = run.start();
    run.wait_for("ready");
    send(&run, Signal::INT);
    run.wait_for("once more stops at once");
    send(&run, Signal::INT);
    let run = run.wait().with_code(105);
    assert_eq!(
        (run.stdout.as_str(), &run.summary),
        ("", &serde_json::Value::Null)
    );
}

#[test]
fn a_signal_in_setup_means_that_nothing_follows_it() {
    let run = Test::new(
        "import { sleep } from 'k6';
         export function setup() { console.log('ready'); sleep(3600); }
         export default function () { console.log('an iteration'); }
         export function teardown() { console.log('torn down'); }",
    );
    let run = run.start();
    run.wait_for("ready");
    send(&run, Signal::INT);
    let run = run.wait().with_code(105);
    assert!(
        !run.stderr.contains("an iteration") && !run.stderr.contains("torn down"),
        "{}",
        run.stderr
    );
}

#[test]
fn a_signal_lets_a_teardown_come_to_its_end() {
    let run = Test::new(
        "import { sleep } from 'k6';
         export default function () {}
         export function teardown() { console.log('ready'); sleep(0.5); console.log('torn down'); }",
    );
    let run = run.start();
    run.wait_for("ready");
    send(&run, Signal::TERM);
    let run = run.wait().with_code(105);
    assert!(run.stderr.contains("torn down"), "{}", run.stderr);
}

#[test]
fn init_code_without_end_can_be_stopped() {
    for condition in ["true", "__VU > 0"] {
        let script = format!(
            "if ({condition}) {{ console.log('ready'); for (;;) {{}} }}
             export default function () {{}}"
        );
        let run = Test::new(&script).start();
        run.wait_for("ready");
        send(&run, Signal::INT);
        assert_ne!(run.wait().code, Some(0), "{condition}");
    }
}
