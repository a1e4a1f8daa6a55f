/** The kubelet's back-off for one container, of restarts or of image pulls. */
export interface BackOff {
  /** ms; what the next failure waits. */
  readonly delayMs: number;
  /** When it was last lengthened, ms since the epoch. */
  readonly updatedAt: number;
}

const INITIAL_MS = 10_000;
const LONGEST_MS = 300_000;

/**
 * When to try again after a failure at `failedAt`. As in Kubernetes the first restart comes at once, then 10 s, 20 s, 40 s … 5 min
 * after the failure; a container that ran for ten minutes begins anew.
 */
export function nextAttempt(
  before: BackOff | undefined,
  failedAt: number,
): { readonly at: number; readonly delayMs: number; readonly backOff: BackOff } {
  if (before === undefined || failedAt - before.updatedAt > 2 * LONGEST_MS) {
    return { at: failedAt, delayMs: 0, backOff: { delayMs: INITIAL_MS, updatedAt: failedAt } };
  }
  const at = failedAt + before.delayMs;
  const longer = Math.min(2 * before.delayMs, LONGEST_MS);
  return { at, delayMs: before.delayMs, backOff: { delayMs: longer, updatedAt: at } };
}

/** `10s`, `1m20s`, as Go prints a duration. */
export function formatDelay(ms: number): string {
  const seconds = Math.round(ms / 1000);
  const minutes = Math.floor(seconds / 60);
  return minutes === 0 ? `${seconds}s` : `${minutes}m${seconds % 60}s`;
}
