/**
 * What a swap needs of instances: the old side keeps what it had until the bake is over, so that going back needs no start, and the
 * candidate gets as much before it gets the weight (shared research, hot swap 2.2 and 5). Pure.
 */
import { z } from "zod";

/** Instances, as they were read when the swap began. */
export const swapCapacity = z.object({
  /** The old side's, ready to take requests: what carries all of the traffic. */
  old: z.number().int().min(0),
  /** The candidate's that carry the same. */
  candidate: z.number().int().min(0),
  /** Whether the old side has more than its own least number, so that its autoscaler would take some away. */
  holdOld: z.boolean(),
});

export type SwapCapacity = z.infer<typeof swapCapacity>;

/** vCPUs of one instance on either side. */
export interface InstanceSizes {
  readonly old: number;
  readonly candidate: number;
}

/** `oldReady`: instances that carry all of the traffic now; `oldLeast`: what the old side keeps by itself. */
export function capacityFor(oldReady: number, oldLeast: number, sizes: InstanceSizes): SwapCapacity {
  return {
    old: oldReady,
    candidate: Math.max(1, Math.ceil((oldReady * sizes.old) / sizes.candidate - rounding)),
    holdOld: oldReady > oldLeast,
  };
}

/** Quotients of decimal fractions are not exact. */
const rounding = 1e-9;

/** The candidate's instances that a share of the traffic needs, percent. */
export function instancesFor(capacity: SwapCapacity, sharePercent: number): number {
  return Math.max(1, Math.ceil((capacity.candidate * sharePercent) / 100 - rounding));
}
