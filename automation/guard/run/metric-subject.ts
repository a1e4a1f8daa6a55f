/** What a query of metrics is about: a cluster, and, where it has two, one of its control planes. Pure. */
import { revisionOf } from "../edit/add-revision.ts";
import type { QuerySubject } from "../judge/queries.ts";
import type { PlannedMergeRequest } from "../plan/plan.ts";
import { formatVersion } from "../plan/versions.ts";
import type { ClusterRecord, RunRecord } from "../registry/record.ts";
import type { Evidence } from "../rules/evidence.ts";

export type ClusterSubject = Omit<QuerySubject, "service">;

/** `istiod`: Deployment of the control plane that is meant alone; undefined: there is but one. */
export const subjectOf = ({ entry }: ClusterRecord, istiod?: string): ClusterSubject => ({
  clusterName: entry.eksCluster ?? entry.clusterId,
  tags: entry.datadogTags,
  ...(istiod === undefined ? {} : { istiod }),
});

/** As Istio's chart names the Deployment. */
const istiodOf = (revision: string): string => (revision === "" ? "istiod" : `istiod-${revision}`);

/** The control plane that a baseline of this step is of; undefined in place, and where none of the run's version is known. */
export function istiodBefore(
  run: RunRecord,
  { step }: PlannedMergeRequest,
  { controlPlanes = [] }: Pick<Evidence, "controlPlanes">,
): string | undefined {
  if (run.strategy === "in-place") return undefined;
  // The old one has nothing to do any more when it is removed.
  const version = step.kind === "remove-old" ? run.to : run.from;
  const found = controlPlanes.find((one) => formatVersion(one.version) === version);
  return found === undefined ? undefined : istiodOf(found.revision);
}

/** The control plane that a soak of this step is about; undefined in place. */
export function istiodNow(
  run: RunRecord,
  request: PlannedMergeRequest | undefined,
  before: string | undefined,
): string | undefined {
  if (run.strategy === "in-place") return undefined;
  return request?.step.kind === "crds" ? before : istiodOf(revisionOf(run.to));
}
