(function (native) {
  'use strict';

  const compute = (object, names, get) => {
    for (const name of names) Object.defineProperty(object, name, { get: () => get(name), enumerable: true });
    return object;
  };

  const instance = compute(
    {},
    ['currentTestRunDuration', 'iterationsCompleted', 'iterationsInterrupted', 'vusActive', 'vusInitialized'],
    native.instance,
  );
  const scenario = compute(
    {},
    ['name', 'executor', 'startTime', 'progress', 'iterationInInstance', 'iterationInTest'],
    native.scenario,
  );
  const tags = new Proxy(
    {},
    {
      get: (_, name) => native.tag(String(name)),
      has: (_, name) => native.tag(String(name)) !== undefined,
      set: (_, name, value) => {
        if (!['string', 'number', 'boolean'].includes(typeof value)) {
          throw new TypeError(`exec.vu.metrics.tags.${String(name)}: a tag is a text, a number or a boolean`);
        }
        native.setTag(String(name), String(value));
        return true;
      },
      deleteProperty: (_, name) => {
        native.setTag(String(name), undefined);
        return true;
      },
      ownKeys: () => native.tags(),
      getOwnPropertyDescriptor: (_, name) => ({ value: native.tag(String(name)), enumerable: true, configurable: true }),
    },
  );
  const vu = compute(
    {},
    ['iterationInInstance', 'iterationInScenario', 'idInInstance', 'idInTest'],
    native.vu,
  );
  const metrics = Object.defineProperty({ tags }, 'metadata', {
    get() {
      throw new Error('exec.vu.metrics.metadata is not supported by proxima-load: use exec.vu.metrics.tags');
    },
  });
  Object.defineProperty(vu, 'metrics', { value: metrics, enumerable: true });
  Object.defineProperty(vu, 'tags', { value: tags, enumerable: true });

  const test = {
    abort(reason) {
      const message = reason === undefined ? 'test aborted' : String(reason);
      native.abort(message);
      throw new Error(`test aborted: ${message}`);
    },
    fail(reason) {
      native.fail(reason === undefined ? 'test failed' : String(reason));
    },
  };
  let options;
  Object.defineProperty(test, 'options', {
    enumerable: true,
    get() {
      options ??= JSON.parse(native.options());
      return options;
    },
  });

  return { instance, scenario, test, vu };
})
