// Decides whether a deployment is as good after hours as it was in the first minutes: the everyday mix (popular profiles
// and jobs, lists, a few writes) at a rate that it should bear for good.
//
// Read the outcome so: `read_duration{part:first}` and `{part:last}` are the first and the last third of the time, under
// the same gate. A last third that misses it while the first does not is a leak, of memory, connections or queue places:
// look at the proxies' metrics over the time. `cache_hit` of the last third below the first's: stored responses get lost.
//
// Knobs beside those of lib/world.js:
//   DURATION     (30s; for a real soak 8h)
//   RATE         requests per second in all regions together (60)
//   WRITES       share of requests that write (0.02)
//   READ_P95_MS  95 % of each third's reads are answered in less (50)
//   READ_P99_MS  99 % (250)

import { check } from 'k6';
import exec from 'k6/execution';
import http from 'k6/http';
import { Rate, Trend } from 'k6/metrics';
import { outcome } from './lib/cache_status.js';
import { JSON_BODY, asked, number, perRegion, records, regionNamed, regionNames, regions, seconds } from './lib/world.js';
import { zipf } from './lib/zipf.js';

const DURATION_S = seconds('DURATION', '30s');
const WRITES = number('WRITES', 0.02);
/** Share of requests that list. */
const LISTS = 0.05;
const PARTS = ['first', 'middle', 'last'];
const READ_GATE = [`p(95)<${number('READ_P95_MS', 50)}`, `p(99)<${number('READ_P99_MS', 250)}`];

const cacheHit = new Rate('cache_hit');
const readDuration = new Trend('read_duration', true);

/** @type {import('k6/options').Options} */
export const options = {
  scenarios: perRegion(({ name }) => [
    name,
    {
      executor: 'constant-arrival-rate',
      rate: Math.max(1, Math.round(number('RATE', 60) / regions.length)),
      timeUnit: '1s',
      duration: `${DURATION_S}s`,
      preAllocatedVUs: 20,
      maxVUs: 100,
      env: { REGION: name },
      tags: { region: name },
    },
  ]),
  thresholds: {
    checks: ['rate==1'],
    http_reqs: ['count>0'],
    ...asked('region', regionNames),
    ...asked('part', PARTS),
    http_req_failed: ['rate==0'],
    dropped_iterations: ['count==0'],
    'read_duration{part:first}': READ_GATE,
    'read_duration{part:last}': READ_GATE,
    'cache_hit{part:last}': ['rate>0.3'],
  },
};

const profile = zipf(records.profiles, 1);
const job = zipf(records.jobs, 1);

export default function () {
  const { url } = regionNamed(__ENV.REGION);
  const elapsed_s = (Date.now() - exec.scenario.startTime) / 1000;
  const part = PARTS[Math.min(2, Math.floor((3 * elapsed_s) / DURATION_S))] ?? 'last';
  const drawn = Math.random();
  if (drawn < WRITES) {
    const body = JSON.stringify({ summary: `Soaked at ${Date.now()}` });
    const tags = { kind: 'write', name: '/profiles/{id}', part };
    const answer = http.patch(`${url}/profiles/${profile()}`, body, { headers: JSON_BODY, tags });
    check(answer, { 'a write is accepted': ({ status }) => status === 200 });
  } else if (drawn < WRITES + LISTS) {
    read(`${url}/jobs?limit=5`, '/jobs', part);
  } else if (drawn < 0.5) {
    read(`${url}/jobs/${job()}`, '/jobs/{id}', part);
  } else {
    read(`${url}/profiles/${profile()}`, '/profiles/{id}', part);
  }
}

/**
 * @param {string} url
 * @param {string} name of what is measured
 * @param {string} part of the run
 */
function read(url, name, part) {
  const answer = http.get(url, { tags: { kind: 'read', name, part } });
  const seen = outcome(answer);
  if (check(answer, { 'a read is answered': ({ status }) => status === 200 }, { part }) && seen !== null) {
    cacheHit.add(seen.hit, { part });
    readDuration.add(answer.timings.duration, { part });
  }
}
