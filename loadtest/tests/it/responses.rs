//! `k6/http`: what a script learns of an answer.

use crate::harness::{Server, iterating, passes};

#[test]
fn a_response_has_all_its_fields() {
    let server = Server::start();
    let run = passes(
        &server,
        "const answer = http.get(`${base}/status/404?q=1`, { headers: { 'X-Mine': 'yes' } });
         equal([answer.status, answer.status_text, answer.proto], [404, '404 Not Found', 'HTTP/1.1']);
         equal([answer.url, answer.body], [`${base}/status/404?q=1`, '404']);
         equal([answer.error, answer.error_code], ['', 1404]);
         equal(`${answer.remote_ip}:${answer.remote_port}`, base.replace('http://', ''));
         equal([answer.tls_version, answer.tls_cipher_suite], ['', '']);
         equal(answer.headers, { 'Content-Type': 'text/plain', 'Content-Length': '3' });
         equal(answer.cookies, {});
         const { method, url, headers, body } = answer.request;
         equal([method, url, body, headers['X-Mine']], ['GET', `${base}/status/404?q=1`, '', ['yes']]);
         equal(http.post(`${base}/echo`, 'sent').request.body, 'sent');",
    );
    assert_eq!(run.logged("request failed"), 0, "{}", run.stderr);
}

#[test]
fn an_answer_that_is_fine_has_no_error_code() {
    let server = Server::start();
    passes(
        &server,
        "for (const [status, code] of [[200, 0], [204, 0], [304, 0], [399, 0], [400, 1400], [499, 1499], [500, 1500], [599, 1599]]) {
           equal(http.get(`${base}/status/${status}`).error_code, code, String(status));
         }",
    );
}

#[test]
fn header_names_are_canonical_and_repeats_are_joined() {
    let server = Server::start();
    passes(
        &server,
        "const { headers } = http.get(`${base}/headers?x-cache=HIT&ETAG=%22a%22&x-many=1&X-Many=2&www-authenticate=Basic`);
         equal([headers['X-Cache'], headers.Etag, headers['X-Many'], headers['Www-Authenticate']], ['HIT', '\"a\"', '1, 2', 'Basic']);
         equal(headers['x-cache'], undefined);",
    );
}

#[test]
fn timings_add_up() {
    let server = Server::start();
    let run = passes(
        &server,
        "const first = http.get(`${base}/slow/40`).timings;
         for (const name of ['duration', 'blocked', 'looking_up', 'connecting', 'tls_handshaking', 'sending', 'waiting', 'receiving']) {
           ok(typeof first[name] === 'number' && first[name] >= 0, name);
         }
         const sum = first.sending + first.waiting + first.receiving;
         ok(Math.abs(first.duration - sum) < 1e-6, `${first.duration} is ${sum}`);
         ok(first.waiting >= 39, 'it waited for the server');
         ok(first.connecting > 0 && first.blocked >= first.connecting, 'blocked has connecting');
         equal(first.tls_handshaking, 0);
         const again = http.get(`${base}/`).timings;
         equal(again.connecting, 0);",
    );
    let sum = |metric: &str| run.samples(metric).iter().map(|sample| sample.value).sum::<f64>();
    let parts = sum("http_req_sending") + sum("http_req_waiting") + sum("http_req_receiving");
    assert!((sum("http_req_duration") - parts).abs() < 1e-6);
    assert!(sum("http_req_blocked") >= sum("http_req_connecting"));
    assert!(run.metric("data_received", "count").unwrap() > 100.0);
    assert!(run.metric("data_sent", "count").unwrap() > 100.0);
}

#[test]
fn json_takes_selectors() {
    let server = Server::start();
    passes(
        &server,
        "const answer = http.get(`${base}/json`);
         equal(answer.json().fruit.length, 2);
         for (const [selector, value] of [
           ['fruit.0.name', 'apple'], ['fruit.#', 2], ['fruit.#.grams', [150, 180]], ['a\\\\.b', true], ['none', null],
           ['absent', undefined], ['fruit.7', undefined], ['fruit.0.name.deeper', undefined],
         ]) equal(answer.json(selector), value, selector);
         throws(() => answer.json('fruit.#(grams>160)'), 'queries are not supported');
         throws(() => http.get(`${base}/`).json(), 'no JSON');
         throws(() => http.get(`${base}/json`, { responseType: 'none' }).json(), 'no body');
         equal(http.get(`${base}/json`, { responseType: 'binary' }).json('fruit.1.name'), 'pear');",
    );
}

#[test]
fn a_body_is_text_bytes_or_nothing() {
    let server = Server::start();
    let body = "equal(http.get(`${base}/bytes/3`, { responseType: 'text' }).body, 'xxx');
         const { body } = http.get(`${base}/bytes/3`, { responseType: 'binary' });
         ok(body instanceof ArrayBuffer, 'an ArrayBuffer');
         equal([...new Uint8Array(body)], [120, 120, 120]);
         const none = http.get(`${base}/bytes/3`, { responseType: 'none' });
         equal([none.body, none.status, none.headers['Content-Length']], [null, 200, '3']);";
    passes(
        &server,
        &format!("{body} equal(http.get(`${{base}}/bytes/3`).body, 'xxx');"),
    );
    let discarding = format!("{body} equal(http.get(`${{base}}/bytes/3`).body, null);");
    let run = iterating(&server, &discarding).flags("--discard-response-bodies");
    run.run().with_code(0);
}

#[test]
fn a_large_body_arrives_whole() {
    let server = Server::start();
    let run = passes(
        &server,
        "equal(http.get(`${base}/bytes/5000000`).body.length, 5000000);
         equal(http.get(`${base}/bytes/0`).body, '');",
    );
    assert!(run.metric("data_received", "count").unwrap() > 5e6);
}

#[test]
fn compressed_bodies_are_decoded() {
    let server = Server::start();
    passes(
        &server,
        "const answer = http.get(`${base}/gzip`);
         equal([answer.body, answer.headers['Content-Encoding']], ['small again', 'gzip']);",
    );
}

#[test]
fn a_response_becomes_json_with_its_fields() {
    let server = Server::start();
    passes(
        &server,
        "const plain = JSON.parse(JSON.stringify(http.get(`${base}/status/201`)));
         equal([plain.status, plain.body, plain.proto, plain.request.method], [201, '201', 'HTTP/1.1', 'GET']);
         ok(plain.timings.duration > 0, 'timings');
         ok(http.get(base) instanceof http.Response, 'a Response');",
    );
}

#[test]
fn http2_is_spoken_where_the_server_offers_it() {
    let server = Server::start_tls();
    let run = iterating(
        &server,
        "const answer = http.post(`${base}/echo`, 'x'.repeat(100000), { headers: { 'X-Custom': 'yes', Host: 'a.example' } });
         equal([answer.status, answer.proto, answer.tls_version], [200, 'HTTP/2.0', 'tls1.3']);
         ok(/^TLS_/.test(answer.tls_cipher_suite), answer.tls_cipher_suite);
         equal(answer.tls_version, http.TLS_1_3);
         const seen = answer.json();
         equal([seen.proto, seen.body.length, seen.headers['x-custom'], seen.headers.host], ['HTTP/2.0', 100000, 'yes', 'a.example']);
         ok(answer.timings.tls_handshaking > 0, 'a handshake');
         equal(http.get(`${base}/`).timings.tls_handshaking, 0);
         equal(http.batch([`${base}/together/5`, `${base}/together/5`, `${base}/together/5`, `${base}/together/5`, `${base}/together/5`])
           .map(({ status }) => status), [200, 200, 200, 200, 200]);",
    );
    let run = run.flags("--insecure-skip-tls-verify").run().with_code(0);
    let samples = run.samples("http_reqs");
    assert_eq!(samples[0].tag("proto"), "HTTP/2.0");
    assert_eq!(samples[0].tag("tls_version"), "tls1.3");
    assert!(
        server.seen().iter().all(|request| request.connection == 1),
        "one connection for all"
    );
}
