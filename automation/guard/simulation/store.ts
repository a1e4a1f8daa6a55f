/** A store of guard in memory, for tests and the drill: every call is one step, as it is for one item of a database. */
import { SwitchyardError } from "../../errors.ts";
import type {
  ClusterWrite,
  DocumentKind,
  GuardStore,
  LockOutcome,
  StoredCluster,
  WriteOutcome,
} from "../../ports/guard-store.ts";

export type StoreCall = Exclude<keyof GuardStore, "description">;

/** fail: nothing is done. lose-reply: it is done, and the caller does not learn it. */
export type StoreFault = "fail" | "lose-reply";

export interface SimulatedGuardStore extends GuardStore {
  /** How often each was called, failed calls included. */
  calls(call?: StoreCall): number;
  /** Asked before each call, with its number from 1 over all calls; undefined ends all faults. */
  interfere(fault: ((call: StoreCall, number: number) => StoreFault | undefined) | undefined): void;
  /** From now on index reads see the batches as they are now, as an index that lags does. */
  holdIndex(): void;
  /** The index is up to date again. */
  releaseIndex(): void;
}

interface Lock {
  readonly holder: string;
  readonly fence: number;
  /** 0: free. */
  readonly until: number;
}

type Row = StoredCluster & { readonly removed?: true };

export function simulateGuardStore(): SimulatedGuardStore {
  /** Removed ones stay, so that their versions go on. */
  const rows = new Map<string, Row>();
  const archives = new Map<string, Map<number, string>>();
  const locks = new Map<string, Lock>();
  const documents = new Map<string, string>();
  const counts = new Map<StoreCall, number>();
  let total = 0;
  let lastFence = 0;
  let interfere: ((call: StoreCall, number: number) => StoreFault | undefined) | undefined;
  let held: ReadonlyMap<string, string> | undefined;

  async function step<Result>(call: StoreCall, work: () => Result): Promise<Result> {
    total += 1;
    counts.set(call, (counts.get(call) ?? 0) + 1);
    const fault = interfere?.(call, total);
    if (fault === "fail") throw lost(call);
    const result = work();
    if (fault === "lose-reply") throw lost(call);
    return result;
  }

  const present = (id: string): StoredCluster | undefined => {
    const row = rows.get(id);
    return row === undefined || row.removed ? undefined : row;
  };
  /** Cluster to batch. */
  const index = (): ReadonlyMap<string, string> =>
    held ?? new Map([...rows.values()].flatMap((row) => (row.removed ? [] : [[row.clusterId, row.batchId] as const])));
  const reread = (ids: readonly string[]): readonly StoredCluster[] =>
    ids.toSorted().flatMap((id) => present(id) ?? []);

  function put({ clusterId, batchId, value, expected, fence }: ClusterWrite): WriteOutcome {
    const row = rows.get(clusterId);
    if ((present(clusterId)?.version ?? 0) !== expected) return { kind: "conflict" };
    if (row !== undefined && row.fence > fence) return { kind: "fenced" };
    const version = (row?.version ?? 0) + 1;
    rows.set(clusterId, { clusterId, batchId, value, version, fence });
    return { kind: "written", version };
  }

  function take(name: string, holder: string, now: number, leaseMs: number): LockOutcome {
    const lock = locks.get(name);
    if (lock !== undefined && lock.holder !== holder && lock.until > now)
      return { kind: "taken", holder: lock.holder, until: lock.until };
    lastFence += 1;
    locks.set(name, { holder, fence: lastFence, until: now + leaseMs });
    return { kind: "held", fence: lastFence };
  }

  return {
    description: "memory",
    calls: (call) => (call === undefined ? total : (counts.get(call) ?? 0)),
    interfere(fault) {
      interfere = fault;
    },
    holdIndex() {
      held = index();
    },
    releaseIndex() {
      held = undefined;
    },
    cluster: (id) => step("cluster", () => present(id)),
    batch: (batch) =>
      step("batch", () => {
        const ids = [...index()].flatMap(([id, of]) => (of === batch ? [id] : []));
        return reread(ids).filter(({ batchId }) => batchId === batch);
      }),
    clusters: () => step("clusters", () => reread([...index().keys()])),
    write: (write) => step("write", () => put(write)),
    remove: (id, expected) =>
      step("remove", () => {
        const row = present(id);
        if (row === undefined || row.version !== expected) return false;
        rows.set(id, { ...row, version: row.version + 1, removed: true });
        return true;
      }),
    archive: (id, number, line) =>
      step("archive", () => {
        const lines = archives.get(id) ?? new Map<number, string>();
        archives.set(id, lines);
        if (!lines.has(number)) lines.set(number, line);
      }),
    archived: (id) =>
      step("archived", () => {
        const lines = archives.get(id) ?? new Map<number, string>();
        return Array.from({ length: Math.max(0, ...lines.keys()) }, (_, index) => lines.get(index + 1) ?? "");
      }),
    lock: (name, holder, now, leaseMs) => step("lock", () => take(name, holder, now, leaseMs)),
    renew: (name, fence, now, leaseMs) =>
      step("renew", () => {
        const lock = locks.get(name);
        if (lock?.fence !== fence || lock.until === 0) return false;
        locks.set(name, { ...lock, until: now + leaseMs });
        return true;
      }),
    unlock: (name, fence) =>
      step("unlock", () => {
        const lock = locks.get(name);
        if (lock?.fence === fence) locks.set(name, { ...lock, until: 0 });
      }),
    document: (kind, id) => step("document", () => documents.get(documentKey(kind, id))),
    keep: (kind, id, text) =>
      step("keep", () => {
        const key = documentKey(kind, id);
        const found = documents.get(key);
        if (found === undefined) documents.set(key, text);
        return found === undefined || found === text;
      }),
  };
}

const documentKey = (kind: DocumentKind, id: string): string => `${kind} ${id}`;

function lost(call: StoreCall): SwitchyardError {
  return new SwitchyardError("state-unreachable", { message: `${call} of the simulated store got no answer` });
}
