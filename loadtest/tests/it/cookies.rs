//! Cookies: jars, and those of single requests.

use crate::harness::{Server, iterating, passes};

#[test]
fn a_virtual_user_keeps_cookies_for_one_iteration() {
    let server = Server::start();
    let body = "equal(http.get(`${base}/cookies`).json(), __ENV.KEPT && __ITER > 0 ? { a: '1' } : {});
         const answer = http.get(`${base}/cookies/set?a=1&b=2; Path=/elsewhere&c=3; Max-Age=0`);
         equal(answer.cookies.a[0].value, '1');
         equal([answer.cookies.b[0].path, answer.cookies.b[0].name], ['/elsewhere', 'b']);
         equal(http.get(`${base}/cookies`).json(), { a: '1' });";
    iterating(&server, body).flags("-i 3").run().with_code(0);
    let run = iterating(&server, body)
        .flags("-i 3 -e KEPT=1")
        .env("K6_NO_COOKIES_RESET", "true");
    run.run().with_code(0);
}

#[test]
fn cookies_have_their_attributes() {
    let server = Server::start();
    passes(
        &server,
        "const { cookies } = http.get(`${base}/cookies/set?a=b; Path=/x; Domain=example.com; Max-Age=60; Secure; HttpOnly&a=c`);
         equal(cookies.a.length, 2);
         const [first] = cookies.a;
         equal([first.name, first.value, first.path, first.domain, first.max_age, first.secure, first.http_only],
           ['a', 'b', '/x', 'example.com', 60, true, true]);",
    );
}

#[test]
fn redirects_take_and_give_cookies() {
    let server = Server::start();
    passes(
        &server,
        "http.post(`${base}/login`, { username: 'mo' });
         equal(http.get(`${base}/redirect-to?url=/account`).json(), { user: 'mo' });",
    );
}

#[test]
fn a_jar_can_be_filled_and_emptied_by_the_script() {
    let server = Server::start();
    passes(
        &server,
        "const jar = http.cookieJar();
         jar.set(base, 'a', '1');
         jar.set(`${base}/cookies`, 'b', '2', { path: '/cookies', max_age: 600, http_only: true });
         jar.set(`${base}/elsewhere`, 'c', '3', { path: '/elsewhere' });
         jar.set(base, 'gone', '4', { expires: 'Mon, 02 Jan 2006 15:04:05 GMT' });
         const { a, b, ...others } = http.get(`${base}/cookies`).json();
         equal([a, b, others], ['1', '2', {}]);
         equal(jar.cookiesForURL(`${base}/cookies`).b, ['2']);
         equal(jar.cookiesForURL(`${base}/elsewhere`).c, ['3']);
         jar.delete(base, 'a');
         equal(http.get(`${base}/cookies`).json(), { b: '2' });
         jar.clear(`${base}/cookies`);
         equal(http.get(`${base}/cookies`).json(), {});
         throws(() => jar.set(base, 'a', '1', { colour: 'red' }), 'no option \"colour\"');
         throws(() => jar.set('not a url', 'a', '1'), 'no URL');",
    );
}

#[test]
fn a_jar_of_the_scripts_own_takes_the_place_of_the_other() {
    let server = Server::start();
    passes(
        &server,
        "const jar = new http.CookieJar();
         jar.set(base, 'mine', '1');
         http.cookieJar().set(base, 'theirs', '2');
         equal(http.get(`${base}/cookies`, { jar }).json(), { mine: '1' });
         equal(http.get(`${base}/cookies`).json(), { theirs: '2' });
         http.get(`${base}/cookies/set?got=3`, { jar });
         equal(http.get(`${base}/cookies`, { jar }).json(), { got: '3', mine: '1' });
         equal(jar.cookiesForURL(`${base}/cookies`), { got: ['3'], mine: ['1'] });
         throws(() => http.get(base, { jar: {} }), 'params.jar');",
    );
}

#[test]
fn a_request_can_have_cookies_of_its_own() {
    let server = Server::start();
    passes(
        &server,
        "equal(http.get(`${base}/cookies`, { cookies: { a: '1', b: 2 } }).json(), { a: '1', b: '2' });
         equal(http.get(`${base}/cookies`).json(), {});
         const jar = http.cookieJar();
         jar.set(base, 'a', 'jar');
         jar.set(base, 'b', 'jar');
         const cookies = { a: { value: 'own', replace: true } };
         equal(http.get(`${base}/cookies`, { cookies }).json(), { a: 'own', b: 'jar' });
         equal(http.get(`${base}/echo`, { cookies: { c: 'own' } }).json('headers.cookie').split('; ').sort(), ['a=jar', 'b=jar', 'c=own']);
         equal(http.get(`${base}/echo`, { cookies }).request.cookies.a[0].value, 'own');
         equal(http.get(`${base}/cookies`).json(), { a: 'jar', b: 'jar' });",
    );
}

#[test]
fn a_cookie_may_have_the_name_of_what_every_object_has() {
    let server = Server::start();
    passes(
        &server,
        "const { cookies } = http.get(`${base}/cookies/set?constructor=1&__proto__=2&toString=3`);
         equal(Object.keys(cookies).sort(), ['__proto__', 'constructor', 'toString']);
         const kept = http.cookieJar().cookiesForURL(`${base}/cookies`);
         equal([kept.constructor, Object.keys(kept).length], [['1'], 3]);",
    );
}
