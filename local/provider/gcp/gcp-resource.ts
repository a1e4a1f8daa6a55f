import { createHash } from "node:crypto";
import type { Cloud } from "../../daemon/cloud.ts";
import { ProviderError } from "../errors.ts";
import { isUnknown } from "../properties.ts";
import type { OperationContext, Properties, PropertyValue, ResourceState } from "../resource-type.ts";
import { isObject, text } from "../values.ts";

/** What Google's resources have in common. */

/** Compute's address of a resource, as its selfLink says it. */
export function selfLink(service: "compute/v1" | "container/v1", id: string): string {
  return service === "compute/v1"
    ? `https://www.googleapis.com/compute/v1/${id}`
    : `https://container.googleapis.com/v1/${id}`;
}

/** A number as Google gives them to resources, always the same for the same id. */
export function numericId(id: string, digits = 19): string {
  const number = BigInt(`0x${createHash("sha256").update(id).digest("hex")}`);
  return (10n ** BigInt(digits - 1) + (number % (9n * 10n ** BigInt(digits - 1)))).toString();
}

/** An etag that changes with what it stands for. */
export function etagOf(value: PropertyValue): string {
  return createHash("sha256").update(JSON.stringify(value)).digest("base64").slice(0, 12);
}

/** RFC 3339, now. */
export function timestamp(context: OperationContext): string {
  return new Date(context.cloud.clock.now()).toISOString();
}

/** create and update of a resource that has createTime and updateTime. */
export const withTimes = {
  async create(state: ResourceState, context: OperationContext): Promise<Properties> {
    const now = timestamp(context);
    return { ...state.outputs, createTime: now, updateTime: now };
  },
  async update(state: ResourceState, previous: ResourceState, context: OperationContext): Promise<Properties> {
    const createTime = text(previous.outputs, "createTime");
    return { ...state.outputs, ...(createTime !== undefined && { createTime }), updateTime: timestamp(context) };
  },
};

/** Refuses to delete what is protected. Google's API has no such field; the provider keeps it. */
export function refuseWhenProtected(state: ResourceState, what: string): void {
  if (state.inputs["deletionProtection"] === false) return;
  throw new ProviderError(
    `Cannot destroy ${what} ${state.id} while its deletionProtection is true. Set it to false, run an update, then destroy.`,
  );
}

/** Refuses to delete what another resource names, as Compute does. */
export function refuseWhenInUse(state: ResourceState, kind: string, cloud: Cloud): void {
  const user = cloud.resources.list().find((other) => other.id !== state.id && mentions(other.inputs, state.id));
  if (user === undefined) return;
  throw new ProviderError(
    `Error 400: The ${kind} resource '${state.id}' is already being used by '${user.id}', resourceInUseByAnotherResource`,
  );
}

function mentions(value: PropertyValue, id: string): boolean {
  if (typeof value === "string") return value === id || value.endsWith(`/${id}`);
  if (Array.isArray(value)) return value.some((item) => mentions(item, id));
  return isObject(value) && Object.values(value).some((item) => mentions(item, id));
}

/** Names in Compute: RFC 1035, at most 63 characters. */
export const computeName = /^[a-z](?:[-a-z0-9]{0,61}[a-z0-9])?$/;

/** Whether a known value breaks the pattern. */
export function breaks(pattern: RegExp, value: PropertyValue | undefined): boolean {
  return typeof value === "string" && !isUnknown(value) && !pattern.test(value);
}

export const computeNameRule =
  "Must be 1 to 63 lower-case letters, digits and hyphens, begin with a letter and not end with a hyphen.";
