// Decides whether a deployment works at all: through every region's proxy a profile is read twice, revalidated, changed
// and read again, and lists and absent records are asked for.
//
// Takes a second. Every check has to hold; the summary names the ones that did not, and `checks{region:…}` the region.
// Exit 99 means: do not bother with the other scripts, curl that region first.
//
// Knobs: those of lib/world.js. It changes the headlines of the last profiles, one per region.

import { check } from 'k6';
import http from 'k6/http';
import { outcome } from './lib/cache_status.js';
import { JSON_BODY, asked, perRegion, records, regionNamed, regionNames, regions } from './lib/world.js';

/** @type {import('k6/options').Options} */
export const options = {
  scenarios: perRegion(({ name }) => [
    name,
    { executor: 'per-vu-iterations', vus: 1, iterations: 1, maxDuration: '30s', env: { REGION: name }, tags: { region: name } },
  ]),
  thresholds: {
    checks: ['rate==1'],
    http_reqs: ['count>0'],
    ...asked('region', regionNames),
    ...perRegion(({ name }) => [`checks{region:${name}}`, ['rate==1']]),
  },
};

export default function () {
  const region = regionNamed(__ENV.REGION);
  // A record of each region's own: another region's write must not turn the second read into a miss.
  const id = records.profiles - regions.indexOf(region);
  readAndWrite(`${region.url}/profiles/${id}`);
  readOthers(region.url);
}

/** @param {string} url of a profile */
function readAndWrite(url) {
  const headline = `Smoke-tested at ${Date.now()}`;
  const written = http.patch(url, JSON.stringify({ headline }), { headers: JSON_BODY });
  check(written, {
    'a write is accepted': ({ status }) => status === 200,
    'a write says its position': ({ headers }) => /^\d+:\d+$/.test(headers['Proxima-Position'] ?? ''),
  });

  const first = http.get(url);
  check(first, {
    'a read is answered': ({ status }) => status === 200,
    'a read shows the write': (answer) => answer.json('headline') === headline,
    'a read says where it came from': (answer) => outcome(answer) !== null,
  });

  const again = http.get(url);
  check(again, {
    'read again, it is a hit': (answer) => outcome(answer)?.hit === true,
    'read again, it is the same': ({ body }) => body === first.body,
    'a hit has an age': ({ headers }) => /^\d+$/.test(headers['Age'] ?? ''),
  });

  const validated = http.get(url, {
    headers: { 'If-None-Match': first.headers['Etag'] ?? '' },
    responseCallback: http.expectedStatuses(304),
  });
  check(validated, { 'what the client has is not sent again': ({ status, body }) => status === 304 && !body });
}

/** @param {string} base URL of a proxy */
function readOthers(base) {
  const lists = http.batch({
    profiles: ['GET', `${base}/profiles?limit=3`],
    jobs: ['GET', `${base}/jobs?limit=3`],
  });
  check(lists.profiles, { 'profiles are listed': (answer) => answer.json('items.#') === 3 });
  check(lists.jobs, { 'jobs are listed': (answer) => answer.json('items.#') === 3 });

  const absent = http.get(`${base}/profiles/${records.profiles + 1_000_000}`, {
    responseCallback: http.expectedStatuses(404),
  });
  check(absent, { 'what is absent is not found': ({ status }) => status === 404 });
}
