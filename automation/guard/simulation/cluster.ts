/**
 * A simulated EKS cluster with Istio whose Flux follows a repository: what lands there is fetched, applied in order and rolled out,
 * and proxies stay where they are until their workload restarts. Time passes by `tick`. Light: hundreds fit into one process.
 */
import type { KubernetesObject } from "../../ports/kubernetes-api.ts";
import { listAt, textAt } from "./dig.ts";
import { FluxControllers } from "./flux.ts";
import { HelmController } from "./flux-helm.ts";
import { helmReleaseType } from "./flux-objects.ts";
import { SimulatedKubernetes } from "./kubernetes.ts";
import { SimulatedMesh } from "./mesh.ts";
import type { RepositoryHead } from "./repository.ts";
import { event, namespace, node, service } from "./shapes.ts";
import { Timeline } from "./timeline.ts";
import { Workload } from "./workload.ts";
import type { WorkloadSpec } from "./workload-objects.ts";

export interface SimulatedClusterOptions {
  readonly name: string;
  /** Kubernetes; default 1.33. */
  readonly kubernetes?: string;
  /** ms since the epoch. */
  readonly now: number;
  /** Head of the branch that Flux follows; must give the same array of files for the same commit. */
  head(): RepositoryHead;
  /** Folder that the cluster reads. */
  readonly path: string;
  /** Default `https://gitlab.example.com/platform/fleet.git`. */
  readonly repositoryUrl?: string;
  /** Default main. */
  readonly branch?: string;
  /** Besides those of the repository: name to labels. Default `shop` with istio-injection=enabled. */
  readonly namespaces?: Readonly<Record<string, Readonly<Record<string, string>>>>;
  /** Default three deployments in `shop` with two pods each. */
  readonly workloads?: readonly WorkloadSpec[];
  /** Between Flux's looks at the repository; default 60. */
  readonly intervalSeconds?: number;
  /** Default 5. */
  readonly applySeconds?: number;
  /** Default 15. */
  readonly helmSeconds?: number;
}

const deploymentType = { apiVersion: "apps/v1", kind: "Deployment" } as const;
const nodes = ["ip-10-0-1-11", "ip-10-0-2-12", "ip-10-0-3-13"].map((name) => `${name}.eu-west-1.compute.internal`);

const standardWorkloads: readonly WorkloadSpec[] = ["cart", "checkout", "catalog"].map((name) => ({
  kind: "Deployment",
  namespace: "shop",
  name,
  minAvailable: 1,
  annotations: { "proxy.istio.io/config": '{"holdApplicationUntilProxyStarts":true}' },
}));

/** Types that every server knows. */
const builtIn = [
  { apiVersion: "v1", kinds: ["ConfigMap", "Event", "Namespace", "Node", "Pod", "Service", "ServiceAccount"] },
  { apiVersion: "apps/v1", kinds: ["DaemonSet", "Deployment", "ReplicaSet", "StatefulSet"] },
  { apiVersion: "batch/v1", kinds: ["CronJob", "Job"] },
  { apiVersion: "policy/v1", kinds: ["PodDisruptionBudget"] },
  { apiVersion: "autoscaling/v2", kinds: ["HorizontalPodAutoscaler"] },
  { apiVersion: "discovery.k8s.io/v1", kinds: ["EndpointSlice"] },
  {
    apiVersion: "admissionregistration.k8s.io/v1",
    kinds: ["MutatingWebhookConfiguration", "ValidatingWebhookConfiguration"],
  },
  { apiVersion: "apiextensions.k8s.io/v1", kinds: ["CustomResourceDefinition"] },
] as const;

export class SimulatedCluster {
  readonly name: string;
  readonly api: SimulatedKubernetes;
  /** Releases whose next upgrades fail, by the HelmRelease's name. */
  readonly failing = new Map<string, "stalled" | "remediated">();
  readonly #time: Timeline;
  readonly #workloads = new Map<string, Workload>();
  readonly #mesh: SimulatedMesh;
  readonly #flux: FluxControllers;
  #seen = 0;
  #watcher: (() => void) | undefined;

  constructor(options: SimulatedClusterOptions) {
    const { name, kubernetes = "1.33", now } = options;
    this.name = name;
    this.#time = new Timeline(now);
    const time = this.#time;
    this.api = new SimulatedKubernetes({ name, version: kubernetes, now: () => time.now });
    const { api } = this;
    for (const { apiVersion, kinds } of builtIn) for (const kind of kinds) api.know({ apiVersion, kind });
    for (const one of nodes) api.put(node(one, kubernetes), now);
    const spaces = { shop: { "istio-injection": "enabled" }, ...options.namespaces };
    for (const [one, labels] of Object.entries({ ...spaces, "kube-system": {}, "flux-system": {}, "istio-system": {} }))
      api.put(namespace(one, labels), now);
    this.#mesh = new SimulatedMesh({
      api,
      now: () => time.now,
      add: (spec) => this.add(spec),
      find: (kind, place, own) => this.#workloads.get(keyOf(kind, place, own)),
      drop: (workload) => this.#drop(workload),
    });
    const helm = new HelmController({
      api,
      time,
      mesh: this.#mesh,
      helmSeconds: options.helmSeconds ?? 15,
      failing: this.failing,
    });
    this.#flux = new FluxControllers({
      api,
      time,
      helm,
      head: options.head,
      path: options.path,
      repositoryUrl: options.repositoryUrl ?? "https://gitlab.example.com/platform/fleet.git",
      branch: options.branch ?? "main",
      intervalSeconds: options.intervalSeconds ?? 60,
      applySeconds: options.applySeconds ?? 5,
    });
    api.onChange((change, object) => this.#changed(change, object));
    this.#flux.settle();
    this.add({
      kind: "Deployment",
      namespace: "kube-system",
      name: "coredns",
      priorityClass: "system-cluster-critical",
    });
    for (const workload of options.workloads ?? standardWorkloads) this.add(workload);
  }

  /** ms since the epoch. */
  get now(): number {
    return this.#time.now;
  }

  /** When something happens next by itself; it looks at the repository for ever. */
  get next(): number {
    return this.#time.next ?? Number.POSITIVE_INFINITY;
  }

  /** Everything up to a time happens. */
  tick(now: number): void {
    this.#time.advance(now, this.#watcher === undefined ? undefined : this.#settled);
  }

  /** Calls after each instant in which anything of it changed. */
  watch(watcher: () => void): void {
    this.#watcher = watcher;
  }

  readonly #settled = (): void => {
    if (this.api.changes === this.#seen) return;
    this.#seen = this.api.changes;
    this.#watcher?.();
  };

  add(spec: WorkloadSpec): Workload {
    const workload = new Workload(spec, {
      api: this.api,
      time: this.#time,
      nodes,
      inject: (one) => this.#mesh.inject(one.spec),
      changed: (one) => this.#mesh.follow(one),
    });
    this.#workloads.set(keyOf(spec.kind, spec.namespace, spec.name), workload);
    if (
      spec.namespace !== "kube-system" &&
      this.api.peek({ apiVersion: "v1", kind: "Service" }, spec.name, spec.namespace) === undefined
    )
      if (spec.kind !== "Job" && spec.kind !== "Pod" && spec.namespace !== "istio-system")
        this.api.put(service(spec.name, spec.namespace, [8080]), this.now);
    return workload;
  }

  workload(kind: WorkloadSpec["kind"], place: string, name: string): Workload {
    const found = this.#workloads.get(keyOf(kind, place, name));
    if (found === undefined) throw new Error(`${this.name} has no ${kind} ${place}/${name}`);
    return found;
  }

  get workloads(): readonly Workload[] {
    return [...this.#workloads.values()];
  }

  /** Versions of all proxies, by how many run them. */
  proxies(): ReadonlyMap<string, number> {
    const found = new Map<string, number>();
    for (const { pods } of this.#workloads.values())
      for (const { sidecar } of pods) {
        if (sidecar === undefined) continue;
        const version = sidecar.image.split(":").at(-1) ?? "";
        found.set(version, (found.get(version) ?? 0) + 1);
      }
    return found;
  }

  /** Somebody changes an image past Flux: `docker.io/istio/pilot:1.30.4`. */
  drift(kind: WorkloadSpec["kind"], place: string, name: string, image: string): void {
    this.workload(kind, place, name).roll({ image });
  }

  /** Somebody suspends or resumes an object of Flux by hand. */
  suspend(type: { readonly apiVersion: string; readonly kind: string }, name: string, place: string, on = true): void {
    const object = this.api.patch(type, name, place, ["spec", "suspend"], on);
    if (!on && object !== undefined) this.#flux.asked(object);
  }

  /** New pods of a workload never get ready, and say so. */
  neverReady(kind: WorkloadSpec["kind"], place: string, name: string): void {
    this.workload(kind, place, name).neverReady = true;
    this.api.put(
      event(
        { kind, namespace: place, name },
        "Warning",
        "Unhealthy",
        "Readiness probe failed: HTTP probe failed with statuscode: 503",
        this.now,
      ),
      this.now,
    );
  }

  /** New pods start without a sidecar from now on. */
  stopInjection(): void {
    this.#mesh.deaf = true;
  }

  #drop(workload: Workload): void {
    const { kind, namespace: place, name } = workload.spec;
    this.#workloads.delete(keyOf(kind, place, name));
    workload.remove();
  }

  #changed(change: "restart" | "reconcile", object: KubernetesObject): void {
    const { name, namespace: place = "" } = object.metadata;
    if (change === "reconcile") this.#flux.asked(object);
    else this.#workloads.get(`${object.kind} ${place}/${name}`)?.restarted(object);
  }

  /** Image of the control plane of a revision; empty for the one without. */
  controlPlane(revision = ""): string | undefined {
    const object = this.api.peek(deploymentType, revision === "" ? "istiod" : `istiod-${revision}`, "istio-system");
    return object === undefined
      ? undefined
      : this.#workloads.get(keyOf("Deployment", "istio-system", object.metadata.name))?.image;
  }

  /** Chart versions by HelmRelease, as its history says. */
  charts(): ReadonlyMap<string, string> {
    return new Map(
      this.api.all(helmReleaseType).map((one) => {
        return [one.metadata.name, textAt(listAt(one, "status", "history")[0], "chartVersion") ?? ""];
      }),
    );
  }
}

const keyOf = (kind: string, place: string, name: string): string => `${kind} ${place}/${name}`;
