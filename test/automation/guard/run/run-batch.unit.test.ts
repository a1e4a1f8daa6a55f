import { describe, expect, it } from "vitest";
import { createRegistry } from "../../../../automation/guard/registry/registry.ts";
import { storedPlan } from "../../../../automation/guard/run/make-plan.ts";
import type { RunOptions } from "../../../../automation/guard/run/run-batch.ts";
import { fleetOf, go, planOf, states } from "./simulated-run.ts";

const loose = { latency_p95_increase: 2, latency_p99_increase: 2 };
const tight = { latency_p95_increase: 0.1, latency_p99_increase: 0.1 };

describe("a run over a simulated fleet", () => {
  it.each(["undecided", "block"] as const)(
    "given a check by module says %s, nothing is opened and it is said",
    async (level) => {
      const fleet = await fleetOf();
      const finding = {
        rule: "custom",
        check: "stock",
        subject: "stock",
        evidence: "out of it",
        fix: "Buy.",
        link: "docs",
      };
      const ports = { ...fleet.ports, customChecks: async () => [{ ...finding, level }] };
      const one = await planOf(fleet);
      await go({ ...fleet, ports }, one);
      expect(await states(fleet)).toEqual([
        expect.stringMatching(`^pre_check_failed: ${level} custom stock: stock: out of it. Buy.`),
        expect.stringMatching("^pre_check_failed"),
      ]);
    },
  );

  it("given a run is told how many requests a service needs, its checks want them of the baseline", async () => {
    const fleet = await fleetOf();
    const one = await planOf(fleet);
    await go(fleet, one, { thresholds: { min_requests: 9_000_000 } });
    expect(await states(fleet)).toEqual([
      expect.stringMatching(/^pre_check_failed: block G25 baseline: all services .*fewer than 9,000,000 requests/),
      expect.stringMatching("^pre_check_failed"),
    ]);
  });

  it("given a baseline may be older than a day, checks that are made again keep it", async () => {
    const validation = { checks_valid_minutes: 1_440, baseline_hours: 72 };
    const fleet = await fleetOf({ settings: { validation } });
    const one = await planOf(fleet);
    await go(fleet, one);
    await fleet.clock.run(() => fleet.clock.sleep(30 * 3_600_000));
    await go(fleet, one, { start: false, until: "once" });
    expect((await states(fleet)).join()).toContain("pre_check_running");
    await go(fleet, one, { start: false });
    expect(await states(fleet)).toEqual(["mr_created", "mr_created"]);
  });

  it("checks, opens one merge request, and after the merge proves, soaks, restarts and validates", async () => {
    const fleet = await fleetOf();
    const one = await planOf(fleet);
    expect(one.clusters.map(({ next }) => next?.findings.filter(({ level }) => level === "block"))).toEqual([[], []]);
    expect(await storedPlan(fleet.ports, one.hash)).toEqual(one);
    expect(one).toMatchObject({ verdict: "passed", warnings: [] });
    expect(one.clusters[0]?.files?.map(({ path }) => path).toSorted()).toEqual([
      "istio/c-001/base.yaml",
      "istio/c-001/gateway.yaml",
      "istio/c-001/istiod.yaml",
    ]);
    await go(fleet, one);
    expect(await states(fleet)).toEqual(["mr_created", "mr_created"]);
    expect(await fleet.mergeAll("ada")).toBe(1);
    await go(fleet, one, { start: false, until: "end" });
    expect(await states(fleet)).toEqual(["upgraded", "upgraded"]);
    expect([...fleet.cluster("c-001").proxies().keys()]).toEqual(["1.31.1"]);
  });

  it("given the project wants a rebase and main has moved, it says so before anybody approves", async () => {
    const fleet = await fleetOf();
    fleet.host.configure("mesh/wave-01", { approvalsRequired: 1, fastForwardOnly: true });
    const one = await planOf(fleet);
    await go(fleet, one);
    const waits: string[] = [];
    const look = () =>
      go(fleet, one, { start: false, until: "once", onWaits: (all) => waits.push(...all.map(({ why }) => why)) });
    await look();
    expect(waits.join()).toContain("approvals is missing");
    waits.length = 0;
    fleet.host.push("mesh/wave-01", "main", "anna", "Notes", [{ kind: "create", path: "README.md", text: "notes" }]);
    await look();
    expect(waits.join()).toContain("behind the target: rebase it before anybody approves it");
  });

  it("given the repository cannot be edited, the plan says why, and a run opens nothing", async () => {
    const fleet = await fleetOf();
    const path = "istio/c-001/istiod.yaml";
    const text = fleet.host.text("mesh/wave-01", fleet.host.fetched("mesh/wave-01", "main").commit, path) ?? "";
    const floating = text.replace('version: "1.30.5"', "version: 1.30.x");
    fleet.host.push("mesh/wave-01", "main", "bob", "float", [{ kind: "update", path, text: floating }]);
    const one = await planOf(fleet);
    expect(one.warnings.join()).toContain(path);
    await go(fleet, one);
    expect(await states(fleet)).toEqual([
      expect.stringContaining("pre_check_failed"),
      expect.stringContaining("pre_check_failed"),
    ]);
    expect(fleet.host.count("mesh/wave-01")).toBe(0);
  });

  it("given traffic gets worse after the data plane moved, the batch goes back by one merge request, and the skew is measured", async () => {
    const fleet = await fleetOf();
    const one = await planOf(fleet);
    await go(fleet, one);
    await fleet.mergeAll("ada");
    fleet.metrics.ail("c-002", { from: fleet.clock.wall() + 20 * 60_000, latency: 1.4, errors: 0.004 });
    const stop = new AbortController();
    const end = go(fleet, one, { start: false, until: "end", signal: stop.signal, onMove: mergeWhenBack });
    await end;
    expect(await states(fleet)).toEqual([
      expect.stringMatching(/^rollback_completed: the data plane was ahead of its control plane for \d+ s$/),
      expect.stringMatching(/^rollback_completed: the data plane was ahead/),
    ]);
    expect([...fleet.cluster("c-001").proxies().keys()]).toEqual(["1.30.5"]);
    // CRDs stay (rule 9).
    expect(fleet.cluster("c-001").charts().get("istio-base")).toBe("1.31.1");
    expect(fleet.cluster("c-001").charts().get("istiod")).toBe("1.30.5");
    const { requests } = fleet.host;
    expect(requests).toBeLessThan(120);
    const { description } = await fleet.ports.host.mergeRequest("mesh/wave-01", 2);
    expect(description).toMatch(/^- c-002, p95&#58; [\d.]+ now, [\d.]+ before; 0\.1 is the limit/m);
    expect(description).toContain("npx switchyard guard bundle --cluster c-002");

    function mergeWhenBack(_: unknown, after: { state: string }): void {
      if (after.state === "rollback_mr_created") void fleet.mergeAll("bob");
    }
  });

  it.each([
    ["as the run was told", { run: "manual", monitor: undefined }, "restarting_data_plane"],
    ["as a monitor is told, before the run", { run: "manual", monitor: "automatic" }, "upgraded"],
    ["as the settings say", { run: undefined, monitor: undefined }, "upgraded"],
  ] as const)("restarts workloads %s", async (_, said, expected) => {
    const fleet = await fleetOf();
    const one = await planOf(fleet);
    await go(fleet, one, { restart: said.run });
    const warnings: string[] = [];
    await go(fleet, one, { restart: "automatic", onWarning: (text) => warnings.push(text) });
    expect(warnings).toHaveLength(2);
    await fleet.mergeAll("ada");
    const stop = new AbortController();
    const onWaits: RunOptions["onWaits"] = (waits) => {
      if (waits.every(({ why }) => /^a person restarts \d+: /.test(why))) stop.abort();
    };
    const end = go(fleet, one, { start: false, until: "end", restart: said.monitor, signal: stop.signal, onWaits });
    await end.catch((error: unknown) => expect(stop.signal.aborted, String(error)).toBe(true));
    expect(await states(fleet)).toEqual([expected, expected]);
  });

  it.each([
    ["said where the run began", { run: loose, monitor: undefined }, "upgraded"],
    ["said to a monitor, before those of the run", { run: loose, monitor: tight }, "rollback_mr_created"],
    ["of the settings", { run: undefined, monitor: undefined }, "rollback_mr_created"],
  ])("holds to the limits %s", async (_, said, expected) => {
    const fleet = await fleetOf();
    const one = await planOf(fleet);
    await go(fleet, one, { thresholds: said.run });
    await fleet.mergeAll("ada");
    fleet.metrics.ail("c-002", { from: fleet.clock.wall() + 20 * 60_000, latency: 1.4, errors: 0 });
    await go(fleet, one, { start: false, until: "once", thresholds: said.monitor });
    const stop = new AbortController();
    const seen = new Set<string>();
    const end = go(fleet, one, {
      start: false,
      until: "end",
      thresholds: said.monitor,
      signal: stop.signal,
      onMove: (__, after) => {
        seen.add(after.state);
        if (after.state === "rollback_mr_created") stop.abort();
      },
    });
    await end.catch((error: unknown) => expect(stop.signal.aborted, String(error)).toBe(true));
    expect([...seen]).toContain(expected);
  });

  it("keeps each workload that it restarts with the run and its history, there and back", async () => {
    const fleet = await fleetOf({ clusters: 1 });
    const one = await planOf(fleet);
    await go(fleet, one);
    await fleet.mergeAll("ada");
    fleet.metrics.ail("c-001", { from: fleet.clock.wall() + 20 * 60_000, latency: 1.4, errors: 0.004 });
    const kept: Record<string, readonly string[]> = {};
    await go(fleet, one, {
      start: false,
      until: "end",
      onMove: (before, after, { event }) => {
        if (after.state === "rollback_mr_created") void fleet.mergeAll("bob");
        if (event === "data_plane_moved" || event === "rolled_back")
          kept[event] = before.run?.restarted.toSorted() ?? [];
      },
    });
    const deployments = fleet.cluster("c-001").api.all({ apiVersion: "apps/v1", kind: "Deployment" });
    const marked = deployments
      .filter((each) => JSON.stringify(each).includes("restartedAt"))
      .map(({ metadata: { namespace, name } }) => `Deployment ${namespace ?? ""}/${name}`)
      .toSorted();
    expect(marked.length).toBeGreaterThan(2);
    expect(kept["data_plane_moved"]).toEqual(expect.arrayContaining(marked));
    expect(kept["rolled_back"]).toEqual(kept["data_plane_moved"]);
    const [loaded] = await createRegistry(fleet.store).loadAll();
    const waves = loaded?.record.history.filter(({ event }) => event === "workloads_restarted") ?? [];
    expect(new Set(waves.map(({ to }) => to))).toEqual(new Set(["restarting_data_plane", "rollback_mr_merged"]));
    for (const name of marked) expect(waves.filter(({ note }) => note?.includes(name))).toHaveLength(2);
  });

  it("given gate A fails, going back breaks no version rule", async () => {
    const fleet = await fleetOf();
    const one = await planOf(fleet);
    await go(fleet, one);
    await fleet.mergeAll("ada");
    fleet.metrics.worsen("c-001", "xds_rejects", fleet.clock.wall(), 5);
    await go(fleet, one, {
      start: false,
      until: "end",
      onMove: (_, after) => {
        if (after.state === "rollback_mr_created") void fleet.mergeAll("bob");
      },
    });
    expect(await states(fleet)).toEqual([
      expect.stringContaining("rollback_completed"),
      expect.stringContaining("rollback_completed"),
    ]);
    const [record] = await createRegistry(fleet.store).loadAll();
    expect(record?.record.run?.rollback).toMatchObject({ askedBy: "gate A", dataPlaneMoved: false });
    expect(record?.record.run?.rollback?.skewFrom).toBeUndefined();
  });

  it("given gate A fails and pods have started by themselves under the new control plane, these restart, and no others", async () => {
    const fleet = await fleetOf();
    const one = await planOf(fleet);
    await go(fleet, one);
    await fleet.mergeAll("ada");
    let rolled: string | undefined;
    await go(fleet, one, {
      start: false,
      until: "end",
      onMove: (_, { state }) => {
        if (state === "rollback_mr_created") void fleet.mergeAll("bob");
        if (state !== "soaking_control_plane" || rolled !== undefined) return;
        const workload = fleet.cluster("c-001").workload("Deployment", "shop", "cart");
        rolled = workload.spec.name;
        workload.roll({ env: { DEPLOY: "2" } });
        fleet.metrics.worsen("c-001", "xds_rejects", fleet.clock.wall() + 120_000, 5);
      },
    });
    expect(await states(fleet)).toEqual([
      expect.stringMatching(/^rollback_completed: the data plane was ahead of its control plane for \d+ s$/),
      "rollback_completed",
    ]);
    expect([...fleet.cluster("c-001").proxies().keys()]).toEqual(["1.30.5"]);
    const deployments = fleet.cluster("c-001").api.all({ apiVersion: "apps/v1", kind: "Deployment" });
    const restarted = deployments.filter((each) => JSON.stringify(each).includes("restartedAt"));
    expect(restarted.map(({ metadata }) => metadata.name)).toEqual([rolled]);
    expect((await fleet.ports.host.mergeRequest("mesh/wave-01", 2)).description).toContain(
      "Guard has restarted no workload. Pods that started by themselves",
    );
  });

  it("given the metrics fall silent, nothing passes: the soak extends once and then a person is asked", async () => {
    const fleet = await fleetOf();
    const one = await planOf(fleet);
    await go(fleet, one);
    await fleet.mergeAll("ada");
    fleet.metrics.silence("c-001");
    const end = await go(fleet, one, { start: false, until: "end" });
    expect(end.clusters.map(({ state }) => state)).toEqual(["paused", expect.stringMatching(/upgraded|paused/)]);
  });

  it("given a source of charts does not answer, the clusters say why, not only that nobody knows", async () => {
    const fleet = await fleetOf();
    const why = "chart base 1.31.1 at https://charts.example.com: no answer within 30000 ms";
    const ports = { ...fleet.ports, artifacts: async () => ({ section: [], unknown: [why] }) };
    const one = await planOf(fleet);
    await go({ ...fleet, ports }, one);
    expect(await states(fleet)).toEqual([
      expect.stringContaining(`pre_check_failed`),
      expect.stringContaining(`artifacts: ${why}`),
    ]);
  });

  it("given nothing proves the order, CRDs, control plane and gateways follow each other by merge requests of their own", async () => {
    const fleet = await fleetOf({ clusters: 1, unordered: true });
    const one = await planOf(fleet);
    await go(fleet, one, {
      until: "end",
      onMove: (_, after) => {
        if (after.state === "mr_created") void fleet.mergeAll("ada");
      },
    });
    expect(await states(fleet)).toEqual(["upgraded"]);
    expect(fleet.host.count("mesh/wave-01")).toBe(3);
    expect([...fleet.cluster("c-001").proxies().keys()]).toEqual(["1.31.1"]);
  });

  describe("by revision", () => {
    it("moves shares of the namespaces by merge requests, each restarts only its own, and the old one goes last", async () => {
      const fleet = await fleetOf({ clusters: 1, strategy: "revision" });
      const one = await planOf(fleet, "1.31.1", "revision");
      const seen: string[] = [];
      await go(fleet, one, {
        until: "end",
        onMove: (_, after, { event }) => {
          if (after.state === "mr_created") void fleet.mergeAll("ada");
          if (event === "data_plane_moved")
            seen.push(
              [...fleet.cluster("c-001").proxies()]
                .map(([version, count]) => `${version}=${count}`)
                .toSorted()
                .join(" "),
            );
        },
      });
      expect(await states(fleet)).toEqual(["upgraded"]);
      expect(seen[0]).toMatch(/1\.30\.5=1\d 1\.31\.1=2/);
      expect([...fleet.cluster("c-001").proxies().keys()]).toEqual(["1.31.1"]);
      expect(fleet.cluster("c-001").charts().has("istiod-1-30-5")).toBe(false);
    });

    it("given Flux does not prune, the old control plane is not taken for gone: a person is told what is still there, and nothing goes back", async () => {
      const fleet = await fleetOf({ clusters: 1, strategy: "revision" });
      const one = await planOf(fleet, "1.31.1", "revision");
      const path = "clusters/c-001/istio.yaml";
      const text = fleet.host.text("mesh/wave-01", fleet.host.fetched("mesh/wave-01", "main").commit, path) ?? "";
      const kept = text.replace("prune: true", "prune: false");
      fleet.host.push("mesh/wave-01", "main", "bob", "keep", [{ kind: "update", path, text: kept }]);
      const merging = (_: unknown, { state }: { readonly state: string }): void => {
        if (state === "mr_created") void fleet.mergeAll("ada");
      };
      await go(fleet, one, { until: "end", onMove: merging });
      expect(await states(fleet)).toEqual([
        expect.stringMatching(
          /^paused: .*the cluster still has Deployment istio-system\/istiod-1-30-5, MutatingWebhookConfiguration istio-sidecar-injector-1-30-5, ValidatingWebhookConfiguration istio-validator-1-30-5-istio-system: uninstall/,
        ),
      ]);
    });

    it("given the new control plane alone rejects configuration, its soak goes back", async () => {
      const fleet = await fleetOf({ clusters: 1, strategy: "revision" });
      const { fresh } = fleet.metrics;
      const asked = new Set<string>();
      const rejecting: typeof fresh = {
        ...fresh,
        async query(question, signal) {
          const values = await fresh.query(question, signal);
          const of = /pilot_total_xds_rejects.*pod=~"(istiod-[\d-]+\d)-/.exec(question.query)?.[1];
          if (question.query.includes("pilot_"))
            asked.add(of ?? question.query.replace(/.*pod=~"(istiod[\d-]*\d).*/, "$1"));
          return of === "istiod-1-31-1" ? values.map(() => 5) : values;
        },
      };
      Object.assign(fleet.ports, { metrics: { ...fleet.metrics, fresh: rejecting } });
      const one = await planOf(fleet, "1.31.1", "revision");
      let reason = "";
      await go(fleet, one, {
        until: "end",
        onMove: (_, after, { event, note }) => {
          if (event === "gate_failed") reason = note ?? "";
          if (after.state === "mr_created" || after.state === "rollback_mr_created") void fleet.mergeAll("ada");
        },
      });
      expect(reason).toMatch(/^.*xds_rejects: /);
      expect([...asked].toSorted()).toEqual(["istiod-1-30-5", "istiod-1-31-1"]);
    });

    it("given traffic gets worse at a share, everything returns to the old revision, with both control planes there", async () => {
      const fleet = await fleetOf({ clusters: 1, strategy: "revision" });
      const one = await planOf(fleet, "1.31.1", "revision");
      let moved = 0;
      await go(fleet, one, {
        until: "end",
        onMove: (_, after, { event }) => {
          if (after.state === "mr_created" || after.state === "rollback_mr_created") void fleet.mergeAll("ada");
          if (event !== "data_plane_moved") return;
          moved += 1;
          // At the second share, half of the namespaces.
          if (moved === 2) fleet.metrics.ail("c-001", { from: after.since, latency: 1.5, errors: 0.01 });
        },
      });
      expect(await states(fleet)).toEqual([expect.stringContaining("rollback_completed")]);
      expect([...fleet.cluster("c-001").proxies().keys()]).toEqual(["1.30.5"]);
      expect([...fleet.cluster("c-001").charts().keys()]).toEqual(
        expect.arrayContaining(["istiod-1-30-5", "istiod-1-31-1"]),
      );
    });
  });
});
