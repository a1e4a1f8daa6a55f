import type { Clock } from "../runtime/clock.ts";
import type { ObjectStore } from "./object-store.ts";
import type { Kind } from "./objects/kinds.ts";
import { DEPLOYMENT, NAMESPACE, POD, REPLICA_SET } from "./objects/kinds.ts";
import type { ApiObject } from "./objects/metadata.ts";
import { timestamp } from "./objects/metadata.ts";

/** Kinds that stay, marked, until something has ended what belongs to them. */
const LINGERING: readonly Kind[] = [NAMESPACE, DEPLOYMENT, REPLICA_SET, POD];

/**
 * Marks the object for deletion, or removes it at once where nothing belongs to it. Marking twice changes nothing.
 * @param graceSeconds for pods: until SIGKILL
 */
export function beginDeletion(
  store: ObjectStore,
  clock: Clock,
  kind: Kind,
  object: ApiObject,
  graceSeconds?: number,
): void {
  const { namespace, name } = object.metadata;
  if (!LINGERING.includes(kind)) {
    store.remove(kind, namespace, name);
    return;
  }
  const stored = store.get<ApiObject>(kind, namespace, name);
  if (stored === undefined || stored.metadata.deletionTimestamp !== undefined) {
    return;
  }
  const marked = {
    ...stored,
    ...(kind === NAMESPACE ? { status: { phase: "Terminating" } } : {}),
    metadata: {
      ...stored.metadata,
      deletionTimestamp: timestamp(clock.now()),
      deletionGracePeriodSeconds: graceSeconds,
    },
  };
  store.update(kind, marked, "metadata");
}
