/** Rollouts of the DaemonSets of ambient and CNI. Pure. */
import { z } from "zod";
import type { KubernetesObject } from "../../ports/kubernetes-api.ts";
import type { Version } from "../plan/versions.ts";
import { imageVersion, list, metadata, number, read } from "./objects.ts";
import type { Pod } from "./pods.ts";

const daemonSet = z.object({
  metadata,
  spec: z.object({
    template: z.object({
      spec: z.object({ containers: list(z.object({ name: z.string(), image: z.string().default("") })) }),
    }),
  }),
  status: z
    .object({
      observedGeneration: number,
      desiredNumberScheduled: number,
      currentNumberScheduled: number,
      updatedNumberScheduled: number,
      numberAvailable: number,
    })
    .nullish(),
});

export interface NodeRollout {
  readonly namespace: string;
  readonly name: string;
  readonly container: string;
  readonly rollout: {
    readonly subject: string;
    readonly image: string;
    readonly generation: number;
    readonly observed: number;
    readonly wanted: number;
    readonly present: number;
    readonly updated: number;
    readonly available: number;
    /** Why Kubernetes gave up. */
    readonly stuck: string | undefined;
  };
}

const places = { cni: ["istio-cni-node", "install-cni"], ztunnel: ["ztunnel", "istio-proxy"] } as const;

/** undefined: there is none. Errors: Unreadable. */
export function readNodeRollout(
  component: keyof typeof places,
  daemonSets: readonly KubernetesObject[],
): NodeRollout | undefined {
  const [name, container] = places[component];
  const found = read(
    daemonSet,
    daemonSets.filter((one) => one.metadata.name === name),
  )[0];
  if (found === undefined) return undefined;
  const { metadata: meta, spec, status } = found;
  return {
    namespace: meta.namespace,
    name,
    container,
    rollout: {
      subject: `DaemonSet ${meta.namespace}/${name}`,
      image: spec.template.spec.containers.find((one) => one.name === container)?.image ?? "",
      generation: meta.generation ?? 0,
      observed: status?.observedGeneration ?? 0,
      wanted: status?.desiredNumberScheduled ?? 0,
      present: status?.currentNumberScheduled ?? 0,
      updated: status?.updatedNumberScheduled ?? 0,
      available: status?.numberAvailable ?? 0,
      stuck: undefined,
    },
  };
}

export interface NodePods {
  /** As people call it. */
  readonly name: "istio-cni" | "ztunnel";
  /** Of each pod whose image tells it. */
  readonly versions: readonly Version[];
}

/** What runs on the nodes now, whatever its DaemonSet asks for. Errors: Unreadable. */
export function readNodePods(daemonSets: readonly KubernetesObject[], pods: readonly Pod[]): readonly NodePods[] {
  return (["cni", "ztunnel"] as const).flatMap((component) => {
    const found = readNodeRollout(component, daemonSets);
    if (found === undefined) return [];
    const own = pods.filter(
      ({ gone, namespace, owner }) =>
        !gone && namespace === found.namespace && owner.kind === "DaemonSet" && owner.name === found.name,
    );
    const images = own.flatMap(({ fields }) => fields.spec.containers.filter(({ name }) => name === found.container));
    return [
      {
        name: component === "cni" ? "istio-cni" : component,
        versions: images.flatMap(({ image }) => imageVersion(image) ?? []),
      } as const,
    ];
  });
}
