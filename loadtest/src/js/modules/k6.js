(function (native) {
  'use strict';

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

  return { check: native.check, group, fail, sleep, randomSeed: native.randomSeed };
})
