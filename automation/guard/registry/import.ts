/** Many entries at once: what would change, and the change, of which all or nothing is done. */
import { SwitchyardError } from "../../errors.ts";
import { differences } from "./entry-file.ts";
import type { ClusterEntry } from "./record.ts";
import type { Loaded, Registry } from "./registry.ts";
import { states } from "./state.ts";

export interface EntryChange {
  readonly entry: ClusterEntry;
  readonly loaded: Loaded;
  /** Names of attributes. */
  readonly changed: readonly string[];
}

export interface ImportPlan {
  readonly added: readonly ClusterEntry[];
  readonly updated: readonly EntryChange[];
  /** Ids of those that are so already. */
  readonly same: readonly string[];
  /** Why it cannot be done, of each cluster. */
  readonly refused: readonly string[];
}

/** `existing`: those that are in the registry, by id. Pure. */
export function planImport(entries: readonly ClusterEntry[], existing: ReadonlyMap<string, Loaded>): ImportPlan {
  const added: ClusterEntry[] = [];
  const updated: EntryChange[] = [];
  const same: string[] = [];
  const refused: string[] = [];
  for (const entry of entries) {
    const loaded = existing.get(entry.clusterId);
    const changed = loaded === undefined ? [] : differences(loaded.record.entry, entry);
    if (loaded === undefined) added.push(entry);
    else if (changed.length === 0) same.push(entry.clusterId);
    else {
      const why = whyFixed(loaded);
      if (why === undefined) updated.push({ entry, loaded, changed });
      else refused.push(why);
    }
  }
  return { added, updated, same, refused };
}

/** Why an entry must stay as it is; undefined when it may change. Pure. */
export function whyFixed({ record }: Loaded): string | undefined {
  if (states[record.state].resting) return undefined;
  return `${record.entry.clusterId} is ${record.state}: a run is under way, which works with the entry as it is`;
}

/** Batches whose locks are needed, sorted, so that two processes take them in one order. Pure. */
export function batchesOf({ added, updated }: ImportPlan): readonly string[] {
  const all = [
    ...added.map(({ batchId }) => batchId),
    ...updated.flatMap(({ entry, loaded }) => [entry.batchId, loaded.record.entry.batchId]),
  ];
  return [...new Set(all)].toSorted();
}

/** Writes all; where one cannot be written those before it are put back. Errors: those of the registry, with what could not be put back. */
export async function applyImport(registry: Registry, plan: ImportPlan, at: number, fence: number): Promise<void> {
  const undo: (() => Promise<unknown>)[] = [];
  try {
    for (const entry of plan.added) {
      const loaded = await registry.add(entry, at, fence);
      undo.unshift(() => registry.remove(loaded));
    }
    for (const { entry, loaded } of plan.updated) {
      const saved = await registry.save(loaded, { ...loaded.record, entry }, fence);
      undo.unshift(() => registry.save(saved, loaded.record, fence));
    }
  } catch (error) {
    const left = await undone(undo);
    if (!(error instanceof SwitchyardError)) throw error;
    const what =
      left === 0
        ? "nothing is changed: what was written before it was put back"
        : `${left} of ${undo.length} changes before it could not be put back; the same import again goes on from there`;
    throw new SwitchyardError(error.code, { message: `${error.message}; ${what}`, next: error.next, cause: error });
  }
}

/** How many could not be. */
async function undone(undo: readonly (() => Promise<unknown>)[]): Promise<number> {
  let left = 0;
  for (const step of undo) {
    try {
      await step();
    } catch (error) {
      if (!(error instanceof SwitchyardError)) throw error;
      left += 1;
    }
  }
  return left;
}
