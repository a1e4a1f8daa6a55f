/** A Kubernetes API in memory: objects as a server sends them, what guard may change in them, and faults. Time is passed in. */
import { SwitchyardError } from "../../errors.ts";
import type {
  KubernetesApi,
  KubernetesObject,
  ListOptions,
  ResourceType,
  RestartedWorkload,
} from "../../ports/kubernetes-api.ts";
import { at, fieldsAt, numberAt, textAt, textsAt, withAt } from "./dig.ts";
import { fits } from "./selector.ts";

/** An object before the server has seen it. */
export interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string; readonly [key: string]: unknown };
  readonly [key: string]: unknown;
}

/** What goes wrong with the API itself. */
export interface ApiFaults {
  /** Every call fails: cluster-unreachable. */
  unreachable: boolean;
  /** Every call fails: cluster-refused. */
  refused: boolean;
  /** Failing checks of /readyz. */
  readyz: readonly string[];
  /** Kinds that the role may not list: cluster-refused. */
  forbidden: ReadonlySet<string>;
}

export interface SimulatedApiOptions {
  readonly name: string;
  /** `1.33` */
  readonly version: string;
  /** ms since the epoch; when `restart` and `reconcile` happen. */
  now(): number;
}

type Change = "restart" | "reconcile";

const typeOf = (apiVersion: string, kind: string): string => `${apiVersion} ${kind}`;
const keyOf = (name: string, namespace: string | undefined): string => `${namespace ?? ""}/${name}`;
const instant = (ms: number): string => `${new Date(ms).toISOString().slice(0, 19)}Z`;

const restartedAt = ["spec", "template", "metadata", "annotations", "kubectl.kubernetes.io/restartedAt"] as const;

export class SimulatedKubernetes implements KubernetesApi {
  readonly description: string;
  readonly faults: ApiFaults = { unreachable: false, refused: false, readyz: [], forbidden: new Set() };
  /** Calls since the beginning, by name. */
  readonly calls = new Map<string, number>();
  readonly #options: SimulatedApiOptions;
  readonly #objects = new Map<string, Map<string, KubernetesObject>>();
  readonly #logs = new Map<string, string>();
  #listener: ((change: Change, object: KubernetesObject) => void) | undefined;
  #version = 0;

  constructor(options: SimulatedApiOptions) {
    this.#options = options;
    this.description = `simulated Kubernetes of ${options.name}`;
  }

  /** Called after a restart or a wish of Flux's user was written. */
  onChange(listener: (change: Change, object: KubernetesObject) => void): void {
    this.#listener = listener;
  }

  /** Makes a type known without an object. */
  know(type: ResourceType): void {
    this.#of(type);
  }

  /** Makes it unknown, with its objects. */
  forget({ apiVersion, kind }: ResourceType): void {
    this.#objects.delete(typeOf(apiVersion, kind));
  }

  /**
   * Creates or replaces. The server's fields are kept or made: uid, creationTimestamp, resourceVersion, and a generation that
   * rises with the spec. A status that the new one lacks stays. Nothing happens when nothing differs.
   */
  put(manifest: Manifest, now: number): KubernetesObject {
    const known = this.#of(manifest);
    const { name, namespace } = manifest.metadata;
    const key = keyOf(name, namespace);
    const before = known.get(key);
    if (before !== undefined && same(before, manifest)) return before;
    this.#version++;
    const sameSpec = before !== undefined && JSON.stringify(before["spec"]) === JSON.stringify(manifest["spec"]);
    const generation = numberAt(before, "metadata", "generation") ?? 0;
    const object: KubernetesObject = {
      ...manifest,
      metadata: {
        ...manifest.metadata,
        uid: textAt(before, "metadata", "uid") ?? `${this.#options.name}-${this.#version}`,
        resourceVersion: String(this.#version),
        ...(manifest["spec"] === undefined ? {} : { generation: sameSpec ? generation : generation + 1 }),
        creationTimestamp:
          textAt(before, "metadata", "creationTimestamp") ??
          textAt(manifest, "metadata", "creationTimestamp") ??
          instant(now),
      },
      ...(manifest["status"] === undefined && before?.["status"] !== undefined ? { status: before["status"] } : {}),
    };
    known.set(key, object);
    return object;
  }

  /** Replaces the status only, as controllers do. */
  setStatus({ apiVersion, kind, metadata }: KubernetesObject, status: unknown): void {
    this.patch({ apiVersion, kind }, metadata.name, metadata.namespace, ["status"], status);
  }

  /** Writes one field by hand: no controller is asked. The generation rises with the spec. Nothing happens without the object. */
  patch(
    type: ResourceType,
    name: string,
    namespace: string | undefined,
    path: readonly string[],
    value: unknown,
  ): KubernetesObject | undefined {
    const known = this.#of(type);
    const key = keyOf(name, namespace);
    const before = known.get(key);
    if (before === undefined) return undefined;
    this.#version++;
    const changed = withAt(before, path, value);
    const generation = (numberAt(before, "metadata", "generation") ?? 0) + (path[0] === "spec" ? 1 : 0);
    const object: KubernetesObject = {
      ...changed,
      apiVersion: before.apiVersion,
      kind: before.kind,
      metadata: {
        ...before.metadata,
        ...fieldsAt(changed, "metadata"),
        resourceVersion: String(this.#version),
        ...(generation === 0 ? {} : { generation }),
      },
    };
    known.set(key, object);
    return object;
  }

  remove(type: ResourceType, name: string, namespace?: string): void {
    if (this.#objects.get(typeOf(type.apiVersion, type.kind))?.delete(keyOf(name, namespace)) === true) this.#version++;
  }

  /** Rises with every change of any object. */
  get changes(): number {
    return this.#version;
  }

  /** Without the port's promise and faults. */
  peek(type: ResourceType, name: string, namespace?: string): KubernetesObject | undefined {
    return this.#objects.get(typeOf(type.apiVersion, type.kind))?.get(keyOf(name, namespace));
  }

  /** Without the port's promise and faults, in order of creation. */
  all(type: ResourceType): readonly KubernetesObject[] {
    return [...(this.#objects.get(typeOf(type.apiVersion, type.kind))?.values() ?? [])];
  }

  /** Types that are known, with an object or without. */
  types(): readonly ResourceType[] {
    return [...this.#objects.keys()].map((type) => {
      const [apiVersion = "", kind = ""] = type.split(" ");
      return { apiVersion, kind };
    });
  }

  get size(): number {
    let sum = 0;
    for (const known of this.#objects.values()) sum += known.size;
    return sum;
  }

  setLog(pod: { readonly namespace: string; readonly name: string; readonly container: string }, text: string): void {
    this.#logs.set(`${pod.namespace}/${pod.name}/${pod.container}`, text);
  }

  async version(signal?: AbortSignal): Promise<string> {
    this.#answer("version", signal);
    return this.#options.version;
  }

  async failingChecks(signal?: AbortSignal): Promise<readonly string[]> {
    this.#answer("failingChecks", signal);
    return this.faults.readyz;
  }

  async list(
    type: ResourceType,
    options: ListOptions = {},
    signal?: AbortSignal,
  ): Promise<readonly KubernetesObject[] | undefined> {
    this.#answer("list", signal, type.kind);
    const known = this.#objects.get(typeOf(type.apiVersion, type.kind));
    if (known === undefined) return undefined;
    const { namespace, labelSelector = "" } = options;
    return [...known.values()].filter(
      (object) =>
        (namespace === undefined || object.metadata.namespace === namespace) &&
        (labelSelector === "" || fits(labelSelector, textsAt(object, "metadata", "labels"))),
    );
  }

  async get(
    type: ResourceType,
    name: string,
    namespace: string | undefined,
    signal?: AbortSignal,
  ): Promise<KubernetesObject | undefined> {
    this.#answer("get", signal, type.kind);
    return this.peek(type, name, namespace);
  }

  async restart({ kind, namespace, name }: RestartedWorkload, mark: string, signal?: AbortSignal): Promise<void> {
    this.#answer("restart", signal, kind);
    const type = { apiVersion: "apps/v1", kind };
    const before = this.#must(type, name, namespace);
    if (at(before, ...restartedAt) === mark) return;
    const object = this.patch(type, name, namespace, restartedAt, mark);
    if (object !== undefined) this.#listener?.("restart", object);
  }

  async reconcile(
    type: ResourceType,
    name: string,
    namespace: string,
    mark: string,
    signal?: AbortSignal,
  ): Promise<void> {
    this.#answer("reconcile", signal, type.kind);
    this.#must(type, name, namespace);
    const object = this.patch(
      type,
      name,
      namespace,
      ["metadata", "annotations", "reconcile.fluxcd.io/requestedAt"],
      mark,
    );
    if (object !== undefined) this.#listener?.("reconcile", object);
  }

  async logs(
    pod: { readonly namespace: string; readonly name: string; readonly container: string },
    limit: { readonly sinceSeconds: number; readonly bytes: number },
    signal?: AbortSignal,
  ): Promise<string | undefined> {
    this.#answer("logs", signal, "Pod");
    const log = this.#logs.get(`${pod.namespace}/${pod.name}/${pod.container}`);
    return log === undefined ? undefined : Buffer.from(log).subarray(-limit.bytes).toString();
  }

  #of({ apiVersion, kind }: ResourceType): Map<string, KubernetesObject> {
    const type = typeOf(apiVersion, kind);
    const known = this.#objects.get(type) ?? new Map<string, KubernetesObject>();
    this.#objects.set(type, known);
    return known;
  }

  #must(type: ResourceType, name: string, namespace: string): KubernetesObject {
    const object = this.peek(type, name, namespace);
    if (object !== undefined) return object;
    throw new SwitchyardError("cluster-refused", {
      message: `${this.description} has no ${type.kind} ${namespace}/${name}`,
      next: "It was removed since it was listed: run the same command again.",
    });
  }

  #answer(call: string, signal: AbortSignal | undefined, kind = ""): void {
    signal?.throwIfAborted();
    this.calls.set(call, (this.calls.get(call) ?? 0) + 1);
    if (this.faults.unreachable)
      throw new SwitchyardError("cluster-unreachable", { message: `${this.description} does not answer` });
    if (this.faults.refused || this.faults.forbidden.has(kind))
      throw new SwitchyardError("cluster-refused", { message: `${this.description} refuses ${call} ${kind}`.trim() });
  }
}

/** Whether a manifest says nothing new of an object. */
function same(before: KubernetesObject, manifest: Manifest): boolean {
  for (const [name, value] of Object.entries(manifest)) {
    if (name === "metadata") continue;
    if (before[name] !== value && JSON.stringify(before[name]) !== JSON.stringify(value)) return false;
  }
  for (const [name, value] of Object.entries(manifest.metadata))
    if (before.metadata[name] !== value && JSON.stringify(before.metadata[name]) !== JSON.stringify(value))
      return false;
  return true;
}
