/** The metrics model as people read it: figures down, platforms across. */
import type { CollectedMetrics } from "../metrics/collect.ts";
import { quantiles } from "../metrics/latency.ts";
import { mapped, within } from "../metrics/readings.ts";
import type { Spread, SwapFigures } from "../metrics/swap-figures.ts";
import type { PlatformSnapshot, Reading } from "../ports/platform-metrics.ts";
import { absent, known } from "../ports/platform-metrics.ts";
import { bytes, count, dateAndTime, duration, plural, table } from "./text.ts";

/** Scaling events that are shown per platform. */
const shownEvents = 5;

type Cell = (snapshot: PlatformSnapshot) => Reading<string>;

const text = (reading: Reading<number>, form: (value: number) => string): Reading<string> => mapped(reading, form);
const percent = (value: number): string => `${(value * 100).toFixed(1)} %`;

const quantileText =
  (which: "firstByte" | "latency"): Cell =>
  (snapshot) =>
    within(snapshot[which], (histogram) => {
      const found = quantiles(histogram);
      if (found === undefined) return absent("no request");
      return known([found.p50, found.p95, found.p99].map((ms) => `${Math.round(ms)}`).join(" / "));
    });

const rows: readonly (readonly [string, Cell])[] = [
  ["requests", ({ requests }) => mapped(requests, (one) => count(one.requests))],
  ["errors", ({ requests }) => mapped(requests, (one) => errorText(one.errors, one.errorsByClass))],
  ["by the dark route", ({ darkRequests }) => mapped(darkRequests, (one) => count(one.requests))],
  ["dark errors", ({ darkRequests }) => mapped(darkRequests, (one) => errorText(one.errors, one.errorsByClass))],
  ["first byte p50/p95/p99 ms", quantileText("firstByte")],
  ["whole p50/p95/p99 ms", quantileText("latency")],
  ["instances ready", ({ instances }) => mapped(instances, ({ ready }) => count(ready))],
  ["starting", ({ instances }) => within(instances, (one) => text(one.starting, count))],
  ["wanted", ({ instances }) => within(instances, (one) => text(one.wanted, count))],
  ["at most", ({ instances }) => within(instances, (one) => text(one.most, count))],
  ["cores used", ({ resources }) => within(resources, (one) => text(one.cores, (value) => value.toFixed(2)))],
  ["memory used", ({ resources }) => within(resources, (one) => text(one.memoryBytes, bytes))],
  ["CPU of its limit", ({ resources }) => within(resources, (one) => text(one.cpuShare, percent))],
  ["memory of its limit", ({ resources }) => within(resources, (one) => text(one.memoryShare, percent))],
  ["restarts", ({ restarts }) => text(restarts, count)],
  ["start failures", ({ startFailures }) => text(startFailures, count)],
  ["requests waiting", ({ queued }) => text(queued, count)],
  ["scaling events", ({ scaling }) => mapped(scaling, (events) => count(events.length))],
];

function errorText(errors: number, byClass: Readonly<Record<string, number>>): string {
  const parts = Object.entries(byClass).filter(([, one]) => one > 0);
  return errors === 0 ? "0" : `${count(errors)} (${parts.map(([name, one]) => `${name} ${count(one)}`).join(", ")})`;
}

/** `?` is what could not be read, `-` what the platform does not have; why is said below the table. */
export function describeMetrics(
  environment: string,
  collected: CollectedMetrics,
  swaps: SwapFigures,
): readonly string[] {
  const { source, platforms } = collected;
  const reasons = new Map<string, Set<string>>();
  const cells = rows.map(([name, cell]) => [
    name,
    ...platforms.map((snapshot) => {
      const reading = cell(snapshot);
      if (reading.kind === "value") return reading.value;
      if (reading.kind === "unreadable") {
        const at = `${snapshot.platform}: ${reading.why}`;
        reasons.set(at, (reasons.get(at) ?? new Set()).add(name));
      }
      return reading.kind === "unreadable" ? "?" : "-";
    }),
  ]);
  const since = Math.min(...platforms.map((one) => one.since));
  const delay = source.delayMs > 0 ? `, late by about ${duration(source.delayMs)}` : "";
  return [
    `${environment}: ${source.source}, counts since ${dateAndTime(since)}${source.complete ? "" : ", not every request"}${delay}.`,
    ...table(["", ...platforms.map(({ platform }) => platform)], cells),
    ...[...reasons].map(([why, names]) => `? ${[...names].join(", ")} cannot be read. ${why}`),
    ...platforms.flatMap(describeScaling),
    ...describeSwaps(swaps),
  ];
}

function describeScaling({ platform, scaling }: PlatformSnapshot): readonly string[] {
  if (scaling.kind !== "value" || scaling.value.length === 0) return [];
  return [
    `Scaling of ${platform}, the last ${plural(Math.min(shownEvents, scaling.value.length), "event")}:`,
    ...scaling.value
      .slice(-shownEvents)
      .map(({ at, from, to, reason }) => `  ${dateAndTime(at)}  ${from} -> ${to}  ${reason}`),
  ];
}

function describeSwaps(swaps: SwapFigures): readonly string[] {
  if (swaps.number === 0) return ["Swaps: none yet."];
  const spread = (reading: Reading<Spread>): string =>
    reading.kind === "value" ? `${duration(reading.value.p50)} / ${duration(reading.value.p95)}` : `- (${reading.why})`;
  const rate = swaps.successRate;
  return [
    `Swaps: ${swaps.number}; ${swaps.completed} completed, ${swaps.rolledBack} rolled back, ${swaps.aborted} aborted, ${swaps.failed} failed, ${swaps.open} open.`,
    `  success          ${rate.kind === "value" ? percent(rate.value) : `- (${rate.why})`}`,
    `  took p50 / p95   ${spread(swaps.durationMs)}`,
    `  found, at most   ${spread(swaps.detectMs)}`,
    `  went back in     ${spread(swaps.rollBackMs)}`,
    `  requests hurt    ${swaps.requestsHurt.kind === "value" ? `${count(swaps.requestsHurt.value.sum)} in ${plural(swaps.requestsHurt.value.swaps, "swap")}, ${count(swaps.requestsHurt.value.most)} at most` : `- (${swaps.requestsHurt.why})`}`,
  ];
}
