import { describe, expect, test } from "vitest";
import { clusterEntry } from "../../../../automation/guard/registry/record.ts";
import { runCustomChecks } from "../../../../automation/guard/rules/custom-checks.ts";
import type { HealthCheck } from "../../../../automation/ports/health-check.ts";
import { createVirtualClock } from "../../../support/virtual-clock.ts";

const cluster = clusterEntry.parse({
  clusterId: "prod-1",
  batchId: "wave-1",
  environment: "prod",
  region: "eu-west-1",
  gitlabRepo: "mesh/fleet",
  fluxConfigPath: "clusters/prod-1",
  currentIstioVersion: "1.30.5",
});
const check = (run: HealthCheck["run"]): HealthCheck => ({ name: "c", options: {}, run });
const passed = (id: string) => ({
  cluster_id: id,
  check_name: "c",
  status: "PASS",
  message: "",
  timestamp: "2026-11-24T09:00:00Z",
});
const tools = { kubernetes: undefined, metrics: undefined };

describe("custom checks", () => {
  test("one that hangs is undecided at its deadline, and is told to stop; the others go on", async () => {
    const clock = createVirtualClock();
    let stopped = false;
    const hangs = check(
      (_, { signal }) =>
        new Promise(() => {
          signal.addEventListener("abort", () => {
            stopped = true;
          });
        }),
    );
    const fine = check(async ({ cluster_id }) => passed(cluster_id));
    const outcomes = await clock.run(() =>
      runCustomChecks([hangs, fine], cluster, { ...tools, clock, deadlineMs: 5_000 }),
    );
    expect(outcomes).toMatchObject([
      { kind: "broken", why: "it did not answer within 5 s" },
      { kind: "result", result: { status: "PASS", details: {} } },
    ]);
    expect(stopped).toBe(true);
  });

  test("one that throws, at once or later, is undecided; so is one that speaks of another cluster", async () => {
    const clock = createVirtualClock();
    const outcomes = await runCustomChecks(
      [
        check(() => {
          throw new Error("at once");
        }),
        check(async () => {
          throw new Error("later");
        }),
        check(async () => passed("prod-2")),
      ],
      cluster,
      { ...tools, clock },
    );
    expect(outcomes.map((one) => (one.kind === "broken" ? one.why : one.kind))).toEqual([
      "it failed: at once",
      "it failed: later",
      "it answered for prod-2 and was asked about prod-1",
    ]);
  });

  test("an abort is the caller's, not a finding", async () => {
    const clock = createVirtualClock();
    const reason = new Error("stopped");
    const controller = new AbortController();
    const running = runCustomChecks(
      [check(() => new Promise(() => {}))],
      cluster,
      { ...tools, clock },
      controller.signal,
    );
    controller.abort(reason);
    await expect(running).rejects.toBe(reason);
  });
});
