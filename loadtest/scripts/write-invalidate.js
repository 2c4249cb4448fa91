// Decides how long a write stays unseen. A profile that every region has stored is changed in one region; all regions are
// then asked at once, again and again, until each has the new value. Regions take turns as the writer.
//
// Read the outcome so: `stale_for{region:…}` is the time from the answer to a write made elsewhere until the first read
// in that region that saw it began, so 0 is a region that never gave out the old value; `stale_reads` counts the answers
// with the old value in between. Where it was made a write has to be seen at once. Every second write is looked for by
// clients that send its Proxima-Position back as Proxima-Min-Position, and they have to see it at once in any region. A
// missed `stale_for` means a change feed that lags (proxima_feed_* of that region's proxy); failed checks mean that
// coherence is broken.
//
// Knobs beside those of lib/world.js:
//   RATE           writes per second (4)
//   DURATION       (15s)
//   STALE_P95_MS   95 % of writes are seen everywhere within (150)
//   STALE_MAX_MS   all of them (2000)

import { check, fail, sleep } from 'k6';
import exec from 'k6/execution';
import http from 'k6/http';
import { Counter, Trend } from 'k6/metrics';
import { JSON_BODY, asked, number, perRegion, records, regionNames, regions, seconds } from './lib/world.js';

const STALE_MAX_MS = number('STALE_MAX_MS', 2000);
/** Pause between two looks. */
const LOOK_EVERY_S = 0.002;

const staleFor = new Trend('stale_for', true);
const staleReads = new Counter('stale_reads');

/** @type {import('k6/options').Options} */
export const options = {
  scenarios: {
    writes: {
      executor: 'constant-arrival-rate',
      rate: number('RATE', 4),
      timeUnit: '1s',
      duration: `${seconds('DURATION', '15s')}s`,
      preAllocatedVUs: 20,
      maxVUs: 50,
    },
  },
  thresholds: {
    checks: ['rate==1'],
    http_reqs: ['count>0'],
    ...asked('region', regionNames),
    http_req_failed: ['rate==0'],
    dropped_iterations: ['count==0'],
    ...perRegion(({ name }) => [
      `stale_for{region:${name}}`,
      [`p(95)<${number('STALE_P95_MS', 150)}`, `max<${STALE_MAX_MS}`],
    ]),
  },
};

/**
 * @typedef {import('./lib/world.js').Region} Region
 * @typedef {object} Written
 * @property {string} path
 * @property {string} headline
 * @property {string} position
 * @property {number} at_ms when its answer had come, Unix time
 */

export default function () {
  const turn = exec.scenario.iterationInTest;
  const writer = /** @type {Region} */ (regions[turn % regions.length]);
  const path = `/profiles/${1 + (turn % records.profiles)}`;
  http.batch(regions.map(({ name, url }) => ['GET', url + path, null, { tags: { region: name, name: 'before' } }]));

  const written = write(writer, path, `Version ${turn} at ${Date.now()}`);
  if (turn % 2 === 0) {
    lookUntilSeen(writer, written);
  } else {
    const seen = look(regions, written, { 'Proxima-Min-Position': written.position });
    check(seen, { 'whoever asks for the position sees the write at once': (seen) => seen.length === regions.length });
  }
}

/**
 * @param {Region} region
 * @param {string} path
 * @param {string} headline
 * @returns {Written}
 */
function write({ name, url }, path, headline) {
  const answer = http.patch(url + path, JSON.stringify({ headline }), {
    headers: JSON_BODY,
    tags: { region: name, name: 'write' },
  });
  const at_ms = Date.now();
  const position = answer.headers['Proxima-Position'] ?? '';
  if (!check(answer, { 'a write is accepted': ({ status }) => status === 200 && position !== '' })) {
    fail(`${name}: a write was answered ${answer.status} ${answer.error}`);
  }
  return { path, headline, position, at_ms };
}

/**
 * Reads in `places` at once.
 * @param {Region[]} places
 * @param {Written} written
 * @param {Record<string, string>} headers
 * @returns {Region[]} where the write is seen
 */
function look(places, { path, headline }, headers) {
  const answers = http.batch(
    places.map(({ name, url }) => ['GET', url + path, null, { headers, tags: { region: name, name: 'look' } }]),
  );
  return places.filter((_, index) => {
    const answer = answers[index];
    check(answer, { 'a read is answered': (answer) => answer?.status === 200 });
    return answer?.status === 200 && answer.json('headline') === headline;
  });
}

/**
 * Looks until all regions have the write, and records when each had it. The writer's must have it at the first look.
 * @param {Region} writer
 * @param {Written} written
 */
function lookUntilSeen(writer, written) {
  let waiting = regions;
  while (waiting.length > 0) {
    const asked_ms = Math.max(0, Date.now() - written.at_ms);
    const seen = look(waiting, written, {});
    waiting = waiting.filter((region) => !seen.includes(region));
    check(waiting, { 'the writer sees its own write at once': (waiting) => !waiting.includes(writer) });
    seen.filter((region) => region !== writer).forEach(({ name }) => staleFor.add(asked_ms, { region: name }));
    waiting.forEach(({ name }) => staleReads.add(1, { region: name }));
    if (asked_ms > STALE_MAX_MS) {
      break;
    }
    sleep(LOOK_EVERY_S);
  }
  if (!check(waiting, { 'the write arrives everywhere': (waiting) => waiting.length === 0 })) {
    fail(`${written.path} is still old in ${waiting.map(({ name }) => name).join(', ')}`);
  }
}
