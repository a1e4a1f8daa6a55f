/** The clusters that guard knows, each one item of the store: read, moved by the state table, written on condition. */
import { SwitchyardError } from "../../errors.ts";
import { nearest } from "../../nearest.ts";
import type { GuardStore, StoredCluster } from "../../ports/guard-store.ts";
import {
  type ClusterEntry,
  type ClusterRecord,
  clusterRecord,
  type RunRecord,
  type TransitionRecord,
  transitionRecord,
} from "./record.ts";
import { type EventName, transition } from "./state.ts";

/** The lock under which a batch's clusters are written. */
export const batchLock = (batch: string): string => `batch/${batch}`;

/** Transitions that stay in the item. */
export const historyLength = 40;
/** Older ones are kept so long, ms: two years. */
const archiveMs = 730 * 86_400_000;
/** Of a note and of a name in the history, characters. */
const longestText = 2_000;

/** A record as it is stored, with what a write must expect. */
export interface Loaded {
  readonly record: ClusterRecord;
  readonly version: number;
  /** Of the last write. */
  readonly fence: number;
}

export type Moved =
  | { readonly kind: "moved"; readonly record: ClusterRecord }
  | { readonly kind: "refused"; readonly why: string; readonly possible: readonly EventName[] };

export interface MoveFacts {
  /** ms since the epoch. */
  readonly at: number;
  /** A person's name, or guard. */
  readonly by: string;
  readonly note?: string | undefined;
  /** The run from now on; default: as it was. */
  readonly run?: RunRecord | undefined;
}

/** The record after an event; refused when the state table does not have it. Pure. */
export function moveRecord(
  record: ClusterRecord,
  event: EventName,
  { at, by, note, run = record.run }: MoveFacts,
): Moved {
  const { state, pausedFrom: before, history, archived } = record;
  const next = transition({ state, ...(before === undefined ? {} : { pausedFrom: before }) }, event);
  if (next.kind === "refused") return next;
  const { state: to, pausedFrom } = next.standing;
  const line: TransitionRecord = {
    at,
    event,
    from: state,
    to,
    by: by.slice(0, longestText),
    ...(note === undefined || note === "" ? {} : { note: note.slice(0, longestText) }),
  };
  return {
    kind: "moved",
    record: {
      entry: entryAfter(record.entry, event, run),
      state: to,
      ...(pausedFrom === undefined ? {} : { pausedFrom }),
      // An extended soak goes on.
      since: to === state ? record.since : at,
      ...(run === undefined ? {} : { run }),
      history: [...history, line],
      ...(archived === undefined ? {} : { archived }),
    },
  };
}

/** What is proven goes into the registry with the same write. */
function entryAfter(entry: ClusterEntry, event: EventName, run: RunRecord | undefined): ClusterEntry {
  if (run === undefined) return entry;
  if (event === "validated") return { ...entry, currentIstioVersion: run.to };
  return event === "rolled_back" ? { ...entry, currentIstioVersion: run.from } : entry;
}

/** A cluster that is new. Pure. */
export function newRecord(entry: ClusterEntry, at: number): ClusterRecord {
  return { entry, state: "pending", since: at, history: [] };
}

/** Errors: state-damaged, with every place that does not fit. */
export function parseRecord({ clusterId, batchId, value, version, fence }: StoredCluster): Loaded {
  const damaged = (why: string): SwitchyardError =>
    new SwitchyardError("state-damaged", {
      message: `The state of cluster ${clusterId} (version ${version}) does not have the form that guard writes: ${why}`,
    });
  let json: unknown;
  try {
    json = JSON.parse(value);
  } catch (error) {
    if (error instanceof SyntaxError) throw damaged("it is no JSON");
    throw error;
  }
  const parsed = clusterRecord.safeParse(json);
  if (!parsed.success)
    throw damaged(parsed.error.issues.map(({ path, message }) => `${path.join(".")}: ${message}`).join("; "));
  const { entry } = parsed.data;
  if (entry.clusterId !== clusterId || entry.batchId !== batchId)
    throw damaged(`it is of cluster ${entry.clusterId} in batch ${entry.batchId}, and stored in batch ${batchId}`);
  return { record: parsed.data, version, fence };
}

export type Saved =
  | { readonly kind: "written"; readonly loaded: Loaded }
  /** Another version is there. */
  | { readonly kind: "conflict" }
  /** A lock that was taken later has written. */
  | { readonly kind: "fenced" };

/** Errors of all: state-unreachable, state-damaged. */
export interface Registry {
  /** Errors: guard-unknown-cluster with names that are near. */
  load(clusterId: string): Promise<Loaded>;
  find(clusterId: string): Promise<Loaded | undefined>;
  /** By id. Errors: guard-unknown-cluster where it has none. */
  loadBatch(batch: string): Promise<readonly Loaded[]>;
  /** By id. */
  loadAll(): Promise<readonly Loaded[]>;
  /** One conditional write; what leaves the item was archived before. */
  write(loaded: Loaded, record: ClusterRecord, fence: number): Promise<Saved>;
  /** `write`. Errors: guard-conflict; guard-locked when fenced. */
  save(loaded: Loaded, record: ClusterRecord, fence: number): Promise<Loaded>;
  /** Errors: guard-conflict when there is one of this id. */
  add(entry: ClusterEntry, at: number, fence: number): Promise<Loaded>;
  /** Its history stays. Errors: guard-conflict. */
  remove(loaded: Loaded): Promise<void>;
  /** Every transition that is kept, oldest first. */
  history(record: ClusterRecord): Promise<readonly TransitionRecord[]>;
}

export function createRegistry(store: GuardStore): Registry {
  const known = new Map<string, { readonly value: string; readonly loaded: Loaded }>();

  /** What has not changed since is not read again. */
  function parsed(stored: StoredCluster): Loaded {
    const { clusterId, batchId, value, version, fence } = stored;
    const last = known.get(clusterId);
    if (last?.value === value && last.loaded.record.entry.batchId === batchId)
      return { record: last.loaded.record, version, fence };
    const loaded = parseRecord(stored);
    known.set(clusterId, { value, loaded });
    return loaded;
  }

  async function find(clusterId: string): Promise<Loaded | undefined> {
    const stored = await store.cluster(clusterId);
    return stored === undefined ? undefined : parsed(stored);
  }

  /** What does not fit any more, of what is stored for sure, goes to the archive. */
  async function shortened(loaded: Loaded | undefined, record: ClusterRecord): Promise<ClusterRecord> {
    const stored = loaded?.record.history.length ?? 0;
    const over = Math.min(record.history.length - historyLength, stored);
    if (over <= 0) return record;
    await archive(record, over);
    return { ...record, history: record.history.slice(over), archived: (record.archived ?? 0) + over };
  }

  /** So many of the oldest transitions of the item. */
  async function archive({ entry, history, archived = 0 }: ClusterRecord, lines: number): Promise<void> {
    for (const [index, line] of history.slice(0, lines).entries())
      await store.archive(entry.clusterId, archived + index + 1, JSON.stringify(line), line.at + archiveMs);
  }

  async function write(loaded: Loaded | undefined, record: ClusterRecord, fence: number): Promise<Saved> {
    const kept = clusterRecord.parse(await shortened(loaded, record));
    const { clusterId, batchId } = kept.entry;
    const expected = loaded?.version ?? 0;
    const outcome = await store.write({ clusterId, batchId, value: JSON.stringify(kept), expected, fence });
    if (outcome.kind !== "written") return outcome;
    return { kind: "written", loaded: { record: kept, version: outcome.version, fence } };
  }

  async function saved(loaded: Loaded | undefined, record: ClusterRecord, fence: number): Promise<Loaded> {
    const outcome = await write(loaded, record, fence);
    switch (outcome.kind) {
      case "written":
        return outcome.loaded;
      case "conflict":
        throw conflict(record.entry.clusterId, loaded);
      case "fenced":
        throw new SwitchyardError("guard-locked", {
          message: `Cluster ${record.entry.clusterId} was written under a lock that is newer than this process's; nothing was written`,
          begun: true,
        });
    }
  }

  return {
    find,

    async load(clusterId) {
      const found = await find(clusterId);
      if (found !== undefined) return found;
      const known = (await store.clusters()).map((cluster) => cluster.clusterId);
      throw unknown(`The registry has no cluster ${clusterId}${nearest(clusterId, known)}`);
    },

    async loadBatch(batch) {
      const found = await store.batch(batch);
      if (found.length > 0) return found.map(parsed);
      const known = [...new Set((await store.clusters()).map((cluster) => cluster.batchId))].toSorted();
      const which = known.length === 0 ? "; it is empty" : `; known: ${known.join(", ")}${nearest(batch, known)}`;
      throw unknown(`The registry has no cluster in a batch ${batch}${which}`);
    },

    loadAll: async () => (await store.clusters()).map(parsed),
    write,
    save: saved,

    async add(entry, at, fence) {
      // One of this id may have been removed: its history goes on.
      const archived = (await store.archived(entry.clusterId)).length;
      const record = newRecord(entry, at);
      return saved(undefined, archived === 0 ? record : { ...record, archived }, fence);
    },

    async remove(loaded) {
      const { entry, history } = loaded.record;
      const { clusterId } = entry;
      await archive(loaded.record, history.length);
      if (!(await store.remove(clusterId, loaded.version))) throw conflict(clusterId, loaded);
    },

    async history(record) {
      const { entry, archived = 0, history } = record;
      const older = archived === 0 ? [] : (await store.archived(entry.clusterId)).slice(0, archived);
      const kept = older.filter((line) => line !== "").map((line) => parseLine(entry.clusterId, line));
      return [...kept, ...history];
    },
  };
}

function parseLine(clusterId: string, line: string): TransitionRecord {
  try {
    const parsed = transitionRecord.safeParse(JSON.parse(line));
    if (parsed.success) return parsed.data;
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
  }
  throw new SwitchyardError("state-damaged", { message: `A line of the history of cluster ${clusterId} is damaged` });
}

const unknown = (message: string): SwitchyardError => new SwitchyardError("guard-unknown-cluster", { message });

function conflict(clusterId: string, loaded: Loaded | undefined): SwitchyardError {
  return new SwitchyardError("guard-conflict", {
    message:
      loaded === undefined
        ? `The registry has a cluster ${clusterId} already`
        : `Somebody else changed cluster ${clusterId} after version ${loaded.version} was read; nothing was written`,
  });
}
