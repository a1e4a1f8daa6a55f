/** Facts for the upgrade notes that follow from services, hosts and gateways. Pure. */
import { z } from "zod";
import type { KubernetesObject } from "../../ports/kubernetes-api.ts";
import type { MeshFacts } from "../rules/evidence.ts";
import { list, metadata, nameOf, read, texts } from "./objects.ts";
import type { Pod } from "./pods.ts";

export interface HostObjects {
  readonly services: readonly KubernetesObject[];
  readonly serviceEntries: readonly KubernetesObject[];
  readonly destinationRules: readonly KubernetesObject[];
  readonly gateways: readonly KubernetesObject[];
}

const service = z.object({
  metadata,
  spec: z.object({ selector: texts, type: z.string().nullish() }).default({ selector: {}, type: undefined }),
});
const entry = z.object({
  metadata,
  spec: z.object({ hosts: list(z.string()), resolution: z.string().nullish() }),
});
const rule = z.object({
  metadata,
  spec: z.object({
    host: z.string(),
    trafficPolicy: z
      .object({ outlierDetection: z.object({ minHealthPercent: z.number().nullish() }).nullish() })
      .nullish(),
  }),
});
const gateway = z.object({ metadata, spec: z.object({ selector: texts }) });

type Facts = Pick<
  MeshFacts,
  | "serviceEntriesWithoutResolution"
  | "hostsInTwoNamespaces"
  | "servicesWithoutMinHealth"
  | "gatewaysMergedAcrossNamespaces"
>;

const domain = "svc.cluster.local";

/** `pods`: those that run. Errors: Unreadable. */
export function hostFacts(objects: HostObjects, pods: readonly Pod[]): Facts {
  const services = read(service, objects.services);
  const entries = read(entry, objects.serviceEntries);
  const rules = read(rule, objects.destinationRules);
  const owners = new Map<string, Set<string>>();
  const own = (host: string, namespace: string): void => {
    owners.set(host, (owners.get(host) ?? new Set()).add(namespace));
  };
  for (const { metadata: meta } of services) own(`${meta.name}.${meta.namespace}.${domain}`, meta.namespace);
  for (const { metadata: meta, spec } of entries) for (const host of spec.hosts) own(host, meta.namespace);
  return {
    serviceEntriesWithoutResolution: entries
      .filter(({ spec }) => (spec.resolution ?? "NONE") === "NONE")
      .map(({ metadata: meta }) => nameOf(meta)),
    hostsInTwoNamespaces: [...owners].filter(([, namespaces]) => namespaces.size > 1).map(([host]) => host),
    servicesWithoutMinHealth: withoutMinHealth(services, rules, pods),
    gatewaysMergedAcrossNamespaces: read(gateway, objects.gateways)
      .filter(({ metadata: meta, spec }) =>
        pods.some(
          ({ namespace, labels }) =>
            namespace !== meta.namespace &&
            labels["gateway.networking.k8s.io/gateway-name"] !== undefined &&
            Object.keys(spec.selector).length > 0 &&
            Object.entries(spec.selector).every(([name, value]) => labels[name] === value),
        ),
      )
      .map(({ metadata: meta }) => nameOf(meta)),
  };
}

/** Services in front of the mesh's pods without a DestinationRule that sets a floor. */
function withoutMinHealth(
  services: readonly z.output<typeof service>[],
  rules: readonly z.output<typeof rule>[],
  pods: readonly Pod[],
): string[] {
  const floors = new Map<string, number>();
  for (const { metadata: meta, spec } of rules) {
    const host = spec.host.includes(".") ? spec.host : `${spec.host}.${meta.namespace}.${domain}`;
    const floor = spec.trafficPolicy?.outlierDetection?.minHealthPercent ?? 0;
    floors.set(host, Math.max(floors.get(host) ?? 0, floor));
  }
  const inMesh = pods.filter(({ proxy, gateway: isGateway }) => proxy !== undefined && !isGateway);
  return services
    .filter(({ metadata: meta, spec: { selector } }) => {
      if (Object.keys(selector).length === 0) return false;
      if ((floors.get(`${meta.name}.${meta.namespace}.${domain}`) ?? 0) > 0) return false;
      return inMesh.some(
        ({ namespace, labels }) =>
          namespace === meta.namespace && Object.entries(selector).every(([name, value]) => labels[name] === value),
      );
    })
    .map(({ metadata: meta }) => nameOf(meta));
}
