// The deployment that a script is run against, as the environment describes it:
//
//   PROXIMA_REGIONS  regions and the URLs of their proxies, the origin's home first, as NAME=URL,NAME=URL
//                    (default local=http://127.0.0.1:8080, the proxy of the README's tour)
//   PROXIMA_PROFILES, PROXIMA_JOBS  how many profiles and jobs there are, with ids from 1 (default 1000 each)
//   PROXIMA_FAULTS   URL that does harm when asked to, see faults.js (default none)
//
// `proxima-local -- COMMAND` sets them all for COMMAND, and SSL_CERT_FILE to the authority that issued the proxies'
// certificates. `make load` uses that.

/**
 * @typedef {object} Region
 * @property {string} name such as `us-west`
 * @property {string} url of its proxy, without a trailing slash
 */

/** @type {Region[]} */
export const regions = (__ENV.PROXIMA_REGIONS || 'local=http://127.0.0.1:8080').split(',').map((entry) => {
  const [, name, url] = /^([A-Za-z0-9_-]+)=(https?:\/\/.+?)\/*$/.exec(entry.trim()) ?? [];
  if (name === undefined || url === undefined) {
    throw new Error(`PROXIMA_REGIONS: "${entry}" is not NAME=URL, such as us-west=https://us-west.example.com`);
  }
  return { name, url };
});

export const regionNames = regions.map(({ name }) => name);

/** How many there are of each. */
export const records = {
  profiles: number('PROXIMA_PROFILES', 1000),
  jobs: number('PROXIMA_JOBS', 1000),
};

/** What a client sends with a JSON body. */
export const JSON_BODY = { 'Content-Type': 'application/json' };

/**
 * A region by its name.
 * @param {string | undefined} name
 * @returns {Region}
 */
export function regionNamed(name) {
  const found = regions.find((region) => region.name === name);
  if (found === undefined) {
    throw new Error(`there is no region "${name}"; PROXIMA_REGIONS has ${regionNames.join(', ')}`);
  }
  return found;
}

/**
 * A knob that is a number and at least 0.
 * @param {string} name
 * @param {number} otherwise
 * @returns {number}
 */
export function number(name, otherwise) {
  const text = __ENV[name];
  if (text === undefined || text === '') {
    return otherwise;
  }
  const value = Number(text);
  if (!(value >= 0)) {
    throw new Error(`${name}: "${text}" is not a number`);
  }
  return value;
}

/**
 * A knob that is a time: `90s`, `10m`, `1h30m`.
 * @param {string} name
 * @param {string} otherwise
 * @returns {number} seconds
 */
export function seconds(name, otherwise) {
  const text = __ENV[name] || otherwise;
  const [whole, hours, minutes, rest] = /^(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?$/.exec(text) ?? [];
  if (!whole) {
    throw new Error(`${name}: "${text}" is not a time such as 90s, 10m or 1h30m`);
  }
  return Number(hours ?? 0) * 3600 + Number(minutes ?? 0) * 60 + Number(rest ?? 0);
}

/**
 * One entry per region.
 * @template T
 * @param {(region: Region, index: number) => [string, T]} entry
 * @returns {Record<string, T>}
 */
export function perRegion(entry) {
  return Object.fromEntries(regions.map(entry));
}

/**
 * Thresholds that are missed when there was no request with one of these tags: a gate on the latency of requests that were
 * never made is passed.
 * @param {string} tag
 * @param {string[]} values
 * @returns {Record<string, string[]>}
 */
export function asked(tag, values) {
  return Object.fromEntries(values.map((value) => [`http_reqs{${tag}:${value}}`, ['count>0']]));
}
