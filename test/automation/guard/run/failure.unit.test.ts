/** The bundle of a failed upgrade over a simulated fleet: it is kept, without secrets, and the way back never waits for it. */
import { describe, expect, it } from "vitest";
import { createFleet, type Fleet } from "../../../../automation/drill/guard/fleet.ts";
import { effectDuration } from "../../../../automation/guard/events/telemetry.ts";
import { planDigest } from "../../../../automation/guard/plan/digest.ts";
import { parseVersion } from "../../../../automation/guard/plan/versions.ts";
import type { ClusterRecord } from "../../../../automation/guard/registry/record.ts";
import { createRegistry } from "../../../../automation/guard/registry/registry.ts";
import type { RunPorts } from "../../../../automation/guard/run/context.ts";
import { keptFailure } from "../../../../automation/guard/run/failure.ts";
import { planBatch } from "../../../../automation/guard/run/make-plan.ts";
import { type RunOptions, runBatch } from "../../../../automation/guard/run/run-batch.ts";
import type { KubernetesApi } from "../../../../automation/ports/kubernetes-api.ts";
import { noTelemetry } from "../../../../automation/ports/telemetry.ts";

const secret = "q7Zk2vXw9LmN4pRt8sYb";
const answer = {
  summary: "istiod of <cluster-1> was slow",
  likely_cause: "its log says so",
  confidence: "low",
  evidence: [],
  next_steps: ["Look at <cluster-1>."],
};

/** A batch of two after its merge; c-001 gets worse at once, so that gate A fails. */
async function failing(change: (ports: RunPorts, fleet: Fleet) => RunPorts = (ports) => ports) {
  const fleet = await createFleet({
    clusters: 2,
    waves: 1,
    now: Date.parse("2026-12-01T10:00:00Z"),
    istio: "1.30.5",
    kubernetes: "1.33",
    digest: planDigest,
  });
  const target = parseVersion("1.31.1");
  if (target === undefined) throw new Error("no version");
  const ports = change(fleet.ports, fleet);
  const { settings } = fleet;
  const planned = await fleet.clock.run(() =>
    planBatch(fleet.ports, {
      batch: "wave-01",
      target,
      strategy: "in-place",
      settings,
      signal: new AbortController().signal,
    }),
  );
  if (planned.kind !== "plan") throw new Error(JSON.stringify(planned.refusals));
  const { plan } = planned;
  const warnings: string[] = [];
  const go = (options: Partial<RunOptions> = {}, given = ports) =>
    fleet.clock.run(() =>
      runBatch(given, {
        batch: "wave-01",
        plan,
        settings,
        holder: "test",
        start: false,
        until: "end",
        onWarning: (text) => void warnings.push(text),
        onMove: (_, after) => {
          if (after.state === "rollback_mr_created") void fleet.mergeAll("bob");
        },
        ...options,
      }),
    );
  await go({ start: true, until: "merge-request" });
  await fleet.mergeAll("ada");
  fleet.metrics.worsen("c-001", "xds_rejects", fleet.clock.wall(), 5);
  return { fleet, go, warnings };
}

/** Log lines of every istiod hold a password. */
function chatty(ports: RunPorts): RunPorts {
  const api = (inner: KubernetesApi): KubernetesApi => ({
    ...bound(inner),
    logs: async () => `push took 9 s\npassword=${secret}\n`,
  });
  return {
    ...ports,
    clusters: { ...ports.clusters, kubernetes: (address) => api(ports.clusters.kubernetes(address)) },
  };
}

const bound = (inner: KubernetesApi): KubernetesApi => ({
  description: inner.description,
  version: (...given) => inner.version(...given),
  failingChecks: (...given) => inner.failingChecks(...given),
  list: (...given) => inner.list(...given),
  get: (...given) => inner.get(...given),
  restart: (...given) => inner.restart(...given),
  reconcile: (...given) => inner.reconcile(...given),
  logs: (...given) => inner.logs(...given),
});

const recordOf = async (fleet: Fleet, cluster: string): Promise<ClusterRecord> =>
  (await createRegistry(fleet.store).load(cluster)).record;

function timeOf({ history }: ClusterRecord, event: string): number {
  const found = history.find((one) => one.event === event);
  if (found === undefined) throw new Error(`no ${event}`);
  return found.at;
}

describe("a failure", () => {
  it("is kept with the run: reason, validation, series and logs, no secret; and nobody is asked for advice", async () => {
    const { fleet, go, warnings } = await failing(chatty);
    await go();
    const record = await recordOf(fleet, "c-001");
    expect(record.state).toBe("rollback_completed");
    expect(timeOf(record, "rollback_mr_opened") - timeOf(record, "gate_failed")).toBeLessThanOrEqual(60_000);
    const kept = await keptFailure(fleet, record);
    expect(kept).toMatchObject({
      name: record.run?.bundle,
      bundle: { cluster: "c-001", reason: record.run?.rollback?.reason, problems: [], leftOut: [] },
      advice: undefined,
    });
    expect(kept?.bundle.validation).toMatchObject({ gate: "control-plane", result: { passed: false } });
    expect(kept?.bundle.series).toContainEqual(expect.objectContaining({ name: "xds_rejects" }));
    expect(kept?.bundle.logs).toContainEqual(expect.objectContaining({ container: "discovery" }));
    expect(JSON.stringify(kept)).toContain("push took 9 s");
    expect(JSON.stringify(kept)).not.toContain(secret);
    expect(warnings).toEqual([]);
    // One that only goes back with it names the same document; it was collected once, where it failed.
    const other = await recordOf(fleet, "c-002");
    expect(other.history.map(({ event }) => event)).toContain("batch_failed");
    expect(other.run?.bundle).toBe(record.run?.bundle);
    expect(await keptFailure(fleet, other)).toEqual(kept);
  });

  it("is not waited for: a cluster that never answers holds no merge request up, and it ends with a warning", async () => {
    let silent = true;
    const { fleet, go, warnings } = await failing((ports) => ({
      ...ports,
      clusters: {
        ...ports.clusters,
        kubernetes: (address) => {
          const inner = ports.clusters.kubernetes(address);
          return {
            ...bound(inner),
            list: (type, ...given) =>
              silent && type.kind === "Event" ? new Promise(() => {}) : inner.list(type, ...given),
          };
        },
      },
    }));
    await go();
    const record = await recordOf(fleet, "c-001");
    expect(timeOf(record, "rollback_mr_opened") - timeOf(record, "gate_failed")).toBeLessThanOrEqual(60_000);
    expect(warnings).toEqual(["What the failure of c-001 looked like was not kept: it took longer than 60 s"]);
    expect(await keptFailure(fleet, record)).toBeUndefined();
    // The next process finds its name, and collects it, also where it sees the one that went back with it first.
    silent = false;
    await go({ until: "once" });
    expect(await keptFailure(fleet, await recordOf(fleet, "c-002"))).toMatchObject({
      name: record.run?.bundle,
      bundle: { cluster: "c-001" },
    });
  });

  it("is told to a language model without secrets and names, and the advice is kept beside it", async () => {
    const asked: string[] = [];
    const { fleet, go, warnings } = await failing((ports) => ({
      ...chatty(ports),
      languageModel: {
        description: "a model",
        complete: async ({ prompt }) => {
          asked.push(prompt);
          return JSON.stringify(answer);
        },
      },
    }));
    await go();
    const kept = await keptFailure(fleet, await recordOf(fleet, "c-001"));
    expect(kept?.advice?.report).toMatchObject({ summary: "istiod of c-001 was slow", next_steps: ["Look at c-001."] });
    expect(asked).toHaveLength(1);
    expect(asked[0]).toContain("xds_rejects");
    expect(asked[0]).toContain("push took 9 s");
    for (const hidden of [secret, "c-001", "c-002", "mesh/wave-01"]) expect(asked[0]).not.toContain(hidden);
    expect(warnings).toEqual([]);
    // Whoever goes on asks nobody again.
    await go({ until: "once" });
    expect(asked).toHaveLength(1);
  });

  it("keeps its bundle when the language model answers nonsense, and warns", async () => {
    const { fleet, go, warnings } = await failing((ports) => ({
      ...ports,
      languageModel: { description: "a model", complete: async () => "Roll back everything!" },
    }));
    await go();
    const kept = await keptFailure(fleet, await recordOf(fleet, "c-001"));
    expect(kept?.bundle.cluster).toBe("c-001");
    expect(kept?.advice).toBeUndefined();
    expect(warnings).toEqual(["No advice on the failure of c-001: its answer is no JSON"]);
  });

  it("of checks before anything is merged has no bundle", async () => {
    const finding = { rule: "custom", check: "stock", subject: "stock", evidence: "out", fix: "Buy.", link: "docs" };
    const { fleet } = await failing((ports) => ({
      ...ports,
      customChecks: async () => [{ ...finding, level: "block" }],
    }));
    const record = await recordOf(fleet, "c-001");
    expect(record.state).toBe("pre_check_failed");
    expect(record.run?.bundle).toBeUndefined();
  });
});

it("effects are measured by what they are and how they ended", async () => {
  const { go } = await failing();
  const effects: unknown[] = [];
  await go({
    telemetry: {
      ...noTelemetry,
      enabled: true,
      record: ({ name }, seconds, attributes) => {
        expect(seconds).toBeGreaterThanOrEqual(0);
        effects.push([name, attributes["effect"], attributes["outcome"]]);
      },
    },
  });
  expect(effects).toContainEqual([effectDuration.name, "judge", "done"]);
  expect(effects).toContainEqual([effectDuration.name, "open-rollback", "done"]);
});
