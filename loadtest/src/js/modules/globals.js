(function (native) {
  'use strict';

  const define = (name, value) =>
    Object.defineProperty(globalThis, name, { value, writable: true, configurable: true, enumerable: false });
  const compute = (name, get) => Object.defineProperty(globalThis, name, { get, configurable: true, enumerable: false });

  const console = {};
  for (const [name, level] of [['debug', 0], ['log', 1], ['info', 1], ['warn', 2], ['error', 3]]) {
    console[name] = (...values) => native.log(level, values);
  }
  define('console', console);

  define('__ENV', native.env());
  compute('__VU', native.vu);
  compute('__ITER', native.iter);
  define('open', native.open);
  define('require', (name) => {
    throw new Error(`require(${JSON.stringify(name)}): proxima-load has ES modules only; use import`);
  });

  class TextEncoder {
    get encoding() {
      return 'utf-8';
    }
    encode(text = '') {
      return new Uint8Array(native.bytes(String(text)));
    }
  }
  class TextDecoder {
    constructor(label = 'utf-8', options = {}) {
      if (!/^\s*utf-?8\s*$/i.test(label)) throw new RangeError(`TextDecoder: there is no encoding ${label}, only utf-8`);
      for (const option of Object.keys(options)) {
        if (options[option]) throw new TypeError(`TextDecoder: option ${option} is not supported`);
      }
    }
    get encoding() {
      return 'utf-8';
    }
    decode(bytes = new Uint8Array()) {
      if (typeof bytes === 'string') throw new TypeError('TextDecoder.decode() needs bytes');
      return native.text(bytes);
    }
  }
  define('TextEncoder', TextEncoder);
  define('TextDecoder', TextDecoder);

  // Timers live in JavaScript, so that their functions do, too; the native part only waits.
  const live = new Map();
  let last = 0;
  const start = (kind, body, ms, values) => {
    if (typeof body !== 'function') throw new TypeError(`${kind}() needs a function`);
    const id = ++last;
    const delay = Math.max(0, Number(ms) || 0);
    const fire = () => {
      if (!live.has(id)) return;
      if (kind === 'setTimeout') live.delete(id);
      else live.set(id, native.after(delay, fire));
      body(...values);
    };
    live.set(id, native.after(delay, fire));
    return id;
  };
  const stop = (id) => {
    const timer = live.get(id);
    if (timer === undefined) return;
    live.delete(id);
    native.cancel(timer);
  };
  define('setTimeout', (body, ms, ...values) => start('setTimeout', body, ms, values));
  define('setInterval', (body, ms, ...values) => start('setInterval', body, ms, values));
  define('clearTimeout', stop);
  define('clearInterval', stop);
  return {};
})
