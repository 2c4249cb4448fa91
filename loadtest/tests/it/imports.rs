//! Modules: files beside the script, k6's own, and those that there are not.

use crate::harness::Test;

#[test]
fn modules_are_found_relative_to_who_imports_them() {
    let run = Test::new(
        "import { twice } from './lib/a.js';
         import other, * as all from './lib/deep/b.js';
         import { equal } from './expect.js';
         export { options } from './lib/options.js';
         export default function () { equal([twice(4), other, all.name, all.loaded()], [8, 'default of b', 'b', 1]); }",
    );
    let run = run
        .file(
            "lib/a.js",
            "import { two } from './deep/b.js'; export const twice = (n) => two * n;",
        )
        .file(
            "lib/deep/b.js",
            "import '../../once.js';
             export const two = 2; export const name = 'b'; export const loaded = () => globalThis.loaded;
             export default 'default of b';",
        )
        .file("once.js", "globalThis.loaded = (globalThis.loaded ?? 0) + 1;")
        .file("lib/options.js", "export const options = { iterations: 4 };");
    assert_eq!(
        run.flags("--fail-on-exception")
            .run()
            .with_code(0)
            .count("iterations"),
        4
    );
}

#[test]
fn scenarios_can_call_functions_of_other_modules() {
    let run = Test::new(
        "export { browse } from './flows.js';
         export const options = { scenarios: { a: { executor: 'shared-iterations', iterations: 2, exec: 'browse' } } };",
    );
    let run = run.file(
        "flows.js",
        "export function browse() { console.log('browsing'); }",
    );
    assert_eq!(run.run().with_code(0).logged("browsing"), 2);
}

#[test]
fn k6s_modules_are_there_by_name_and_as_a_whole() {
    let run = Test::new(
        "import k6, { check } from 'k6';
         import * as everything from 'k6';
         import http, { get } from 'k6/http';
         import * as requests from 'k6/http';
         import { setTimeout as later } from 'k6/timers';
         import { equal } from './expect.js';
         export default function () {
           equal(k6.check === check && everything.check === check && requests.get === get && http.get === get, true);
           equal(typeof later, 'function');
         }",
    );
    run.flags("--fail-on-exception").run().with_code(0);
}

#[test]
fn what_cannot_be_imported_is_refused_with_the_reason() {
    for (import, words) in [
        (
            "import { browser } from 'k6/browser'",
            ["k6/browser", "proxima-load has only k6, k6/http"],
        ),
        ("import ws from 'k6/ws'", ["k6/ws", "proxima-load has only"]),
        (
            "import { WebSocket } from 'k6/websockets'",
            ["k6/websockets", "proxima-load has only"],
        ),
        (
            "import grpc from 'k6/net/grpc'",
            ["k6/net/grpc", "proxima-load has only"],
        ),
        (
            "import { parseHTML } from 'k6/html'",
            ["k6/html", "proxima-load has only"],
        ),
        (
            "import redis from 'k6/experimental/redis'",
            ["k6/experimental/redis", "proxima-load has only"],
        ),
        (
            "import sql from 'k6/x/sql'",
            ["k6/x/sql", "proxima-load has only"],
        ),
        (
            "import { textSummary } from 'https://jslib.k6.io/k6-summary/0.1.0/index.js'",
            ["jslib.k6.io", "save it beside the script"],
        ),
        (
            "import _ from 'lodash'",
            ["lodash", "bundle them into the script"],
        ),
        ("import a from './absent.js'", ["absent.js", "is the path right?"]),
        (
            "import a from './typed.ts'",
            ["typed.ts", "compile TypeScript first"],
        ),
        ("import { nothing } from './expect.js'", ["nothing", "expect.js"]),
        ("import { nothing } from 'k6'", ["nothing", "k6"]),
        ("import './broken.js'", ["SyntaxError", "broken.js:2"]),
        ("import './throws.js'", ["thrown inside", "throws.js:2"]),
        (
            "const http = require('k6/http')",
            ["require(\"k6/http\")", "use import"],
        ),
    ] {
        let run = Test::new(&format!("{import};\nexport default function () {{}}"))
            .file("broken.js", "const fine = 1;\nconst const = 2;\n")
            .file(
                "throws.js",
                "const fine = 1;\nthrow new Error('thrown inside');\n",
            );
        run.run().refused(107, &words);
    }
}

#[test]
fn the_script_itself_can_be_what_is_wrong() {
    Test::new("export default function () {\n  let a = ;\n}")
        .run()
        .refused(107, &["SyntaxError", "script.js:2"]);
    Test::new("const a = undefinedThing;\nexport default function () {}")
        .run()
        .refused(107, &["undefinedThing", "script.js:1"]);
}
