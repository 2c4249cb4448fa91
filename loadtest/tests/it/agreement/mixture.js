// Requests of many kinds from three scenarios, with metrics of the script's own.

import { check, group, sleep } from 'k6';
import exec from 'k6/execution';
import http from 'k6/http';
import { Counter, Gauge, Rate, Trend } from 'k6/metrics';

const items = new Counter('items');
const level = new Gauge('level');
const hits = new Rate('hits');
const sizes = new Trend('sizes');
const waits = new Trend('waits', true);
new Counter('never');

const statuses = [200, 200, 200, 201, 404, 503];
const base = __ENV.BASE;

export const options = {
  tags: { test: 'mixture' },
  summaryTrendStats: ['avg', 'min', 'med', 'max', 'count', 'p(1)', 'p(25)', 'p(90)', 'p(95)', 'p(99)', 'p(99.9)', 'p(100)'],
  scenarios: {
    reads: { executor: 'shared-iterations', vus: 12, iterations: 900, exec: 'read', tags: { region: 'eu' } },
    writes: { executor: 'per-vu-iterations', vus: 5, iterations: 60, exec: 'write', tags: { region: 'us' } },
    visits: {
      executor: 'constant-arrival-rate', rate: 100, duration: '3s', preAllocatedVUs: 20, exec: 'visit', startTime: '100ms',
    },
  },
  thresholds: {
    http_reqs: ['count>0', 'count<0', 'rate>0.001'],
    'http_reqs{region:eu}': ['count==1800', 'count!=1800'],
    'http_reqs{region:us,kind:write}': ['count===300'],
    'http_reqs{status:404}': ['count>100', 'count>100000'],
    http_req_duration: ['p(95)<1e9', 'p(95)>1e9', 'max>0'],
    'http_req_duration{kind:read}': ['avg<1e9'],
    'http_req_duration{status:503}': ['med<1e9', 'min<0'],
    'http_req_duration{kind:nowhere}': ['p(95)<1', 'count>0'],
    'http_req_waiting{name:named}': ['max<1e9'],
    http_req_failed: ['rate<0.9', 'rate<0.01'],
    'http_req_failed{expected_response:true}': ['rate==0'],
    checks: ['rate>0.2', 'rate==1'],
    'checks{check:is even}': ['rate>0.4', 'rate>0.6'],
    'checks{group:::outer::inner}': ['rate==1'],
    items: ['count>100'],
    'items{kind:b}': ['count>0', 'rate>1e9'],
    level: ['value>=0', 'value<0'],
    hits: ['rate>0.1', 'rate<0.1'],
    'hits{vu:3}': ['rate>=0'],
    sizes: ['p(99)<1e9', 'p(25)<0', 'avg>1e9', 'min<0'],
    'sizes{half:upper}': ['min>=500'],
    'waits{region:us}': ['p(99.9)<1e9'],
    'iterations{scenario:visits}': ['count==300'],
    'iteration_duration{scenario:reads}': ['max<1e9'],
    dropped_iterations: ['count==0'],
    never: ['count==0', 'count>0'],
    group_duration: ['count>0'],
    data_received: ['count>0'],
  },
};

// The same numbers in each run.
const mixed = (n, modulus) => ((n * 2654435761) % 4294967296) % modulus;

export function read() {
  const n = exec.scenario.iterationInTest;
  const tags = { kind: 'read', vu: String(__VU % 4) };
  const first = http.get(`${base}/slow/${mixed(n, 7)}`, { tags });
  const second = http.get(`${base}/status/${statuses[n % statuses.length]}`, { tags });
  check(n, { 'is even': (n) => n % 2 === 0 });
  check(second, { 'is 2xx': (response) => response.status < 300, 'was slow': () => first.timings.duration > 1 }, tags);
  hits.add(n % 3 === 0, { vu: String(__VU % 4) });
  const size = mixed(n, 1000);
  sizes.add(size, { half: size < 500 ? 'lower' : 'upper' });
  sizes.add(-size / 7);
}

export function write() {
  const n = exec.scenario.iterationInTest;
  group('outer', () => {
    const { timings } = http.post(`${base}/echo`, 'x'.repeat(mixed(n, 3000)), { tags: { kind: 'write' } });
    waits.add(timings.waiting);
    group('inner', () => {
      check(n, { 'is a number': (n) => n >= 0 });
    });
  });
  items.add(n / 3, { kind: n % 2 ? 'a' : 'b' });
  items.add(1e-7);
  level.add(Math.sin(n));
}

export function visit() {
  http.get(`${base}/bytes/${mixed(exec.scenario.iterationInTest, 20000)}`, { tags: { name: 'named' } });
  exec.vu.metrics.tags.visits = 'many';
  check(null, { never: false });
  sleep(0.002);
}

export function handleSummary(data) {
  return { 'data.json': JSON.stringify(data) };
}
