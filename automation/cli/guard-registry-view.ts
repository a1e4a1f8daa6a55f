/** How guard's registry is shown. */
import { stringify } from "yaml";
import type { EntryAttributes } from "../guard/registry/entry-file.ts";
import type { RunRecord, TransitionRecord } from "../guard/registry/record.ts";
import { type GuardState, stateRows } from "../guard/registry/state-names.ts";
import { dateAndTime, plural, table } from "./text.ts";

/** Versions are quoted, so that 1.30.10 stays what it is whoever reads it. */
export function entriesText(entries: readonly EntryAttributes[], format: "yaml" | "json"): string {
  if (format === "json") return `${JSON.stringify(entries, undefined, 2)}\n`;
  return stringify(entries, { defaultStringType: "PLAIN", defaultKeyType: "PLAIN", lineWidth: 0 });
}

export interface ListedCluster {
  readonly cluster: string;
  readonly batch: string;
  readonly environment: string;
  readonly region: string;
  readonly istio: string;
  readonly state: GuardState;
}

export function describeList(clusters: readonly ListedCluster[]): readonly string[] {
  if (clusters.length === 0)
    return ["No cluster is there.", "To put some in:   npx switchyard guard registry import FILE"];
  const batches = new Set(clusters.map(({ batch }) => batch)).size;
  return [
    ...table(
      ["cluster", "batch", "environment", "region", "istio", "state"],
      clusters.map(({ cluster, batch, environment, region, istio, state }) => [
        cluster,
        batch,
        environment,
        region,
        istio,
        state,
      ]),
    ),
    "",
    `${plural(clusters.length, "cluster")} in ${batches} ${batches === 1 ? "batch" : "batches"}.`,
  ];
}

export interface ShownCluster {
  readonly entry: EntryAttributes;
  readonly state: GuardState;
  readonly pausedFrom?: GuardState;
  /** ms since the epoch. */
  readonly since: number;
  /** Of the stored item. */
  readonly version: number;
  readonly run?: RunRecord;
  readonly history: readonly TransitionRecord[];
  /** Changes of state before these. */
  readonly olderHistory: number;
}

export function describeCluster(shown: ShownCluster): readonly string[] {
  const { entry, state, pausedFrom, since, run, history, olderHistory } = shown;
  const paused = pausedFrom === undefined ? "" : `, from ${pausedFrom}`;
  return [
    ...stringify(entry, { lineWidth: 0 }).trimEnd().split("\n"),
    "",
    `${state}${paused} since ${dateAndTime(since)}. ${stateRows[state].meaning}`,
    ...(run === undefined
      ? []
      : [
          `Run from ${run.from} to ${run.to} (${run.strategy}), plan ${run.plan}, merge request ${run.step.index + 1}, attempt ${run.step.attempt}.`,
          ...(run.step.mergeRequest === undefined ? [] : [run.step.mergeRequest.url]),
          ...(run.note === undefined ? [] : [run.note]),
        ]),
    "",
    ...(olderHistory === 0 ? [] : [`${plural(olderHistory, "earlier change")} of state: --all`]),
    ...(history.length === 0
      ? ["No change of state yet."]
      : table(
          ["when", "event", "to", "by", "note"],
          history.map(({ at, event, to, by, note }) => [dateAndTime(at), event, to, by, note ?? ""]),
        )),
  ];
}

export interface ImportResult {
  readonly dryRun: boolean;
  readonly added: readonly string[];
  readonly updated: readonly { readonly cluster: string; readonly changed: readonly string[] }[];
  /** Ids of those that are so already. */
  readonly same: readonly string[];
  /** File with the changed entries as they were. */
  readonly undo?: string;
}

export function describeImport({ dryRun, added, updated, same, undo }: ImportResult): readonly string[] {
  const would = dryRun ? "would be " : "";
  return [
    ...added.map((cluster) => `${would}added: ${cluster}`),
    ...updated.map(({ cluster, changed }) => `${would}changed: ${cluster} (${changed.join(", ")})`),
    `${added.length} ${would}added, ${updated.length} ${would}changed, ${same.length} as they are already.`,
    ...(dryRun && added.length + updated.length > 0 ? ["To do it, run the same command without --dry-run."] : []),
    ...(dryRun || added.length === 0
      ? []
      : ["To take out what was added:     npx switchyard guard registry remove CLUSTER"]),
    ...(undo === undefined ? [] : [`To undo the changes:            npx switchyard guard registry import ${undo}`]),
  ];
}
