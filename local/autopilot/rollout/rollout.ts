import type { IntOrPercent } from "../objects/int-or-percent.ts";
import { resolveIntOrPercent } from "../objects/int-or-percent.ts";

/** A ReplicaSet as a rollout sees it. */
export interface RolloutSet {
  readonly name: string;
  /** Wanted pods: spec.replicas. */
  readonly replicas: number;
  /** Pods that were ready for minReadySeconds, as the ReplicaSet's controller last said. */
  readonly available: number;
}

export interface RollingStrategy {
  /** Wanted pods of the Deployment. */
  readonly replicas: number;
  readonly maxSurge: IntOrPercent;
  readonly maxUnavailable: IntOrPercent;
}

/** A new size for one ReplicaSet. */
export interface Resize {
  readonly name: string;
  readonly replicas: number;
}

/** Surge rounds up, unavailable rounds down; both zero would never move, so one may then be missing. */
export function rollingBounds(strategy: RollingStrategy): { readonly surge: number; readonly unavailable: number } {
  const surge = resolveIntOrPercent(strategy.maxSurge, strategy.replicas, "up");
  const unavailable = Math.min(
    strategy.replicas,
    resolveIntOrPercent(strategy.maxUnavailable, strategy.replicas, "down"),
  );
  return surge === 0 && unavailable === 0 ? { surge, unavailable: 1 } : { surge, unavailable };
}

/**
 * The next step of a rolling update, as the Deployment controller of Kubernetes takes it: first the new ReplicaSet grows as far as the
 * surge allows, then the old ones (oldest first) shrink as far as availability allows. Empty when there is nothing to do now.
 */
export function nextRollingStep(
  strategy: RollingStrategy,
  next: RolloutSet,
  old: readonly RolloutSet[],
): readonly Resize[] {
  const { surge, unavailable } = rollingBounds(strategy);
  const total = sum([next, ...old], (set) => set.replicas);
  const size = nextSize(strategy, next, total, surge);
  if (size !== next.replicas) {
    return [{ name: next.name, replicas: size }];
  }
  const leastAvailable = strategy.replicas - unavailable;
  const missingOfNext = next.replicas - Math.min(next.available, next.replicas);
  const removable = total - leastAvailable - missingOfNext;
  if (removable <= 0) {
    return [];
  }
  const cleaned = withoutUnhealthy(old, removable);
  const available = Math.min(next.available, next.replicas) + sum(old, (set) => Math.min(set.available, set.replicas));
  const shrunk = withoutSurplus(cleaned, available - leastAvailable);
  return shrunk
    .filter((set, index) => set.replicas !== old[index]?.replicas)
    .map(({ name, replicas }) => ({ name, replicas }));
}

function nextSize(strategy: RollingStrategy, next: RolloutSet, total: number, surge: number): number {
  if (next.replicas >= strategy.replicas) {
    return strategy.replicas;
  }
  const room = strategy.replicas + surge - total;
  return next.replicas + Math.max(0, Math.min(room, strategy.replicas - next.replicas));
}

/** Old pods that are not available go first: nobody misses them. */
function withoutUnhealthy(old: readonly RolloutSet[], most: number): readonly RolloutSet[] {
  let left = most;
  return old.map((set) => {
    const removed = Math.max(0, Math.min(left, set.replicas - set.available));
    left -= removed;
    return { ...set, replicas: set.replicas - removed };
  });
}

function withoutSurplus(old: readonly RolloutSet[], surplus: number): readonly RolloutSet[] {
  let left = Math.max(0, surplus);
  return old.map((set) => {
    const removed = Math.min(left, set.replicas);
    left -= removed;
    return { ...set, replicas: set.replicas - removed };
  });
}

/**
 * Recreate: the old pods end before the first new one starts.
 * @param oldPods pods of old ReplicaSets that still exist, those that are ending included
 */
export function nextRecreateStep(
  replicas: number,
  next: RolloutSet,
  old: readonly RolloutSet[],
  oldPods: number,
): readonly Resize[] {
  const running = old.filter((set) => set.replicas > 0);
  if (running.length > 0) {
    return running.map(({ name }) => ({ name, replicas: 0 }));
  }
  return oldPods > 0 || next.replicas === replicas ? [] : [{ name: next.name, replicas }];
}

/**
 * Spreads a change of the Deployment's size over its ReplicaSets in proportion to their sizes, when it happens in the middle of a rollout.
 * @param size pods that all sets together may have: replicas plus surge
 * @param sets those with pods; larger first gets what rounding leaves
 */
export function scaleInProportion(sets: readonly RolloutSet[], size: number): readonly Resize[] {
  const total = sum(sets, (set) => set.replicas);
  if (total === 0 || total === size) {
    return [];
  }
  const sorted = [...sets].sort((a, b) => b.replicas - a.replicas);
  let left = size - total;
  const scaled = sorted.map((set) => {
    const share = Math.round((set.replicas * size) / total) - set.replicas;
    const change = left > 0 ? Math.min(Math.max(share, 0), left) : Math.max(Math.min(share, 0), left);
    left -= change;
    return { name: set.name, replicas: set.replicas + change };
  });
  return scaled
    .map((set) => {
      // The first set takes all that is to be added; what it is too small to lose, the next ones lose.
      const change = Math.max(left, -set.replicas);
      left -= change;
      return { ...set, replicas: set.replicas + change };
    })
    .filter((set, index) => set.replicas !== sorted[index]?.replicas);
}

function sum<T>(list: readonly T[], of: (entry: T) => number): number {
  return list.reduce((total, entry) => total + of(entry), 0);
}
