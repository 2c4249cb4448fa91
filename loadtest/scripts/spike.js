// Decides whether a sudden crowd is borne: reads of popular profiles, first at a calm rate, then within a second at the
// spike's, and then calm again. All come at their own time, whatever became of those before.
//
// Read the outcome so: `read_duration{phase:spike}` is what the crowd saw; `{phase:after}` is what the calm after it saw,
// and has to be as good as before it: if it is not, the spike left queues behind. `dropped_iterations` means that answers
// were so late that MAX_VUS were not enough: the deployment (or this machine) does not bear the spike.
//
// Knobs beside those of lib/world.js:
//   CALM          reads per second before and after, in all regions together (50)
//   SPIKE         and in the spike (600)
//   CALM_S        seconds of calm, before and after each (6)
//   SPIKE_S       seconds at the spike's rate (8)
//   SPIKE_P99_MS  99 % of the spike's reads are answered in less (250)
//   CALM_P95_MS   95 % of the reads before and after it (50)
//   MAX_VUS       (400)

import { check } from 'k6';
import exec from 'k6/execution';
import http from 'k6/http';
import { Trend } from 'k6/metrics';
import { asked, number, records, regions } from './lib/world.js';
import { zipf } from './lib/zipf.js';

const CALM = number('CALM', 50);
const SPIKE = number('SPIKE', 600);
const CALM_S = number('CALM_S', 6);
const SPIKE_S = number('SPIKE_S', 8);
/** How long the rate takes to rise, and to fall. */
const RAMP_S = 1;
/** Time after the fall until what waited is answered. */
const SETTLE_S = 1;

const readDuration = new Trend('read_duration', true);

/** @type {import('k6/options').Options} */
export const options = {
  scenarios: {
    reads: {
      executor: 'ramping-arrival-rate',
      startRate: CALM,
      timeUnit: '1s',
      preAllocatedVUs: 100,
      maxVUs: number('MAX_VUS', 400),
      stages: [
        { target: CALM, duration: `${CALM_S}s` },
        { target: SPIKE, duration: `${RAMP_S}s` },
        { target: SPIKE, duration: `${SPIKE_S}s` },
        { target: CALM, duration: `${RAMP_S}s` },
        { target: CALM, duration: `${SETTLE_S + CALM_S}s` },
      ],
    },
  },
  thresholds: {
    checks: ['rate==1'],
    http_reqs: ['count>0'],
    ...asked('phase', ['before', 'spike', 'after']),
    http_req_failed: ['rate==0'],
    dropped_iterations: ['count==0'],
    'read_duration{phase:before}': [`p(95)<${number('CALM_P95_MS', 50)}`],
    'read_duration{phase:spike}': [`p(99)<${number('SPIKE_P99_MS', 250)}`],
    'read_duration{phase:after}': [`p(95)<${number('CALM_P95_MS', 50)}`],
  },
};

/**
 * @param {number} elapsed_s since the scenario's start
 * @returns {string}
 */
function phaseAt(elapsed_s) {
  const fallen_s = CALM_S + RAMP_S + SPIKE_S + RAMP_S;
  if (elapsed_s < CALM_S) {
    return 'before';
  }
  if (elapsed_s < fallen_s) {
    return 'spike';
  }
  return elapsed_s < fallen_s + SETTLE_S ? 'settling' : 'after';
}

const rank = zipf(records.profiles, 1);

export default function () {
  const phase = phaseAt((Date.now() - exec.scenario.startTime) / 1000);
  const { name, url } = /** @type {import('./lib/world.js').Region} */ (
    regions[exec.scenario.iterationInTest % regions.length]
  );
  const answer = http.get(`${url}/profiles/${rank()}`, { tags: { name: '/profiles/{id}', region: name, phase } });
  if (check(answer, { 'a read is answered': ({ status }) => status === 200 }, { phase })) {
    readDuration.add(answer.timings.duration, { region: name, phase });
  }
}
