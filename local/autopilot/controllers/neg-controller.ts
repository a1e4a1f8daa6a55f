import { isDeepStrictEqual } from "node:util";
import type { Clock } from "../../runtime/clock.ts";
import type { ClusterEndpointGroup } from "../cluster.ts";
import type { Controller } from "../control-loop.ts";
import type { WantedGroup } from "../neg-annotation.ts";
import { NEG_STATUS_ANNOTATION, negStatus, wantedGroups } from "../neg-annotation.ts";
import type { ObjectStore } from "../object-store.ts";
import { POD, SERVICE } from "../objects/kinds.ts";
import type { Pod } from "../objects/pod.ts";
import { ZONE_LABEL } from "../objects/pod.ts";
import type { Service } from "../objects/service.ts";
import { endpointPods } from "../service-network.ts";

export interface NegControllerOptions {
  readonly store: ObjectStore;
  readonly clock: Clock;
  readonly cluster: string;
  readonly zones: readonly string[];
  /** ms from the Service to its groups; asked once per group. */
  readonly negDelayMs: () => number;
  readonly originOf: (pod: Pod) => string | undefined;
  readonly wakeAt: (at: number) => void;
}

/** GKE's controller of network endpoint groups: one per port and zone of an annotated Service. */
export interface NegController extends Controller {
  groups(): readonly ClusterEndpointGroup[];
  onChange(listener: () => void): () => void;
}

export function createNegController(options: NegControllerOptions): NegController {
  const { store, clock, cluster, zones, negDelayMs, originOf, wakeAt } = options;
  /** When a group comes into being, ms since the epoch, by the Service's uid and the group's name. */
  const due = new Map<string, number>();
  const listeners = new Set<() => void>();
  let published: readonly ClusterEndpointGroup[] = [];

  /** The groups that exist by now; the others have the loop woken when they are due. */
  function existing(service: Service): readonly WantedGroup[] {
    const before = service.metadata.annotations[NEG_STATUS_ANNOTATION] ?? "";
    return wantedGroups(service, cluster).filter((group) => {
      const key = keyOf(service, group);
      // A Service that says it has its groups is one that was there before a restart of the local cloud.
      const known = before.includes(`:${JSON.stringify(group.name)}`);
      const at = due.get(key) ?? clock.now() + (known ? 0 : negDelayMs());
      due.set(key, at);
      if (at > clock.now()) wakeAt(at);
      return at <= clock.now();
    });
  }

  function announce(service: Service, groups: readonly WantedGroup[]): void {
    const annotations = { ...service.metadata.annotations };
    delete annotations[NEG_STATUS_ANNOTATION];
    if (groups.length > 0) annotations[NEG_STATUS_ANNOTATION] = negStatus(groups, zones);
    store.update(SERVICE, { ...service, metadata: { ...service.metadata, annotations } }, "metadata");
  }

  function zonal(service: Service, groups: readonly WantedGroup[]): readonly ClusterEndpointGroup[] {
    const pods = endpointPods(service, store.list(POD, service.metadata.namespace));
    return groups.flatMap(({ name }) =>
      zones.map((zone) => ({
        name,
        zone,
        endpoints: pods
          .filter((pod) => pod.metadata.labels[ZONE_LABEL] === zone)
          .flatMap((pod) => {
            const origin = originOf(pod);
            return origin === undefined ? [] : [{ pod: pod.metadata.name, origin }];
          }),
      })),
    );
  }

  return {
    groups: () => published,
    onChange(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    reconcile() {
      const services = store.list(SERVICE);
      const wanted = new Set(
        services.flatMap((service) => wantedGroups(service, cluster).map((group) => keyOf(service, group))),
      );
      for (const key of due.keys()) {
        if (!wanted.has(key)) due.delete(key);
      }
      const next = services.flatMap((service) => {
        const groups = existing(service);
        announce(service, groups);
        return zonal(service, groups);
      });
      if (isDeepStrictEqual(next, published)) return;
      published = next;
      for (const listener of [...listeners]) listener();
    },
  };
}

function keyOf(service: Service, group: WantedGroup): string {
  return `${service.metadata.uid}/${group.port}/${group.name}`;
}
