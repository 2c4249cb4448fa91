// Several workloads at once, each with its function, tags, environment and thresholds.
import http from 'k6/http';
import exec from 'k6/execution';
import { check, sleep } from 'k6';
import { Counter } from 'k6/metrics';

const BASE_URL = __ENV.BASE_URL;
const visits = new Counter('visits');

export const options = {
  discardResponseBodies: true,
  scenarios: {
    contacts: {
      executor: 'shared-iterations',
      exec: 'contacts',
      vus: 2,
      iterations: 8,
      maxDuration: '30s',
      tags: { my_tag: 'contacts' },
      env: { PAGE: '/status/201' },
    },
    news: {
      executor: 'constant-arrival-rate',
      exec: 'news',
      rate: 20,
      timeUnit: '1s',
      duration: '1s',
      preAllocatedVUs: 5,
      maxVUs: 10,
      startTime: '100ms',
      gracefulStop: '20s',
      tags: { my_tag: 'news' },
      env: { PAGE: '/status/202' },
    },
    late: {
      executor: 'per-vu-iterations',
      exec: 'news',
      vus: 1,
      iterations: 1,
      startTime: '200ms',
      tags: { my_tag: 'late' },
      env: { PAGE: '/status/203' },
    },
  },
  thresholds: {
    'http_reqs{my_tag:contacts}': ['count==8'],
    'http_reqs{scenario:late}': ['count==1'],
    'http_req_duration{my_tag:news}': ['p(99)<20000'],
    'checks{scenario:news}': ['rate==1'],
    'visits{page:/status/202}': ['count>0'],
  },
};

function visit(status) {
  const res = http.get(`${BASE_URL}${__ENV.PAGE}`, { tags: { page: __ENV.PAGE } });
  visits.add(1, { page: __ENV.PAGE });
  check(res, { 'status is right': (r) => r.status === status, 'no body': (r) => r.body === null });
}

export function contacts() {
  visit(201);
  sleep(0.01);
}

export function news() {
  visit(exec.scenario.name === 'late' ? 203 : 202);
}
