// Requests that overlap, promises, and an API's answers that depend on each other.
import http from 'k6/http';
import { check } from 'k6';
import { Trend } from 'k6/metrics';
import crypto from 'k6/crypto';
import encoding from 'k6/encoding';

const BASE_URL = __ENV.BASE_URL;
const overlap = new Trend('overlap', true);

export const options = { vus: 2, duration: '500ms', thresholds: { checks: ['rate==1'], overlap: ['min>=0'] } };

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

export default async function () {
  const began = Date.now();
  const [fast, slow] = await Promise.all([
    http.asyncRequest('GET', `${BASE_URL}/`),
    http.asyncRequest('GET', `${BASE_URL}/slow/20`),
  ]);
  overlap.add(Date.now() - began);
  check(fast, { 'fast is 200': ({ status }) => status === 200 });
  check(slow, { 'slow is 200': ({ status }) => status === 200 });
  await pause(5);

  const body = JSON.stringify({ at: __ITER });
  const signature = crypto.hmac('sha256', 'key', body, 'hex');
  const credentials = encoding.b64encode('user:password');
  const signed = await http.asyncRequest('POST', `${BASE_URL}/echo`, body, {
    headers: { 'X-Signature': signature, Authorization: `Basic ${credentials}` },
  });
  check(signed.json(), {
    'the signature arrived': (seen) => seen.headers['x-signature'] === signature,
    'the credentials arrived': (seen) => encoding.b64decode(seen.headers.authorization.slice(6), 'std', 's') === 'user:password',
  });
}
