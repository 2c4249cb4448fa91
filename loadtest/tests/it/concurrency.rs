//! Several requests of one virtual user at the same time.

use crate::harness::{Server, iterating, passes};

#[test]
fn batch_takes_every_form_and_answers_in_the_same() {
    let server = Server::start();
    passes(
        &server,
        "const array = http.batch([
           `${base}/status/201`,
           ['GET', `${base}/status/202`],
           ['POST', `${base}/echo`, { a: 1 }, { headers: { 'X-A': 'b' } }],
           ['get', `${base}/status/203`, null, { tags: { kind: 'array' } }],
           { method: 'PUT', url: `${base}/echo`, body: 'put', params: { headers: { 'X-A': 'c' } } },
           { url: `${base}/status/204` },
           http.url`${base}/status/${206}`,
           ['GET', http.url`${base}/status/${207}`],
         ]);
         ok(Array.isArray(array), 'an array');
         equal(array.map(({ status }) => status), [201, 202, 200, 203, 200, 204, 206, 207]);
         equal([array[2].json('body'), array[2].json('headers.x-a')], ['a=1', 'b']);
         equal([array[4].json('method'), array[4].json('body'), array[4].json('headers.x-a')], ['PUT', 'put', 'c']);
         const named = http.batch({ front: `${base}/`, other: { method: 'GET', url: `${base}/status/404` } });
         equal(Object.keys(named), ['front', 'other']);
         equal([named.front.status, named.other.status], [200, 404]);
         equal(http.batch([]), []);
         throws(() => http.batch(), 'an array or an object');
         throws(() => http.batch([42]), 'neither a URL, an array nor an object');",
    );
}

#[test]
fn names_of_urls_reach_the_tags_from_batches_too() {
    let server = Server::start();
    let run = passes(
        &server,
        "http.batch([http.url`${base}/status/${206}`, ['GET', http.url`${base}/status/${207}`]]);",
    );
    let samples = run.samples("http_reqs");
    assert!(
        samples
            .iter()
            .all(|sample| sample.tag("name") == "${}/status/${}"),
        "{samples:?}"
    );
}

#[test]
fn a_batch_is_as_parallel_as_the_options_allow() {
    let server = Server::start();
    // The server answers only when all have come.
    let body = |count: usize| {
        format!(
            "const all = Array.from({{ length: {count} }}, () => ['GET', `${{base}}/together/{count}`, null, {{ timeout: '20s' }}]);
             equal(http.batch(all).map(({{ status }}) => status), all.map(() => 200));"
        )
    };
    passes(&server, &body(6));
    let run = iterating(&server, &body(12)).flags("--batch-per-host 12");
    run.run().with_code(0);
    let one_by_one = "const all = Array.from({ length: 4 }, () => `${base}/`);
         equal(http.batch(all).length, 4);";
    let alone = Server::start();
    iterating(&alone, one_by_one)
        .flags("--batch 1")
        .run()
        .with_code(0);
    assert!(alone.seen().iter().all(|request| request.connection == 1));
}

#[test]
fn a_batch_survives_failures_of_its_parts() {
    let server = Server::start();
    passes(
        &server,
        "const [good, bad, none] = http.batch([`${base}/`, `${base}/close`, 'not a url']);
         equal([good.status, bad.status, bad.error_code, none.error_code], [200, 0, 1000, 1020]);",
    );
}

#[test]
fn promises_go_on_at_the_same_time() {
    let server = Server::start();
    let run = passes(
        &server,
        "const one = await http.asyncRequest('POST', `${base}/echo`, 'x', { headers: { 'X-A': 'b' } });
         equal([one.status, one.json('body'), one.json('headers.x-a')], [200, 'x', 'b']);
         const all = await Promise.all(Array.from({ length: 8 }, () => http.asyncRequest('GET', `${base}/together/8`)));
         equal(all.map(({ status }) => status), [200, 200, 200, 200, 200, 200, 200, 200]);
         const first = await Promise.race([http.asyncRequest('GET', `${base}/slow/300`), http.asyncRequest('GET', `${base}/status/202`)]);
         equal(first.status, 202);
         http.asyncRequest('GET', `${base}/status/203`).then(({ status }) => console.log(`nobody awaited ${status}`));
         const { status, error_code } = await http.asyncRequest('GET', `${base}/close`);
         equal([status, error_code], [0, 1000]);",
    );
    assert_eq!(run.logged("nobody awaited 203"), 1);
    assert_eq!(run.count("http_reqs"), 1 + 8 + 2 + 1 + 1);
}

#[test]
fn timers_and_checks_work_beside_promises() {
    let server = Server::start();
    let run = passes(
        &server,
        "const order = [];
         setTimeout(() => order.push('timer'), 20);
         const slow = http.asyncRequest('GET', `${base}/slow/150`).then(() => order.push('slow'));
         order.push('at once');
         await slow;
         equal(order, ['at once', 'timer', 'slow']);
         check(order, { 'all came': (words) => words.length === 3 });
         equal(http.get(`${base}/`).status, 200);",
    );
    assert_eq!(run.check(&[], "all came"), (1, 0));
}
