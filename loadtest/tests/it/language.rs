//! What scripts find without an import, and what `k6` itself has.

use crate::harness::{Server, Test, passes};

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
fn the_harness_says_what_a_script_found_different() {
    let run = Test::new(
        "import { equal } from './expect.js';
         export default function () { equal({ a: 1 }, { a: 2 }, 'the number'); }",
    );
    run.flags("--fail-on-exception")
        .run()
        .refused(107, &[r#"the number: expected {"a":2}, got {"a":1}"#]);
}
