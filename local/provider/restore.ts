import type { Cloud } from "../daemon/cloud.ts";
import type { ResourceType } from "./resource-type.ts";

/** A resource that did not come back after a restart of the daemon. */
export interface RestoreFailure {
  readonly type: string;
  readonly id: string;
  readonly error: unknown;
}

/**
 * Brings back every declared resource in order of creation, after a restart of the daemon. One that fails does not keep the
 * others from coming back; the failures are returned, for the log.
 */
export async function restoreResources(
  cloud: Cloud,
  types: readonly ResourceType[],
  defaults: { readonly project: string; readonly region: string; readonly zone: string },
  signal: AbortSignal,
): Promise<readonly RestoreFailure[]> {
  const byToken = new Map(types.map((type) => [type.token, type]));
  const failures: RestoreFailure[] = [];
  for (const resource of [...cloud.resources.list()]) {
    signal.throwIfAborted();
    const type = byToken.get(resource.type);
    if (type?.restore === undefined) continue;
    const settings = { ...defaults, cluster: resource.cluster };
    try {
      await type.restore(resource, { cloud, settings, signal });
    } catch (error) {
      failures.push({ type: resource.type, id: resource.id, error });
    }
  }
  return failures;
}
