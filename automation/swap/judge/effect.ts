/** How large a difference is, beside whether there is one. */

export type EffectMeasure = "mean-ratio" | "cles";

function mean(values: readonly number[]): number {
  const rough = values.reduce((sum, value) => sum + value, 0) / values.length;
  // A second pass takes out the rounding of the first.
  return rough + values.reduce((sum, value) => sum + (value - rough), 0) / values.length;
}

/** Mean of the experiment over mean of the control; NaN when either is 0: there is no such ratio. */
export function meanRatio(experiment: readonly number[], control: readonly number[]): number {
  const below = mean(control);
  const above = mean(experiment);
  return below === 0 || above === 0 ? Number.NaN : above / below;
}

/** Common language effect size: the share of pairs in which the experiment is higher, ties counting half (Vargha, Delaney 2000). */
export function commonLanguageEffect(experiment: readonly number[], control: readonly number[]): number {
  const sorted = control.toSorted((a, b) => a - b);
  const higher = experiment.reduce(
    (sum, value) => sum + (countBelow(sorted, value, false) + countBelow(sorted, value, true)) / 2,
    0,
  );
  return higher / (experiment.length * control.length);
}

/** How many of the sorted values are below a limit, or at it too. */
function countBelow(sorted: readonly number[], limit: number, inclusive: boolean): number {
  let from = 0;
  let to = sorted.length;
  while (from < to) {
    const middle = (from + to) >>> 1;
    const value = sorted[middle] ?? Number.NaN;
    if (value < limit || (inclusive && value === limit)) from = middle + 1;
    else to = middle;
  }
  return from;
}
