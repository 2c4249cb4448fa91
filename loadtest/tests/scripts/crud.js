// Records are made, read, changed and deleted, each virtual user's own.
import http from 'k6/http';
import { check, group } from 'k6';

const BASE_URL = __ENV.BASE_URL;

export const options = {
  scenarios: {
    crud: { executor: 'per-vu-iterations', vus: 3, iterations: 2, maxDuration: '1m' },
  },
  thresholds: {
    checks: ['rate>=1'],
    'group_duration{group:::modify}': ['max<30000'],
    http_req_failed: [{ threshold: 'rate<=0', abortOnFail: false, delayAbortEval: '10s' }],
  },
};

export function setup() {
  const res = http.post(`${BASE_URL}/login`, { username: 'admin' });
  check(res, { 'setup logged in': (r) => r.status === 200 });
  return { token: res.json('access') };
}

export default function (data) {
  const params = (tag) => ({
    headers: { Authorization: `Bearer ${data.token}`, 'Content-Type': 'application/json' },
    tags: { name: 'records', action: tag },
  });
  let url;

  group('create', () => {
    const payload = JSON.stringify({ name: `record of ${__VU}`, iteration: __ITER });
    const res = http.post(`${BASE_URL}/records`, payload, params('create'));
    check(res, { created: (r) => r.status === 201 });
    url = `${BASE_URL}/records/${res.json('id')}`;
  });

  group('modify', () => {
    group('read', () => {
      const res = http.get(url, params('read'));
      check(res, { 'as created': (r) => r.json('name') === `record of ${__VU}` && r.json('iteration') === __ITER });
    });
    const res = http.patch(url, JSON.stringify({ name: 'changed' }), params('update'));
    const isChanged = check(res, { changed: (r) => r.status === 200, 'has the new name': (r) => r.json('name') === 'changed' });
    if (!isChanged) {
      console.log(`cannot change: ${res.status} ${res.body}`);
    }
  });

  group('delete', () => {
    check(http.del(url, null, params('delete')), { deleted: (r) => r.status === 204 });
    const gone = http.get(url, { ...params('gone'), responseCallback: http.expectedStatuses(404) });
    check(gone, { 'is gone': (r) => r.status === 404 && r.error_code === 1404 });
  });
}

export function teardown(data) {
  check(data, { 'teardown has the token': (d) => d.token === 'token-of-admin' });
}
