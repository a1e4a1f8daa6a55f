import type { Clock } from "../../runtime/clock.ts";
import type { Controller } from "../control-loop.ts";
import { beginDeletion } from "../deletion.ts";
import type { ObjectStore } from "../object-store.ts";
import type { Kind } from "../objects/kinds.ts";
import { DEPLOYMENT, KINDS, NAMESPACE, POD, REPLICA_SET } from "../objects/kinds.ts";
import type { ApiObject } from "../objects/metadata.ts";
import { isOwnedBy } from "../objects/metadata.ts";
import type { Pod } from "../objects/pod.ts";

interface Found {
  readonly kind: Kind;
  readonly object: ApiObject;
}

/** Foreground deletion: what belongs to a marked object goes first, then the object. Also ends what has lost its owner. */
export function createGarbageCollector(store: ObjectStore, clock: Clock): Controller {
  function mark({ kind, object }: Found): void {
    beginDeletion(store, clock, kind, object, kind === POD ? graceOf(object) : undefined);
  }

  function graceOf(object: ApiObject): number | undefined {
    const pod: Pod | undefined = store.get(POD, object.metadata.namespace, object.metadata.name);
    return pod?.spec.terminationGracePeriodSeconds;
  }

  /** Marks the contents; removes the object when there are none. */
  function finish(kind: Kind, object: ApiObject, contents: readonly Found[]): void {
    if (object.metadata.deletionTimestamp === undefined) {
      return;
    }
    for (const found of contents) mark(found);
    if (contents.length === 0) store.remove(kind, object.metadata.namespace, object.metadata.name);
  }

  function all(): readonly Found[] {
    return KINDS.flatMap((kind) => store.list(kind).map((object) => ({ kind, object })));
  }

  return {
    reconcile() {
      const objects = all();
      const owners = new Set(objects.map(({ object }) => object.metadata.uid));
      for (const found of objects) {
        const references = found.object.metadata.ownerReferences;
        if (references.length > 0 && !references.some((reference) => owners.has(reference.uid))) mark(found);
      }
      for (const kind of [DEPLOYMENT, REPLICA_SET]) {
        for (const owner of store.list<ApiObject>(kind)) {
          finish(
            kind,
            owner,
            objects.filter(({ object }) => isOwnedBy(object, owner)),
          );
        }
      }
      for (const namespace of store.list(NAMESPACE)) {
        finish(
          NAMESPACE,
          namespace,
          objects.filter(({ object }) => object.metadata.namespace === namespace.metadata.name),
        );
      }
    },
  };
}
