// The selector of `Response.json(selector)`: a path in the syntax of gjson, as far as it names keys, indexes and `#`
// (https://github.com/tidwall/gjson/blob/master/SYNTAX.md). What else that syntax has is refused.
(function () {
  "use strict";

  function refuse(selector, what, instead) {
    throw new Error(`selector ${JSON.stringify(selector)}: ${what} not supported: ${instead}`);
  }

  // What a component must not begin with, as gjson gives it a meaning of its own.
  const OPENINGS = {
    "@": ["modifiers are", 'change the value in the script, or write "\\@" for a key that begins so'],
    "!": ["literals are", 'write the value in the script, or "\\!" for a key that begins so'],
    "{": ["multipaths are", 'select one path at a time, or write "\\{" for a key that begins so'],
    "[": ["multipaths are", 'select one path at a time, or write "\\[" for a key that begins so'],
  };

  function checkOpening(selector, first, second) {
    const opening = OPENINGS[first];
    if (opening !== undefined) {
      refuse(selector, ...opening);
    }
    if (first === "#" && (second === "(" || second === "[")) {
      refuse(selector, "queries are", "select the array, and filter it in the script");
    }
  }

  // A component is a list of what has to match: characters, and the wildcards below. `each` is a bare `#`.
  const ANY_RUN = Symbol("*");
  const ANY_ONE = Symbol("?");
  const WILDCARDS = { "*": ANY_RUN, "?": ANY_ONE };

  function component(selector, characters, start) {
    checkOpening(selector, characters[start], characters[start + 1]);
    const pattern = [];
    let at = start;
    for (; at < characters.length && characters[at] !== "."; at += 1) {
      if (characters[at] === "|") {
        refuse(selector, "pipes are", 'write "." between keys, or "\\|" in a key');
      }
      if (characters[at] !== "\\") {
        pattern.push(WILDCARDS[characters[at]] ?? characters[at]);
        continue;
      }
      at += 1;
      if (at === characters.length) {
        throw new Error(`selector ${JSON.stringify(selector)}: nothing follows the last "\\": write "\\\\" for one`);
      }
      pattern.push(characters[at]);
    }
    const wild = pattern.some((part) => typeof part === "symbol");
    const each = at === start + 1 && characters[start] === "#";
    return { end: at, key: wild ? undefined : pattern.join(""), pattern, each };
  }

  function parse(selector) {
    if (typeof selector !== "string") {
      throw new TypeError(`a selector has to be a string, not ${typeof selector}`);
    }
    if (selector.startsWith("..")) {
      refuse(selector, "JSON lines are", "split the body, and parse each line");
    }
    const characters = [...selector];
    const components = [];
    let at = 0;
    do {
      const next = component(selector, characters, at);
      components.push(next);
      at = next.end + 1;
    } while (at <= characters.length);
    return components;
  }

  // `text` is a list of characters. Goes back to the last `*` only: no more steps than the product of both lengths.
  function matches(text, pattern) {
    let at = 0;
    let part = 0;
    let run = -1;
    let runAt = 0;
    while (at < text.length) {
      if (pattern[part] === ANY_RUN) {
        run = part;
        runAt = at;
        part += 1;
      } else if (part < pattern.length && (pattern[part] === ANY_ONE || pattern[part] === text[at])) {
        at += 1;
        part += 1;
      } else if (run >= 0) {
        runAt += 1;
        at = runAt;
        part = run + 1;
      } else {
        return false;
      }
    }
    while (pattern[part] === ANY_RUN) {
      part += 1;
    }
    return part === pattern.length;
  }

  function wildKey(object, pattern) {
    return Object.keys(object).find((key) => matches([...key], pattern));
  }

  function member(value, { key, pattern }) {
    if (Array.isArray(value)) {
      return key !== undefined && /^[0-9]+$/.test(key) ? value[Number(key)] : undefined;
    }
    const name = key ?? wildKey(value, pattern);
    return name !== undefined && Object.hasOwn(value, name) ? value[name] : undefined;
  }

  function follow(value, components, from) {
    for (let i = from; i < components.length; i += 1) {
      if (typeof value !== "object" || value === null) {
        return undefined;
      }
      if (components[i].each && Array.isArray(value)) {
        if (i + 1 === components.length) {
          return value.length;
        }
        return value.map((item) => follow(item, components, i + 1)).filter((item) => item !== undefined);
      }
      value = member(value, components[i]);
    }
    return value;
  }

  return function select(value, selector) {
    return follow(value, parse(selector), 0);
  };
})
