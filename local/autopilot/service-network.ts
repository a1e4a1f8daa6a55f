import type { Pod } from "./objects/pod.ts";
import { isPodReady } from "./objects/pod.ts";
import type { Service } from "./objects/service.ts";

/** Addresses of 10.96.0.0/16 that can be given out; .0.0 is the network and .0.1 the API server's. */
const FIRST_ADDRESS = 2;
const LAST_ADDRESS = 0xfffe;

/** A free address for the Service of that key; the same one for the same key unless it is taken. Undefined when all are. */
export function allocateClusterIp(key: string, taken: ReadonlySet<string>): string | undefined {
  const count = LAST_ADDRESS - FIRST_ADDRESS + 1;
  const start = [...key].reduce((hash, letter) => (Math.imul(hash, 31) + letter.charCodeAt(0)) >>> 0, 7) % count;
  for (let offset = 0; offset < count; offset += 1) {
    const host = FIRST_ADDRESS + ((start + offset) % count);
    const address = `10.96.${host >> 8}.${host & 255}`;
    if (!taken.has(address)) return address;
  }
  return undefined;
}

/** The pods that a Service sends requests to: selected, ready and not on their way out. None without a selector. */
export function endpointPods(service: Service, pods: readonly Pod[]): readonly Pod[] {
  const selector = Object.entries(service.spec.selector ?? {});
  if (selector.length === 0) {
    return [];
  }
  return pods.filter(
    (pod) =>
      pod.metadata.namespace === service.metadata.namespace &&
      selector.every(([key, value]) => pod.metadata.labels[key] === value) &&
      pod.metadata.deletionTimestamp === undefined &&
      pod.status.phase === "Running" &&
      (isPodReady(pod) || service.spec.publishNotReadyAddresses),
  );
}
