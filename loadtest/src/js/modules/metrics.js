(function (native) {
  'use strict';

  const metric = (kind) =>
    class {
      #id;

      constructor(name, isTime) {
        if (typeof name !== 'string') throw new TypeError('a metric needs a name');
        this.#id = native.declare(name, kind, Boolean(isTime));
        Object.defineProperty(this, 'name', { value: name, enumerable: true });
      }

      add(value, tags) {
        return native.add(this.#id, Number(value), tags);
      }
    };

  class Counter extends metric('counter') {}
  class Gauge extends metric('gauge') {}
  class Rate extends metric('rate') {}
  class Trend extends metric('trend') {}
  return { Counter, Gauge, Rate, Trend };
})
