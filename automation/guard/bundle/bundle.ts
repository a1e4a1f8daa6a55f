/**
 * What a failure looked like, kept with the run: events, logs of istiod and of the failed workloads, Flux, the validation and series,
 * as one JSON document without secrets and not above a size. What could not be read is named in it.
 */
import { z } from "zod";
import { SwitchyardError } from "../../errors.ts";
import type { KubernetesApi, KubernetesObject } from "../../ports/kubernetes-api.ts";
import { ClusterObjects, type ListedKind } from "../facts/cluster-objects.ts";
import { readControlPlanes } from "../facts/control-planes.ts";
import { conditions, metadata, nameOf, read, selects, timeOf, Unreadable } from "../facts/objects.ts";
import { ownerKey, type Pod, readPods } from "../facts/pods.ts";
import { type Bundle, type BundleEvent, toSize } from "./document.ts";
import { redactText, redactValue } from "./redact.ts";

export interface BundleSeries {
  readonly name: string;
  readonly query: string;
  /** ms since the epoch of the first point, and between points. */
  readonly from: number;
  readonly stepMs: number;
  /** NaN where there was none: null in the document. */
  readonly values: readonly number[];
}

export interface BundleInput {
  readonly kubernetes: KubernetesApi;
  readonly cluster: string;
  /** Why it failed. */
  readonly reason: string;
  /** Further facts of the run: plan, versions, state. */
  readonly run: Readonly<Record<string, unknown>>;
  /** `Deployment shop/cart` */
  readonly failedWorkloads: readonly string[];
  /** The validation's report; undefined: there was none. */
  readonly validation: unknown;
  readonly series: readonly BundleSeries[];
  /** What could not be read before. */
  readonly problems?: readonly string[];
  /** ms since the epoch. */
  readonly now: number;
  readonly limits?: Partial<BundleLimits>;
  readonly signal?: AbortSignal | undefined;
}

export interface BundleLimits {
  /** Of the whole document; default 300,000. */
  readonly bytes: number;
  /** Of one container's log; default 30,000. */
  readonly logBytes: number;
  /** How far back logs and events go; default 3,600. */
  readonly sinceSeconds: number;
  /** Pods of one workload whose logs are read; default 3. */
  readonly pods: number;
}

/** Smaller than an item of DynamoDB. */
const standard: BundleLimits = { bytes: 300_000, logBytes: 30_000, sinceSeconds: 3_600, pods: 3 };

/** The document's text. Errors: none of reading; an abort of the signal is thrown. */
export async function makeBundle(input: BundleInput): Promise<string> {
  const limits = { ...standard, ...input.limits };
  const objects = new ClusterObjects(input.kubernetes, input.signal);
  const problems: string[] = [...(input.problems ?? [])];
  const attempt = async <T>(what: string, ask: () => Promise<T>, otherwise: T): Promise<T> => {
    try {
      return await ask();
    } catch (error) {
      input.signal?.throwIfAborted();
      if (!(error instanceof SwitchyardError || error instanceof Unreadable)) throw error;
      problems.push(`${what}: ${error.message}`);
      return otherwise;
    }
  };
  const pods = await attempt("pods", async () => readPods(await objects.must("Pod")), []);
  const planes = await attempt("control planes", async () => readControlPlanes(await objects.must("Deployment")), []);
  const istiods = pods.filter((pod) =>
    planes.some(({ namespace, fields }) => pod.namespace === namespace && selects(fields.spec.selector, pod.labels)),
  );
  const failed = pods.filter((pod) => input.failedWorkloads.includes(ownerKey(pod)));
  const meshNamespaces = planes.length === 0 ? ["istio-system"] : planes.map(({ namespace }) => namespace);
  const events = await attempt(
    "events",
    async () =>
      eventsOf((await input.kubernetes.list(eventType, {}, input.signal)) ?? [], {
        namespaces: [...new Set(meshNamespaces)],
        subjects: new Set([
          ...input.failedWorkloads,
          ...failed.map(({ namespace, name }) => `Pod ${namespace}/${name}`),
        ]),
        prefixes: input.failedWorkloads.flatMap((key) => key.split(" ").slice(1)),
        since: input.now - limits.sinceSeconds * 1_000,
      }),
    [],
  );
  const logs: { pod: string; container: string; text: string }[] = [];
  for (const { pod, container } of logsWanted(istiods, failed, limits.pods)) {
    const text = await attempt(
      `log of ${container} in ${nameOf(pod)}`,
      () =>
        input.kubernetes.logs(
          { namespace: pod.namespace, name: pod.name, container },
          { sinceSeconds: limits.sinceSeconds, bytes: limits.logBytes },
          input.signal,
        ),
      undefined,
    );
    if (text !== undefined) logs.push({ pod: nameOf(pod), container, text: redactText(text) });
  }
  const said = await Promise.all(
    spoken.map((kind) => attempt(kind, async () => conditionsOf(await objects.some(kind)), [])),
  );
  const bundle: Bundle = {
    version: 1,
    cluster: input.cluster,
    at: new Date(input.now).toISOString(),
    reason: redactText(input.reason),
    run: redactValue(input.run),
    events,
    logs,
    conditions: said.flat(),
    validation: redactValue(input.validation ?? null),
    series: input.series.map(({ name, query, from, stepMs, values }) => ({
      name,
      query: redactText(query),
      from: new Date(from).toISOString(),
      stepMs,
      values: values.map((value) => (Number.isNaN(value) ? null : value)),
    })),
    problems: problems.map(redactText),
    leftOut: [],
  };
  return toSize(bundle, limits.bytes);
}

const eventType = { apiVersion: "v1", kind: "Event" } as const;
const spoken = ["GitRepository", "Kustomization", "HelmRelease"] as const satisfies readonly ListedKind[];

const event = z.object({
  metadata,
  type: z.string().nullish(),
  reason: z.string().nullish(),
  message: z.string().nullish(),
  count: z.number().nullish(),
  lastTimestamp: z.string().nullish(),
  eventTime: z.string().nullish(),
  involvedObject: z.object({ kind: z.string().nullish(), namespace: z.string().nullish(), name: z.string().nullish() }),
});

interface Wanted {
  readonly namespaces: readonly string[];
  /** `Kind namespace/name` */
  readonly subjects: ReadonlySet<string>;
  /** `namespace/name` that names of ReplicaSets and pods begin with. */
  readonly prefixes: readonly string[];
  readonly since: number;
}

function eventsOf(objects: readonly KubernetesObject[], wanted: Wanted): readonly BundleEvent[] {
  return read(event, objects)
    .flatMap((one) => {
      const { kind, namespace, name } = one.involvedObject;
      const place = `${namespace ?? ""}/${name ?? ""}`;
      const subject = `${kind ?? ""} ${place}`;
      const at = timeOf(one.lastTimestamp) ?? timeOf(one.eventTime) ?? timeOf(one.metadata.creationTimestamp) ?? 0;
      const counts =
        wanted.namespaces.includes(namespace ?? "") ||
        wanted.subjects.has(subject) ||
        wanted.prefixes.some((prefix) => place.startsWith(`${prefix}-`));
      if (!counts || at < wanted.since) return [];
      return [
        {
          at: new Date(at).toISOString(),
          type: one.type ?? "",
          subject,
          reason: one.reason ?? "",
          message: redactText(one.message ?? ""),
          count: one.count ?? 1,
        },
      ];
    })
    .toSorted((a, b) => (a.at < b.at ? 1 : -1));
}

/** istiod's own, then the proxies of what failed, those that are not ready first; never an application's, which may hold anything. */
function logsWanted(
  istiods: readonly Pod[],
  failed: readonly Pod[],
  most: number,
): readonly { readonly pod: Pod; readonly container: string }[] {
  const workloads = new Map<string, Pod[]>();
  for (const pod of failed) workloads.set(ownerKey(pod), [...(workloads.get(ownerKey(pod)) ?? []), pod]);
  const unwellFirst = (pods: readonly Pod[]): readonly Pod[] =>
    pods.toSorted((a, b) => Number(a.ready) - Number(b.ready) || b.createdAt - a.createdAt).slice(0, most);
  return [
    ...unwellFirst(istiods).map((pod) => ({ pod, container: "discovery" })),
    ...[...workloads.values()]
      .flatMap(unwellFirst)
      .filter(({ proxy }) => proxy !== undefined)
      .map((pod) => ({ pod, container: "istio-proxy" })),
  ];
}

const speaking = z.object({ metadata, status: z.object({ conditions }).nullish() });

function conditionsOf(objects: readonly KubernetesObject[]): Bundle["conditions"] {
  return objects.map((object) => {
    const [fields] = read(speaking, [object]);
    return {
      subject: `${object.kind} ${nameOf(object.metadata)}`,
      conditions: (fields?.status?.conditions ?? []).map(({ type, status, reason, message }) =>
        redactText(`${type}=${status} ${reason ?? ""}: ${message ?? ""}`).slice(0, 500),
      ),
    };
  });
}
