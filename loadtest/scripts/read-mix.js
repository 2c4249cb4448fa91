// Decides whether the everyday mix is served well: profiles and jobs by popularity (Zipf), one request in twenty a
// write, users in every region, requests at the times that users choose and not when the last answer has come.
//
// Read the outcome so: `cache_hit{region:…}` is the share of reads that did not wait for an origin, `read_hit` and
// `read_miss` are the latencies of the two kinds, `http_req_duration{kind:write}` is what a write costs. A missed
// `cache_hit` with good latencies means too many invalidations or too short a TTL; see ttl-sweep.js for what a longer
// one would bring. `dropped_iterations` means that this machine, or MAX_VUS, is too small for RATE.
//
// Knobs beside those of lib/world.js:
//   RATE         requests per second in all regions together (150)
//   DURATION     (20s)
//   WRITES       share of requests that write (0.05)
//   ZIPF         exponent of popularity (1)
//   WARM         the most popular profiles and jobs, so many of each, are stored in every region before (100)
//   HIT_RATIO    share of reads that have to be hits (0.5: of the others, most are asked for once in so short a time)
//   HIT_P95_MS   95 % of hits are answered in less (25)
//   READ_P99_MS  99 % of reads (250)
//   WRITE_P95_MS 95 % of writes (250)
//   MAX_VUS      per region (200)

import { check } from 'k6';
import http from 'k6/http';
import { Rate, Trend } from 'k6/metrics';
import { outcome } from './lib/cache_status.js';
import { JSON_BODY, asked, number, perRegion, records, regionNamed, regionNames, regions, seconds } from './lib/world.js';
import { zipf } from './lib/zipf.js';

const WRITES = number('WRITES', 0.05);
const ZIPF = number('ZIPF', 1);
const WARM = Math.min(number('WARM', 100), records.profiles, records.jobs);

const cacheHit = new Rate('cache_hit');
const readHit = new Trend('read_hit', true);
const readMiss = new Trend('read_miss', true);

/** @type {import('k6/options').Options} */
export const options = {
  scenarios: perRegion(({ name }) => [
    name,
    {
      executor: 'constant-arrival-rate',
      rate: Math.max(1, Math.round(number('RATE', 150) / regions.length)),
      timeUnit: '1s',
      duration: `${seconds('DURATION', '20s')}s`,
      preAllocatedVUs: 20,
      maxVUs: number('MAX_VUS', 200),
      env: { REGION: name },
      tags: { region: name },
    },
  ]),
  thresholds: {
    checks: ['rate==1'],
    http_reqs: ['count>0'],
    ...asked('region', regionNames),
    http_req_failed: ['rate==0'],
    dropped_iterations: ['count==0'],
    'http_req_duration{kind:read}': [`p(99)<${number('READ_P99_MS', 250)}`],
    'http_req_duration{kind:write}': [`p(95)<${number('WRITE_P95_MS', 250)}`],
    ...perRegion(({ name }) => [`cache_hit{region:${name}}`, [`rate>${number('HIT_RATIO', 0.5)}`]]),
    ...perRegion(({ name }) => [`read_hit{region:${name}}`, [`p(95)<${number('HIT_P95_MS', 25)}`]]),
  },
};

const profile = zipf(records.profiles, ZIPF);
const job = zipf(records.jobs, ZIPF);

export function setup() {
  const tags = { name: 'warm-up' };
  for (const { url } of regions) {
    for (let id = 1; id <= WARM; id += 1) {
      http.get(`${url}/profiles/${id}`, { tags });
      http.get(`${url}/jobs/${id}`, { tags });
    }
  }
}

export default function () {
  const { url } = regionNamed(__ENV.REGION);
  const jobs = Math.random() < 0.5;
  const object = jobs ? `${url}/jobs/${job()}` : `${url}/profiles/${profile()}`;
  const name = jobs ? '/jobs/{id}' : '/profiles/{id}';
  if (Math.random() < WRITES) {
    write(object, name, jobs ? 'description' : 'summary');
  } else {
    read(object, name, jobs ? 'title,company' : 'name,headline');
  }
}

/**
 * @param {string} object URL
 * @param {string} name of what is measured
 * @param {string} fields that one read in ten wants: the same record under another key
 */
function read(object, name, fields) {
  const part = Math.random() < 0.1;
  const url = part ? `${object}?fields=${fields}` : object;
  const answer = http.get(url, { tags: { kind: 'read', name: part ? `${name}?fields` : name } });
  const seen = outcome(answer);
  if (!check(answer, { 'a read is answered': ({ status }) => status === 200 }) || seen === null) {
    return;
  }
  cacheHit.add(seen.hit);
  (seen.hit ? readHit : readMiss).add(answer.timings.duration, { from: seen.from });
}

/**
 * @param {string} object URL
 * @param {string} name of what is measured
 * @param {string} field that is written
 */
function write(object, name, field) {
  const text = `Changed by read-mix at ${Date.now()}`;
  const answer = http.patch(object, JSON.stringify({ [field]: text }), {
    headers: JSON_BODY,
    tags: { kind: 'write', name },
  });
  check(answer, { 'a write is accepted': ({ status }) => status === 200 });
}
