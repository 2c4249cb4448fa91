// Decides which TTL is long enough: one region, one popularity of profiles, one rate, and several TTLs side by side, each
// with profiles of its own. The cache stays as it is configured: a read says with Cache-Control: max-age how old an answer
// may be (RFC 9111, section 5.2.1.1), which a proxy obeys as if that were the TTL. So it may be run against a cache in use.
//
// Read the outcome so: `cache_hit{ttl:…}` beside `read_duration{ttl:…}` is what each TTL buys, and (1 - cache_hit) x RATE
// is what the origin is asked per second. The least `cache_hit` that is let pass comes from theory: a record that is read
// r times a second is a hit in r x TTL / (1 + r x TTL) of the reads, summed up over all records. (There will be more, most
// of all with short TTLs, since ages are compared in whole seconds.) Less means that stored responses are lost before
// their time: a cache that is too small, writes, a ring that evicts, a configured TTL below the one that is tried.
//
// Knobs beside those of lib/world.js:
//   TTLS       seconds, separated by commas (1,2,5,10); at most the route's own TTL
//   RATE       reads per second with each TTL (40)
//   DURATION   (20s); longer than the longest TTL, since the first TTL's time is not counted
//   OBJECTS    profiles for each TTL (60)
//   ZIPF       exponent of their popularity (1)
//   TOLERANCE  how much less than the theory's hit ratio is let pass (0.1)
//   REGION     where (the first)

import { check } from 'k6';
import exec from 'k6/execution';
import http from 'k6/http';
import { Rate, Trend } from 'k6/metrics';
import { outcome } from './lib/cache_status.js';
import { asked, number, records, regionNamed, regions, seconds } from './lib/world.js';
import { zipf, zipfShares } from './lib/zipf.js';

const TTLS_S = (__ENV.TTLS || '1,2,5,10').split(',').map(Number);
const RATE = number('RATE', 40);
const OBJECTS = number('OBJECTS', 60);
const ZIPF = number('ZIPF', 1);
const TOLERANCE = number('TOLERANCE', 0.1);
const DURATION_S = seconds('DURATION', '20s');

const region = regionNamed(__ENV.REGION || regions[0]?.name);
const cacheHit = new Rate('cache_hit');
const readDuration = new Trend('read_duration', true);

if (!TTLS_S.every((ttl_s) => ttl_s > 0)) {
  throw new Error(`TTLS: "${__ENV.TTLS}" is not a list of seconds such as 1,5,30`);
}
if (Math.max(...TTLS_S) >= DURATION_S) {
  throw new Error(`DURATION: ${DURATION_S} s is not longer than the longest of TTLS, ${Math.max(...TTLS_S)} s`);
}
if (TTLS_S.length * OBJECTS > records.profiles) {
  throw new Error(`TTLS and OBJECTS: ${TTLS_S.length} times ${OBJECTS} profiles are more than the ${records.profiles} there are`);
}

/**
 * The share of reads that a cache answers which keeps every record for `ttl_s`.
 * @param {number} ttl_s seconds
 * @returns {number}
 */
function hitRatio(ttl_s) {
  return zipfShares(OBJECTS, ZIPF).reduce((sum, share) => {
    const readsPerTtl = share * RATE * ttl_s;
    return sum + (share * readsPerTtl) / (1 + readsPerTtl);
  }, 0);
}

/** @type {import('k6/options').Options} */
export const options = {
  scenarios: Object.fromEntries(
    TTLS_S.map((ttl_s, index) => [
      `ttl-${ttl_s}s`,
      {
        executor: 'constant-arrival-rate',
        rate: RATE,
        timeUnit: '1s',
        duration: `${DURATION_S}s`,
        preAllocatedVUs: 10,
        maxVUs: 50,
        env: { TTL_S: String(ttl_s), FIRST_ID: String(1 + index * OBJECTS) },
        tags: { ttl: `${ttl_s}s` },
      },
    ]),
  ),
  thresholds: {
    checks: ['rate==1'],
    http_reqs: ['count>0'],
    ...asked(
      'ttl',
      TTLS_S.map((ttl_s) => `${ttl_s}s`),
    ),
    http_req_failed: ['rate==0'],
    dropped_iterations: ['count==0'],
    ...Object.fromEntries(
      TTLS_S.map((ttl_s) => [`cache_hit{ttl:${ttl_s}s}`, [`rate>${Math.max(0, hitRatio(ttl_s) - TOLERANCE).toFixed(3)}`]]),
    ),
    // No gate, but the summary shows only those parts of a metric that have one.
    ...Object.fromEntries(TTLS_S.map((ttl_s) => [`read_duration{ttl:${ttl_s}s}`, ['p(95)<1000']])),
  },
};

export function setup() {
  // The theory is about a cache that has been in use for long: it starts full, and what comes before the first expiry is
  // not counted.
  for (let id = 1; id <= TTLS_S.length * OBJECTS; id += 1) {
    http.get(`${region.url}/profiles/${id}`, { tags: { name: 'warm-up' } });
  }
}

const rank = zipf(OBJECTS, ZIPF);

export default function () {
  const id = Number(__ENV.FIRST_ID) + rank() - 1;
  const answer = http.get(`${region.url}/profiles/${id}`, {
    headers: { 'Cache-Control': `max-age=${__ENV.TTL_S}` },
    tags: { name: '/profiles/{id}' },
  });
  const seen = outcome(answer);
  const settled = Date.now() - exec.scenario.startTime > Number(__ENV.TTL_S) * 1000;
  if (check(answer, { 'a read is answered': ({ status }) => status === 200 }) && seen !== null && settled) {
    cacheHit.add(seen.hit);
    readDuration.add(answer.timings.duration);
  }
}
