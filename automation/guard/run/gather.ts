/** What is known of a cluster before a step: its repository, the cluster itself, and what the registry says. */
import { z } from "zod";
import { SwitchyardError } from "../../errors.ts";
import type { FileEdit } from "../edit/edit.ts";
import { inventory } from "../edit/inventory.ts";
import { branchName, branchPrefix } from "../merge-request/mark.ts";
import type { Plan, PlannedMergeRequest } from "../plan/plan.ts";
import { minorOf } from "../plan/versions.ts";
import type { ClusterRecord, RunRecord } from "../registry/record.ts";
import { type CollectInput as Collection, collectEvidence } from "../rules/collect.ts";
import { type Evidence, evidenceFile } from "../rules/evidence.ts";
import { addressOf, versionOf } from "./cluster.ts";
import { type Git, type RunContext, readersOf } from "./context.ts";
import { fleetEvidence } from "./fleet-evidence.ts";
import { branchOf, isAlone, movesControlPlane, requestsOf, sharedRequest, stepKey } from "./step.ts";
import { editsOfStep, taggedNamespaces } from "./step-edits.ts";

export interface Subject {
  readonly record: ClusterRecord;
  readonly run: RunRecord;
  readonly request: PlannedMergeRequest;
  readonly members: readonly ClusterRecord[];
  readonly now: number;
}

/** What stands in Git now, and what the step would change in it. */
export interface Repository {
  readonly git: Git | undefined;
  readonly problems: readonly string[];
  readonly edits: readonly FileEdit[];
  readonly readers: Readonly<Record<string, readonly string[]>>;
}

/** The version that a cluster should show half-way through a hop: of the control plane that decides by now. */
export function versionNow(plan: Plan, { entry }: ClusterRecord, run: RunRecord): string {
  const requests = requestsOf(plan, entry.clusterId, run);
  const moved = run.landed.some(({ index }) => {
    const step = requests[index]?.step;
    if (step === undefined) return false;
    return run.strategy === "in-place" ? movesControlPlane(step) : step.kind === "default-revision";
  });
  return moved ? run.to : run.from;
}

/**
 * Everything that is known of a cluster but its metrics: the repository, the cluster, the registry. `keeps`: whether what istioctl says
 * now is written down, to be compared with later; only a run does.
 */
export async function gathered(context: RunContext, subject: Subject, keeps: boolean, signal: AbortSignal) {
  const repository = await repositoryOf(context, subject, signal);
  return { repository, sections: await collected(context, subject, repository.git, keeps, signal) };
}

/** Refusals of the editor stop the checks: nothing of them would be written. */
async function repositoryOf(context: RunContext, subject: Subject, signal: AbortSignal): Promise<Repository> {
  const { host, settings } = context;
  const { record, run, request, members } = subject;
  const { gitlabRepo: repository, clusterId } = record.entry;
  const branch = settings.gitlab.default_target_branch;
  const head = await host.head(repository, branch, signal);
  if (head === undefined) {
    const problems = [`${repository} has no branch ${branch}`];
    return { git: undefined, problems, edits: [], readers: {} };
  }
  const files = await host.files(repository, head, signal);
  const readers = readersOf(await context.fleet(), repository);
  const mine = readers.filter(({ cluster }) => cluster === clusterId);
  const [found] = inventory(files, mine);
  const tagged = run.strategy === "revision" ? { tagged: taggedNamespaces(files, mine) } : {};
  const git = found?.git === undefined ? undefined : evidenceFile.parse({ git: { ...found.git, ...tagged } }).git;
  const alone = isAlone(run, settings);
  const own = stepKey(context.plan, { ...record, run });
  const together = alone ? [record] : members.filter((one) => stepKey(context.plan, one) === own);
  const targets = together.map(({ entry }) => entry.clusterId);
  const shared = sharedRequest(context.plan, together) ?? request;
  const edits = editsOfStep(shared, run, { files, clusters: readers, targets });
  const problems = [...(edits.kind === "refused" ? edits.problems : []), ...(found?.unproven ?? [])].map(
    ({ file, what, why, fix }) => `${file}: ${what}: ${why}. ${fix}`,
  );
  const changed = edits.kind === "refused" ? { edits: [], readers: {} } : edits;
  return { git, problems, edits: changed.edits, readers: changed.readers };
}

interface Collected {
  readonly evidence: Evidence;
  readonly problems: readonly string[];
}

async function collected(
  context: RunContext,
  { record, run, request, members, now }: Subject,
  git: Git | undefined,
  keeps: boolean,
  signal: AbortSignal,
): Promise<Collected> {
  const { clusters, store, settings, batch, fence } = context;
  const address = addressOf(record);
  const to = versionOf(run.to);
  const mesh = clusters.mesh(address, minorOf(to));
  const analysisId = `analysis-${record.entry.clusterId}-${run.from}`;
  const stored = await store.document("baseline", analysisId);
  const previous = stored === undefined ? undefined : messages.parse(JSON.parse(stored));
  const ask = (previousAnalysis: Collection["previousAnalysis"]) =>
    collectEvidence({
      kubernetes: clusters.kubernetes(address),
      mesh,
      eks: () => clusters.eks(address, signal),
      git,
      registryVersion: versionNow(context.plan, record, run),
      nextBase: request.components.includes("base") ? to : undefined,
      previousAnalysis,
      now,
      signal,
    });
  let found = await ask(previous);
  // What it says before anything moves is the baseline; always-block codes block all the same.
  if (previous === undefined && found.analysis !== undefined) {
    if (keeps) await store.keep("baseline", analysisId, JSON.stringify(found.analysis));
    found = await ask(found.analysis);
  }
  const fleet = await context.fleet();
  const registry = fleetEvidence({ clusters: fleet, batch, members, to, settings, now, fence }, record);
  const [gitlab, istioctl, alerts, artifacts] = await Promise.all([
    section("gitlab", () => gitlabSection(context, record, run, signal)),
    section("istioctl", async () => {
      const { client } = await mesh.versions(signal);
      return { version: versionOf(client), emptyEnvironment: true, explicitContext: true };
    }),
    section("alerts", context.alerts === undefined ? undefined : () => context.alerts?.(record, signal)),
    git === undefined ? undefined : context.artifacts?.(git, run.to, signal),
  ]);
  const extra = [
    gitlab,
    istioctl,
    alerts,
    artifacts === undefined ? { evidence: {} } : { evidence: { artifacts: artifacts.section } },
  ];
  return {
    evidence: Object.assign({}, found.evidence, registry, ...extra.map(({ evidence }) => evidence)),
    problems: [
      ...found.problems.map(({ section: name, why }) => `${name}: ${why}`),
      ...extra.flatMap((one) => ("problem" in one && one.problem !== undefined ? [one.problem] : [])),
      ...(artifacts?.unknown.map((why) => `artifacts: ${why}`) ?? []),
    ],
  };

  async function section<S extends keyof Evidence>(
    name: S,
    read: (() => Promise<Evidence[S]> | undefined) | undefined,
  ): Promise<{ readonly evidence: Pick<Evidence, S> | object; readonly problem?: string }> {
    try {
      const value = await read?.();
      return { evidence: value === undefined ? {} : { [name]: value } };
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof SwitchyardError)) throw error;
      return { evidence: {}, problem: `${name}: ${error.code}: ${error.message}` };
    }
  }
}

const messages = z.array(
  z.strictObject({ code: z.string(), level: z.enum(["Info", "Warning", "Error"]), origin: z.string() }),
);

/** Rule 29: our own branch is no rival, and who may merge is the project's. */
async function gitlabSection(
  { host, settings, digest, batch, plan }: RunContext,
  record: ClusterRecord,
  run: RunRecord,
  signal: AbortSignal,
): Promise<NonNullable<Evidence["gitlab"]>> {
  const { gitlabRepo: repository, fluxConfigPath } = record.entry;
  const facts = await host.facts(repository, signal);
  const of = branchOf({ plan, settings, batch }, { ...record, run }, "upgrade");
  const own = branchName(repository, of, digest);
  const open = await host.openMergeRequests(
    repository,
    branchPrefix({ kind: "upgrade", version: run.to, batch }),
    signal,
  );
  return {
    openMergeRequests: open.filter(({ source }) => source !== own).map(({ iid, source }) => ({ iid, branch: source })),
    // Our branch is looked at with its merge request (lookAtBranch): a rebase brings commits of others that are none on it.
    foreignCommits: [],
    approvalsRequired: facts.approvalsRequired,
    authorMayApprove: facts.authorMayApprove,
    pathsWithoutOwner: facts.codeOwners === undefined ? [fluxConfigPath] : [],
    tokenExpiresAt: facts.tokenExpiresAt ?? Number.MAX_SAFE_INTEGER,
  };
}
