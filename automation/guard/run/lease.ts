/** One process works on a batch: a lease with a fence, renewed while the work goes on. */
import { SwitchyardError } from "../../errors.ts";
import type { Clock } from "../../ports/clock.ts";
import type { GuardStore } from "../../ports/guard-store.ts";

export interface LeaseOptions {
  readonly store: Pick<GuardStore, "lock" | "renew" | "unlock">;
  readonly clock: Pick<Clock, "now" | "wall" | "sleep">;
  /** `batch/prod-wave-1`. */
  readonly name: string;
  /** Names this process: host, pid and a random part. */
  readonly holder: string;
  readonly leaseMs: number;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Works under the lease; the signal that the work gets is aborted when the lease is lost. Errors: guard-locked with who has it; those of
 * the work.
 */
export async function underLease<Result>(
  { store, clock, name, holder, leaseMs, signal }: LeaseOptions,
  work: (fence: number, signal: AbortSignal) => Promise<Result>,
): Promise<Result> {
  const taken = await store.lock(name, holder, clock.wall(), leaseMs);
  if (taken.kind === "taken")
    throw new SwitchyardError("guard-locked", {
      message: `${name} is worked on by ${taken.holder}, whose lease ends at ${new Date(taken.until).toISOString()} unless it is renewed`,
    });
  const { fence } = taken;
  const lost = new AbortController();
  const done = new AbortController();
  const inner = AbortSignal.any([lost.signal, ...(signal === undefined ? [] : [signal])]);
  const renewing = renew();
  try {
    return await work(fence, inner);
  } finally {
    done.abort();
    await renewing;
    // One that is lost belongs to somebody else.
    if (!lost.signal.aborted) await store.unlock(name, fence);
  }

  async function renew(): Promise<void> {
    let renewedAt = clock.now();
    while (!done.signal.aborted) {
      try {
        await clock.sleep(leaseMs / 3, done.signal);
      } catch {
        return;
      }
      try {
        if (await store.renew(name, fence, clock.wall(), leaseMs)) renewedAt = clock.now();
        else return lost.abort(lostLease(name));
      } catch (error) {
        // A store that cannot be reached for a moment has not given the lease away yet.
        if (clock.now() - renewedAt > leaseMs) return lost.abort(error);
      }
    }
  }
}

function lostLease(name: string): SwitchyardError {
  return new SwitchyardError("guard-locked", {
    message: `the lease of ${name} went to another process while this one was paused or too slow; nothing more was written`,
    begun: true,
  });
}
