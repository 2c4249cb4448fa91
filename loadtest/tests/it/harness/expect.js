// `./expect.js` of every test: comparisons that end the iteration with an exception, and so the run with exit code 107.

const show = (value) => (typeof value === 'function' ? 'a function' : JSON.stringify(value) ?? String(value));

/** Both are the same as JSON, and `undefined` is not `null`. */
export function equal(actual, expected, what = '') {
  if (show(actual) !== show(expected)) throw new Error(`${what}: expected ${show(expected)}, got ${show(actual)}`);
}

export function ok(condition, what) {
  if (!condition) throw new Error(`not so: ${what}`);
}

/** `body` throws something whose message has `text` in it. */
export function throws(body, text) {
  let message;
  try {
    body();
  } catch (error) {
    message = String(error?.message ?? error);
  }
  if (message === undefined) throw new Error(`nothing was thrown; expected: ${text}`);
  if (!message.includes(text)) throw new Error(`expected an exception with ${show(text)}, got ${show(message)}`);
}
