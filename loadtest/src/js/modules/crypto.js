(function (native) {
  "use strict";

  const createHash = (algorithm) => native.createHash(algorithm);
  const createHMAC = (algorithm, secret) => native.createHMAC(algorithm, secret);

  function hmac(algorithm, secret, data, outputEncoding) {
    const hasher = createHMAC(algorithm, secret);
    hasher.update(data);
    return hasher.digest(outputEncoding);
  }

  const exports = {
    createHash,
    createHMAC,
    hmac,
    hexEncode: (data) => native.hexEncode(data),
    randomBytes: (size) => native.randomBytes(size),
  };
  for (const algorithm of native.algorithms) {
    exports[algorithm] = (data, outputEncoding) => {
      const hasher = createHash(algorithm);
      hasher.update(data);
      return hasher.digest(outputEncoding);
    };
  }
  return exports;
})
