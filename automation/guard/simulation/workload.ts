/** A workload of the simulated cluster: pods that roll over one by one, and the objects that show it. */
import type { ResourceType } from "../../ports/kubernetes-api.ts";
import { textAt } from "./dig.ts";
import type { SimulatedKubernetes } from "./kubernetes.ts";
import type { Timeline } from "./timeline.ts";
import {
  budgetObject,
  type Pod,
  podObject,
  type Sidecar,
  suffix,
  type WorkloadSpec,
  type WorkloadView,
  workloadObject,
} from "./workload-objects.ts";

type Texts = WorkloadView["env"];

export interface WorkloadSurroundings {
  readonly api: SimulatedKubernetes;
  readonly time: Timeline;
  readonly nodes: readonly string[];
  /** Asked for each new pod. */
  inject(workload: Workload): Sidecar | undefined;
  changed(workload: Workload): void;
}

const podType: ResourceType = { apiVersion: "v1", kind: "Pod" };

export class Workload {
  readonly spec: WorkloadSpec;
  image: string;
  env: Texts;
  /** New pods never become ready. */
  neverReady = false;
  /** New pods get the sidecar that the old ones have. */
  keepsSidecar = false;
  paused: boolean;
  pods: readonly Pod[] = [];
  readonly #around: WorkloadSurroundings;
  #generation = 1;
  #observed = 1;
  #started = 0;
  #restartedAt: string | undefined;
  #rolledAt: number;
  #removed = false;

  constructor(spec: WorkloadSpec, around: WorkloadSurroundings) {
    this.spec = spec;
    this.#around = around;
    this.image = spec.image ?? `registry.example.com/${spec.name}:1`;
    this.env = spec.env ?? {};
    this.paused = spec.paused ?? false;
    this.#rolledAt = around.time.now;
    this.pods = Array.from({ length: this.replicas }, (_, index) => ({
      ...this.#newPod(index, around.inject(this)),
      ready: true,
    }));
    this.render();
  }

  get replicas(): number {
    return this.spec.kind === "Pod" ? 1 : (this.spec.replicas ?? 2);
  }

  /** Whether every pod is of the newest template and ready. */
  get settled(): boolean {
    return (
      this.#observed === this.#generation &&
      this.pods.length === this.replicas &&
      this.pods.every(({ hash, ready }) => ready && hash === this.hash)
    );
  }

  get type(): ResourceType {
    const { kind } = this.spec;
    return { apiVersion: kind === "Pod" ? "v1" : kind === "Job" ? "batch/v1" : "apps/v1", kind };
  }

  private get hash(): string {
    return suffix(this.#generation, 9);
  }

  /** A new template: image, variables or the mark of a restart. Pods follow one by one, unless the rollout is paused. */
  roll(change: { readonly image?: string; readonly env?: Texts; readonly restartedAt?: string }): void {
    this.image = change.image ?? this.image;
    this.env = change.env ?? this.env;
    this.#restartedAt = change.restartedAt ?? this.#restartedAt;
    this.#generation++;
    this.#rolledAt = this.#around.time.now;
    if (change.restartedAt === undefined) this.render();
    const generation = this.#generation;
    this.#around.time.after(1_000, () => this.#observe(generation));
  }

  /** A pod that the server replaces by itself, with the sidecar of now. */
  evict(index: number): void {
    this.#replace(index);
    this.#becomesReady(this.#generation);
  }

  remove(): void {
    this.#removed = true;
    const { api } = this.#around;
    const { namespace, name } = this.spec;
    for (const pod of this.pods) api.remove(podType, pod.name, namespace);
    if (this.type.kind !== "Pod") api.remove(this.type, name, namespace);
    api.remove({ apiVersion: "policy/v1", kind: "PodDisruptionBudget" }, name, namespace);
    this.pods = [];
  }

  #observe(generation: number): void {
    if (this.#removed || generation !== this.#generation) return;
    this.#observed = generation;
    if (!this.paused && this.spec.onDelete !== true) this.#step(generation);
    this.render();
  }

  /** The next pod of an older template goes, and its successor starts. */
  #step(generation: number): void {
    if (this.#removed || generation !== this.#generation || this.paused) return;
    const index = this.pods.findIndex(({ hash }) => hash !== this.hash);
    if (index < 0) return;
    this.#replace(index);
    this.#becomesReady(generation);
  }

  #replace(index: number): void {
    const { api } = this.#around;
    const old = this.pods[index];
    if (old === undefined) return;
    api.remove(podType, old.name, this.spec.namespace);
    const fresh = this.#newPod(index, this.keepsSidecar ? old.sidecar : this.#around.inject(this));
    this.pods = this.pods.map((pod, place) => (place === index ? fresh : pod));
    this.render();
  }

  #becomesReady(generation: number): void {
    this.#around.time.after((this.spec.readySeconds ?? 5) * 1_000, (now) => {
      if (this.#removed || this.neverReady) return;
      this.pods = this.pods.map((pod) => (pod.ready ? pod : { ...pod, ready: true, readyAt: now }));
      this.render();
      this.#step(generation);
    });
  }

  #newPod(index: number, sidecar: Sidecar | undefined): Pod {
    const { kind, name } = this.spec;
    const number = this.#started++;
    const hash = this.hash;
    const { now } = this.#around.time;
    return {
      name:
        kind === "Pod"
          ? name
          : kind === "StatefulSet"
            ? `${name}-${index}`
            : kind === "Deployment"
              ? `${name}-${hash}-${suffix(number, 5)}`
              : `${name}-${suffix(number, 5)}`,
      hash,
      image: this.image,
      sidecar,
      createdAt: now,
      ready: false,
      readyAt: now,
    };
  }

  /** Writes all that the server shows of it. */
  render(): void {
    const { api, nodes, time } = this.#around;
    const { now } = time;
    const view = this.#view();
    for (const [index, pod] of this.pods.entries()) api.put(podObject(view, pod, nodes[index % nodes.length]), now);
    if (this.spec.kind !== "Pod") api.put(workloadObject(view), now);
    if (this.spec.minAvailable !== undefined) api.put(budgetObject(view, this.spec.minAvailable), now);
    this.#around.changed(this);
  }

  #view(): WorkloadView {
    return {
      spec: this.spec,
      apiVersion: this.type.apiVersion,
      replicas: this.replicas,
      pods: this.pods,
      hash: this.hash,
      image: this.image,
      env: this.env,
      paused: this.paused,
      observedGeneration: this.#observed,
      restartedAt: this.#restartedAt,
      rolledAt: this.#rolledAt,
    };
  }

  /** Follows a template that was written from outside: the mark of a restart. */
  restarted(object: unknown): void {
    const mark = textAt(object, "spec", "template", "metadata", "annotations", "kubectl.kubernetes.io/restartedAt");
    if (mark !== undefined) this.roll({ restartedAt: mark });
  }
}
