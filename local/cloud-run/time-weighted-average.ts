/** Longest window that is asked for, ms. */
const longestWindowMs = 10 * 60 * 1000;
/** Distance of the marks from which windows begin, ms. */
const markIntervalMs = 1000;

/** Time-weighted average of a number that changes at moments, over windows that end now. */
export class TimeWeightedAverage {
  readonly #begin: number;
  #value = 0;
  #at: number;
  #integral = 0;
  readonly #marks: { readonly at: number; readonly integral: number }[] = [];

  /** `now` in ms. */
  constructor(now: number) {
    this.#begin = now;
    this.#at = now;
    this.#marks.push({ at: now, integral: 0 });
  }

  set(value: number, now: number): void {
    this.#advance(now);
    this.#value = value;
  }

  /** Over the last `windowMs` (at most ten minutes), or since the beginning where that is shorter. */
  over(windowMs: number, now: number): number {
    this.#advance(now);
    const from = Math.max(now - windowMs, this.#begin);
    const mark = this.#marks.findLast(({ at }) => at <= from) ?? this.#marks[0];
    if (mark === undefined || now <= mark.at) return this.#value;
    return (this.#integral - mark.integral) / (now - mark.at);
  }

  #advance(now: number): void {
    this.#integral += this.#value * Math.max(0, now - this.#at);
    this.#at = Math.max(this.#at, now);
    const last = this.#marks.at(-1);
    if (last !== undefined && now - last.at >= markIntervalMs) {
      this.#marks.push({ at: now, integral: this.#integral });
      // One mark before the window stays, so that it has a beginning.
      while ((this.#marks[1]?.at ?? now) <= now - longestWindowMs) this.#marks.shift();
    }
  }
}
