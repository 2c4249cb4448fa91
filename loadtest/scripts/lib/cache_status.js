// What a proxy says about how it came to its answer: `Proxima-us-west; hit; ttl=37; detail=l1` (RFC 9211).

/**
 * @typedef {object} Outcome
 * @property {boolean} hit whether the answer was stored
 * @property {'l1' | 'l2' | 'origin'} from the memory of the proxy, the region's ring, or further away
 */

/**
 * The outcome at the cache nearest to the client, which is the last member of the list.
 * @param {{ headers: Record<string, string> }} response
 * @returns {Outcome | null} null when no cache says anything
 */
export function outcome(response) {
  const member = (response.headers['Cache-Status'] ?? '').split(', ').pop();
  if (!member) {
    return null;
  }
  const parameters = member.split('; ').slice(1);
  if (!parameters.includes('hit')) {
    return { hit: false, from: 'origin' };
  }
  return { hit: true, from: parameters.includes('detail=l2') ? 'l2' : 'l1' };
}
