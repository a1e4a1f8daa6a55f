/** What the environment's journals say of failovers: those of the last day, and one whose process died. */
import type { Clock } from "../ports/clock.ts";
import type { LeaseWatch } from "../swap/lease.ts";
import type { SwapStore } from "../swap/store.ts";

const dayMs = 86_400_000;

/** When failovers of the last day began, ms since the epoch, also those that failed. */
export async function recentFailovers(
  store: Pick<SwapStore, "ids" | "read">,
  wall: number,
): Promise<readonly number[]> {
  const found: number[] = [];
  for (const id of (await store.ids()).toReversed()) {
    const record = await store.read(id);
    if (record === undefined) continue;
    const { mode, startedAt } = record.state;
    if (startedAt < wall - dayMs) break;
    if (mode === "failover") found.push(startedAt);
  }
  return found;
}

export interface InterruptedFailover {
  readonly id: string;
  /** What was seen of the lease, so that the claim need not wait again. */
  readonly watch: LeaseWatch;
}

/** Between two looks at another process's lease, ms. */
const lookMs = 1_000;

/**
 * The failover that nobody drives any more, which is a side that is still failing. One that a process of another machine
 * drives is waited for: until it has ended, or its lease has (15 s). undefined: none is open, or it waits for a person.
 * `onWait` is told once. Errors: those of the store, and the signal's reason.
 */
export async function interruptedFailover(
  store: Pick<SwapStore, "open" | "watch">,
  clock: Clock,
  signal: AbortSignal,
  onWait: (id: string) => void = () => undefined,
): Promise<InterruptedFailover | undefined> {
  const watch = store.watch();
  for (let waited = false; ; waited = true) {
    // The lease first: whoever gives it back has ended the failover before.
    const look = await watch.look();
    const open = await store.open();
    if (open?.state.mode !== "failover" || open.state.paused !== undefined) return undefined;
    const { id } = open.state;
    if (look.kind === "free") return { id, watch };
    if (!waited) onWait(id);
    await clock.sleep(lookMs, signal);
  }
}
