/** Datadog's monitors, each in the state that it has for one cluster. */
import { z } from "zod";
import { type Monitor, type MonitorScope, type MonitorState, type Monitors, monitorStates } from "../ports/monitors.ts";
import { type DatadogOptions, datadogApi } from "./datadog-api.ts";

/** A tag of monitors that have to have data. */
const requiredTag = "guard:required";
const pageSize = 100;

/** A state that is not known is no OK. */
const state = z.enum(monitorStates).catch("Unknown");

const monitorSchema = z.object({
  name: z.string(),
  query: z.string(),
  overall_state: state,
  tags: z.array(z.string()).default([]),
  options: z
    .object({
      /** Scopes that are silent: `*` or a group; until when, or for ever. */
      silenced: z.record(z.string(), z.number().nullable()).default({}),
    })
    .default({ silenced: {} }),
  state: z.object({ groups: z.record(z.string(), z.object({ status: state })).default({}) }).default({ groups: {} }),
  /** Active ones that fit. */
  matching_downtimes: z
    .array(z.object({ active: z.boolean().default(true), groups: z.array(z.string()).nullish() }))
    .default([]),
});
type DatadogMonitor = z.infer<typeof monitorSchema>;
const pageSchema = z.array(monitorSchema);

/** Errors: invalid-config, credentials-over-http. */
export function createDatadogMonitors(options: DatadogOptions): Monitors {
  const { description, get } = datadogApi(options);
  return {
    description: `monitors of ${description}`,
    async inScope(scope, signal) {
      const found: Monitor[] = [];
      for (let page = 0; ; page += 1) {
        const query = {
          group_states: "all",
          with_downtimes: "true",
          page: String(page),
          page_size: String(pageSize),
        };
        const monitors = await get("api/v1/monitor", query, pageSchema, signal);
        found.push(...monitors.flatMap((monitor) => monitorIn(monitor, scope, options.clock.wall())));
        if (monitors.length < pageSize) return found;
      }
    },
  };
}

const wantedTags = ({ clusterName, tags }: MonitorScope): ReadonlyMap<string, string> =>
  new Map(Object.keys(tags).length > 0 ? Object.entries(tags) : [["cluster_name", clusterName]]);

/** Whether tags are about the cluster: one of its own is among them, and none says another value. */
function isAbout(tags: readonly string[], wanted: ReadonlyMap<string, string>): boolean {
  let named = false;
  for (const tag of tags) {
    const at = tag.indexOf(":");
    const value = at < 0 ? undefined : wanted.get(tag.slice(0, at));
    if (value === undefined) continue;
    if (value !== tag.slice(at + 1)) return false;
    named = true;
  }
  return named;
}

/** Tags in the braces of a query, as far as they are plain. */
const tagsOfQuery = (query: string): readonly string[] =>
  [...query.matchAll(/\{([^{}]*)\}/g)].flatMap(([, scope = ""]) => scope.split(",").map((tag) => tag.trim()));

/** Worst first. */
const worst: readonly MonitorState[] = ["Alert", "No Data", "Unknown", "Warn", "Skipped", "Ignored", "OK"];

function monitorIn(monitor: DatadogMonitor, scope: MonitorScope, now: number): readonly Monitor[] {
  const wanted = wantedTags(scope);
  const groups = Object.entries(monitor.state.groups).filter(([name]) => isAbout(name.split(","), wanted));
  const whole = isAbout([...tagsOfQuery(monitor.query), ...monitor.tags], wanted);
  if (groups.length === 0 && !whole) return [];
  const states = groups.length > 0 ? groups.map(([, { status }]) => status) : [monitor.overall_state];
  return [
    {
      name: monitor.name.slice(0, 500) || "a monitor without a name",
      state: worst.find((one) => states.includes(one)) ?? "Unknown",
      required: monitor.tags.includes(requiredTag),
      muted: isMuted(monitor, new Set(groups.map(([name]) => name)), wanted, now),
    },
  ];
}

function isMuted(
  { options: { silenced }, matching_downtimes: downtimes }: DatadogMonitor,
  groups: ReadonlySet<string>,
  wanted: ReadonlyMap<string, string>,
  now: number,
): boolean {
  const fits = (name: string): boolean => name === "*" || groups.has(name) || isAbout(name.split(","), wanted);
  const silent = Object.entries(silenced).some(
    ([name, until]) => fits(name) && (until === null || until * 1_000 > now),
  );
  return (
    silent ||
    downtimes.some(
      ({ active, groups: of }) => active && (of === undefined || of === null || of.length === 0 || of.some(fits)),
    )
  );
}
