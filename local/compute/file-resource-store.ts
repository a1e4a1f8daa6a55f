import { z } from "zod";
import { openJsonFile } from "./json-file.ts";
import type { ResourceStore } from "./resource-store.ts";
import type { DeclaredResource, Properties } from "./resources.ts";

/** An object of what JSON.parse gave: all below it is JSON already. */
export const propertiesSchema = z.custom<Properties>(
  (value) => typeof value === "object" && value !== null && !Array.isArray(value),
  "must be an object",
);

const resourceSchema = z.strictObject({
  provider: z.enum(["gcp", "kubernetes"]),
  type: z.string().min(1),
  id: z.string().min(1),
  cluster: z.string().exactOptional(),
  inputs: propertiesSchema,
  outputs: propertiesSchema,
});

const documentSchema = z.strictObject({ version: z.literal(1), resources: z.array(resourceSchema) });

/** Opens `resources.json`. Errors: CorruptFileError. */
export async function openResourceStore(path: string): Promise<ResourceStore> {
  const file = await openJsonFile<{ version: 1; resources: DeclaredResource[] }>(path, documentSchema, {
    version: 1,
    resources: [],
  });
  const listeners = new Set<() => void>();
  let index = indexOf(file.value.resources);

  const changed = (): void => {
    index = indexOf(file.value.resources);
    for (const listener of listeners) listener();
  };

  return {
    get: (type, id, cluster) => index.get(keyOf(type, id, cluster)),
    list: (type) =>
      type === undefined ? file.value.resources : file.value.resources.filter((resource) => resource.type === type),
    async put(resource) {
      const key = keyOf(resource.type, resource.id, resource.cluster);
      // A copy: the caller's object may change later, the declared one must not.
      const kept = structuredClone(resource);
      await file.update((document) => {
        const at = document.resources.findIndex((other) => keyOf(other.type, other.id, other.cluster) === key);
        const resources = at < 0 ? [...document.resources, kept] : document.resources.with(at, kept);
        return { version: 1, resources };
      });
      changed();
    },
    async delete(type, id, cluster) {
      const key = keyOf(type, id, cluster);
      await file.update((document) => {
        const resources = document.resources.filter((other) => keyOf(other.type, other.id, other.cluster) !== key);
        return resources.length === document.resources.length ? document : { version: 1, resources };
      });
      changed();
    },
    onChange(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}

function keyOf(type: string, id: string, cluster: string | undefined): string {
  return `${type}\n${cluster ?? ""}\n${id}`;
}

function indexOf(resources: readonly DeclaredResource[]): Map<string, DeclaredResource> {
  return new Map(resources.map((resource) => [keyOf(resource.type, resource.id, resource.cluster), resource]));
}
