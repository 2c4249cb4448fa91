// Decides whether users notice that something dies: reads and writes go on in every region while an origin (or a proxy, or
// a region's ring) is killed, and while it comes back.
//
//        BEFORE_S            DURING_S              AFTER_S
//   |--- before ---|(harm)--- during ---|(undone)--- after ---|
//
// The script does the harm itself, at PROXIMA_FAULTS; without that it says when to do it by hand. Read the outcome so:
// `failed{kind:read,phase:during}` and its likes are the shares of requests without a good answer. Only what is under way
// when a process dies may be lost, so a write's share is small and a read's is 0: reads are tried at the next origin,
// writes only if nothing of them had been sent. `took{…,phase:…}` is how long answers took, errors included: in `during`
// its tail is the time until a proxy knows. `failed{…,phase:after}` not 0: something did not heal.
//
// A killed proxy takes its region's users with it until DNS leads them elsewhere. Their client is told to try the next
// region at once; `rescued` counts how often that was needed. A user has failed when no region answered.
//
// Knobs beside those of lib/world.js:
//   FAULT                 origin/REGION, proxy/REGION or ring/REGION (the first region's origin)
//   ACT                   kill, stop or pause (kill)
//   RATE                  reads per second in each region (40); writes are a tenth of them
//   BEFORE_S, DURING_S, AFTER_S   seconds (5, 8, 7)
//   WRITES_LOST           share of writes that may fail around the fault (0.05)
//   READ_P99_MS           99 % of reads in every phase are answered in less (1500, most of it for `pause`)

import { check } from 'k6';
import exec from 'k6/execution';
import http from 'k6/http';
import { Counter, Rate, Trend } from 'k6/metrics';
import { actNamed, harm, undo } from './lib/faults.js';
import { JSON_BODY, asked, number, perRegion, records, regionNamed, regionNames, regions } from './lib/world.js';
import { zipf } from './lib/zipf.js';

const FAULT = __ENV.FAULT || `origin/${regions[0]?.name}`;
const ACT = actNamed(__ENV.ACT || 'kill');
const RATE = number('RATE', 40);
const BEFORE_S = number('BEFORE_S', 5);
const DURING_S = number('DURING_S', 8);
const AFTER_S = number('AFTER_S', 7);
const PHASES = ['before', 'during', 'after'];
/** What is back needs to be noticed: the healthy phase is counted from then. */
const HEAL_S = 2;

const failed = new Rate('failed');
const took = new Trend('took', true);
const rescued = new Counter('rescued');

/**
 * Requests of one kind at a fixed rate, all the time.
 * @param {string} kind
 * @param {string} region
 * @param {number} rate per second
 * @returns {import('k6/options').Scenario}
 */
function users(kind, region, rate) {
  return {
    executor: 'constant-arrival-rate',
    exec: kind,
    rate,
    timeUnit: '1s',
    duration: `${BEFORE_S + DURING_S + AFTER_S}s`,
    preAllocatedVUs: 20,
    maxVUs: 200,
    env: { REGION: region },
    tags: { region, kind },
  };
}

/**
 * Something that is done once.
 * @param {string} what
 * @param {number} at_s
 * @returns {import('k6/options').Scenario}
 */
function once(what, at_s) {
  return { executor: 'per-vu-iterations', exec: what, vus: 1, iterations: 1, startTime: `${at_s}s`, maxDuration: '30s' };
}

/** @type {import('k6/options').Options} */
export const options = {
  scenarios: {
    ...perRegion(({ name }) => [`read-${name}`, users('read', name, RATE)]),
    ...perRegion(({ name }) => [`write-${name}`, users('write', name, Math.max(1, Math.round(RATE / 10)))]),
    harm: once('breakIt', BEFORE_S),
    undo: once('mendIt', BEFORE_S + DURING_S),
  },
  thresholds: {
    checks: ['rate==1'],
    http_reqs: ['count>0'],
    ...asked('region', regionNames),
    ...asked('phase', PHASES),
    dropped_iterations: ['count==0'],
    ...Object.fromEntries(PHASES.map((phase) => [`failed{kind:read,phase:${phase}}`, ['rate==0']])),
    'failed{kind:write,phase:before}': ['rate==0'],
    'failed{kind:write,phase:during}': [`rate<=${number('WRITES_LOST', 0.05)}`],
    'failed{kind:write,phase:after}': ['rate==0'],
    ...Object.fromEntries(
      PHASES.map((phase) => [`took{kind:read,phase:${phase}}`, [`p(99)<${number('READ_P99_MS', 1500)}`]]),
    ),
    // No gates, but the summary shows only those parts of a metric that have one.
    ...Object.fromEntries(PHASES.map((phase) => [`took{kind:write,phase:${phase}}`, ['max<60000']])),
    ...perRegion(({ name }) => [`failed{region:${name}}`, ['rate<1']]),
  },
};

/** @returns {string} */
function phase() {
  const elapsed_s = (Date.now() - exec.scenario.startTime) / 1000;
  if (elapsed_s < BEFORE_S) {
    return 'before';
  }
  return elapsed_s < BEFORE_S + DURING_S + HEAL_S ? 'during' : 'after';
}

const rank = zipf(records.profiles, 1);

export function read() {
  ask((url, tags) => http.get(`${url}/profiles/${rank()}`, { tags, timeout: '10s' }));
}

export function write() {
  const body = JSON.stringify({ summary: `Written during failover at ${Date.now()}` });
  ask((url, tags) =>
    http.patch(`${url}/profiles/${rank()}`, body, { headers: JSON_BODY, tags, timeout: '10s' }),
  );
}

/**
 * What a user does: asks the region at home, and where nobody answers there, the others in turn.
 * @param {(url: string, tags: Record<string, string>) => import('k6/http').Response} send
 */
function ask(send) {
  const tags = { phase: phase(), name: '/profiles/{id}' };
  const home = regionNamed(__ENV.REGION);
  const asked_ms = Date.now();
  let answer = send(home.url, tags);
  for (const { url } of regions.filter((region) => region !== home)) {
    if (answer.status !== 0) {
      break;
    }
    rescued.add(1, { phase: tags.phase });
    answer = send(url, tags);
  }
  took.add(Date.now() - asked_ms, { phase: tags.phase });
  failed.add(answer.status !== 200, { phase: tags.phase });
}

export function breakIt() {
  check(harm(FAULT, ACT), { 'the harm was done': (done) => done });
}

export function mendIt() {
  check(undo(FAULT, ACT), { 'the harm was undone': (done) => done });
}
