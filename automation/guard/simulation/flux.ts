/** source-controller and kustomize-controller of the simulated cluster: they follow the head of a branch. */
import type { KubernetesObject } from "../../ports/kubernetes-api.ts";
import { at, fieldsAt, isFields, listAt, textAt, textsAt } from "./dig.ts";
import type { HelmController } from "./flux-helm.ts";
import {
  type Condition,
  conditions,
  dependsOn,
  fluxTypes,
  generationOf,
  gitRepositoryType,
  helmReleaseType,
  isReady,
  isSuspended,
  kustomizationType,
  withStatus,
} from "./flux-objects.ts";
import type { Manifest, SimulatedKubernetes } from "./kubernetes.ts";
import { BuildFailure } from "./kustomize.ts";
import { objectsBelow, type RepositoryHead } from "./repository.ts";
import type { Timeline } from "./timeline.ts";

export const fluxNamespace = "flux-system";

export interface FluxSurroundings {
  readonly api: SimulatedKubernetes;
  readonly time: Timeline;
  readonly helm: HelmController;
  /** Head of the branch that the cluster follows. */
  head(): RepositoryHead;
  readonly repositoryUrl: string;
  readonly branch: string;
  /** Folder of the repository that the cluster was bootstrapped with. */
  readonly path: string;
  /** Between looks at the repository, s. */
  readonly intervalSeconds: number;
  /** Of one Kustomization, s. */
  readonly applySeconds: number;
}

const retry = 10_000;
const patience = 600_000;

export class FluxControllers {
  readonly #around: FluxSurroundings;
  readonly #applying = new Set<string>();
  #head: RepositoryHead | undefined;

  constructor(around: FluxSurroundings) {
    this.#around = around;
    const { api, time, repositoryUrl, branch, path } = around;
    for (const type of fluxTypes) api.know(type);
    const place = { name: fluxNamespace, namespace: fluxNamespace };
    const interval = `${around.intervalSeconds}s`;
    api.put(
      { ...gitRepositoryType, metadata: place, spec: { interval, ref: { branch }, url: repositoryUrl } },
      time.now,
    );
    api.put(
      {
        ...kustomizationType,
        metadata: place,
        spec: {
          interval: "10m0s",
          path: `./${path}`,
          prune: true,
          sourceRef: { kind: "GitRepository", name: fluxNamespace },
        },
      },
      time.now,
    );
  }

  /** As a cluster that has followed this commit for long: no time passes. */
  settle(): void {
    this.#fetch();
    const seen = new Set<string>();
    for (let open = this.#kustomizations(seen); open.length > 0; open = this.#kustomizations(seen))
      for (const object of open) {
        seen.add(object.metadata.name);
        this.#apply(object, true);
      }
    this.#around.helm.settle();
    for (const name of this.#applying) this.#check(name, this.#revision(), [], this.#around.time.now);
    this.#poll();
  }

  /** What a new mark on an object asks for. */
  asked(object: KubernetesObject): void {
    const { name, namespace = fluxNamespace } = object.metadata;
    this.#around.time.after(1_000, () => {
      if (object.kind === "GitRepository") this.#look();
      else if (object.kind === "Kustomization") this.#reconcile(name);
      else if (object.kind === "HelmRelease") this.#around.helm.reconcile(name, namespace);
    });
  }

  #kustomizations(without: ReadonlySet<string>): readonly KubernetesObject[] {
    return this.#around.api.all(kustomizationType).filter(({ metadata }) => !without.has(metadata.name));
  }

  #poll(): void {
    this.#around.time.after(this.#around.intervalSeconds * 1_000, this.#polled);
  }

  readonly #polled = (): void => {
    this.#look();
    this.#poll();
  };

  /** A new commit sets all Kustomizations going. */
  #look(): void {
    if (!this.#fetch()) return;
    for (const { metadata } of this.#kustomizations(new Set())) this.#later(metadata.name);
  }

  #later(name: string): void {
    this.#around.time.after(this.#around.applySeconds * 1_000, () => this.#reconcile(name));
  }

  #fetch(): boolean {
    const { api, branch } = this.#around;
    const head = this.#around.head();
    if (head.commit === this.#head?.commit) return false;
    const source = api.peek(gitRepositoryType, fluxNamespace, fluxNamespace);
    if (source === undefined || isSuspended(source)) return false;
    this.#head = head;
    const revision = `${branch}@sha1:${head.commit}`;
    this.#say(source, [ready("Succeeded", `stored artifact for revision '${revision}'`)], {
      observedGeneration: generationOf(source),
      artifact: { revision, path: `gitrepository/${fluxNamespace}/${fluxNamespace}/${head.commit}.tar.gz` },
    });
    return true;
  }

  #revision(): string {
    return `${this.#around.branch}@sha1:${this.#head?.commit ?? ""}`;
  }

  #reconcile(name: string): void {
    const { api } = this.#around;
    const object = api.peek(kustomizationType, name, fluxNamespace);
    if (object === undefined || isSuspended(object) || this.#applying.has(name)) return;
    const revision = this.#revision();
    const waitsFor = dependsOn(object).find((one) => {
      const other = api.peek(kustomizationType, one.name, one.namespace);
      return !isReady(other) || textAt(other, "status", "lastAppliedRevision") !== revision;
    });
    if (waitsFor !== undefined) {
      this.#say(object, [
        notReady("DependencyNotReady", `dependency '${waitsFor.namespace}/${waitsFor.name}' is not ready`),
      ]);
      this.#around.time.after(retry, () => this.#reconcile(name));
      return;
    }
    this.#apply(object, false);
  }

  #apply(object: KubernetesObject, settling: boolean): void {
    const { api, time, helm } = this.#around;
    const revision = this.#revision();
    let manifests: readonly Manifest[];
    try {
      manifests = this.#manifests(object);
    } catch (error) {
      if (!(error instanceof BuildFailure)) throw error;
      this.#say(object, [notReady("BuildFailed", error.message)], {
        lastAttemptedRevision: revision,
        observedGeneration: generationOf(object),
      });
      return;
    }
    const { name } = object.metadata;
    const owned = manifests.map((manifest) => owner(manifest, name));
    const kept = new Set(owned.map(idOf));
    if (at(object, "spec", "prune") === true)
      for (const entry of listAt(object, "status", "inventory", "entries"))
        this.#prune(textAt(entry, "id") ?? "", kept);
    const applied = owned.map((manifest) => api.put(this.#stillSuspended(manifest), time.now));
    for (const one of applied) if (one.kind.endsWith("Repository")) this.#stored(one);
    for (const { kind, metadata } of applied) {
      if (settling) continue;
      if (kind === "HelmRelease") helm.reconcile(metadata.name, metadata.namespace ?? "");
      else if (kind === "Kustomization") this.#later(metadata.name);
    }
    const current = api.peek(kustomizationType, name, fluxNamespace);
    if (current === undefined) return;
    const releases = owned.filter(({ kind }) => kind === "HelmRelease");
    this.#say(
      current,
      [{ type: "Ready", status: "Unknown", reason: "Progressing", message: "Running health checks" }],
      {
        lastAttemptedRevision: revision,
        inventory: { entries: owned.map((manifest) => ({ id: idOf(manifest), v: "v1" })) },
      },
    );
    this.#applying.add(name);
    if (!settling)
      this.#check(name, revision, at(current, "spec", "wait") === true ? releases : [], time.now + patience);
  }

  /** `wait: true` waits until each HelmRelease is Ready; another commit in the meantime is taken at the end. */
  #check(name: string, revision: string, releases: readonly Manifest[], until: number): void {
    const { api, time } = this.#around;
    const object = api.peek(kustomizationType, name, fluxNamespace);
    if (object === undefined) return;
    const open = releases.find(
      ({ metadata }) => !isReady(api.peek(helmReleaseType, metadata.name, metadata.namespace)),
    );
    if (open !== undefined && time.now < until) {
      time.after(5_000, () => this.#check(name, revision, releases, until));
      return;
    }
    this.#applying.delete(name);
    const change = { observedGeneration: generationOf(object) };
    if (open !== undefined)
      this.#say(
        object,
        [notReady("HealthCheckFailed", `timeout waiting for: HelmRelease/${open.metadata.name}`)],
        change,
      );
    else
      this.#say(object, [ready("ReconciliationSucceeded", `Applied revision: ${revision}`)], {
        ...change,
        lastAppliedRevision: revision,
      });
    if (revision !== this.#revision()) this.#later(name);
  }

  #prune(id: string, kept: ReadonlySet<string>): void {
    if (id === "" || kept.has(id)) return;
    const [namespace = "", name = "", apiVersion = "", kind = ""] = id.split("|");
    const { api, helm } = this.#around;
    const object = api.peek({ apiVersion, kind }, name, namespace === "" ? undefined : namespace);
    if (object === undefined) return;
    api.remove({ apiVersion, kind }, name, namespace === "" ? undefined : namespace);
    if (kind === "HelmRelease") helm.removed(object);
  }

  /** What somebody suspended by hand stays so: the field is not of Git's owner. */
  #stillSuspended(manifest: Manifest): Manifest {
    const { name, namespace } = manifest.metadata;
    const spec = at(manifest, "spec");
    if (!isFields(spec) || spec["suspend"] !== undefined) return manifest;
    return isSuspended(this.#around.api.peek(manifest, name, namespace))
      ? { ...manifest, spec: { ...spec, suspend: true } }
      : manifest;
  }

  /** Sources of charts; releases that take theirs from this one are asked again. */
  #stored(object: KubernetesObject): void {
    const { api, helm, time } = this.#around;
    const tag = textAt(object, "spec", "ref", "tag");
    this.#say(object, [ready("Succeeded", "stored artifact")], {
      observedGeneration: generationOf(object),
      ...(tag === undefined ? {} : { artifact: { revision: `${tag}@sha256:${"0".repeat(64)}` } }),
    });
    for (const { metadata, ...release } of api.all(helmReleaseType))
      if (textAt(release, "spec", "chartRef", "name") === object.metadata.name)
        time.after(1_000, () => helm.reconcile(metadata.name, metadata.namespace ?? ""));
  }

  #manifests(object: KubernetesObject): readonly Manifest[] {
    const head = this.#head;
    if (head === undefined) return [];
    const build = fieldsAt(object, "spec", "postBuild");
    const path = textAt(object, "spec", "path") ?? "";
    if (Object.keys(build).length === 0) return objectsBelow(head, path, undefined);
    const values: Record<string, string> = {};
    for (const from of listAt(build, "substituteFrom")) {
      const name = textAt(from, "name") ?? "";
      const map = this.#around.api.peek({ apiVersion: "v1", kind: "ConfigMap" }, name, fluxNamespace);
      if (map === undefined && at(from, "optional") !== true)
        throw new BuildFailure(`substituteFrom: ConfigMap ${name} not found`);
      Object.assign(values, textsAt(map, "data"));
    }
    Object.assign(values, textsAt(build, "substitute"));
    return objectsBelow(head, path, values);
  }

  #say(object: KubernetesObject, set: readonly Condition[], change = {}): void {
    const { api, time } = this.#around;
    api.setStatus(object, withStatus(object, { conditions: conditions(object, time.now, set), ...change }));
  }
}

const ready = (reason: string, message: string): Condition => ({ type: "Ready", status: "True", reason, message });
const notReady = (reason: string, message: string): Condition => ({ type: "Ready", status: "False", reason, message });

const clusterWide = new Set(["Namespace", "ClusterRole", "ClusterRoleBinding", "CustomResourceDefinition"]);

const labelled = new WeakMap<Manifest, { readonly by: string; readonly manifest: Manifest }>();

/** As kustomize-controller labels what it applies; the same object for the same manifest, so that nothing is compared twice. */
function owner(manifest: Manifest, kustomization: string): Manifest {
  const known = labelled.get(manifest);
  if (known?.by === kustomization) return known.manifest;
  const { metadata } = manifest;
  const result: Manifest = {
    ...manifest,
    metadata: {
      ...metadata,
      ...(metadata.namespace === undefined && !clusterWide.has(manifest.kind) ? { namespace: "default" } : {}),
      labels: {
        ...textsAt(metadata, "labels"),
        "kustomize.toolkit.fluxcd.io/name": kustomization,
        "kustomize.toolkit.fluxcd.io/namespace": fluxNamespace,
      },
    },
  };
  labelled.set(manifest, { by: kustomization, manifest: result });
  return result;
}

const idOf = ({ apiVersion, kind, metadata }: Manifest): string =>
  `${metadata.namespace ?? ""}|${metadata.name}|${apiVersion}|${kind}`;
