//! `k6/http`: what goes to the server.

use crate::harness::{Server, Test, iterating, passes};

#[test]
fn every_method_has_its_function() {
    let server = Server::start();
    passes(
        &server,
        "const url = `${base}/echo`;
         for (const [call, method, body] of [
           [() => http.get(url), 'GET', ''],
           [() => http.post(url, 'x'), 'POST', 'x'],
           [() => http.post(url), 'POST', ''],
           [() => http.put(url, 'x'), 'PUT', 'x'],
           [() => http.patch(url, 'x'), 'PATCH', 'x'],
           [() => http.del(url), 'DELETE', ''],
           [() => http.del(url, 'x'), 'DELETE', 'x'],
           [() => http.options(url, 'x'), 'OPTIONS', 'x'],
           [() => http.request('GET', url), 'GET', ''],
           [() => http.request('GET', url, 'x'), 'GET', 'x'],
           [() => http.request('post', url, 'x'), 'POST', 'x'],
           [() => http.request('REPORT', url, 'x'), 'REPORT', 'x'],
         ]) {
           const seen = call().json();
           equal([seen.method, seen.body], [method, body]);
         }
         const head = http.head(url);
         equal([head.status, head.body, head.request.method], [200, '', 'HEAD']);
         ok(head.headers['Content-Length'] !== '0', 'the length of what GET has');",
    );
    let methods: Vec<String> = server.seen().into_iter().map(|seen| seen.method).collect();
    assert_eq!(methods.last().unwrap(), "HEAD");
    assert_eq!(methods.len(), 13);
}

#[test]
fn bodies_are_texts_forms_and_bytes() {
    let server = Server::start();
    passes(
        &server,
        "const url = `${base}/echo`;
         const form = 'application/x-www-form-urlencoded';
         const json = { 'Content-Type': 'application/json' };
         for (const [body, headers, sent, type] of [
           ['grüße', {}, 'grüße', undefined],
           [{ a: 'b c', d: 1, e: true, ü: '&=' }, {}, 'a=b+c&d=1&e=true&%C3%BC=%26%3D', form],
           [{ a: 1 }, json, 'a=1', 'application/json'],
           [JSON.stringify({ a: 1 }), json, '{\"a\":1}', 'application/json'],
           [new Uint8Array([104, 105]).buffer, {}, 'hi', undefined],
           [new Uint8Array([0, 104, 105, 0]).subarray(1, 3), {}, 'hi', undefined],
           [null, {}, '', undefined],
           [undefined, {}, '', undefined],
         ]) {
           const seen = http.post(url, body, { headers }).json();
           equal([seen.body, seen.headers['content-type']], [sent, type]);
         }
         equal(http.post(url, new Uint8Array([0, 255, 128]).buffer).json('hex'), '00ff80');
         equal(http.post(url, 'four').json('headers.content-length'), '4');",
    );
}

#[test]
fn a_form_may_have_several_values_of_a_name() {
    let server = Server::start();
    passes(
        &server,
        "const sent = (form) => http.post(`${base}/echo`, form).json('body');
         equal(sent({ b: 'z', a: ['y', 1, null], empty: null, none: undefined }), 'a=y&a=1&a=&b=z&empty=&none=');
         throws(() => sent({ a: { b: 1 } }), 'JSON.stringify');
         throws(() => sent({ a: [['b']] }), 'JSON.stringify');",
    );
}

#[test]
fn headers_go_as_the_script_gives_them() {
    let server = Server::start();
    passes(
        &server,
        "const headers = { 'X-Custom': 'yes', accept: 'text/plain', 'X-Number': 7, 'User-Agent': 'me', Host: 'a.example' };
         const seen = http.get(`${base}/echo`, { headers }).json('headers');
         equal(['x-custom', 'accept', 'x-number', 'user-agent', 'host'].map((name) => seen[name]),
           ['yes', 'text/plain', '7', 'me', 'a.example']);
         const plain = http.get(`${base}/echo`).json('headers');
         ok(plain['user-agent'].length > 0, 'a User-Agent');
         equal(plain['accept-encoding'], undefined);
         equal(plain.host, base.replace('http://', ''));
         throws(() => http.get(base, { headers: { 'X-A': 'a\\nb' } }), 'no header');",
    );
}

#[test]
fn credentials_in_the_url_become_a_header() {
    let server = Server::start();
    let run = passes(
        &server,
        "const url = `${base}/echo`.replace('//', '//user:pass%20word@');
         equal(http.get(url).json('headers.authorization'), 'Basic dXNlcjpwYXNzIHdvcmQ=');
         equal(http.get(url, { auth: 'basic' }).status, 200);",
    );
    for sample in run.samples("http_reqs") {
        assert!(!sample.tag("url").contains("pass"), "{sample:?}");
    }
}

#[test]
fn bodies_are_compressed_on_demand() {
    let server = Server::start();
    passes(
        &server,
        "const text = 'compress me '.repeat(100);
         for (const [compression, magic] of [['gzip', '1f8b'], ['deflate', '78'], ['zstd', '28b52ffd'], ['br', '']]) {
           const seen = http.post(`${base}/echo`, text, { compression }).json();
           equal(seen.headers['content-encoding'], compression);
           ok(seen.hex.startsWith(magic) && seen.hex.length / 2 < text.length / 4, compression);
         }
         const seen = http.post(`${base}/echo`, text, { compression: 'gzip, br' }).json();
         equal(seen.headers['content-encoding'], 'gzip, br');
         throws(() => http.post(base, text, { compression: 'lzw' }), 'compression \"lzw\" is unknown');",
    );
}

#[test]
fn samples_of_requests_carry_tags() {
    let server = Server::start();
    let run = iterating(
        &server,
        "http.get(`${base}/status/404?a=1`);
         http.post(`${base}/echo`, 'x', { tags: { name: 'echo', kind: 'own', level: 2 } });
         http.get(http.url`${base}/status/${200}`);",
    );
    let run = run.flags("--tag test=tags").run().with_code(0);
    for metric in [
        "http_reqs",
        "http_req_duration",
        "http_req_waiting",
        "http_req_failed",
    ] {
        let samples = run.samples(metric);
        assert_eq!(samples.len(), 3, "{metric}");
        let url = server.url("/status/404?a=1");
        for (sample, tag, value) in [
            (0, "url", url.as_str()),
            (0, "name", &url),
            (0, "method", "GET"),
            (0, "status", "404"),
            (0, "error_code", "1404"),
            (0, "proto", "HTTP/1.1"),
            (0, "expected_response", "false"),
            (0, "scenario", "default"),
            (0, "test", "tags"),
            (0, "group", ""),
            (1, "name", "echo"),
            (1, "url", "echo"),
            (1, "kind", "own"),
            (1, "level", "2"),
            (1, "method", "POST"),
            (1, "expected_response", "true"),
            (1, "error_code", ""),
            (2, "name", "${}/status/${}"),
            (2, "status", "200"),
        ] {
            assert_eq!(
                samples[sample].tag(tag),
                value,
                "{metric}: {tag} of request {sample}"
            );
        }
    }
}

#[test]
fn timeouts_are_milliseconds_or_durations() {
    let server = Server::start();
    passes(
        &server,
        "for (const timeout of [30, '30', '30ms', '0.03s']) {
           const began = Date.now();
           const { status, error_code } = http.get(`${base}/stall`, { timeout });
           equal([status, error_code], [0, 1050], String(timeout));
           ok(Date.now() - began >= 29, 'it waited');
         }
         equal(http.get(`${base}/slow/50`, { timeout: '1m' }).status, 200);
         throws(() => http.get(base, { timeout: 'soon' }), 'timeout \"soon\"');",
    );
}

#[test]
fn redirects_are_followed_and_each_counts() {
    let server = Server::start();
    let run = passes(
        &server,
        "const last = http.get(`${base}/redirect/3`);
         equal([last.status, last.body, last.url, last.request.url], [200, 'arrived', `${base}/redirect/0`, `${base}/redirect/0`]);
         const stopped = http.get(`${base}/redirect/5`, { redirects: 2 });
         equal([stopped.status, stopped.url, stopped.headers.Location], [302, `${base}/redirect/3`, '/redirect/2']);
         equal(http.get(`${base}/redirect/1`, { redirects: 0 }).status, 302);",
    );
    assert_eq!(run.count("http_reqs"), 4 + 3 + 1);
    let samples = run.samples("http_reqs");
    let statuses: Vec<&str> = samples.iter().map(|sample| sample.tag("status")).collect();
    assert_eq!(statuses, ["302", "302", "302", "200", "302", "302", "302", "302"]);
    assert_eq!(samples[1].tag("url"), server.url("/redirect/2"));
}

#[test]
fn a_script_can_say_how_many_redirects_are_followed() {
    let server = Server::start();
    let run = iterating(
        &server,
        "equal(http.get(`${base}/redirect/4`).url, `${base}/redirect/2`);",
    );
    run.flags("--max-redirects 2").run().with_code(0);
    let run = iterating(
        &server,
        "equal(http.get(`${base}/redirect/30`).url, `${base}/redirect/20`);",
    );
    run.run().with_code(0);
}

#[test]
fn redirects_change_the_method_as_browsers_do() {
    let server = Server::start();
    passes(
        &server,
        "for (const [status, method, body] of [[301, 'GET', ''], [302, 'GET', ''], [303, 'GET', ''], [307, 'POST', 'x'], [308, 'POST', 'x']]) {
           const seen = http.post(`${base}/redirect-to?status=${status}&url=/echo`, 'x').json();
           equal([seen.method, seen.body], [method, body], String(status));
         }",
    );
}

#[test]
fn a_script_decides_which_statuses_it_expects() {
    let server = Server::start();
    let run = passes(
        &server,
        "http.get(`${base}/status/404`, { responseCallback: http.expectedStatuses(404, { min: 500, max: 599 }) });
         http.get(`${base}/status/503`, { responseCallback: http.expectedStatuses(404, { min: 500, max: 599 }) });
         http.get(`${base}/status/200`, { responseCallback: http.expectedStatuses(404) });
         http.get(`${base}/status/500`, { responseCallback: null });
         http.get(`${base}/status/404`);
         http.get(`${base}/status/399`);
         http.setResponseCallback(http.expectedStatuses(404));
         http.get(`${base}/status/404`);
         http.setResponseCallback(null);
         http.get(`${base}/status/404`);
         throws(() => http.expectedStatuses(), 'at least one');
         throws(() => http.expectedStatuses('404'), 'numbers');
         throws(() => http.setResponseCallback(() => true), 'expectedStatuses');",
    );
    let samples = run.samples("http_reqs");
    let expected: Vec<&str> = samples
        .iter()
        .map(|sample| sample.tag("expected_response"))
        .collect();
    assert_eq!(
        expected,
        ["true", "true", "false", "", "false", "true", "true", ""]
    );
    let failed: Vec<f64> = run
        .samples("http_req_failed")
        .iter()
        .map(|sample| sample.value)
        .collect();
    assert_eq!(failed, [0.0, 0.0, 1.0, 1.0, 0.0, 0.0]);
}

#[test]
fn what_is_not_supported_is_refused_by_name() {
    let server = Server::start();
    passes(
        &server,
        "throws(() => http.get(base, { auth: 'digest' }), 'auth');
         throws(() => http.get(base, { auth: 'ntlm' }), 'auth');
         throws(() => http.get(base, { retries: 3 }), 'params.retries is not supported');
         throws(() => http.get(base, 'params'), 'params are an object');
         throws(() => http.get(base, { responseType: 'blob' }), 'responseType');
         throws(() => http.get(base, { redirects: 'all' }), 'redirects');
         throws(() => http.get(base, { headers: 'Accept' }), 'headers are an object');
         throws(() => http.get(base, { tags: 'a' }), 'tags are an object');
         throws(() => http.get(42), 'a URL is a text');
         throws(() => http.post(base, 42), 'body');
         throws(() => http.file('data', 'name.txt'), 'http.file() is not supported');
         throws(() => http.get(base).html(), 'html() is not supported');
         throws(() => http.get(base).submitForm(), 'submitForm() is not supported');
         throws(() => http.get(base).clickLink(), 'clickLink() is not supported');",
    );
}

/// Both ask the server; the iterations between them do not.
fn setup_and_teardown(server: &Server) -> Test {
    Test::new(
        "import http from 'k6/http';
         import { equal } from './expect.js';
         const base = __ENV.BASE;
         export function setup() { return { token: http.post(`${base}/login`, { username: 'u' }).json('access') }; }
         export default function (data) { equal(data, { token: 'token-of-u' }); data.token = 'changed'; }
         export function teardown(data) { equal(data, { token: 'token-of-u' }); http.get(`${base}/?bye`); }",
    )
    .against(server)
    .flags("--fail-on-exception --out json=samples.json")
}

#[test]
fn setup_and_teardown_make_requests_in_groups_of_their_own() {
    let server = Server::start();
    let run = setup_and_teardown(&server).run().with_code(0);
    let samples = run.samples("http_reqs");
    let groups: Vec<&str> = samples.iter().map(|sample| sample.tag("group")).collect();
    assert_eq!(groups, ["::setup", "::teardown"]);
    assert_eq!(run.count("http_reqs"), 2);
}

#[test]
fn a_full_summary_has_sections_for_setup_and_teardown() {
    let server = Server::start();
    let run = setup_and_teardown(&server)
        .flags("--summary-mode full")
        .run()
        .with_code(0);
    for title in ["█ GROUP: setup", "█ GROUP: teardown"] {
        let (_, section) = run
            .stdout
            .split_once(title)
            .unwrap_or_else(|| panic!("no {title} in {}", run.stdout));
        assert!(section.contains("http_req_duration"), "{}", run.stdout);
    }
}
