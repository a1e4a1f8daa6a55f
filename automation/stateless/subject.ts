/** A resource as rules see it: which kind it is, and the workload in it, whatever object wraps that. */
import type { ScannedResource } from "./finding.ts";
import { type OnUnknown, Value } from "./value.ts";

/** A container and where it names its parts: Kubernetes says `env` and `command`, the Cloud Run provider `envs` and `commands`. */
export interface Container {
  readonly value: Value;
  readonly env: readonly Variable[];
  /** Command and arguments, word by word. */
  readonly words: readonly Value[];
  /** Of the image; undefined when the image's own is run. */
  readonly command: readonly Value[];
  /** Of command or arguments; told. */
  readonly commandIsUnknown: boolean;
  readonly mounts: readonly Value[];
}

export interface Variable {
  readonly name: string;
  readonly value: Value;
}

/** What runs, from a pod template or a Cloud Run template. */
export interface Workload {
  /** Pod spec or Cloud Run template. */
  readonly spec: Value;
  /** The pod's spec is Kubernetes', not the Cloud Run provider's. */
  readonly kubernetes: boolean;
  readonly containers: readonly Container[];
  readonly initContainers: readonly Container[];
  readonly volumes: readonly Value[];
}

/** What other resources of the same scan say, for rules that need two. */
export interface Surroundings {
  /** Claims and storage classes, by kind and name: PersistentVolumeClaim/default/data, StorageClass/fast. */
  readonly objects: ReadonlyMap<string, Readonly<Record<string, unknown>>>;
}

export interface Subject {
  /** API group of Kubernetes, "" for core; undefined for other providers. */
  readonly group: string | undefined;
  /** Kind of Kubernetes or the provider's token. */
  readonly kind: string;
  readonly object: Value;
  readonly workload: Workload | undefined;
  /** Another object of the scan; undefined when it is not in it. */
  readonly other: (kind: string, name: string) => Value | undefined;
  /** Namespace; "" when there is none. */
  readonly namespace: string;
}

/** Group and kind of a type such as apps/v1/Deployment or v1/Pod; group is undefined for a provider's token. */
export function kindOf(type: string): { readonly group: string | undefined; readonly kind: string } {
  if (type.includes(":")) return { group: undefined, kind: type };
  const parts = type.split("/");
  const kind = parts.at(-1) ?? type;
  return { group: parts.length > 2 ? parts.slice(0, -2).join("/") : "", kind };
}

/** Whether a controller made it; also where that is not known, which is then told. */
export function madeByController(object: Value): boolean {
  const owners = object.get("metadata", "ownerReferences");
  return owners.isUnknown || owners.items.length > 0;
}

/** Where a kind has its pod spec. */
const podSpecPaths: Readonly<Record<string, readonly string[]>> = {
  "/Pod": ["spec"],
  "/PodTemplate": ["template", "spec"],
  "/ReplicationController": ["spec", "template", "spec"],
  "apps/Deployment": ["spec", "template", "spec"],
  "apps/ReplicaSet": ["spec", "template", "spec"],
  "apps/StatefulSet": ["spec", "template", "spec"],
  "apps/DaemonSet": ["spec", "template", "spec"],
  "batch/Job": ["spec", "template", "spec"],
  "batch/CronJob": ["spec", "jobTemplate", "spec", "template", "spec"],
  "argoproj.io/Rollout": ["spec", "template", "spec"],
  "serving.knative.dev/Service": ["spec", "template", "spec"],
};

/** Where Cloud Run's provider types have their template. */
const cloudRunTemplatePaths: Readonly<Record<string, readonly string[]>> = {
  "gcp:cloudrunv2/service:Service": ["template"],
  "gcp:cloudrunv2/workerPool:WorkerPool": ["template"],
  "gcp:cloudrunv2/job:Job": ["template", "template"],
};

/** Kinds that hold a workload, as group/kind or token. */
export const workloadKinds: readonly string[] = [...Object.keys(podSpecPaths), ...Object.keys(cloudRunTemplatePaths)];

export function subjectOf(resource: ScannedResource, around: Surroundings, onUnknown: OnUnknown): Subject {
  const { group, kind } = kindOf(resource.type);
  const object = Value.root(resource.object, onUnknown);
  const workload = workloadOf(group, kind, object);
  return {
    group,
    kind,
    object,
    workload,
    get namespace() {
      return object.get("metadata", "namespace").text ?? "";
    },
    other(otherKind, name) {
      const found = around.objects.get(`${otherKind}/${name}`);
      return found && Value.root(found, onUnknown, `${otherKind}/${name}`);
    },
  };
}

function workloadOf(group: string | undefined, kind: string, object: Value): Workload | undefined {
  const podPath = group === undefined ? undefined : podSpecPaths[`${group}/${kind}`];
  const path = podPath ?? (group === undefined ? cloudRunTemplatePaths[kind] : undefined);
  if (path === undefined) return undefined;
  const kubernetes = podPath !== undefined;
  const container = (value: Value): Container => ({
    value,
    get env() {
      return variablesOf(value.get(kubernetes ? "env" : "envs"));
    },
    get words() {
      return [...value.get(kubernetes ? "command" : "commands").items, ...value.get("args").items];
    },
    get command() {
      return value.get(kubernetes ? "command" : "commands").items;
    },
    get commandIsUnknown() {
      return [value.get(kubernetes ? "command" : "commands"), value.get("args")].some((part) => part.isUnknown);
    },
    get mounts() {
      return value.get("volumeMounts").items;
    },
  });
  return {
    kubernetes,
    get spec() {
      return object.get(...path);
    },
    get containers() {
      return this.spec.get("containers").items.map(container);
    },
    get initContainers() {
      return this.spec.get("initContainers").items.map(container);
    },
    get volumes() {
      return this.spec.get("volumes").items;
    },
  };
}

function variablesOf(list: Value): readonly Variable[] {
  return list.items.map((item) => ({ name: item.get("name").text ?? "", value: item.get("value") }));
}
