/** Brent's method (R. P. Brent, Algorithms for Minimization Without Derivatives, 1973, chapter 4). */

const mostIterations = 1_000;

export interface Bracket {
  readonly lower: number;
  readonly upper: number;
  readonly atLower: number;
  readonly atUpper: number;
}

/**
 * Where a function crosses zero between two points, to within `tolerance`. A rank statistic is a step function: there the
 * crossing is a jump, or a whole interval of zeros of which the search returns the point that it meets first. So the path
 * is part of the result, and R, Kayenta and we must walk the same one.
 */
export function findRoot(value: (x: number) => number, bracket: Bracket, tolerance: number): number {
  if (bracket.atLower === 0) return bracket.lower;
  if (bracket.atUpper === 0) return bracket.upper;
  // `best` is the estimate, `before` the one before it, `across` a point on the other side of the crossing.
  let before = { x: bracket.lower, y: bracket.atLower };
  let best = { x: bracket.upper, y: bracket.atUpper };
  let across = before;
  for (let iteration = 0; iteration <= mostIterations; iteration += 1) {
    const previousStep = best.x - before.x;
    if (Math.abs(across.y) < Math.abs(best.y)) {
      before = best;
      best = across;
      across = before;
    }
    const least = 2 * Number.EPSILON * Math.abs(best.x) + tolerance / 2;
    const half = (across.x - best.x) / 2;
    if (Math.abs(half) <= least || best.y === 0) return best.x;
    let step = half;
    if (Math.abs(previousStep) >= least && Math.abs(before.y) > Math.abs(best.y)) {
      step = interpolated(before, best, across, previousStep, least) ?? half;
    }
    if (Math.abs(step) < least) step = step > 0 ? least : -least;
    before = best;
    best = { x: best.x + step, y: value(best.x + step) };
    if ((best.y > 0 && across.y > 0) || (best.y < 0 && across.y < 0)) across = before;
  }
  return best.x;
}

interface Point {
  readonly x: number;
  readonly y: number;
}

/** A step by secant or inverse quadratic; undefined when it would leave the bracket or gain too little. */
function interpolated(
  before: Point,
  best: Point,
  across: Point,
  previousStep: number,
  least: number,
): number | undefined {
  const width = across.x - best.x;
  let numerator: number;
  let denominator: number;
  if (before.x === across.x) {
    const ratio = best.y / before.y;
    numerator = width * ratio;
    denominator = 1 - ratio;
  } else {
    const q = before.y / across.y;
    const r = best.y / across.y;
    const s = best.y / before.y;
    numerator = s * (width * q * (q - r) - (best.x - before.x) * (r - 1));
    denominator = (q - 1) * (r - 1) * (s - 1);
  }
  if (numerator > 0) denominator = -denominator;
  else numerator = -numerator;
  const inside = numerator < 0.75 * width * denominator - Math.abs(least * denominator) / 2;
  return inside && numerator < Math.abs((previousStep * denominator) / 2) ? numerator / denominator : undefined;
}
