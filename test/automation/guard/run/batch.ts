/** Records and plans of batches for the tests of a run. */

import { planDigest } from "../../../../automation/guard/plan/digest.ts";
import { makePlan, type Plan, planFile } from "../../../../automation/guard/plan/plan.ts";
import { type ClusterRecord, clusterEntry, type RunRecord } from "../../../../automation/guard/registry/record.ts";
import { transition } from "../../../../automation/guard/registry/state.ts";
import type { Move } from "../../../../automation/guard/run/decide.ts";
import { nextHop } from "../../../../automation/guard/run/step.ts";
import { type GuardConfig, guardConfig } from "../../../../automation/guard/settings.ts";

export const epoch = Date.parse("2026-12-01T10:00:00Z");

export function planOf(
  clusters: readonly string[],
  { strategy = "in-place", stepwise = false }: { strategy?: "in-place" | "revision"; stepwise?: boolean } = {},
): Plan {
  const release = (component: string, dependsOn: readonly string[]) => ({
    name: component,
    component,
    file: "istio.yaml",
    chartVersion: "1.30.5",
    source: "https://blob.istio.io/istio-release/charts",
    dependsOn: stepwise ? [] : dependsOn,
    kustomization: "istio",
    remediationRetries: 0,
    retryOnFailure: true,
    serverSideApply: false,
  });
  const git = {
    releases: [release("base", []), release("istiod", ["base"]), release("gateway", ["istiod"])],
    kustomizations: [{ name: "istio", dependsOn: [], wait: false }],
  };
  const planned = makePlan(
    planFile.parse({
      batch: "wave-1",
      target: "1.31.1",
      strategy,
      clusters: clusters.map((cluster) => ({
        cluster,
        production: true,
        istio: "1.30.5",
        kubernetes: "1.33",
        evidence: { git },
      })),
    }),
    epoch,
    planDigest,
  );
  if (planned.kind !== "plan") throw new Error(JSON.stringify(planned.refusals));
  return planned.plan;
}

export const settings = (given: Parameters<typeof guardConfig.parse>[0] = {}): GuardConfig => guardConfig.parse(given);

export function recordOf(plan: Plan, cluster: string, repository = "mesh/fleet"): ClusterRecord {
  const entry = clusterEntry.parse({
    clusterId: cluster,
    batchId: plan.batch,
    environment: "prod",
    region: "eu-central-1",
    gitlabRepo: repository,
    fluxConfigPath: `clusters/${cluster}`,
    currentIstioVersion: "1.30.5",
  });
  const found = nextHop(plan, cluster, "1.30.5");
  if (found === undefined) throw new Error("no hop");
  const run: RunRecord = {
    plan: plan.hash,
    hop: found.index,
    from: found.hop.from,
    to: found.hop.to,
    strategy: plan.strategy,
    startedAt: epoch,
    step: { index: 0, attempt: 1 },
    landed: [],
    restarted: [],
  };
  return { entry, state: "pre_check_running", since: epoch, run, history: [] };
}

/** Throws where the table refuses, so that no test passes over a move that cannot happen. */
export function moved(record: ClusterRecord, move: Move, at: number): ClusterRecord {
  const { state, pausedFrom } = record;
  const next = transition({ state, ...(pausedFrom === undefined ? {} : { pausedFrom }) }, move.event);
  if (next.kind === "refused") throw new Error(`${record.entry.clusterId}: ${next.why}`);
  return {
    entry: record.entry,
    state: next.standing.state,
    ...(next.standing.pausedFrom === undefined ? {} : { pausedFrom: next.standing.pausedFrom }),
    since: at,
    ...(move.run === undefined ? (record.run === undefined ? {} : { run: record.run }) : { run: move.run }),
    history: [
      ...record.history,
      {
        at,
        event: move.event,
        from: state,
        to: next.standing.state,
        by: "test",
        ...(move.note === undefined ? {} : { note: move.note }),
      },
    ],
  };
}
