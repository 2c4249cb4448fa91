(function (native) {
  'use strict';

  const record = native.check;
  const keysOf = Object.keys;

  // Scripts check every answer: no iterators, and nothing that has to be looked up.
  function check(value, sets, tags) {
    if (sets === null || typeof sets !== 'object') {
      throw new TypeError('check() needs an object of named conditions: check(value, { "is 200": (v) => v.status === 200 })');
    }
    let all = true;
    const names = keysOf(sets);
    for (let place = 0; place < names.length; place += 1) {
      const name = names[place];
      const condition = sets[name];
      let held = false;
      try {
        held = !!(typeof condition === 'function' ? condition(value) : condition);
      } finally {
        record(name, held, tags); // an exception in a condition counts, too
      }
      if (!held) all = false;
    }
    return all;
  }

  function group(name, body) {
    if (typeof body !== 'function') throw new TypeError('group() needs a name and a function');
    if (body.constructor.name === 'AsyncFunction') {
      throw new TypeError('group() does not take an async function: call group() inside it');
    }
    const began = native.enterGroup(String(name));
    try {
      return body();
    } finally {
      native.leaveGroup(began);
    }
  }

  function fail(message) {
    throw new Error(message === undefined ? 'fail() was called' : String(message));
  }

  const sleep = (seconds) => native.sleep(typeof seconds === 'string' ? Number(seconds) : seconds);

  return { check, group, fail, sleep, randomSeed: native.randomSeed };
})
