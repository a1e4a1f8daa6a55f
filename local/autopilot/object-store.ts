import { isDeepStrictEqual } from "node:util";
import type { Clock } from "../runtime/clock.ts";
import { notFound } from "./kubernetes-error.ts";
import type { Kind } from "./objects/kinds.ts";
import type { ApiObject } from "./objects/metadata.ts";
import { timestamp } from "./objects/metadata.ts";

/**
 * The objects of one cluster. Objects are values: a change is a new object. Whoever writes says which kind it is, and the kind's
 * schema made the object, so that readers get it typed.
 */
export interface ObjectStore {
  get<T extends ApiObject>(kind: Kind<T>, namespace: string, name: string): T | undefined;
  list<T extends ApiObject>(kind: Kind<T>, namespace?: string): readonly T[];
  /** Stamps uid, resourceVersion, generation and creationTimestamp. */
  create<T extends ApiObject>(kind: Kind<T>, object: T): T;
  /**
   * Replaces by name. `spec` counts generation; `status` and `metadata` do not. Nothing happens when nothing differs.
   * Errors: KubernetesError NotFound.
   */
  update<T extends ApiObject>(kind: Kind<T>, object: T, part: "spec" | "status" | "metadata"): T;
  remove(kind: Kind, namespace: string, name: string): void;
  /** Called after every change, synchronously; returns the function that ends the subscription. */
  onChange(listener: () => void): () => void;
}

export interface ObjectStoreOptions {
  readonly clock: Clock;
  /** Numbers in [0, 1), for uids. */
  readonly random: () => number;
}

export function createObjectStore({ clock, random }: ObjectStoreOptions): ObjectStore {
  const objects = new Map<Kind, Map<string, ApiObject>>();
  const listeners = new Set<() => void>();
  let version = 0;

  function tableOf<T extends ApiObject>(kind: Kind<T>): Map<string, T> {
    const table = objects.get(kind) ?? new Map<string, ApiObject>();
    objects.set(kind, table);
    // Every writer passes the object together with its kind, so a kind's table holds that kind's objects only.
    return table as Map<string, T>;
  }

  function changed(): void {
    for (const listener of [...listeners]) listener();
  }

  function put<T extends ApiObject>(kind: Kind<T>, object: T): T {
    version += 1;
    const stored = { ...object, metadata: { ...object.metadata, resourceVersion: String(version) } };
    tableOf(kind).set(keyOf(object.metadata.namespace, object.metadata.name), stored);
    changed();
    return stored;
  }

  return {
    get: (kind, namespace, name) => tableOf(kind).get(keyOf(namespace, name)),
    list(kind, namespace) {
      const all = [...tableOf(kind).values()];
      return namespace === undefined ? all : all.filter((object) => object.metadata.namespace === namespace);
    },
    create(kind, object) {
      return put(kind, {
        ...object,
        metadata: {
          ...object.metadata,
          uid: randomUid(random),
          generation: kind.counted ? 1 : 0,
          creationTimestamp: timestamp(clock.now()),
        },
      });
    },
    update(kind, object, part) {
      const { namespace, name } = object.metadata;
      const stored = tableOf(kind).get(keyOf(namespace, name));
      if (stored === undefined) throw notFound(kind, name);
      const same = { ...object, metadata: { ...object.metadata, resourceVersion: stored.metadata.resourceVersion } };
      if (isDeepStrictEqual(same, stored)) return stored;
      const generation =
        stored.metadata.generation + (kind.counted && part === "spec" && specDiffers(same, stored) ? 1 : 0);
      return put(kind, { ...object, metadata: { ...object.metadata, generation } });
    },
    remove(kind, namespace, name) {
      if (tableOf(kind).delete(keyOf(namespace, name))) changed();
    },
    onChange(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
  };
}

function keyOf(namespace: string, name: string): string {
  return `${namespace}/${name}`;
}

function specDiffers(next: ApiObject, previous: ApiObject): boolean {
  return "spec" in next && "spec" in previous && !isDeepStrictEqual(next.spec, previous.spec);
}

/** A version 4 UUID of the given source, so that tests can repeat a run. */
function randomUid(random: () => number): string {
  const digits = Array.from({ length: 32 }, () => Math.floor(random() * 16));
  digits[12] = 4;
  digits[16] = 8 + ((digits[16] ?? 0) % 4);
  const hex = digits.map((digit) => digit.toString(16)).join("");
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-");
}
