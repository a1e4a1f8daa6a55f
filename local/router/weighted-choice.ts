/**
 * Prepares a choice among weights. The result takes a number in [0, 1) and gives the index chosen: entry i gets exactly
 * its share of the interval, in order. Weights are integers of 0 or more with a sum above 0; RangeError otherwise.
 */
export function weightedChoice(weights: readonly number[]): (random: number) => number {
  let total = 0;
  const bounds: number[] = [];
  for (const weight of weights) {
    if (!Number.isSafeInteger(weight) || weight < 0) {
      throw new RangeError(`Weight ${weight} is not an integer of 0 or more.`);
    }
    total += weight;
    bounds.push(total);
  }
  if (total === 0 || !Number.isSafeInteger(total)) {
    throw new RangeError(`The weights [${weights.join(", ")}] add up to ${total}; a choice needs a sum above 0.`);
  }
  // Whole points, so that rounding never moves a bound.
  return (random) => {
    const point = Math.floor(random * total);
    return bounds.findIndex((bound) => point < bound);
  };
}
