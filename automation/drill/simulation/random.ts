/** A number in [0, 1), another one at each call, the same ones for the same seed. */
export type Random = () => number;

/** mulberry32: passes the usual tests of randomness over its 2^32 values, which is more than a campaign draws. */
export function seeded(seed: number): Random {
  let state = Math.imul(seed ^ 0x9e3779b9, 0x85ebca6b) >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Latencies are about log-normal: many near the median, a long tail above. `spread` is the logarithm's deviation. */
export function logNormal(random: Random, median: number, spread: number): number {
  // Box and Muller; 1 - random() is never 0.
  const normal = Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
  return median * Math.exp(spread * normal);
}
