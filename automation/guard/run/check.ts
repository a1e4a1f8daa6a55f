/** The checks before a merge request: evidence judged by the rules, and kept with the baseline. */

import { type Baseline, baselineEvidence, baselineRecord, baselineText, takeBaseline } from "../judge/baseline.ts";
import { signalsOf } from "../judge/signals.ts";
import { limitsOf } from "../judge/thresholds.ts";
import { inline } from "../merge-request/markdown.ts";
import { isStepwise, noPlan } from "../plan/plan.ts";
import type { ClusterRecord, RunRecord } from "../registry/record.ts";
import { judge, laterStepRules, type Verdict, verdictOver } from "../rules/book.ts";
import { type Evidence, evidenceFile, type Situation } from "../rules/evidence.ts";
import type { Finding } from "../rules/rule.ts";
import type { GuardConfig } from "../settings.ts";
import { versionOf } from "./cluster.ts";
import { type RunContext, type RunPorts, recordOf } from "./context.ts";
import type { BatchView } from "./decide.ts";
import { gathered, type Subject, versionNow } from "./gather.ts";
import { holdBack } from "./hold-back.ts";
import { istiodBefore, subjectOf } from "./metric-subject.ts";
import { stillNamed } from "./old-revision.ts";
import * as outcomes from "./outcomes.ts";
import { peersOf } from "./peers.ts";
import { beginRun, begunTogether, firstRequest, openRequestOf, requestOf, requestsOf } from "./step.ts";

export async function checkStep(
  context: RunContext,
  cluster: string,
  view: BatchView,
  signal: AbortSignal,
): Promise<outcomes.Outcome> {
  const record = recordOf(view, cluster);
  const request = requestOf(context.plan, record);
  if (record.run === undefined || request === undefined) throw new RangeError("there is nothing to check");
  const subject = { record, run: record.run, request, members: view.clusters, now: view.now };
  const result = await checked(context, subject, signal);
  const open = openRequestOf(record);
  if (result.kind === "refused" && open !== undefined) {
    const why = `Do not merge this: ${inline(cluster, 100)} does not pass its checks any more. ${inline(result.why, 2_000)}\n\nGuard checks again, and takes the draft back when they pass.`;
    await holdBack(context, open, { why, marker: `guard-held-${cluster}-${record.run.step.checkedAt ?? 0}` }, signal);
  }
  return outcomes.afterCheck(record, result, view.now);
}

export interface Look {
  readonly verdict: Verdict["kind"];
  readonly findings: readonly Finding[];
  /** What the editor refuses, and what it cannot prove. */
  readonly refusals: readonly string[];
  /** What could not be read, and why. */
  readonly problems: readonly string[];
}

/** What a run would be told of one cluster at the first merge request of a hop; nothing is kept. */
export async function lookAtCluster(
  ports: RunPorts,
  settings: GuardConfig,
  record: ClusterRecord,
  all: readonly ClusterRecord[],
  { to, strategy }: Pick<RunRecord, "to" | "strategy">,
  signal: AbortSignal,
): Promise<Look> {
  const { entry } = record;
  const now = ports.clock.wall();
  const run = beginRun({ plan: "none", hop: 0, from: entry.currentIstioVersion, to, strategy }, now);
  const request = firstRequest(strategy, entry.ambient);
  const context = { ...ports, settings, batch: entry.batchId, fence: 0, plan: noPlan(to), fleet: async () => all };
  const batch = all.filter((one) => one.entry.batchId === entry.batchId);
  const subject = { record: { ...record, run }, run, request, members: begunTogether(batch, run), now };
  const { repository, sections } = await gathered(context, subject, false, signal);
  const evidence = { ...sections.evidence, ...(await measuredNow(context, subject, signal)) };
  const judged = judge(situationOf(subject, evidence, to, isStepwise(evidence, strategy)));
  const { findings } = verdictOver([...judged.findings, ...(await ports.customChecks(record, signal))]);
  const { problems: refusals } = repository;
  const { problems } = sections;
  return { verdict: verdictOf(findings, refusals, problems), findings, refusals, problems };
}

/** Passed only where nothing stops a run (whyNot). */
function verdictOf(
  findings: readonly Finding[],
  refusals: readonly string[],
  problems: readonly string[],
): Verdict["kind"] {
  if (refusals.length > 0) return "blocked";
  const { kind } = verdictOver(findings);
  return problems.length > 0 && kind === "passed" ? "undecided" : kind;
}

/** What a baseline would say, of one that nobody keeps. */
export async function measuredNow(
  context: RunContext,
  subject: Subject,
  signal: AbortSignal,
): Promise<Pick<Evidence, "metricsBaseline">> {
  const baseline = await freshBaseline(context, subject, {}, signal);
  return baseline === undefined ? {} : asEvidence(context, subject, baseline, true);
}

async function asEvidence(
  context: RunContext,
  { record, run, members }: Subject,
  baseline: Baseline,
  immutable: boolean,
): Promise<Pick<Evidence, "metricsBaseline">> {
  const section = baselineEvidence(baseline, immutable);
  if (section === undefined) return {};
  const moving = new Set(members.map(({ entry }) => entry.clusterId));
  const peers = peersOf(await context.fleet(), record, baseline).filter(({ entry }) => !moving.has(entry.clusterId));
  const { thresholds, baseline_hours: hoursAllowed } = context.settings.validation;
  const { min_requests: requestsNeeded } = limitsOf(thresholds, run.thresholds, context.thresholds);
  const limits = { unchangedClusters: peers.length, requestsNeeded, hoursAllowed };
  return evidenceFile.parse({ metricsBaseline: { ...section, ...limits } });
}

function situationOf(
  { record, run, now }: Subject,
  evidence: Evidence,
  target: string,
  stepwise: boolean,
  from = run.from,
): Situation {
  return {
    cluster: record.entry.clusterId,
    at: now,
    production: record.entry.production,
    hop: {
      from: versionOf(from),
      to: versionOf(run.to),
      strategy: run.strategy,
      final: run.to === target,
      stepwise,
    },
    evidence,
  };
}

async function checked(context: RunContext, subject: Subject, signal: AbortSignal): Promise<outcomes.Checked> {
  const { record, run } = subject;
  const { repository, sections } = await gathered(context, subject, true, signal);
  const baseline = await baselineOf(context, subject, sections.evidence, signal);
  const evidence: Evidence = { ...sections.evidence, ...baseline.evidence };
  const stepwise = requestsOf(context.plan, record.entry.clusterId, run).length > 1;
  const situation = situationOf(
    subject,
    evidence,
    context.plan.target,
    stepwise,
    versionNow(context.plan, record, run),
  );
  const further = run.landed.length > 0;
  const verdict = judge(situation, further ? { rules: laterStepRules } : {});
  const findings = [...verdict.findings, ...(await context.customChecks(record, signal))];
  const { problems } = sections;
  const refusals = [...repository.problems, ...(await stillNamed(context, subject, signal))];
  const said = { verdict: verdictOf(findings, refusals, problems), findings, refusals, problems };
  const kept = await keepEvidence(context, subject, { ...said, evidence });
  const why = whyNot(findings, [...refusals, ...problems]);
  if (why !== undefined) return { kind: "refused", why, evidence: kept };
  return { kind: "passed", baseline: baseline.id, evidence: kept };
}

async function freshBaseline(
  { metrics, settings }: RunContext,
  { record, run, request, now }: Subject,
  evidence: Pick<Evidence, "controlPlanes">,
  signal: AbortSignal,
): Promise<Baseline | undefined> {
  if (metrics === undefined) return undefined;
  const { source, language } = metrics;
  const asked = {
    cluster: record.entry.clusterId,
    source,
    language,
    subject: subjectOf(record, istiodBefore(run, request, evidence)),
    signals: signalsOf(settings.metrics),
    services: settings.metrics.services,
  };
  return takeBaseline(asked, now, signal);
}

/** Taken before anything moves, and kept as it is: what is compared later must not know of the upgrade. */
async function baselineOf(
  context: RunContext,
  subject: Subject,
  seen: Pick<Evidence, "controlPlanes">,
  signal: AbortSignal,
): Promise<{ readonly id: string | undefined; readonly evidence: Pick<Evidence, "metricsBaseline"> }> {
  const { settings, store } = context;
  const { record, run, now } = subject;
  const known = run.baseline === undefined ? undefined : await store.document("baseline", run.baseline);
  const before = known === undefined ? undefined : baselineRecord.parse(JSON.parse(known));
  const young = before !== undefined && now - before.at <= settings.validation.baseline_hours * 3_600_000;
  // Only the removal of the old control plane is days behind the upgrade, and is judged for itself.
  const underWay = run.landed.length > 0 && subject.request.step.kind !== "remove-old";
  const keepIt = before !== undefined && (young || underWay);
  const baseline = keepIt ? before : await freshBaseline(context, subject, seen, signal);
  if (baseline === undefined) return { id: undefined, evidence: {} };
  const id =
    keepIt && run.baseline !== undefined ? run.baseline : `${record.entry.clusterId}-${run.plan}-${baseline.at}`;
  const immutable = keepIt || (await store.keep("baseline", id, baselineText(baseline)));
  return { id, evidence: await asEvidence(context, subject, baseline, immutable) };
}

async function keepEvidence(
  { store }: RunContext,
  { record, run, now }: Subject,
  found: Look & { readonly evidence: Evidence },
): Promise<string> {
  const id = `${record.entry.clusterId}-${run.plan}-${run.step.index}-${run.step.attempt}-${now}`;
  await store.keep("evidence", id, JSON.stringify({ at: now, ...found }));
  return id;
}

const said = 5;

/** The first reasons, whole; undefined: nothing stands in the way. */
function whyNot(findings: readonly Finding[], problems: readonly string[]): string | undefined {
  const stops = findings.filter(({ level }) => level === "block" || level === "undecided");
  if (stops.length === 0 && problems.length === 0) return undefined;
  const lines = [...stops.map((finding) => findingText(finding)), ...problems];
  const more = lines.length - said;
  return `${lines.slice(0, said).join("; ")}${more > 0 ? `; and ${more} more` : ""}`.slice(0, 1_900);
}

const findingText = ({ rule, check, level, subject, evidence, fix }: Finding): string =>
  `${level} ${rule} ${check}: ${subject}: ${evidence}. ${fix}`;
