/** How `guard status` is shown. */
import type { ClusterStatus, FleetStatus } from "../guard/registry/status.ts";
import { dateAndTime, duration, plural, table, timeOfDay } from "./text.ts";

const day = 86_400_000;

/** `now`: ms since the epoch. */
export function describeFleet({ clusters, states, waitingForPeople }: FleetStatus, now: number): readonly string[] {
  if (clusters.length === 0)
    return ["No cluster is there.", "To put some in:   npx switchyard guard registry import FILE"];
  const counts = Object.entries(states).map(([state, found]) => `${found} ${state}`);
  const notes = clusters.filter(
    ({ note, waitsFor, state }) => note !== undefined && waitsFor === "a person" && state !== "pending",
  );
  return [
    ...table(
      ["cluster", "batch", "istio", "state", "for", "waits for", "next"],
      clusters.map((one) => [
        one.cluster,
        one.batch,
        one.target === undefined || one.target === one.istio ? one.istio : `${one.istio} > ${one.target}`,
        one.pausedFrom === undefined ? one.state : `${one.state} (${one.pausedFrom})`,
        duration(Math.max(0, now - one.since)),
        one.waitsFor,
        `${one.next}${dueText(one, now)}`,
      ]),
    ),
    "",
    `${plural(clusters.length, "cluster")}: ${counts.join(", ")}.`,
    ...clusters.flatMap(({ cluster, mergeRequest }) =>
      mergeRequest === undefined ? [] : [`${cluster}: ${mergeRequest}`],
    ),
    ...notes.map(({ cluster, note }) => `${cluster}: ${note}`),
    ...clusters.flatMap(({ cluster, bundle, state }) =>
      bundle === undefined || state === "healthy" || state === "upgraded"
        ? []
        : [`${cluster}: what its failure looked like: npx switchyard guard bundle --cluster ${cluster}`],
    ),
    ...(waitingForPeople.length === 0
      ? []
      : [
          `${plural(waitingForPeople.length, "cluster")} ${waitingForPeople.length === 1 ? "waits" : "wait"} for a person.`,
        ]),
    ...[...new Set(clusters.filter(({ state }) => state === "paused").map(({ batch }) => batch))].flatMap(
      describePause,
    ),
  ];
}

/** What a person can do with a batch that went back. */
export const describeRetry = (batch: string): string =>
  `To open the next attempt:   npx switchyard guard resume --batch ${batch} --retry`;

/** What a person can do with a batch that waits. */
export const describePause = (batch: string): readonly string[] => [
  `To let it go on:   npx switchyard guard resume --batch ${batch}   (--retry after a merge request was closed or changed)`,
  `To end it:   npx switchyard guard resume --batch ${batch} --give-up WHY`,
];

function dueText({ due, overdue }: ClusterStatus, now: number): string {
  if (due === undefined) return "";
  const at = Math.abs(due - now) < day ? timeOfDay(due) : dateAndTime(due);
  return overdue ? `, overdue since ${at}` : `, ${at}`;
}
