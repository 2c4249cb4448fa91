//! Requests that have no response: a status of 0, a code, and no exception.

use std::net::TcpListener;

use crate::harness::{Server, iterating, passes};

#[test]
fn a_failure_is_a_response_with_a_code() {
    let server = Server::start();
    // Bound and dropped: nobody listens there, and nobody else gets it soon.
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let run = passes(
        &server,
        &format!(
            "for (const [url, code, error] of [
               ['http://{free}/', 1212, 'connection refused'],
               ['http://no-such-host.invalid/', 1101, 'no such host'],
               [`${{base}}/reset`, 1220, 'reset'],
               [`${{base}}/close`, 1000, 'EOF'],
               [`${{base}}/truncated`, 1000, 'EOF'],
               ['not a url', 1020, ''],
               ['ftp://127.0.0.1/', 1020, 'ftp'],
             ]) {{
               const answer = http.get(url);
               equal([answer.status, answer.error_code, answer.body, answer.headers], [0, code, null, {{}}], url);
               ok(answer.error.includes(error), `${{url}}: ${{answer.error}}`);
               equal([answer.url, answer.status_text, answer.proto], [url, '', ''], url);
               throws(() => answer.json(), 'no body');
             }}
             const late = http.get(`${{base}}/stall`, {{ timeout: 50 }});
             equal([late.status, late.error_code, late.error], [0, 1050, 'request timeout']);"
        ),
    );
    let samples = run.samples("http_req_failed");
    assert_eq!(
        samples.len(),
        6,
        "URLs that are none are no requests: {samples:?}"
    );
    assert!(samples.iter().all(|sample| sample.value == 1.0));
    let codes: Vec<&str> = samples.iter().map(|sample| sample.tag("error_code")).collect();
    assert_eq!(codes, ["1212", "1101", "1220", "1000", "1000", "1050"]);
    assert!(
        samples
            .iter()
            .all(|sample| sample.tag("status") == "0" && !sample.tag("error").is_empty())
    );
    assert_eq!(run.logged("request failed"), 8, "{}", run.stderr);
}

#[test]
fn a_script_can_have_failures_thrown() {
    let server = Server::start();
    let run = iterating(
        &server,
        "throws(() => http.get(`${base}/close`), 'EOF');
         throws(() => http.get('not a url'), 'URL');
         throws(() => http.get(`${base}/stall`, { timeout: 20 }), 'timeout');
         let thrown;
         try { await http.asyncRequest('GET', `${base}/close`); } catch (error) { thrown = error.message; }
         ok(thrown.includes('EOF'), thrown);
         equal(http.get(`${base}/status/500`).status, 500);",
    );
    run.flags("--throw").run().with_code(0);
}

#[test]
fn a_certificate_that_nobody_trusts_is_a_failure() {
    let server = Server::start_tls();
    passes(
        &server,
        "const { status, error_code, error } = http.get(base);
         equal([status, error_code], [0, 1310], error);",
    );
}

#[test]
fn after_a_failure_the_next_request_gets_a_new_connection() {
    let server = Server::start();
    passes(
        &server,
        "for (const path of ['/reset', '/truncated', '/close']) {
           equal(http.get(base + path).status, 0, path);
           equal(http.get(`${base}/`).status, 200, path);
         }
         http.get(`${base}/stall`, { timeout: 20 });
         equal(http.get(`${base}/`).status, 200);",
    );
}

#[test]
fn a_response_callback_that_is_none_is_refused() {
    let server = Server::start();
    passes(
        &server,
        "for (const expectedStatuses of [[[200]], [[]], [[200, 201, 202]], ['200'], [[-1, 70000]], 200]) {
           throws(() => http.get(base, { responseCallback: { expectedStatuses } }), 'expectedStatuses()');
           throws(() => http.setResponseCallback({ expectedStatuses }), 'expectedStatuses()');
         }",
    );
}
