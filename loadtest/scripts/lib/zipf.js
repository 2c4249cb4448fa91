// Which record is asked for: a few all the time, most of them hardly ever (Zipf's law).

/**
 * The share of requests that each rank gets, most popular first: 1/rank^exponent, made to sum up to 1.
 * @param {number} count of ranks
 * @param {number} exponent 0 is no preference at all; the popularity of web pages has about 0.6 to 1
 * @returns {number[]}
 */
export function zipfShares(count, exponent) {
  const weights = Array.from({ length: count }, (_, index) => (index + 1) ** -exponent);
  const sum = weights.reduce((total, weight) => total + weight, 0);
  return weights.map((weight) => weight / sum);
}

/**
 * Draws ranks from 1 to `count`.
 * @param {number} count
 * @param {number} exponent
 * @returns {() => number}
 */
export function zipf(count, exponent) {
  let sum = 0;
  const upTo = Float64Array.from(zipfShares(count, exponent), (share) => (sum += share));
  return () => {
    const drawn = Math.random() * sum;
    let low = 0;
    let high = count - 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (drawn < /** @type {number} */ (upTo[middle])) {
        high = middle;
      } else {
        low = middle + 1;
      }
    }
    return low + 1;
  };
}
