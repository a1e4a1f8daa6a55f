/**
 * Clusters upgraded by revision, watched after every instant in which anything of them changed: what a new control plane beside the old
 * must never break. Judged from what the cluster shows, not by guard's own rules.
 */
import { istioMesh } from "../../guard/meshes/istio.ts";
import type { SimulatedCluster } from "../../guard/simulation/cluster.ts";
import { listAt, textAt } from "../../guard/simulation/dig.ts";
import { helmReleaseType } from "../../guard/simulation/flux-objects.ts";
import type { Workload } from "../../guard/simulation/workload.ts";

export interface RevisionLimits {
  /** Percent of the namespaces that may have left the old revision by now. */
  shareOf(cluster: string): number;
  /** A revision stays so long after its last proxy has left, ms. */
  readonly holdMs: number;
}

export interface WatchedRevisions {
  /** From now on. */
  watch(cluster: SimulatedCluster): void;
  /** Each once, in sentences. */
  readonly problems: readonly string[];
}

export function watchRevisions(limits: RevisionLimits): WatchedRevisions {
  const problems = new Set<string>();
  return {
    watch(cluster) {
      const watched = new WatchedCluster(cluster, limits);
      cluster.watch(() => {
        for (const problem of watched.look()) problems.add(`${cluster.name}: ${problem}`);
      });
    },
    get problems() {
      return [...problems];
    },
  };
}

interface ControlPlane {
  readonly version: string;
  readonly running: boolean;
}

type Planes = ReadonlyMap<string, ControlPlane>;

const hours = (ms: number): string => `${(ms / 3_600_000).toFixed(1)} h`;
const versionOf = (image: string): string => image.split(":").at(-1) ?? "";
const keyOf = ({ spec: { kind, namespace, name } }: Workload): string => `${kind} ${namespace}/${name}`;
const admission = "admissionregistration.k8s.io/v1";
const webhookTypes = ["MutatingWebhookConfiguration", "ValidatingWebhookConfiguration"].map((kind) => ({
  apiVersion: admission,
  kind,
}));

/** Every istiod, by its revision. */
export function planesOf(cluster: SimulatedCluster): Planes {
  const istiods = cluster.workloads.filter(({ spec }) => spec.labels?.["app"] === "istiod");
  return new Map(
    istiods.map(({ spec, image, pods }) => [
      spec.labels?.["istio.io/rev"] ?? "",
      { version: versionOf(image), running: pods.some(({ ready }) => ready) },
    ]),
  );
}

/** What the labels of namespaces ask for, each once. */
export function askedFor(cluster: SimulatedCluster): readonly string[] {
  const namespaces = cluster.api.all({ apiVersion: "v1", kind: "Namespace" });
  const found = namespaces.flatMap((one) => textAt(one, "metadata", "labels", "istio.io/rev") ?? []);
  return [...new Set(found)].toSorted();
}

/** The template that a workload's newest pod has, and who injected it. */
interface Seen {
  readonly hash: string;
  readonly revision: string;
}

class WatchedCluster {
  readonly #cluster: SimulatedCluster;
  readonly #limits: RevisionLimits;
  /** Workloads of the mesh, and where they began. */
  readonly #first: ReadonlyMap<string, string>;
  readonly #newest = new Map<string, Seen>();
  /** Since when a revision that had proxies has none. */
  readonly #left = new Map<string, number>();
  #used: ReadonlySet<string> = new Set();
  #planes: Planes;

  constructor(cluster: SimulatedCluster, limits: RevisionLimits) {
    this.#cluster = cluster;
    this.#limits = limits;
    this.#planes = planesOf(cluster);
    this.#first = new Map(
      cluster.workloads.flatMap((one) => {
        const [pod] = one.pods;
        return pod?.sidecar === undefined ? [] : [[keyOf(one), pod.sidecar.revision] as const];
      }),
    );
    this.#used = new Set(this.#first.values());
    this.#restarts();
  }

  look(): readonly string[] {
    const planes = planesOf(this.#cluster);
    const problems = [
      ...this.#proxies(planes),
      ...this.#removed(planes),
      ...this.#names(planes),
      ...this.#share(),
      ...this.#restarts(),
    ];
    this.#planes = planes;
    return problems;
  }

  get #mesh(): readonly Workload[] {
    return this.#cluster.workloads.filter((one) => this.#first.has(keyOf(one)));
  }

  /** Each pod of the mesh has a proxy, whose control plane runs and is of a version that may serve it. */
  #proxies(planes: Planes): readonly string[] {
    return this.#mesh.flatMap((one) =>
      one.pods.flatMap(({ sidecar }) => {
        if (sidecar === undefined) return [`${keyOf(one)} has a pod without a proxy`];
        const { revision, image } = sidecar;
        const plane = planes.get(revision);
        if (plane === undefined || !plane.running)
          return [`${keyOf(one)} has a proxy of revision ${revision}, of which no istiod runs`];
        const skew = istioMesh.skew(plane.version, versionOf(image));
        return skew.ok ? [] : [`${keyOf(one)}: ${skew.why}`];
      }),
    );
  }

  /** A control plane that had proxies stays for its hold after the last one left. */
  #removed(planes: Planes): readonly string[] {
    const { now } = this.#cluster;
    const used = new Set(this.#mesh.flatMap(({ pods }) => pods.flatMap(({ sidecar }) => sidecar?.revision ?? [])));
    for (const revision of this.#used) if (!used.has(revision)) this.#left.set(revision, now);
    for (const revision of used) this.#left.delete(revision);
    this.#used = used;
    return [...this.#planes.keys()].flatMap((revision) => {
      const left = this.#left.get(revision);
      if (planes.has(revision) || left === undefined || now - left >= this.#limits.holdMs) return [];
      const [since, hold] = [hours(now - left), hours(this.#limits.holdMs)];
      return [`revision ${revision} was removed ${since} after its last proxy had left, it has to stay for ${hold}`];
    });
  }

  /** Whatever names a revision, by itself or by a tag, names one that is there. */
  #names(planes: Planes): readonly string[] {
    const { api } = this.#cluster;
    const webhooks = webhookTypes.flatMap((type) => api.all(type));
    const tags = new Map(
      webhooks.flatMap((one) => {
        const tag = textAt(one, "metadata", "labels", "istio.io/tag");
        const revision = textAt(one, "metadata", "labels", "istio.io/rev");
        return tag === undefined || revision === undefined ? [] : [[tag, revision] as const];
      }),
    );
    const leads = (name: string): boolean => planes.has(tags.get(name) ?? name);
    const gone = (what: string, name: string): string => `${what} names ${name}, which leads to no control plane`;
    return [
      ...askedFor(this.#cluster)
        .filter((name) => !leads(name))
        .map((name) => gone("a namespace", name)),
      ...[...tags].filter(([, revision]) => !planes.has(revision)).map(([tag, to]) => gone(`the tag ${tag}`, to)),
      ...webhooks.flatMap((one) =>
        listAt(one, "webhooks").flatMap((hook) => {
          const service = textAt(hook, "clientConfig", "service", "name") ?? "";
          return planes.has(service.replace(/^istiod-/, "")) ? [] : [gone(`webhook ${one.metadata.name}`, service)];
        }),
      ),
      ...api.all(helmReleaseType).flatMap((one) => {
        const standard = textAt(one, "spec", "values", "defaultRevision");
        return standard === undefined || leads(standard) ? [] : [gone(`release ${one.metadata.name}`, standard)];
      }),
    ];
  }

  /** A namespace has moved when any workload of it has; gateways move with the last share. */
  #share(): readonly string[] {
    const share = this.#limits.shareOf(this.#cluster.name);
    const left = (one: Workload): boolean =>
      one.pods.some(({ sidecar }) => sidecar !== undefined && sidecar.revision !== this.#first.get(keyOf(one)));
    const gateways = this.#mesh.filter(({ spec }) => spec.image === "auto");
    const others = this.#mesh.filter(({ spec }) => spec.image !== "auto");
    const spacesOf = (some: readonly Workload[]): number => new Set(some.map(({ spec }) => spec.namespace)).size;
    const [all, moved] = [spacesOf(others), spacesOf(others.filter(left))];
    const most = Math.round((all * share) / 100);
    return [
      ...(moved > most ? [`${moved} of ${all} namespaces have moved, at ${share} % at most ${most} may`] : []),
      ...(share < 100 ? gateways.filter(left).map((one) => `${keyOf(one)} has moved at a share of ${share} %`) : []),
    ];
  }

  /** Who restarts comes under another control plane. */
  #restarts(): readonly string[] {
    return this.#mesh.flatMap((one) => {
      const newest = one.pods.toSorted((a, b) => b.createdAt - a.createdAt)[0];
      const revision = newest?.sidecar?.revision;
      if (newest === undefined || revision === undefined) return [];
      const before = this.#newest.get(keyOf(one));
      this.#newest.set(keyOf(one), { hash: newest.hash, revision });
      return before !== undefined && before.hash !== newest.hash && before.revision === revision
        ? [`${keyOf(one)} was restarted and stayed at revision ${revision}`]
        : [];
    });
  }
}
