// Harm done on purpose, where the environment offers it: PROXIMA_FAULTS is a URL that `proxima-local -- COMMAND` answers.
// POST /TARGET/ACT does it and answers when it is done.

import http from 'k6/http';

/** What undoes each act. */
const UNDONE_BY = { kill: 'restart', stop: 'restart', pause: 'resume' };

/** @typedef {keyof typeof UNDONE_BY} Act `kill` is SIGKILL, `stop` SIGTERM, `pause` SIGSTOP */

/** Whether harm can be done from here; otherwise somebody has to do it by hand. */
export const canHarm = Boolean(__ENV.PROXIMA_FAULTS);

/**
 * @param {string} text
 * @returns {Act}
 */
export function actNamed(text) {
  if (!Object.hasOwn(UNDONE_BY, text)) {
    throw new Error(`there is no act "${text}", only ${Object.keys(UNDONE_BY).join(', ')}`);
  }
  return /** @type {Act} */ (text);
}

/**
 * Hurts a target.
 * @param {string} target `origin/REGION`, `proxy/REGION` or `ring/REGION`
 * @param {Act} act
 * @returns {boolean} whether that is done, or asked of whoever reads the log
 */
export function harm(target, act) {
  return order(target, act);
}

/**
 * Brings a target back.
 * @param {string} target
 * @param {Act} act that was done to it
 * @returns {boolean} as `harm`
 */
export function undo(target, act) {
  return order(target, UNDONE_BY[act]);
}

/**
 * @param {string} target
 * @param {string} act
 * @returns {boolean}
 */
function order(target, act) {
  if (!canHarm) {
    console.warn(`PROXIMA_FAULTS is not set: please ${act} ${target} now`);
    return true;
  }
  const answer = http.post(`${__ENV.PROXIMA_FAULTS}/${target}/${act}`, null, { tags: { kind: 'fault', name: 'fault' } });
  if (answer.status !== 200) {
    console.error(`cannot ${act} ${target}: ${answer.error || answer.body}`);
  }
  return answer.status === 200;
}
