/** What a source of metrics said of a cluster in a window of time. Pure but for the port that it asks. */
import { z } from "zod";
import { SwitchyardError } from "../../errors.ts";
import type { MetricSource } from "../../ports/metric-source.ts";
import { fillQuery, type MetricLanguage, namesControlPlane, type QuerySubject } from "./queries.ts";
import { countOf, type Series, seriesOf } from "./series.ts";
import type { Signal } from "./signals.ts";

/** All series have a value a minute, which is what the noise model and the default queries are about. */
export const stepMs = 60_000;

const ms = z.number().int().nonnegative();

export const seriesRecord = z.strictObject({
  signal: z.string().min(1),
  /** Destination service; null: the whole cluster. */
  service: z.string().min(1).nullable(),
  /** As it was asked. */
  query: z.string().min(1).nullable(),
  /** Of one control plane alone: the same query for any. */
  question: z.string().min(1).optional(),
  values: z.array(z.number().nullable()).readonly(),
  /** How many values are there. */
  samples: z.number().int().nonnegative(),
  /** Why there are none. */
  missing: z.string().optional(),
});

export const windowRecord = z.strictObject({
  /** ms since the epoch, inclusive. */
  fromMs: ms,
  /** Exclusive. */
  toMs: ms,
  stepMs: z.literal(stepMs),
  series: z.array(seriesRecord).readonly(),
});

export type SeriesRecord = z.output<typeof seriesRecord>;
export type MetricWindow = z.output<typeof windowRecord>;

export interface WindowRequest {
  readonly source: MetricSource;
  readonly language: MetricLanguage;
  readonly subject: Omit<QuerySubject, "service">;
  readonly signals: readonly Signal[];
  /** Judged one by one beside the whole cluster. */
  readonly services: readonly string[];
  readonly fromMs: number;
  readonly toMs: number;
}

/** Down to a whole minute: the same question has the same answer. */
export const wholeMinute = (ms: number): number => Math.floor(ms / stepMs) * stepMs;

/**
 * Asks for every signal, one after another, so that the source's limits hold. A signal that cannot be read is missing, with the
 * reason. Errors: invalid-config (a name that cannot stand in a query); an abort's reason.
 */
export async function readWindow(request: WindowRequest, signal?: AbortSignal): Promise<MetricWindow> {
  const fromMs = wholeMinute(request.fromMs);
  const toMs = wholeMinute(request.toMs);
  const series: SeriesRecord[] = [];
  for (const one of request.signals)
    for (const service of [null, ...(one.perService ? request.services : [])]) {
      const query =
        one.query === undefined
          ? undefined
          : fillQuery(one.query, request.language, { ...request.subject, ...(service === null ? {} : { service }) });
      if (query === undefined) {
        if (one.unusable !== undefined && service === null) series.push(missing(one.name, service, null, one.unusable));
        else if (service !== null)
          series.push(
            missing(one.name, service, null, "its query has no place for the name of a service: {tags} or {service}"),
          );
        continue;
      }
      if (service === null && one.gate === "a" && request.subject.istiod !== undefined) {
        series.push(await askOfOne(request, one, query, signal));
        continue;
      }
      series.push(await ask(request.source, one.name, service, { query, fromMs, toMs, stepMs }, signal));
    }
  return { fromMs, toMs, stepMs, series };
}

/** Any Deployment. */
const anyIstiod = "istiod-of-any-revision";

/** Of a cluster with two control planes: what both did together would hide what the new one does. */
async function askOfOne(
  { source, language, subject, fromMs, toMs }: WindowRequest,
  { name, query: template = "" }: Signal,
  query: string,
  signal: AbortSignal | undefined,
): Promise<SeriesRecord> {
  if (!namesControlPlane(template))
    return missing(
      name,
      null,
      query,
      `its query has no place for one control plane of several: {control_plane} or {istiod}, here ${subject.istiod ?? ""}`,
    );
  const asked = { query, fromMs: wholeMinute(fromMs), toMs: wholeMinute(toMs), stepMs };
  const question = fillQuery(template, language, { ...subject, istiod: anyIstiod });
  return { ...(await ask(source, name, null, asked, signal)), ...(question === undefined ? {} : { question }) };
}

async function ask(
  source: MetricSource,
  name: string,
  service: string | null,
  query: { readonly query: string; readonly fromMs: number; readonly toMs: number; readonly stepMs: number },
  signal: AbortSignal | undefined,
): Promise<SeriesRecord> {
  if (query.toMs <= query.fromMs) return missing(name, service, query.query, "no minute is over yet");
  try {
    const values: Series = seriesOf(await source.query(query, signal));
    const samples = countOf(values);
    if (samples === 0) return missing(name, service, query.query, `${source.description} has no value for it`);
    return { signal: name, service, query: query.query, values: [...values], samples };
  } catch (error) {
    if (error instanceof SwitchyardError && error.code === "metric-unreadable")
      return missing(name, service, query.query, error.message);
    throw error;
  }
}

const missing = (signal: string, service: string | null, query: string | null, why: string): SeriesRecord => ({
  signal,
  service,
  query,
  values: [],
  samples: 0,
  missing: why,
});

export const seriesIn = (window: MetricWindow, signal: string, service: string | null): SeriesRecord | undefined =>
  window.series.find((one) => one.signal === signal && one.service === service);
