/** Which control plane puts the sidecar into the next pod of a namespace: labels, tags, revisions. Pure. */
import { z } from "zod";
import type { KubernetesObject } from "../../ports/kubernetes-api.ts";
import type { Evidence } from "../rules/evidence.ts";
import { metadata, read } from "./objects.ts";
import { plainRevision } from "./pods.ts";

type Injection = NonNullable<Evidence["injection"]>;

const labelled = z.object({ metadata });

/** Namespaces and tags. A namespace that says nothing of Istio counts too: its pods may. Errors: Unreadable. */
export function readInjection(
  namespaces: readonly KubernetesObject[],
  mutatingWebhooks: readonly KubernetesObject[],
): Injection {
  return {
    namespaces: read(labelled, namespaces).map(({ metadata: { name, labels } }) => {
      const injection = labels["istio-injection"];
      return {
        name,
        injection: injection === "enabled" || injection === "disabled" ? injection : "unset",
        revision: labels["istio.io/rev"] ?? "",
      };
    }),
    tags: read(labelled, mutatingWebhooks).flatMap(({ metadata: { labels } }) => {
      const tag = labels["istio.io/tag"];
      const revision = labels["istio.io/rev"];
      return tag === undefined || revision === undefined ? [] : [{ tag, revision: plainRevision(revision) }];
    }),
  };
}

/** Where Istio never injects. */
const ignoredNamespaces: readonly string[] = ["kube-system", "kube-public", "kube-node-lease", "local-path-storage"];

/**
 * Revision of the control plane that injects a pod with these labels; empty for the one without, undefined: none does.
 * `revisions`: those that run.
 */
export function injectedBy(
  injection: Injection,
  revisions: readonly string[],
  place: string,
  labels: Readonly<Record<string, string>>,
): string | undefined {
  if (labels["sidecar.istio.io/inject"] === "false" || ignoredNamespaces.includes(place)) return undefined;
  const space = injection.namespaces.find(({ name }) => name === place);
  if (space?.injection === "disabled") return undefined;
  const resolve = (name: string): string | undefined => {
    const through = injection.tags.find(({ tag }) => tag === name)?.revision;
    const revision = through ?? plainRevision(name);
    return revisions.includes(revision) ? revision : undefined;
  };
  // istio-injection wins over istio.io/rev of the namespace (IST0123).
  if (space?.injection === "enabled") return resolve("default");
  const asked = space?.revision || labels["istio.io/rev"];
  if (asked !== undefined && asked !== "") return resolve(asked);
  return labels["sidecar.istio.io/inject"] === "true" ? resolve("default") : undefined;
}
