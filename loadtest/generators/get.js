// What proxima-load runs beside the other generators: one request and one check.

import { check } from 'k6';
import http from 'k6/http';

const { URL, CONNECTIONS, SECONDS, PER_SECOND } = __ENV;
const duration = `${SECONDS}s`;

export const options = {
  summaryTrendStats: ['p(50)', 'p(99)'],
  scenarios: {
    get: PER_SECOND
      ? { executor: 'constant-arrival-rate', rate: +PER_SECOND, preAllocatedVUs: +CONNECTIONS, duration, gracefulStop: '1s' }
      : { executor: 'constant-vus', vus: +CONNECTIONS, duration, gracefulStop: '1s' },
  },
};

export default function () {
  check(http.get(URL), { 'status is 200': ({ status }) => status === 200 });
}
