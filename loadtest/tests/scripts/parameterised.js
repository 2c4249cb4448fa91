// Every iteration has a user of its own, out of a file that all virtual users share.
import http from 'k6/http';
import exec from 'k6/execution';
import { SharedArray } from 'k6/data';
import { scenario, vu } from 'k6/execution';
import { check, randomSeed } from 'k6';
import { userAgentOf } from './lib/agents.js';

const BASE_URL = __ENV.BASE_URL;

const users = new SharedArray('users', function () {
  return JSON.parse(open('./data/users.json')).users;
});
const csv = new SharedArray('csv', () =>
  open('./data/places.csv')
    .trim()
    .split('\n')
    .slice(1)
    .map((line) => {
      const [place, country] = line.split(',');
      return { place, country };
    }),
);

randomSeed(7);

export const options = {
  scenarios: {
    'every-user-once': {
      executor: 'shared-iterations',
      vus: 3,
      iterations: users.length,
      maxDuration: '1m',
    },
  },
  thresholds: { checks: ['rate==1'] },
};

export default function () {
  const user = users[scenario.iterationInTest];
  const { place } = csv[Math.floor(Math.random() * csv.length)];
  exec.vu.metrics.tags.plan = user.plan;

  const res = http.post(
    `${BASE_URL}/echo?place=${encodeURIComponent(place)}`,
    JSON.stringify(user),
    { headers: { 'Content-Type': 'application/json', 'User-Agent': userAgentOf(vu.idInTest) } },
  );
  check(res, {
    'the user arrived': (r) => JSON.parse(r.json('body')).name === user.name,
    'the place arrived': (r) => decodeURIComponent(r.json('target')).endsWith(place),
    'the agent arrived': (r) => r.json('headers.user-agent') === userAgentOf(__VU),
  });
}
