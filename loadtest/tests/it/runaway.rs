//! Scripts that compute for ever, recurse without end or drown in an answer: they hurt themselves only.

use crate::harness::{Server, Test};

/// Functions that never come to their end.
const ENDLESS: [&str; 13] = [
    "function () { for (;;) {} }",
    "function () { for (;;) { try { sleep(3600); } catch (error) {} } }",
    "function () { for (;;) { try { sleep(3600); } finally { continue; } } }",
    "function () { group('g', () => { for (;;) {} }); }",
    "async function () { for (;;) { try { await null; } catch (error) {} } }",
    "async function () {
         for (;;) { try { await new Promise((done) => setTimeout(done, 20)); } catch (error) {} }
     }",
    "async function () { await new Promise(() => { setTimeout(() => {}, 3600e3); }); }",
    "function () { const again = () => { Promise.resolve().then(again); }; again(); again(); }",
    "function () { setInterval(() => {}, 1); }",
    "function () { /(a+)+$/.test('a'.repeat(60) + 'b'); }",
    "function () { JSON.stringify({ toJSON() { for (;;) {} } }); }",
    "function () { [2, 1].sort(() => { for (;;) {} }); }",
    "function () { function* numbers() { for (;;) yield 1; } for (const _ of numbers()) {} }",
];

#[test]
fn iterations_without_end_are_cut_short_and_others_of_their_thread_go_on() {
    let functions: String = ENDLESS
        .iter()
        .enumerate()
        .map(|(place, function)| format!("export const endless{place} = {function};\n"))
        .collect();
    let script = format!(
        "import {{ sleep, group }} from 'k6';
         {functions}
         export function good() {{ sleep(0.01); }}
         const second = {{ executor: 'constant-vus', vus: 1, duration: '1s', gracefulStop: '200ms' }};
         export const options = {{
             scenarios: {{ good: {{ ...second, exec: 'good', gracefulStop: '1h' }} }},
             thresholds: {{ 'iterations{{scenario:good}}': ['count>=5'] }},
         }};
         for (let place = 0; place < {}; place++) {{
             const exec = `endless${{place}}`;
             options.scenarios[exec] = {{ ...second, exec }};
             options.thresholds[`iterations{{scenario:${{exec}}}}`] = ['count==0'];
         }}",
        ENDLESS.len()
    );
    let run = Test::new(&script).flags("--threads 1").run().with_code(0);
    assert_eq!(run.stderr, "");
}

#[test]
fn recursion_without_end_is_an_exception_through_native_functions_too() {
    let server = Server::start();
    crate::harness::passes(
        &server,
        "const deep = {
             plain: () => deep.plain() + 1,
             method: (n) => ({ get x() { return deep.method(n).x; } }).x,
             check: () => check(null, { is: deep.check }),
             stringify: () => JSON.stringify({ toJSON: deep.stringify }),
             replace: () => 'a'.replace(/a/, deep.replace),
             sort: () => [2, 1].sort(deep.sort),
             map: () => [1].map(deep.map),
             construct: function () { return new deep.construct(); },
             proxy: () => new Proxy({}, { get: deep.proxy }).x,
             async: async () => { await deep.async(); },
             request: () => http.get(base + '/', { tags: { get a() { return deep.request(); } } }),
         };
         for (const [name, body] of Object.entries(deep)) {
             let caught;
             try { await body(); } catch (error) { caught = error.name; }
             equal(caught, 'RangeError', name);
         }
         equal(http.get(base + '/').status, 200);",
    );
}

#[test]
fn what_is_nested_too_deep_is_an_exception() {
    let server = Server::start();
    crate::harness::passes(
        &server,
        "let nested = [];
         for (let i = 0; i < 1e6; i++) nested = [nested];
         let chain = () => 1;
         for (let i = 0; i < 1e5; i++) { const before = chain; chain = () => before(); }
         const attempts = {
             stringify: () => JSON.stringify(nested),
             parse: () => JSON.parse('['.repeat(1e6)),
             text: () => String(nested),
             flat: () => nested.flat(Infinity),
             chain: () => chain(),
             pattern: () => new RegExp('('.repeat(1e5) + ')'.repeat(1e5)),
             code: () => new Function('return ' + '('.repeat(1e5)),
             body: () => http.post(base + '/', { nested }),
         };
         for (const [name, body] of Object.entries(attempts)) {
             let caught = false;
             try { body(); } catch (error) { caught = true; }
             ok(caught, name);
         }
         console.log(nested);
         nested = chain = null;
         equal(http.get(base + '/').status, 200);",
    );
}

#[test]
fn the_most_that_a_stack_holds_is_enough_for_everything_native() {
    let server = Server::start();
    // A request at each depth, the last ones close to the end of the stack.
    crate::harness::passes(
        &server,
        "let requests = 0;
         const down = (n) => {
             if (n % 20 === 0) {
                 const { status } = http.post(base + '/echo', JSON.stringify({ n }), { tags: { n: String(n) } });
                 check(status, { 'is 200': (status) => status === 200 });
                 group('g', () => { requests += 1; });
             }
             return down(n + 1) + 1;
         };
         let caught;
         try { down(0); } catch (error) { caught = error.name; }
         equal(caught, 'RangeError');
         ok(requests > 5, requests);",
    );
}

#[test]
fn a_huge_answer_is_no_trouble() {
    let server = Server::start();
    let script = "
        import http from 'k6/http';
        import { equal } from './expect.js';
        export default function () {
            const { status, body } = http.get(`${__ENV.BASE}/bytes/314572800`);
            equal(status, 200);
            equal(body && body.length, __ENV.LENGTH === '' ? null : Number(__ENV.LENGTH));
        }";
    for (flags, length) in [("", "314572800"), ("--discard-response-bodies", "")] {
        let run = Test::new(script)
            .against(&server)
            .flags("--fail-on-exception -e")
            .flags(&format!("LENGTH={length} {flags}"))
            .run()
            .with_code(0);
        let received = run.count("data_received");
        assert!((314_572_800..314_574_000).contains(&received), "{received}");
    }
}

#[test]
fn a_server_that_says_nothing_ends_in_a_timeout() {
    let server = Server::start();
    crate::harness::passes(
        &server,
        "const { status, error, error_code, body } = http.get(base + '/stall', { timeout: '200ms' });
         equal([status, error_code, body], [0, 1050, null]);
         ok(error.includes('timeout'), error);",
    );
}
