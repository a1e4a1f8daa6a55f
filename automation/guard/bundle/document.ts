/** The document of a failure, and its text not above a size: what is longest gives first, and what was left out is said. Pure. */

import { z } from "zod";

const event = z.object({
  at: z.string(),
  type: z.string(),
  subject: z.string(),
  reason: z.string(),
  message: z.string(),
  count: z.number(),
});

export const bundleRecord = z.object({
  version: z.literal(1),
  cluster: z.string(),
  at: z.string(),
  reason: z.string(),
  run: z.unknown(),
  /** The newest first. */
  events: z.array(event).readonly(),
  logs: z.array(z.object({ pod: z.string(), container: z.string(), text: z.string() })).readonly(),
  /** Objects of Flux and istiod that say something of their state. */
  conditions: z.array(z.object({ subject: z.string(), conditions: z.array(z.string()).readonly() })).readonly(),
  validation: z.unknown(),
  series: z.array(z.unknown()).readonly(),
  /** What could not be read, and why. */
  problems: z.array(z.string()).readonly(),
  /** What was left out for its size. */
  leftOut: z.array(z.string()).readonly(),
});

export type Bundle = z.output<typeof bundleRecord>;
export type BundleEvent = Bundle["events"][number];

const bytesOf = (text: string): number => new TextEncoder().encode(text).length;
const sizeOf = (value: unknown): number => bytesOf(JSON.stringify(value) ?? "");

/** Below this many bytes the head alone (cluster, time, reason, what was left out) may be above the limit. */
export function toSize(bundle: Bundle, bytes: number): string {
  let current = bundle;
  const cut = new Set<string>();
  for (let text = textOf(current, cut); ; text = textOf(current, cut)) {
    if (bytesOf(text) <= bytes) return text;
    const smaller = shrink(current, cut);
    if (smaller === undefined) return text;
    current = smaller;
  }
}

const textOf = (bundle: Bundle, cut: ReadonlySet<string>): string => JSON.stringify({ ...bundle, leftOut: [...cut] });

/** The largest part halved; undefined: nothing is left to halve. */
function shrink(bundle: Bundle, cut: Set<string>): Bundle | undefined {
  const parts = (["logs", "events", "series", "conditions", "validation", "run", "problems"] as const)
    .map((name) => ({ name, size: sizeOf(bundle[name]) }))
    .toSorted((a, b) => b.size - a.size);
  const [largest] = parts;
  if (largest === undefined || largest.size <= 4) return undefined;
  const half = <T>(list: readonly T[]): readonly T[] => list.slice(0, Math.floor(list.length / 2));
  switch (largest.name) {
    case "logs": {
      cut.add("older lines of logs");
      const shorter = bundle.logs.map((log) => ({ ...log, text: log.text.slice(Math.ceil(log.text.length / 2)) }));
      return { ...bundle, logs: shorter.filter(({ text }) => text.length > 0) };
    }
    case "events":
      cut.add("older events");
      return { ...bundle, events: half(bundle.events) };
    case "series":
      cut.add("some of the series");
      return { ...bundle, series: half(bundle.series) };
    case "conditions":
      cut.add("some of the conditions");
      return { ...bundle, conditions: half(bundle.conditions) };
    case "problems":
      cut.add("some of the problems");
      return { ...bundle, problems: half(bundle.problems) };
    default:
      cut.add(largest.name);
      return { ...bundle, [largest.name]: null };
  }
}
