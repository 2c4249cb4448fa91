(function (native) {
  'use strict';

  function Response() {
    throw new TypeError('a Response comes from a request; it cannot be made');
  }
  const prototype = native.prototype;
  Object.defineProperty(prototype, 'constructor', { value: Response, writable: true, configurable: true });
  Response.prototype = prototype;

  // What is rarely asked for is made when it is, once.
  const lazily = (name, make) =>
    Object.defineProperty(prototype, name, {
      configurable: true,
      enumerable: true,
      get() {
        const value = make(this);
        Object.defineProperty(this, name, { value, writable: true, enumerable: true, configurable: true });
        return value;
      },
    });
  lazily('body', native.body);
  lazily('headers', native.headers);
  lazily('cookies', native.cookies);
  lazily('timings', native.timings);
  lazily('request', native.requestOf);

  const methods = {
    json(selector) {
      const { body } = this;
      if (body === null) throw new Error('json(): there is no body; was it discarded, or did the request fail?');
      const text = typeof body === 'string' ? body : native.textOf(body);
      let value;
      try {
        value = JSON.parse(text);
      } catch (error) {
        throw new Error(`json(): the body is no JSON: ${error.message}`);
      }
      return selector === undefined ? value : native.select(value, selector);
    },
    toJSON() {
      const plain = {};
      for (const name of native.fields) plain[name] = this[name];
      return plain;
    },
  };
  for (const name of ['html', 'submitForm', 'clickLink']) {
    methods[name] = () => {
      throw new Error(`Response.${name}() is not supported by proxima-load`);
    };
  }
  for (const [name, value] of Object.entries(methods)) {
    Object.defineProperty(prototype, name, { value, writable: true, configurable: true, enumerable: false });
  }

  class CookieJar {
    #jar;

    constructor(jar) {
      this.#jar = jar === undefined ? native.newJar() : jar;
    }
    get native() {
      return this.#jar;
    }
    cookiesForURL(url) {
      return native.jarCookies(this.#jar, String(url));
    }
    set(url, name, value, options) {
      return native.jarSet(this.#jar, String(url), String(name), String(value), options);
    }
    delete(url, name) {
      native.jarDelete(this.#jar, String(url), String(name));
    }
    clear(url) {
      native.jarClear(this.#jar, String(url));
    }
  }

  const url = (parts, ...values) => {
    if (!Array.isArray(parts)) throw new TypeError('http.url is for templates: http.url`https://host/${id}`');
    return {
      name: parts.join('${}'),
      url: parts.reduce((text, part, place) => text + values[place - 1] + part),
      toString() {
        return this.url;
      },
    };
  };

  const batch = (requests) => {
    if (requests === null || typeof requests !== 'object') {
      throw new TypeError('batch() needs an array or an object of requests');
    }
    const names = Object.keys(requests);
    const asked = names.map((name) => {
      const one = requests[name];
      if (Array.isArray(one)) return one;
      if (typeof one === 'string' || (one && one.name !== undefined && one.method === undefined)) return ['GET', one];
      if (one && typeof one === 'object') return [one.method ?? 'GET', one.url, one.body, one.params];
      throw new TypeError(`batch(): request ${name} is neither a URL, an array nor an object`);
    });
    const responses = native.batch(asked.map(([method, ...rest]) => [String(method).toUpperCase(), ...rest]));
    if (Array.isArray(requests)) return responses;
    return Object.fromEntries(names.map((name, place) => [name, responses[place]]));
  };

  const expectedStatuses = (...statuses) => {
    const ranges = statuses.map((status) => {
      const [min, max] = typeof status === 'number' ? [status, status] : [status?.min, status?.max];
      if (!Number.isInteger(min) || !Number.isInteger(max)) {
        throw new TypeError('expectedStatuses() takes numbers and { min, max }');
      }
      return [min, max];
    });
    if (ranges.length === 0) throw new TypeError('expectedStatuses() needs at least one status');
    return { expectedStatuses: ranges };
  };

  const exports = {
    get: native.get,
    head: native.head,
    post: native.post,
    put: native.put,
    patch: native.patch,
    del: native.del,
    options: native.options,
    request: (method, ...rest) => native.request(String(method).toUpperCase(), ...rest),
    asyncRequest: (method, ...rest) => native.asyncRequest(String(method).toUpperCase(), ...rest),
    batch,
    url,
    file() {
      throw new Error('http.file() is not supported by proxima-load: build the multipart body as a string');
    },
    expectedStatuses,
    setResponseCallback: native.setResponseCallback,
    cookieJar: () => new CookieJar(native.vuJar()),
    CookieJar,
    Response,
    OCSP_STATUS_GOOD: 'good',
  };
  for (const version of ['1_0', '1_1', '1_2', '1_3']) exports[`TLS_${version}`] = `tls${version.replace('_', '.')}`;
  return exports;
})
