import { z } from "zod";

/**
 * An object schema that keeps the fields it does not name (the live object shows them again) and is typed as the fields it
 * names, which are those that admission and the controllers read.
 */
export function known<Shape extends z.core.$ZodLooseShape>(shape: Shape): z.ZodObject<Shape, z.core.$strip> {
  // The output has at least the named fields; hiding the others from the type keeps typing mistakes visible.
  return z.looseObject(shape) as unknown as z.ZodObject<Shape, z.core.$strip>;
}

export const stringMap = z.record(z.string(), z.string());

const ownerReference = known({
  apiVersion: z.string(),
  kind: z.string(),
  name: z.string(),
  uid: z.string(),
  controller: z.boolean().default(false),
});

/** Metadata of a stored object. The store fills what has an empty default here. */
export const objectMeta = known({
  name: z.string(),
  /** Empty for kinds without a namespace. */
  namespace: z.string().default(""),
  uid: z.string().default(""),
  resourceVersion: z.string().default(""),
  generation: z.int().default(0),
  creationTimestamp: z.string().default(""),
  labels: stringMap.default({}),
  annotations: stringMap.default({}),
  ownerReferences: z.array(ownerReference).default([]),
  deletionTimestamp: z.string().optional(),
  deletionGracePeriodSeconds: z.int().optional(),
});

export type ObjectMeta = z.infer<typeof objectMeta>;
export type OwnerReference = z.infer<typeof ownerReference>;

/** What every stored object has. */
export interface ApiObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: ObjectMeta;
}

/** Whether `object` is owned by `owner` as its controller. */
export function isOwnedBy(object: ApiObject, owner: ApiObject): boolean {
  return object.metadata.ownerReferences.some((reference) => reference.uid === owner.metadata.uid);
}

/** The reference that makes `owner` the controller of an object. */
export function controllerReference(owner: ApiObject): OwnerReference {
  return {
    apiVersion: owner.apiVersion,
    kind: owner.kind,
    name: owner.metadata.name,
    uid: owner.metadata.uid,
    controller: true,
    blockOwnerDeletion: true,
  } as OwnerReference;
}

/** RFC 3339 with seconds, as metav1.Time is written. */
export function timestamp(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19)}Z`;
}
