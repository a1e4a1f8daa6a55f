/** Noise that makes two constant series comparable by rank (shared research, hot swap 2.4). */

const relativeDeviation = 1e-5;

/**
 * Adds normal noise of 1e-5 of the value to each value of a constant series. `random` gives numbers from 0 to below 1 and is
 * asked twice a value, so that the same source gives the same verdict.
 */
export function withNoise(values: readonly number[], random: () => number): readonly number[] {
  const deviation = (values[0] ?? 0) * relativeDeviation;
  return values.map((value) => {
    const radius = Math.sqrt(-2 * Math.log(1 - random()));
    return value + deviation * radius * Math.cos(2 * Math.PI * random());
  });
}
