/** How Kubernetes' objects are read here: only what is needed, and what cannot be read is said, never guessed. Pure. */
import { z } from "zod";
import type { KubernetesObject } from "../../ports/kubernetes-api.ts";
import { parseVersion, type Version } from "../plan/versions.ts";

/** Why a section cannot be told from the objects. */
export class Unreadable extends Error {
  override readonly name = "Unreadable";
}

/** Servers leave empty things out, or send null. */
export const list = <T extends z.ZodType>(member: T) =>
  z
    .array(member)
    .nullish()
    .transform((value) => value ?? []);
export const texts = z
  .record(z.string(), z.string())
  .nullish()
  .transform((value) => value ?? {});
export const number = z
  .number()
  .nullish()
  .transform((value) => value ?? 0);
export const flag = z
  .boolean()
  .nullish()
  .transform((value) => value ?? false);

export const metadata = z.object({
  name: z.string(),
  namespace: z
    .string()
    .nullish()
    .transform((value) => value ?? ""),
  labels: texts,
  annotations: texts,
  generation: z.number().optional(),
  creationTimestamp: z.string().nullish(),
  deletionTimestamp: z.string().nullish(),
  ownerReferences: list(z.object({ kind: z.string(), name: z.string(), controller: z.boolean().nullish() })),
});

export const conditions = list(
  z.object({
    type: z.string(),
    status: z.string(),
    reason: z.string().nullish(),
    message: z.string().nullish(),
    lastTransitionTime: z.string().nullish(),
    lastUpdateTime: z.string().nullish(),
  }),
);

export type Metadata = z.output<typeof metadata>;
export type Condition = z.output<typeof conditions>[number];

/** Objects as a schema takes them. Errors: Unreadable, with the first object that does not fit. */
export function read<T extends z.ZodType>(schema: T, objects: readonly KubernetesObject[]): readonly z.output<T>[] {
  return objects.map((object) => {
    const result = schema.safeParse(object);
    if (result.success) return result.data;
    const [issue] = result.error.issues;
    throw new Unreadable(
      `${object.kind} ${nameOf(object.metadata)} is not as expected: ${issue?.path.join(".") ?? ""} ${issue?.message ?? ""}`.trim(),
    );
  });
}

/** `namespace/name`, or the name of what has no namespace. */
export const nameOf = ({
  namespace,
  name,
}: {
  readonly name: string;
  readonly namespace?: string | undefined;
}): string => (namespace === undefined || namespace === "" ? name : `${namespace}/${name}`);

export const conditionOf = (all: readonly Condition[], type: string): Condition | undefined =>
  all.find((one) => one.type === type);
export const isTrue = (all: readonly Condition[], type: string): boolean => conditionOf(all, type)?.status === "True";

/** ms since the epoch; undefined where there is no time or it cannot be read. */
export function timeOf(text: string | null | undefined): number | undefined {
  const at = text === null || text === undefined ? Number.NaN : Date.parse(text);
  return Number.isNaN(at) ? undefined : at;
}

/** Of an image's tag; undefined: only a digest, no tag, or a tag that is no version. */
export function imageVersion(image: string): Version | undefined {
  const tag = /:([^:/@]+)(?:@[^@]*)?$/.exec(image)?.[1];
  return tag === undefined ? undefined : parseVersion(tag);
}

export const labelSelector = z
  .object({
    matchLabels: texts,
    matchExpressions: list(z.object({ key: z.string(), operator: z.string(), values: list(z.string()) })),
  })
  .nullish();

type Selector = z.output<typeof labelSelector>;

/** A missing selector selects nothing, an empty one everything, as Kubernetes has it. Errors: Unreadable. */
export function selects(selector: Selector, labels: Readonly<Record<string, string>>): boolean {
  if (selector === null || selector === undefined) return false;
  return (
    Object.entries(selector.matchLabels).every(([name, value]) => labels[name] === value) &&
    selector.matchExpressions.every(({ key, operator, values }) => {
      const value = labels[key];
      switch (operator) {
        case "In":
          return value !== undefined && values.includes(value);
        case "NotIn":
          return value === undefined || !values.includes(value);
        case "Exists":
          return value !== undefined;
        case "DoesNotExist":
          return value === undefined;
        default:
          throw new Unreadable(`the operator ${operator} of a selector is not known`);
      }
    })
  );
}
