/** An object did not become what was waited for. It stays as it is. */
export class NotReadyError extends Error {
  /** One line each. */
  readonly reasons: readonly string[];
  /** Whether the wait was broken off (true) or the cluster gave up (false). */
  readonly timedOut: boolean;

  constructor(kind: string, name: string, reasons: readonly string[], timedOut: boolean, cause?: unknown) {
    const what = timedOut ? "timed out waiting to be Ready" : "failed to become Ready";
    const list = reasons.map((reason) => `\n  * ${reason.replaceAll("\n", "\n    ")}`).join("");
    super(`${kind} '${name}' ${what}${list === "" ? "" : `:${list}`}`, cause === undefined ? undefined : { cause });
    this.name = "NotReadyError";
    this.reasons = reasons;
    this.timedOut = timedOut;
  }
}
