(function (native) {
  'use strict';

  const readOnly = () => {
    throw new TypeError('a SharedArray cannot be changed');
  };

  // One copy of the elements for all virtual users, outside of JavaScript; reading one makes an object of its own.
  class SharedArray {
    constructor(name, make) {
      if (typeof name !== 'string' || name === '') throw new TypeError('a SharedArray needs a name');
      if (typeof make !== 'function') throw new TypeError('a SharedArray needs a function that returns an array');
      const array = native.shared(name, () => {
        const elements = make();
        if (!Array.isArray(elements)) throw new TypeError(`the function of SharedArray ${name} returned no array`);
        return elements.map((element) => JSON.stringify(element) ?? 'null');
      });
      const length = native.lengthOf(array);
      const at = (key) => {
        const index = typeof key === 'string' && /^(0|[1-9][0-9]*)$/.test(key) ? Number(key) : -1;
        return index >= 0 && index < length ? JSON.parse(native.elementOf(array, index)) : undefined;
      };
      return new Proxy([], {
        get(target, key, receiver) {
          if (key === 'length') return length;
          const element = at(key);
          return element === undefined ? Reflect.get(target, key, receiver) : element;
        },
        has: (target, key) => at(key) !== undefined || Reflect.has(target, key),
        ownKeys: () => [...Array(length).keys(), 'length'].map(String),
        getOwnPropertyDescriptor(target, key) {
          if (key === 'length') return { value: length, writable: true, enumerable: false, configurable: false };
          const value = at(key);
          return value === undefined ? undefined : { value, writable: false, enumerable: true, configurable: true };
        },
        set: readOnly,
        deleteProperty: readOnly,
        defineProperty: readOnly,
        setPrototypeOf: readOnly,
      });
    }
  }

  return { SharedArray };
})
