/** A store of guard whose accepted writes and locks are watched: none may be lost, and no two processes may hold one lock. */
import { z } from "zod";
import type { GuardStore } from "../../ports/guard-store.ts";

export interface WatchedStore {
  readonly store: GuardStore;
  /** Writes that were accepted. */
  readonly writes: number;
  /** Locks that were granted. */
  readonly locks: number;
  /** Accepted writes that a later one does not know of. */
  readonly lostStates: readonly string[];
  /** Locks granted while another process had them, and writes accepted under a fence that is older than the last one's. */
  readonly doubleLocks: readonly string[];
  /** A cluster's record as it was accepted last. */
  newest(clusterId: string): string | undefined;
  /** A plan that was kept. */
  plan(hash: string): string | undefined;
}

const historyOf = z.object({ history: z.array(z.unknown()), archived: z.number().optional() });

/** Transitions of a record as it is stored. */
function linesOf(value: string): number {
  const { history, archived = 0 } = historyOf.parse(JSON.parse(value));
  return archived + history.length;
}

interface Holder {
  readonly holder: string;
  readonly fence: number;
  readonly until: number;
}

export function watchStore(store: GuardStore): WatchedStore {
  const lines = new Map<string, number>();
  const values = new Map<string, string>();
  const plans = new Map<string, string>();
  const fences = new Map<string, number>();
  const holders = new Map<string, Holder>();
  const lostStates: string[] = [];
  const doubleLocks: string[] = [];
  let writes = 0;
  let locks = 0;
  return {
    get writes() {
      return writes;
    },
    get locks() {
      return locks;
    },
    lostStates,
    doubleLocks,
    newest: (clusterId) => values.get(clusterId),
    plan: (hash) => plans.get(hash),
    store: {
      ...store,
      async keep(kind, id, text) {
        if (kind === "plan") plans.set(id, text);
        return store.keep(kind, id, text);
      },
      async write(write) {
        const outcome = await store.write(write);
        if (outcome.kind !== "written") return outcome;
        writes += 1;
        const { clusterId, value, fence } = write;
        values.set(clusterId, value);
        const now = linesOf(value);
        const before = lines.get(clusterId);
        if (before !== undefined && now !== before + 1)
          lostStates.push(`${clusterId} was written with ${now} transitions after a write with ${before}`);
        lines.set(clusterId, now);
        const newest = fences.get(clusterId) ?? 0;
        if (fence < newest)
          doubleLocks.push(`${clusterId} was written under fence ${fence} after ${newest} had written`);
        fences.set(clusterId, Math.max(newest, fence));
        return outcome;
      },
      async lock(name, holder, now, leaseMs) {
        const outcome = await store.lock(name, holder, now, leaseMs);
        if (outcome.kind !== "held") return outcome;
        locks += 1;
        const other = holders.get(name);
        if (other !== undefined && other.holder !== holder && other.until > now)
          doubleLocks.push(`${name} went to ${holder} while ${other.holder} had it`);
        if (other !== undefined && outcome.fence <= other.fence)
          doubleLocks.push(`${name} was taken with fence ${outcome.fence} after ${other.fence}`);
        holders.set(name, { holder, fence: outcome.fence, until: now + leaseMs });
        return outcome;
      },
      async renew(name, fence, now, leaseMs) {
        const renewed = await store.renew(name, fence, now, leaseMs);
        const held = holders.get(name);
        if (renewed && held !== undefined && held.fence !== fence)
          doubleLocks.push(`${name} was renewed under fence ${fence} while ${held.fence} had it`);
        if (renewed && held?.fence === fence) holders.set(name, { ...held, until: now + leaseMs });
        return renewed;
      },
      async unlock(name, fence) {
        await store.unlock(name, fence);
        const held = holders.get(name);
        if (held?.fence === fence) holders.set(name, { ...held, until: 0 });
      },
    },
  };
}
