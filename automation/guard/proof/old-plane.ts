/** What of a control plane that was removed is still in the cluster: a deleted file alone takes nothing away. Pure. */
import { z } from "zod";
import type { KubernetesObject } from "../../ports/kubernetes-api.ts";
import { readControlPlanes } from "../facts/control-planes.ts";
import { metadata, read } from "../facts/objects.ts";
import { plainRevision } from "../facts/pods.ts";
import { compareVersions, type Version } from "../plan/versions.ts";

export interface OldPlaneObjects {
  readonly deployments: readonly KubernetesObject[];
  readonly mutating: readonly KubernetesObject[];
  readonly validating: readonly KubernetesObject[];
}

const labelled = z.object({ metadata });
const kinds = { mutating: "MutatingWebhookConfiguration", validating: "ValidatingWebhookConfiguration" } as const;

/** Deployments of istiod at the old version, and webhooks of revisions that no other istiod has. Errors: Unreadable. */
export function leftOfOldPlane(old: Version, objects: OldPlaneObjects): readonly string[] {
  const planes = readControlPlanes(objects.deployments);
  const isOld = ({ version }: (typeof planes)[number]): boolean => compareVersions(version, old) === 0;
  const stay = new Set(planes.filter((one) => !isOld(one)).map(({ revision }) => revision));
  return [
    ...planes.filter(isOld).map(({ namespace, name }) => `Deployment ${namespace}/${name}`),
    ...(["mutating", "validating"] as const).flatMap((kind) =>
      read(labelled, objects[kind]).flatMap(({ metadata: { name, labels } }) => {
        const revision = labels["istio.io/rev"];
        return revision === undefined || stay.has(plainRevision(revision)) ? [] : [`${kinds[kind]} ${name}`];
      }),
    ),
  ];
}
