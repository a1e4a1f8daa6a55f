/** Istio in a simulated cluster: what its charts install, and which control plane puts which sidecar into a new pod. */

import { compareVersions, parseVersion } from "../plan/versions.ts";
import type { Component } from "../rules/evidence.ts";
import { istioCrds } from "../rules/install.ts";
import { listAt, textAt, textsAt } from "./dig.ts";
import type { SimulatedKubernetes } from "./kubernetes.ts";
import {
  autoscaler,
  configMap,
  customResource,
  endpointSlice,
  helmAnnotations,
  helmLabels,
  istioTypes,
  service,
  serviceAccount,
  webhook,
} from "./shapes.ts";
import type { Workload } from "./workload.ts";
import type { Sidecar, WorkloadSpec } from "./workload-objects.ts";

const system = "istio-system";

export interface InstalledRelease {
  readonly component: Component;
  readonly name: string;
  readonly namespace: string;
  readonly version: string;
  readonly values: unknown;
}

interface ControlPlane {
  /** Empty for the one without. */
  readonly revision: string;
  readonly release: string;
  workload: Workload;
  /** Tags that its chart writes. */
  tags: readonly string[];
}

const admission = "admissionregistration.k8s.io/v1";
const mutating = { apiVersion: admission, kind: "MutatingWebhookConfiguration" } as const;
const validating = { apiVersion: admission, kind: "ValidatingWebhookConfiguration" } as const;

const called = (prefix: string, revision: string): string => (revision === "" ? prefix : `${prefix}-${revision}`);

export interface MeshSurroundings {
  readonly api: SimulatedKubernetes;
  now(): number;
  add(spec: WorkloadSpec): Workload;
  find(kind: WorkloadSpec["kind"], namespace: string, name: string): Workload | undefined;
  drop(workload: Workload): void;
}

export class SimulatedMesh {
  readonly #around: MeshSurroundings;
  readonly #planes = new Map<string, ControlPlane>();

  constructor(around: MeshSurroundings) {
    this.#around = around;
  }

  /** Does what `helm upgrade --install` does; the workload whose rollout Helm waits for. */
  install(release: InstalledRelease): Workload | undefined {
    switch (release.component) {
      case "base":
        this.#base(release);
        return undefined;
      case "istiod":
        return this.#istiod(release);
      case "cni":
        return this.#nodeComponent(release, "istio-cni-node", "install-cni");
      case "ztunnel":
        return this.#nodeComponent(release, "ztunnel", "ztunnel");
      case "gateway":
        return this.#gateway(release);
    }
  }

  uninstall({ component, name, namespace }: Pick<InstalledRelease, "component" | "name" | "namespace">): void {
    const { api } = this.#around;
    if (component === "gateway") this.#drop("Deployment", namespace, name);
    if (component === "cni") this.#drop("DaemonSet", system, "istio-cni-node");
    if (component === "ztunnel") this.#drop("DaemonSet", system, "ztunnel");
    if (component !== "istiod") return;
    const plane = [...this.#planes.values()].find(({ release }) => release === name);
    if (plane === undefined) return;
    const { revision, tags } = plane;
    this.#planes.delete(revision);
    this.#drop("Deployment", system, called("istiod", revision));
    api.remove({ apiVersion: "v1", kind: "Service" }, called("istiod", revision), system);
    api.remove(
      { apiVersion: "discovery.k8s.io/v1", kind: "EndpointSlice" },
      `${called("istiod", revision)}-x7k2p`,
      system,
    );
    api.remove({ apiVersion: "autoscaling/v2", kind: "HorizontalPodAutoscaler" }, called("istiod", revision), system);
    api.remove(mutating, called("istio-sidecar-injector", revision));
    api.remove(validating, called("istio-validator", revision === "" ? system : `${revision}-${system}`));
    for (const tag of tags) api.remove(mutating, `istio-revision-tag-${tag}`);
  }

  /** Nobody answers for new pods, and they start without (failurePolicy Ignore). */
  deaf = false;

  /** What a new pod of a workload gets; undefined: nothing. */
  inject(spec: WorkloadSpec): Sidecar | undefined {
    if (this.deaf || spec.labels?.["sidecar.istio.io/inject"] === "false") return undefined;
    const labels = textsAt(
      this.#around.api.peek({ apiVersion: "v1", kind: "Namespace" }, spec.namespace),
      "metadata",
      "labels",
    );
    const asked = spec.labels?.["istio.io/rev"] ?? labels["istio.io/rev"];
    const inNamespace = labels["istio-injection"] === "enabled" || asked !== undefined;
    if (!inNamespace && spec.labels?.["sidecar.istio.io/inject"] !== "true") return undefined;
    const name = labels["istio-injection"] === "enabled" ? "default" : (asked ?? "default");
    const revision = this.#revisionOf(name);
    const plane = revision === undefined ? undefined : this.#planes.get(revision);
    const version = plane === undefined ? undefined : versionOfImage(plane.workload.image);
    if (revision === undefined || version === undefined) return undefined;
    return {
      image: spec.annotations?.["sidecar.istio.io/proxyImage"] ?? `docker.io/istio/proxyv2:${version}`,
      revision: revision === "" ? "default" : revision,
      native: isAtLeast(version, "1.27.0"),
    };
  }

  /** Called after the pods of a control plane have changed. */
  follow(workload: Workload): void {
    const plane = [...this.#planes.values()].find((one) => one.workload === workload);
    if (plane !== undefined) this.#endpoints(plane);
  }

  #revisionOf(name: string): string | undefined {
    const tag = this.#around.api.peek(mutating, `istio-revision-tag-${name}`);
    const through = textAt(tag, "metadata", "labels", "istio.io/rev");
    if (through !== undefined) return through === "default" ? "" : through;
    if (name === "default") return this.#planes.has("") ? "" : undefined;
    return this.#planes.has(name) ? name : undefined;
  }

  #base({ name, namespace, values }: InstalledRelease): void {
    const { api } = this.#around;
    const now = this.#around.now();
    for (const crd of istioCrds) api.put(customResource(crd, { release: name, namespace }), now);
    for (const type of istioTypes) api.know(type);
    const revision = textAt(values, "defaultRevision") ?? "default";
    if (revision === "") return;
    api.put(
      webhook({
        kind: "ValidatingWebhookConfiguration",
        name: "istiod-default-validator",
        service: revision === "default" ? "istiod" : `istiod-${revision}`,
        path: "/validate",
        labels: { app: "istiod", istio: "istiod", "istio.io/rev": revision, "istio.io/tag": "default", ...helmLabels },
      }),
      now,
    );
  }

  #istiod({ name, namespace, version, values }: InstalledRelease): Workload {
    const { api } = this.#around;
    const now = this.#around.now();
    const revision = textAt(values, "revision") ?? "";
    const tags = listAt(values, "revisionTags").filter((tag) => typeof tag === "string");
    const label = revision === "" ? "default" : revision;
    const owner = { release: name, namespace };
    const own = called("istiod", revision);
    const hub = textAt(values, "global", "hub") ?? "docker.io/istio";
    const image = `${hub}/pilot:${textAt(values, "global", "tag") ?? version}`;
    const env = { REVISION: label, PILOT_CERT_PROVIDER: "istiod", ...textsAt(values, "env") };
    const known = this.#planes.get(revision);
    const workload = this.#upsert(
      {
        kind: "Deployment",
        namespace: system,
        name: own,
        labels: { app: "istiod", istio: "pilot", "istio.io/rev": label, "sidecar.istio.io/inject": "false" },
        ownLabels: {
          app: "istiod",
          istio: "pilot",
          "istio.io/rev": label,
          release: name,
          ...helmLabels,
        },
        ownAnnotations: helmAnnotations(owner),
        container: "discovery",
        serviceAccount: own,
        minAvailable: 1,
        readySeconds: 10,
      },
      image,
      env,
    );
    const plane: ControlPlane = known ?? { revision, release: name, workload, tags };
    for (const tag of plane.tags) if (!tags.includes(tag)) this.#removeTag(tag, revision);
    plane.workload = workload;
    plane.tags = tags;
    this.#planes.set(revision, plane);
    api.put(serviceAccount(own, system, owner), now);
    api.put(service(own, system, [15010, 15012, 443, 15014], { app: "istiod", "istio.io/rev": label }), now);
    api.put(configMap(called("istio", revision), system, { mesh: meshText(values) }, { "istio.io/rev": label }), now);
    api.put(autoscaler(own, system, 2, 2), now);
    this.#endpoints(plane);
    const inject = { kind: "MutatingWebhookConfiguration", service: own, path: "/inject" } as const;
    const labels = { app: "sidecar-injector", "istio.io/rev": label, ...helmLabels };
    api.put(webhook({ ...inject, name: called("istio-sidecar-injector", revision), labels }), now);
    for (const tag of tags)
      api.put(
        webhook({ ...inject, name: `istio-revision-tag-${tag}`, labels: { ...labels, "istio.io/tag": tag } }),
        now,
      );
    api.put(
      webhook({
        kind: "ValidatingWebhookConfiguration",
        name: called("istio-validator", revision === "" ? system : `${revision}-${system}`),
        service: own,
        path: "/validate",
        labels: { app: "istiod", istio: "istiod", "istio.io/rev": label, ...helmLabels },
      }),
      now,
    );
    return workload;
  }

  /** A tag that another control plane has taken over stays. */
  #removeTag(tag: string, revision: string): void {
    const name = `istio-revision-tag-${tag}`;
    const owner = textAt(this.#around.api.peek(mutating, name), "metadata", "labels", "istio.io/rev");
    if (owner === (revision === "" ? "default" : revision)) this.#around.api.remove(mutating, name);
  }

  #endpoints({ workload }: ControlPlane): void {
    const ready = workload.pods.map((pod) => pod.ready);
    this.#around.api.put(endpointSlice(workload.spec.name, system, ready), this.#around.now());
  }

  #nodeComponent({ name, namespace, version, values }: InstalledRelease, own: string, image: string): Workload {
    const hub = textAt(values, "global", "hub") ?? "docker.io/istio";
    if (own === "istio-cni-node")
      this.#around.api.put(
        configMap("istio-cni-config", system, {
          EXCLUDE_NAMESPACES: listAt(values, "excludeNamespaces").join(",") || "kube-system",
          AMBIENT_DNS_CAPTURE: "true",
        }),
        this.#around.now(),
      );
    return this.#upsert(
      {
        kind: "DaemonSet",
        namespace: system,
        name: own,
        replicas: 3,
        labels: { "k8s-app": own, "sidecar.istio.io/inject": "false" },
        ownAnnotations: helmAnnotations({ release: name, namespace }),
        container: image === "ztunnel" ? "istio-proxy" : image,
        priorityClass: "system-node-critical",
      },
      `${hub}/${image}:${version}`,
      {},
    );
  }

  /** A newer chart alone restarts nothing: the pods' version is the injector's. */
  #gateway({ name, namespace, values }: InstalledRelease): Workload {
    const known = this.#around.find("Deployment", namespace, name);
    if (known !== undefined) return known;
    const revision = textAt(values, "revision");
    this.#around.api.put(service(name, namespace, [80, 443], { istio: "ingressgateway" }), this.#around.now());
    return this.#around.add({
      kind: "Deployment",
      namespace,
      name,
      image: "auto",
      container: "istio-proxy",
      minAvailable: 1,
      labels: {
        istio: "ingressgateway",
        "sidecar.istio.io/inject": "true",
        ...(revision === undefined ? {} : { "istio.io/rev": revision }),
      },
      annotations: { "inject.istio.io/templates": "gateway" },
      ownAnnotations: helmAnnotations({ release: name, namespace }),
    });
  }

  #upsert(spec: WorkloadSpec, image: string, env: Readonly<Record<string, string>>): Workload {
    const known = this.#around.find(spec.kind, spec.namespace, spec.name);
    if (known === undefined) return this.#around.add({ ...spec, image, env });
    if (known.image !== image || JSON.stringify(known.env) !== JSON.stringify(env)) known.roll({ image, env });
    return known;
  }

  #drop(kind: WorkloadSpec["kind"], namespace: string, name: string): void {
    const workload = this.#around.find(kind, namespace, name);
    if (workload !== undefined) this.#around.drop(workload);
  }
}

/** `1.30.5` of `docker.io/istio/pilot:1.30.5-distroless`. */
function versionOfImage(image: string): string | undefined {
  return /:(\d+\.\d+\.\d+[^:@]*)/.exec(image)?.[1];
}

function isAtLeast(version: string, bound: string): boolean {
  const [one, other] = [parseVersion(version), parseVersion(bound)];
  return one !== undefined && other !== undefined && compareVersions(one, other) >= 0;
}

/** The chart's mesh configuration as YAML; JSON is YAML. */
function meshText(values: unknown): string {
  const providers = listAt(values, "meshConfig", "extensionProviders");
  return JSON.stringify({
    rootNamespace: system,
    trustDomain: "cluster.local",
    defaultProviders: { metrics: ["prometheus"] },
    extensionProviders: providers,
  });
}
