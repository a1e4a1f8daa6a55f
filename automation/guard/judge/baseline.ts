/** What a cluster was like before an upgrade: a document that is written once and judged against. Pure but for the port that it asks. */
import { z } from "zod";
import type { SituationFile } from "../rules/evidence.ts";
import { countOf, present, sumOf } from "./series.ts";
import { readWindow, seriesIn, type WindowRequest, wholeMinute, windowRecord } from "./window.ts";

/** Long enough that how its mean wanders is known, short enough that it is one part of a day. */
export const baselineMinutes = 180;

const weekMs = 604_800_000;
const hourMs = 3_600_000;

/** The whole of a cluster, where names of services are listed. */
export const wholeCluster = "all services";

export const baselineRecord = z.strictObject({
  format: z.literal(1),
  cluster: z.string().min(1),
  /** ms since the epoch: when it was taken. */
  at: z.number().int().nonnegative(),
  /** `Datadog at …` */
  source: z.string().min(1),
  services: z.array(z.string().min(1)).readonly(),
  /** Deployment of the control plane that it is of, in a cluster that is to have two. */
  istiod: z.string().min(1).optional(),
  window: windowRecord,
  /** The same hours a week before. */
  lastWeek: windowRecord,
});

export type Baseline = z.output<typeof baselineRecord>;

export interface BaselineRequest extends Omit<WindowRequest, "fromMs" | "toMs"> {
  /** Id in the registry. */
  readonly cluster: string;
}

/** Errors: invalid-config (a name that cannot stand in a query). What the source cannot say is missing in the document, with the reason. */
export async function takeBaseline(request: BaselineRequest, now: number, signal?: AbortSignal): Promise<Baseline> {
  const toMs = wholeMinute(now);
  const fromMs = toMs - baselineMinutes * 60_000;
  return {
    format: 1,
    cluster: request.cluster,
    at: now,
    source: request.source.description,
    services: [...request.services],
    ...(request.subject.istiod === undefined ? {} : { istiod: request.subject.istiod }),
    window: await readWindow({ ...request, fromMs, toMs }, signal),
    lastWeek: await readWindow({ ...request, fromMs: fromMs - weekMs, toMs: toMs - weekMs }, signal),
  };
}

/** One text for one baseline, to be stored and hashed. */
export const baselineText = (baseline: Baseline): string => JSON.stringify(baselineRecord.parse(baseline));

/** Why it may not be judged by, or undefined. */
export function baselineTooOld({ at }: Baseline, now: number, hours: number): string | undefined {
  const age = now - at;
  if (age < 0) return "the baseline is from the future: a clock is wrong";
  return age > hours * hourMs
    ? `the baseline is ${(age / hourMs).toFixed(1)} hours old, ${hours} are allowed: take it anew`
    : undefined;
}

/** As rule G25 wants to see it; `immutable` is what the store promises. Undefined when no request was counted anywhere: nothing was collected. */
export function baselineEvidence(
  baseline: Baseline,
  immutable: boolean,
): NonNullable<SituationFile["evidence"]["metricsBaseline"]> | undefined {
  const { window, lastWeek, services } = baseline;
  const asked = seriesIn(window, "requests", null)?.query ?? undefined;
  if (asked === undefined) return undefined;
  const counted = [null, ...services].map((service) => ({
    name: service ?? wholeCluster,
    requests: requestsIn(baseline, service),
    sameHourLastWeek: countOf(seriesIn(lastWeek, "requests", service)?.values ?? []) > 0,
  }));
  return {
    storedAt: new Date(baseline.at).toISOString(),
    immutable,
    query: asked.slice(0, 500),
    windowMinutes: (window.toMs - window.fromMs) / 60_000,
    services: counted,
  };
}

/** Requests that were counted in the baseline's window. */
export const requestsIn = ({ window }: Pick<Baseline, "window">, service: string | null): number =>
  Math.round(sumOf(present(seriesIn(window, "requests", service)?.values ?? [])));
