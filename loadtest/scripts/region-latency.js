// Decides whether each region serves what it has stored within its gate, and what a region near its users is worth: the
// same user asks the region at home and, where the way there is known, one that is far away.
//
// Requests come at fixed times (open model), so that a proxy that stalls is charged for everybody who would have waited.
// Read the outcome so: `hit_duration{region:…}` is the gate of a region. `hit_duration{region:abroad}` is what the user
// of the last region would see without a proxy there; the difference to `{region:LAST}` is what the region is worth, and
// `connect_duration` says what a new connection costs on top. A missed gate with few hits (`cache_hit`) is a cold cache,
// a missed gate with hits is a slow proxy, or a generator that has no core of its own.
//
// Knobs beside those of lib/world.js:
//   RATE          reads per second in each region (50)
//   DURATION      (15s)
//   HOT           profiles that are read; all are read once in each region before (50)
//   HIT_P95_MS    95 % of a region's hits are answered in less (20)
//   HIT_P99_MS    99 % (100)
//   PROXIMA_ABROAD  URL by which a user in the last region reaches the first one's proxy over the real distance (none;
//                 `proxima-local -- COMMAND` sets it to a way that takes as long as light in glass)
//   ABROAD_MIN_MS half of those reads take at least this long, or the distance is not real (50)

import { check } from 'k6';
import http from 'k6/http';
import { Rate, Trend } from 'k6/metrics';
import { outcome } from './lib/cache_status.js';
import { asked, number, perRegion, regionNames, regions, seconds } from './lib/world.js';

const HOT = number('HOT', 50);
const ABROAD = __ENV.PROXIMA_ABROAD;

const cacheHit = new Rate('cache_hit');
const hitDuration = new Trend('hit_duration', true);
const connectDuration = new Trend('connect_duration', true);

/**
 * @param {string} name
 * @param {string} url
 * @returns {import('k6/options').Scenario}
 */
function reads(name, url) {
  return {
    executor: 'constant-arrival-rate',
    rate: number('RATE', 50),
    timeUnit: '1s',
    duration: `${seconds('DURATION', '15s')}s`,
    preAllocatedVUs: 30,
    maxVUs: 100,
    env: { URL: url },
    tags: { region: name },
  };
}

/** @type {import('k6/options').Options} */
export const options = {
  scenarios: {
    ...perRegion(({ name, url }) => [name, reads(name, url)]),
    ...(ABROAD ? { abroad: reads('abroad', ABROAD) } : {}),
  },
  thresholds: {
    checks: ['rate==1'],
    http_reqs: ['count>0'],
    ...asked('region', ABROAD ? [...regionNames, 'abroad'] : regionNames),
    http_req_failed: ['rate==0'],
    dropped_iterations: ['count==0'],
    ...perRegion(({ name }) => [
      `hit_duration{region:${name}}`,
      [`p(95)<${number('HIT_P95_MS', 20)}`, `p(99)<${number('HIT_P99_MS', 100)}`],
    ]),
    ...perRegion(({ name }) => [`cache_hit{region:${name}}`, ['rate>0.95']]),
    ...(ABROAD ? { 'hit_duration{region:abroad}': [`med>${number('ABROAD_MIN_MS', 50)}`] } : {}),
  },
};

export function setup() {
  for (const { url } of regions) {
    for (let id = 1; id <= HOT; id += 1) {
      http.get(`${url}/profiles/${id}`, { tags: { name: 'warm-up' } });
    }
  }
}

export default function () {
  const id = 1 + Math.floor(Math.random() * HOT);
  const answer = http.get(`${__ENV.URL}/profiles/${id}`, { tags: { name: '/profiles/{id}' } });
  const { blocked, duration } = answer.timings;
  const seen = outcome(answer);
  if (!check(answer, { 'a read is answered': ({ status }) => status === 200 }) || seen === null) {
    return;
  }
  cacheHit.add(seen.hit);
  if (seen.hit) {
    hitDuration.add(duration);
  }
  if (answer.timings.tls_handshaking > 0) {
    connectDuration.add(blocked);
  }
}
