/** Everything in a cluster that still names a revision: it may be removed only when there is nothing. Pure. */
import { z } from "zod";
import type { KubernetesObject } from "../../ports/kubernetes-api.ts";
import { list, metadata, nameOf, read, texts } from "../facts/objects.ts";
import { ownerKey, type Pod, plainRevision } from "../facts/pods.ts";

export interface Reference {
  readonly kind: "proxy" | "tag" | "webhook" | "default-validator" | "namespace" | "workload" | "release";
  readonly name: string;
  /** How it names the revision. */
  readonly how: string;
}

export interface RevisionObjects {
  readonly pods: readonly Pod[];
  readonly namespaces: readonly KubernetesObject[];
  readonly mutating: readonly KubernetesObject[];
  readonly validating: readonly KubernetesObject[];
  /** Deployments, StatefulSets and DaemonSets. */
  readonly controllers: readonly KubernetesObject[];
  readonly helmReleases: readonly KubernetesObject[];
}

const labelled = z.object({ metadata });
const configuration = z.object({
  metadata,
  webhooks: list(z.object({ clientConfig: z.object({ service: z.object({ name: z.string() }).nullish() }) })),
});
const controller = z.object({
  metadata,
  spec: z.object({ template: z.object({ metadata: z.object({ labels: texts }).nullish() }) }),
});
const release = z.object({
  metadata,
  spec: z.object({
    releaseName: z.string().nullish(),
    values: z
      .object({ revision: z.string().nullish(), defaultRevision: z.string().nullish() })
      .nullish()
      .catch(undefined),
    chart: z.object({ spec: z.object({ chart: z.string() }) }).nullish(),
  }),
});

/** `revision`: empty for the control plane without one. Errors: Unreadable. */
export function referencesTo(revision: string, objects: RevisionObjects): readonly Reference[] {
  const isIt = (label: string | null | undefined): boolean =>
    label !== null && label !== undefined && plainRevision(label) === revision;
  const service = revision === "" ? "istiod" : `istiod-${revision}`;
  const own = new Set([
    revision === "" ? "istio-sidecar-injector" : `istio-sidecar-injector-${revision}`,
    revision === "" ? "istio-validator-istio-system" : `istio-validator-${revision}-istio-system`,
  ]);
  const found: Reference[] = [];
  const proxies = new Map<string, number>();
  for (const pod of objects.pods)
    if (!pod.gone && pod.proxy?.revision === revision)
      proxies.set(ownerKey(pod), (proxies.get(ownerKey(pod)) ?? 0) + 1);
  for (const [name, count] of proxies)
    found.push({ kind: "proxy", name, how: `${count} of its proxies ${count === 1 ? "is" : "are"} connected to it` });

  let defaultTag = false;
  for (const { metadata: meta, webhooks } of read(configuration, objects.mutating)) {
    const tag = meta.labels["istio.io/tag"];
    defaultTag ||= tag === "default";
    if (tag !== undefined && isIt(meta.labels["istio.io/rev"]))
      found.push({ kind: "tag", name: tag, how: "it leads to it" });
    else if (!own.has(meta.name) && webhooks.some(({ clientConfig }) => clientConfig.service?.name === service))
      found.push({ kind: "webhook", name: meta.name, how: `it calls ${service}` });
  }
  for (const { metadata: meta, webhooks } of read(configuration, objects.validating)) {
    if (own.has(meta.name)) continue;
    const calls = webhooks.some(({ clientConfig }) => clientConfig.service?.name === service);
    if (meta.name === "istiod-default-validator" && (calls || isIt(meta.labels["istio.io/rev"])))
      found.push({
        kind: "default-validator",
        name: meta.name,
        how: `it ${calls ? `calls ${service}` : "has its label"}`,
      });
    else if (calls) found.push({ kind: "webhook", name: meta.name, how: `it calls ${service}` });
  }
  for (const { metadata: meta } of read(labelled, objects.namespaces)) {
    if (isIt(meta.labels["istio.io/rev"]))
      found.push({ kind: "namespace", name: meta.name, how: "istio.io/rev names it" });
    // Without a tag default this label is the control plane without a revision.
    else if (revision === "" && meta.labels["istio-injection"] === "enabled" && !defaultTag)
      found.push({ kind: "namespace", name: meta.name, how: "istio-injection=enabled leads to it" });
  }
  const istiods = read(labelled, objects.controllers).filter(
    ({ metadata: { labels } }) => labels["app"] === "istiod" && isIt(labels["istio.io/rev"]),
  );
  const isIstiod = new Set(istiods.map(({ metadata: meta }) => nameOf(meta)));
  for (const { metadata: meta, spec } of read(controller, objects.controllers))
    if (isIt(spec.template.metadata?.labels["istio.io/rev"]) && !isIstiod.has(nameOf(meta)))
      found.push({ kind: "workload", name: nameOf(meta), how: "the label istio.io/rev of its pods names it" });
  const helm = new Set(istiods.map(({ metadata: { annotations } }) => annotations["meta.helm.sh/release-name"]));
  for (const { metadata: meta, spec } of read(release, objects.helmReleases)) {
    if (helm.has(spec.releaseName ?? meta.name)) continue;
    const { revision: value, defaultRevision } = spec.values ?? {};
    // An istiod without a revision has no such value.
    if (value !== undefined && value !== "" && isIt(value))
      found.push({ kind: "release", name: nameOf(meta), how: "its value revision names it" });
    if (defaultRevision !== undefined && isIt(defaultRevision))
      found.push({ kind: "release", name: nameOf(meta), how: "its value defaultRevision names it" });
  }
  return found;
}
