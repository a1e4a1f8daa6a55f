import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { z } from "zod";
import { type GuardWorld, openGuardWorld } from "../../support/guard/guard-world.ts";
import { type ModelServer, serveModel } from "../../support/model-server.ts";
import { type OtlpCollector, startCollector } from "../../support/otlp-collector.ts";

// An upgrade that fails is kept, a language model is asked for advice without names, and a command shows both. What guard measures of itself
// reaches a collector.

let world: GuardWorld;
let model: ModelServer;
let collector: OtlpCollector;
beforeAll(async () => {
  collector = await startCollector();
  [world, model] = await Promise.all([
    openGuardWorld({ failing: ["f-1"] }, { OTEL_EXPORTER_OTLP_ENDPOINT: collector.endpoint }),
    serveModel(),
  ]);
  model.say(
    JSON.stringify({
      summary: "<cluster-1> is ill",
      likely_cause: "rejects",
      confidence: "low",
      evidence: [],
      next_steps: ["Look at <cluster-1>."],
    }),
  );
  const path = join(world.root, "switchyard.yaml");
  const settings = z.looseObject({ guard: z.looseObject({}) }).parse(JSON.parse(await readFile(path, "utf8")));
  const llm = { enabled: true, provider: "ollama", model: "small", endpoint: model.url };
  await writeFile(path, JSON.stringify({ ...settings, guard: { ...settings.guard, llm } }));
});
afterAll(async () => {
  await world.close();
  await model.close();
  await collector.close();
});

test("a failed gate is kept beside its way back, with advice", async () => {
  await world.result("registry", "import", join(world.root, "clusters.yaml"));
  await world.result("run", "--batch", "failing", "--target-version", "1.31.1");
  await world.gitlab.hands.approve("mesh/failing", 1, "anna");
  await world.gitlab.hands.merge("mesh/failing", 1, { method: "merge", by: "anna" });
  world.metrics.worsen("f-1", "xds_rejects", world.now(), 5);
  const monitor = world.start("monitor", "--batch", "failing");
  await monitor.says(/f-1 .*-> rollback_mr_created/, 120_000);
  monitor.kill("SIGINT");
  await monitor.ended;
  // Where it was stopped before it had collected everything, the next one does.
  const again = await world.inRealTime("monitor", "--batch", "failing", "--once");
  expect(again).toMatchObject({ code: 1, stderr: expect.stringContaining("guard-failed") });
  expect(await world.result("bundle", "--cluster", "f-1")).toMatchObject({
    bundle: { cluster: "f-1", reason: expect.stringContaining("xds_rejects"), validation: { gate: "control-plane" } },
    advice: { model: "small of ollama", report: { summary: "f-1 is ill", next_steps: ["Look at f-1."] } },
  });
  expect(model.asked).not.toEqual([]);
  expect(JSON.stringify(model.asked)).not.toMatch(/f-1|mesh\/failing/);
  const shown = await world.run("status", "--batch", "failing");
  // What the two monitors said of themselves.
  for (const name of ["switchyard.guard.transitions", "state.duration", "effect.duration", "wait.duration"])
    expect(collector.text).toContain(name);
  expect(collector.text).toContain("f-1: rollback_needed to rollback_mr_created, rollback_mr_opened");
  expect(shown.stdout).toContain("npx switchyard guard bundle --cluster f-1");
});
