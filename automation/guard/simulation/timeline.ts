/** What is to happen at which time, in order. Time is passed in. */
export class Timeline {
  #now: number;
  #due: { readonly at: number; readonly run: (now: number) => void }[] = [];

  constructor(now: number) {
    this.#now = now;
  }

  /** Of what happens just now; ms since the epoch. */
  get now(): number {
    return this.#now;
  }

  /** When something happens next; undefined: never. */
  get next(): number | undefined {
    return this.#due[0]?.at;
  }

  /** What is due at one time happens in the order in which it was asked for. */
  after(ms: number, run: (now: number) => void): void {
    const at = this.#now + ms;
    let index = this.#due.length;
    while (index > 0 && (this.#due[index - 1]?.at ?? 0) > at) index--;
    this.#due.splice(index, 0, { at, run });
  }

  /**
   * Everything that is due happens, each at its own time. An earlier time than before does nothing. `settled` is called when all of an
   * instant has happened.
   */
  advance(to: number, settled?: () => void): void {
    for (let first = this.#due[0]; first !== undefined && first.at <= to; first = this.#due[0]) {
      this.#due.shift();
      this.#now = Math.max(this.#now, first.at);
      first.run(this.#now);
      if (settled !== undefined && this.#due[0]?.at !== first.at) settled();
    }
    this.#now = Math.max(this.#now, to);
  }
}
