// Measurements of the script's own, and a summary of its own.
import http from 'k6/http';
import { Counter, Gauge, Rate, Trend } from 'k6/metrics';
import { check } from 'k6';

const BASE_URL = __ENV.BASE_URL;

const errors = new Rate('errors');
const waiting = new Trend('waiting_time', true);
const sizes = new Trend('body_size');
const requests = new Counter('requests');
const lastStatus = new Gauge('last_status');

export const options = {
  vus: 1,
  iterations: 10,
  summaryTrendStats: ['avg', 'min', 'med', 'max', 'p(95)', 'p(99)', 'count'],
  thresholds: {
    errors: ['rate<0.5'],
    waiting_time: ['avg<20000', 'p(95)<20000'],
    body_size: ['max==9'],
    requests: ['count==10'],
    last_status: ['value==500'],
  },
};

export default function () {
  const length = __ITER;
  const res = __ITER === 9 ? http.get(`${BASE_URL}/status/500`) : http.get(`${BASE_URL}/bytes/${length + 1}`);
  const isFine = check(res, { 'status is 200': (r) => r.status === 200 });
  errors.add(!isFine, { page: 'bytes' });
  waiting.add(res.timings.waiting);
  sizes.add(res.body.length);
  requests.add(1);
  lastStatus.add(res.status);
}

export function handleSummary(data) {
  const { count, avg, max } = data.metrics.body_size.values;
  const median = data.metrics.http_req_duration.values.med;
  console.log(`median ${typeof median} over ${data.state.testRunDurationMs > 0}`);
  return {
    stdout: `sizes: ${count} of ${avg} on average, ${max} at most\n`,
    'results.json': JSON.stringify(data, null, 2),
    'summary.txt': Object.keys(data.metrics)
      .filter((name) => data.metrics[name].thresholds)
      .map((name) => `${name}: ${Object.values(data.metrics[name].thresholds).every(({ ok }) => ok)}`)
      .join('\n'),
  };
}
