/** What one load did on each platform, side by side. Pure. */
import { absent, known, type PlatformSnapshot, type Reading, unreadable } from "../ports/platform-metrics.ts";
import { figureOf, mapped, within } from "./readings.ts";
import { requestsBetween } from "./span.ts";

/** What the load generator saw itself. */
export interface LoadFigures {
  readonly sent: number;
  readonly ended: number;
  readonly failed: number;
  /** Of the failed ones: faults of this machine's client, which say nothing of the platform. */
  readonly clientFailed: number;
  /** Short requests, from the moment in which they were to start to the last byte, ms. */
  readonly latencyMs: { readonly p50: number; readonly p95: number; readonly p99: number } | undefined;
  /** Of the plan, ms. */
  readonly durationMs: number;
}

export interface PlatformLoad {
  readonly platform: string;
  readonly load: LoadFigures;
  /** Before the first request, after the last, and in between, oldest first. */
  readonly before: PlatformSnapshot;
  readonly during: readonly PlatformSnapshot[];
  readonly after: PlatformSnapshot;
  /** Of so many instances for an hour, USD; undefined where there is no price. */
  readonly hourly: (instances: number) => { readonly usd: number; readonly confidence: string } | undefined;
}

export interface ComparedPlatform {
  readonly platform: string;
  readonly load: LoadFigures;
  /** Requests that were answered well, per second of the plan. */
  readonly throughput: number;
  /** Instances that were there, over the time of the load; and most at once. */
  readonly instances: Reading<{ readonly mean: number; readonly most: number }>;
  /** Most cores in use at once. */
  readonly cores: Reading<number>;
  readonly scalingEvents: Reading<number>;
  readonly costPerMillion: Reading<{ readonly usd: number; readonly confidence: string }>;
  /** What the source of the metrics counted on the dark route in this time, beside what the load generator did. */
  readonly counted: Reading<{ readonly requests: number; readonly errors: number; readonly equal: boolean }>;
}

export function comparePlatform(input: PlatformLoad): ComparedPlatform {
  const { platform, load, before, during, after } = input;
  const answered = load.ended - load.failed;
  const instances = instancesOf([before, ...during, after]);
  return {
    platform,
    load,
    throughput: (answered * 1_000) / load.durationMs,
    instances,
    cores: mostOf(during.length > 0 ? during : [after]),
    scalingEvents: mapped(after.scaling, (events) => events.filter(({ at }) => at > before.at).length),
    costPerMillion: within(instances, ({ mean }) => costPerMillion(input, mean)),
    counted: mapped(requestsBetween(before, after, "darkRequests"), ({ requests, errors }) => ({
      requests,
      errors,
      equal: requests === load.ended,
    })),
  };
}

/** The hour's price of the instances that there were, over the requests that they would answer in an hour of this load. */
function costPerMillion({ load, hourly }: PlatformLoad, mean: number): ComparedPlatform["costPerMillion"] {
  const price = hourly(mean);
  if (price === undefined) return unreadable("there is no price of it here");
  if (load.ended === 0) return absent("no request was answered");
  const hours = load.durationMs / 3_600_000;
  return known({ usd: (price.usd * hours * 1_000_000) / load.ended, confidence: price.confidence });
}

/** Each look counts until the next one. */
function instancesOf(looks: readonly PlatformSnapshot[]): ComparedPlatform["instances"] {
  const counts: { readonly at: number; readonly there: number }[] = [];
  for (const { at, instances } of looks) {
    if (instances.kind !== "value") continue;
    counts.push({ at, there: instances.value.ready + (figureOf(instances.value.starting) ?? 0) });
  }
  const last = looks.at(-1)?.instances;
  if (counts.length === 0) return last === undefined || last.kind === "value" ? unreadable("nobody looked") : last;
  let [area, time] = [0, 0];
  for (const [index, { at, there }] of counts.entries()) {
    const until = counts[index + 1]?.at ?? at;
    area += there * (until - at);
    time += until - at;
  }
  const mean = time === 0 ? (counts[0]?.there ?? 0) : area / time;
  return known({ mean, most: Math.max(...counts.map(({ there }) => there)) });
}

function mostOf(looks: readonly PlatformSnapshot[]): Reading<number> {
  const readings = looks.map(({ resources }) => within(resources, ({ cores }) => cores));
  const values = readings.flatMap((reading) => figureOf(reading) ?? []);
  return values.length > 0 ? known(Math.max(...values)) : (readings.at(-1) ?? unreadable("nobody looked"));
}
