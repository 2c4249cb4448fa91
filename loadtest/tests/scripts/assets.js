// A page and everything that it needs, fetched as a browser does.
import http from 'k6/http';
import { check, sleep } from 'k6';

const BASE_URL = __ENV.BASE_URL;

export const options = {
  stages: [
    { duration: '300ms', target: 3 },
    { duration: '300ms', target: 3 },
    { duration: '200ms', target: 0 },
  ],
  thresholds: {
    'http_req_duration{staticAsset:yes}': ['p(95)<20000'],
    'http_req_duration{staticAsset:no}': ['p(95)<20000'],
    'http_reqs{ctype:css}': ['count>0'],
    checks: ['rate>0.99'],
  },
};

export default () => {
  const page = http.get(`${BASE_URL}/`, { tags: { staticAsset: 'no' } });
  check(page, {
    'status is 200': (r) => r.status === 200,
    'says hello': (r) => r.body.indexOf('hello') !== -1,
  });

  const responses = http.batch([
    ['GET', `${BASE_URL}/style.css`, null, { tags: { staticAsset: 'yes', ctype: 'css' } }],
    ['GET', `${BASE_URL}/images/logo.png`, null, { tags: { staticAsset: 'yes', ctype: 'images' } }],
    { method: 'GET', url: `${BASE_URL}/assets/app.js`, params: { tags: { staticAsset: 'yes' }, headers: { Accept: '*/*' } } },
    `${BASE_URL}/assets/other.js`,
  ]);
  for (const response of responses) {
    check(response, { 'asset is there': ({ status }) => status === 200 });
  }
  const named = http.batch({ first: http.url`${BASE_URL}/status/${200}`, second: `${BASE_URL}/status/304` });
  check(named, { 'named ones are there': ({ first, second }) => first.status === 200 && second.status === 304 });
  sleep(Math.random() * 0.02);
};
