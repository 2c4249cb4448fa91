(function (native) {
  "use strict";

  function b64encode(input, encoding = "std") {
    return native.encode(input, encoding);
  }

  function b64decode(input, encoding = "std", format = undefined) {
    if (format !== undefined && format !== "s") {
      throw new TypeError(`no format ${String(format)}: write "s" for a string, or nothing for an ArrayBuffer`);
    }
    return native.decode(input, encoding, format === "s");
  }

  return { b64encode, b64decode };
})
