/** Commands beside swaps that change an environment: one at a time, and none in the middle of a swap. */
import { SwitchyardError } from "../errors.ts";
import type { Lease } from "../swap/lease.ts";
import { type SwapStore, swapInProgress, swapPurpose } from "../swap/store.ts";

/** How long to wait for another command, ms. A swap is not waited for. */
const patienceMs = 600_000;

export interface LeasedEnvironment {
  readonly name: string;
  readonly store: Pick<SwapStore, "claim" | "open" | "owner">;
}

export interface LeaseWork {
  /** `up traffic.local`, for whoever wants the lease meanwhile. */
  readonly purpose: string;
  readonly signal: AbortSignal;
  /** Told once when another command has to end first. */
  readonly onWait?: (who: string) => void;
}

/**
 * Does the work while this process is the only one that may write in the environment. The work gets a signal that is also
 * aborted when the lease is lost. Errors: swap-in-progress, swap-interrupted, lease-lost, those of the work and of the store.
 */
export async function holdingLease<Result>(
  environment: LeasedEnvironment,
  { purpose, signal, onWait }: LeaseWork,
  work: (lease: Lease, signal: AbortSignal) => Promise<Result>,
): Promise<Result> {
  const lease = await claimPatiently(environment, purpose, signal, onWait);
  try {
    await assertNoOpenSwap(environment);
    return await work(lease, AbortSignal.any([signal, lease.lost]));
  } catch (error) {
    // What it was stopped in the middle of says less than why.
    if (lease.lost.aborted) throw lease.lost.reason;
    throw error;
  } finally {
    await lease.release();
  }
}

async function claimPatiently(
  { store }: LeasedEnvironment,
  purpose: string,
  signal: AbortSignal,
  onWait: LeaseWork["onWait"],
): Promise<Lease> {
  try {
    return await store.claim(purpose, { signal });
  } catch (error) {
    if (!(error instanceof SwitchyardError) || error.code !== "swap-in-progress") throw error;
    const owner = await store.owner();
    if (owner?.purpose.startsWith(swapPurpose(""))) throw error;
    onWait?.(owner === undefined ? "another command" : `${owner.purpose} (process ${owner.pid} on ${owner.host})`);
    return store.claim(purpose, { signal, waitMs: patienceMs });
  }
}

/** Errors: swap-in-progress, swap-interrupted. */
export async function assertNoOpenSwap({ name, store }: LeasedEnvironment): Promise<void> {
  const open = await store.open();
  if (open === undefined) return;
  const { id, from, to } = open.state;
  const owner = await store.owner();
  if (owner?.purpose === swapPurpose(id)) throw swapInProgress(name, open.state, owner);
  throw new SwitchyardError("swap-interrupted", {
    message: `Swap ${id} of environment ${name} (${from} -> ${to}) was interrupted and has not ended`,
    next: [
      `To go on:     npx switchyard swap resume --env ${name}`,
      `To go back:   npx switchyard swap abort --env ${name}`,
    ],
  });
}
