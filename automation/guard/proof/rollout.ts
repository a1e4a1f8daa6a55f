/** Whether istiod and the node components run a version on every pod. Pure. */
import type { KubernetesObject } from "../../ports/kubernetes-api.ts";
import { readControlPlanes } from "../facts/control-planes.ts";
import { type NodeRollout, readNodeRollout } from "../facts/node-components.ts";
import { conditionOf, imageVersion, selects } from "../facts/objects.ts";
import { type Pod, readPods } from "../facts/pods.ts";
import { compareVersions, formatVersion, type Version } from "../plan/versions.ts";
import type { Part } from "./part.ts";

interface RolloutObjects {
  readonly deployments: readonly KubernetesObject[];
  readonly daemonSets: readonly KubernetesObject[];
  readonly pods: readonly KubernetesObject[];
}

const isAt = (image: string, version: Version): boolean => {
  const own = imageVersion(image);
  return own !== undefined && compareVersions(own, version) === 0;
};

/** istiod of a Helm release. `deployed`: Helm says that it has the version, so that another image is somebody's doing. */
export function istiodParts(
  release: string,
  version: Version,
  deployed: boolean,
  objects: RolloutObjects,
): readonly Part[] {
  const planes = readControlPlanes(objects.deployments).filter((plane) => plane.release === release);
  if (planes.length === 0)
    return [
      {
        subject: `istiod of release ${release}`,
        state: "waiting",
        code: "rolling-out",
        seen: "there is no Deployment of it",
      },
    ];
  const pods = readPods(objects.pods);
  return planes.map(({ namespace, name, image, fields: { metadata, spec, status } }) => {
    const own = pods.filter((pod) => !pod.gone && pod.namespace === namespace && selects(spec.selector, pod.labels));
    const progressing = conditionOf(status?.conditions ?? [], "Progressing");
    return rolloutPart(
      {
        subject: `Deployment ${namespace}/${name}`,
        image,
        generation: metadata.generation ?? 0,
        observed: status?.observedGeneration ?? 0,
        wanted: spec.replicas ?? 1,
        present: status?.replicas ?? 0,
        updated: status?.updatedReplicas ?? 0,
        available: status?.availableReplicas ?? 0,
        stuck: progressing?.status === "False" ? (progressing.message ?? progressing.reason ?? "") : undefined,
      },
      version,
      deployed,
      own,
      "discovery",
    );
  });
}

/** istio-cni or ztunnel. */
export function nodeComponentParts(
  component: "cni" | "ztunnel",
  version: Version,
  deployed: boolean,
  objects: RolloutObjects,
): readonly Part[] {
  const found = readNodeRollout(component, objects.daemonSets);
  if (found === undefined)
    return [{ subject: `DaemonSet of ${component}`, state: "waiting", code: "rolling-out", seen: "there is none" }];
  const own = readPods(objects.pods).filter(
    (pod) =>
      !pod.gone && pod.namespace === found.namespace && pod.owner.kind === "DaemonSet" && pod.owner.name === found.name,
  );
  return [rolloutPart(found.rollout, version, deployed, own, found.container)];
}

function rolloutPart(
  rollout: NodeRollout["rollout"],
  version: Version,
  deployed: boolean,
  pods: readonly Pod[],
  container: string,
): Part {
  const { subject, image, wanted, present, updated, available } = rollout;
  const target = formatVersion(version);
  if (!isAt(image, version))
    return deployed
      ? { subject, state: "failed", code: "wrong-image", seen: `Helm deployed ${target}, and its image is ${image}` }
      : { subject, state: "waiting", code: "rolling-out", seen: `its image is ${image}` };
  if (rollout.stuck !== undefined) return { subject, state: "failed", code: "rollout-stuck", seen: rollout.stuck };
  const waiting = (seen: string): Part => ({ subject, state: "waiting", code: "rolling-out", seen });
  if (rollout.observed < rollout.generation)
    return waiting(`it has seen generation ${rollout.observed} of ${rollout.generation}`);
  if (wanted === 0) return waiting("it is scaled to 0");
  if (updated !== wanted || available !== wanted || present !== wanted)
    return waiting(`${updated} updated and ${available} available of ${wanted}, ${present} present`);
  const behind = pods.filter(
    ({ ready, fields }) =>
      !ready || !fields.spec.containers.some(({ name, image: own }) => name === container && isAt(own, version)),
  );
  if (behind.length > 0 || pods.length !== wanted)
    return waiting(
      behind.length > 0
        ? `${behind.length} of ${pods.length} pods do not run ${target} or are not ready`
        : `${pods.length} of ${wanted} pods are seen`,
    );
  return { subject, state: "proven", seen: `${available} pods run ${target}` };
}
