/** Fields of Kubernetes objects as the server sends them, as far as versions of a mesh are read from them. Pure. */
import { z } from "zod";
import type { KubernetesObject } from "../../ports/kubernetes-api.ts";

const texts = z.record(z.string(), z.string()).nullish();
const containers = z.array(z.looseObject({ name: z.string(), image: z.string().optional() })).nullish();
const podTemplate = z.looseObject({
  metadata: z.looseObject({ labels: texts, annotations: texts }).nullish(),
  spec: z.looseObject({ containers, initContainers: containers }).nullish(),
});
const workloadShape = z.looseObject({ spec: z.looseObject({ template: podTemplate }) });
const podShape = z.looseObject({
  metadata: z.looseObject({
    labels: texts,
    annotations: texts,
    deletionTimestamp: z.string().optional(),
    ownerReferences: z
      .array(z.looseObject({ kind: z.string(), name: z.string(), controller: z.boolean().optional() }))
      .nullish(),
  }),
  spec: z.looseObject({ containers, initContainers: containers }),
  status: z.looseObject({ phase: z.string().optional() }).nullish(),
});

export interface PodView {
  /** `namespace/name` of what owns it, the hash of a ReplicaSet's name taken off. */
  readonly workload: string;
  readonly label: (name: string) => string | undefined;
  readonly annotation: (name: string) => string | undefined;
  /** Image of a container or of an init container that stays; undefined: it has none of that name. */
  readonly image: (container: string) => string | undefined;
}

export const nameOf = ({ kind, metadata: { namespace, name } }: KubernetesObject): string =>
  `${kind} ${namespace === undefined ? "" : `${namespace}/`}${name}`;

interface Template {
  readonly labels: z.output<typeof texts>;
  readonly annotations: z.output<typeof texts>;
  readonly spec:
    | { readonly containers?: z.output<typeof containers>; readonly initContainers?: z.output<typeof containers> }
    | undefined;
}

function view(workload: string, { labels, annotations, spec }: Template): PodView {
  const all = [...(spec?.containers ?? []), ...(spec?.initContainers ?? [])];
  return {
    workload,
    label: (name) => labels?.[name],
    annotation: (name) => annotations?.[name],
    image: (container) => {
      const found = all.find(({ name }) => name === container);
      return found === undefined ? undefined : (found.image ?? "");
    },
  };
}

/** The template of a Deployment; undefined for other objects. */
export function templateOf(object: KubernetesObject): PodView | undefined {
  if (object.kind !== "Deployment") return undefined;
  const parsed = workloadShape.safeParse(object);
  if (!parsed.success) return undefined;
  const { metadata, spec } = parsed.data.spec.template;
  const { namespace = "", name } = object.metadata;
  return view(`${namespace}/${name}`, {
    labels: metadata?.labels,
    annotations: metadata?.annotations,
    spec: spec ?? undefined,
  });
}

/** A pod that runs or will; undefined for other objects, for finished pods and for those that are on their way out. */
export function podOf(object: KubernetesObject): PodView | undefined {
  if (object.kind !== "Pod") return undefined;
  const parsed = podShape.safeParse(object);
  if (!parsed.success) return undefined;
  const { metadata, spec, status } = parsed.data;
  if (metadata.deletionTimestamp !== undefined) return undefined;
  if (status?.phase === "Succeeded" || status?.phase === "Failed") return undefined;
  const owner = metadata.ownerReferences?.find(({ controller }) => controller === true);
  const hash = metadata.labels?.["pod-template-hash"];
  const name =
    owner === undefined
      ? object.metadata.name
      : owner.kind === "ReplicaSet" && hash !== undefined
        ? owner.name.replace(new RegExp(`-${hash}$`), "")
        : owner.name;
  return view(`${object.metadata.namespace ?? ""}/${name}`, {
    labels: metadata.labels,
    annotations: metadata.annotations,
    spec,
  });
}

/** `1.31.1-distroless` of `docker.io/istio/proxyv2:1.31.1-distroless@sha256:…`; undefined without a tag. */
export function tagOf(image: string): string | undefined {
  const [plain = ""] = image.split("@");
  return /:([\w][\w.-]{0,127})$/.exec(plain)?.[1];
}
