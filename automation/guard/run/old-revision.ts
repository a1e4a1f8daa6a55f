/** Before an old control plane goes: everything in the cluster that still names it. */
import { ClusterObjects } from "../facts/cluster-objects.ts";
import { readControlPlanes } from "../facts/control-planes.ts";
import { readPods } from "../facts/pods.ts";
import { compareVersions } from "../plan/versions.ts";
import { referencesTo } from "../proof/references.ts";
import { addressOf, versionOf } from "./cluster.ts";
import type { RunContext } from "./context.ts";
import type { Subject } from "./gather.ts";

/** None for other steps. Errors: cluster-unreachable, cluster-refused. */
export async function stillNamed(
  context: RunContext,
  { record, run, request }: Subject,
  signal: AbortSignal,
): Promise<readonly string[]> {
  if (request.step.kind !== "remove-old") return [];
  const objects = new ClusterObjects(context.clusters.kubernetes(addressOf(record)), signal);
  const deployments = await objects.must("Deployment");
  const old = readControlPlanes(deployments).find(({ version }) => compareVersions(version, versionOf(run.from)) === 0);
  if (old === undefined) return [];
  const found = referencesTo(old.revision, {
    namespaces: await objects.must("Namespace"),
    mutating: await objects.must("MutatingWebhookConfiguration"),
    validating: await objects.must("ValidatingWebhookConfiguration"),
    controllers: [...deployments, ...(await objects.must("StatefulSet")), ...(await objects.must("DaemonSet"))],
    helmReleases: await objects.must("HelmRelease"),
    pods: readPods(await objects.must("Pod")),
  });
  return found.map(({ kind, name, how }) => `${kind} ${name} still needs the revision ${old.revision}: ${how}`);
}
