// A user logs in by a form, looks at pages that need the session, and logs in again by a token.
import http from 'k6/http';
import { check, fail, group, sleep } from 'k6';

const BASE_URL = __ENV.BASE_URL || 'http://localhost:8080';

export const options = {
  vus: 2,
  iterations: 6,
  thresholds: {
    http_req_failed: ['rate<0.01'],
    http_req_duration: ['p(95)<20000'],
    checks: ['rate==1'],
    'http_req_duration{group:::2. account}': ['avg<20000'],
  },
};

export default function () {
  group('1. log in', function () {
    const res = http.post(`${BASE_URL}/login`, { username: `user${__VU}`, password: 'secret' });
    const loggedIn = check(res, {
      'logged in': (r) => r.status === 200,
      'has a session': (r) => r.cookies.session.length === 1 && r.cookies.session[0].value === `user${__VU}`,
      'has a token': (r) => r.json('access') !== '',
    });
    if (!loggedIn) {
      fail('could not log in');
    }
  });

  group('2. account', function () {
    const jar = http.cookieJar();
    const cookies = jar.cookiesForURL(BASE_URL);
    check(cookies, { 'the jar has the session': (c) => c.session[0] === `user${__VU}` });

    const res = http.get(`${BASE_URL}/account`);
    check(res, {
      'it is my account': (r) => r.json().user === `user${__VU}`,
      'is JSON': (r) => r.headers['Content-Type'].includes('application/json'),
    });

    const redirected = http.get(`${BASE_URL}/redirect-to?url=/account`);
    check(redirected, { 'redirects keep the session': (r) => r.url.endsWith('/account') && r.status === 200 });
  });

  group('3. by token', function () {
    const stranger = new http.CookieJar();
    const token = http.post(`${BASE_URL}/login`, { username: 'token' }, { jar: stranger }).json('access');
    stranger.clear(BASE_URL);
    const res = http.get(`${BASE_URL}/account`, {
      headers: { Authorization: `Bearer ${token}` },
      jar: stranger,
      tags: { name: 'account by token' },
    });
    check(res, { 'the token is enough': (r) => r.status === 200 && r.json('user') === 'token' });
  });

  sleep(0.01);
}
