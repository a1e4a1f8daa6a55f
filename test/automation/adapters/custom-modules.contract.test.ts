import { mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import {
  type CustomModule,
  loadHealthCheck,
  loadLanguageModel,
  loadNotifier,
} from "../../../automation/adapters/custom-modules.ts";
import { customFindings, runCustomChecks } from "../../../automation/guard/custom-checks.ts";
import { clusterEntry } from "../../../automation/guard/record.ts";
import { notice } from "../../support/notice.ts";
import { createVirtualClock } from "../../support/virtual-clock.ts";

const root = join(import.meta.dirname, "../../..");
const module = "./test/fixtures/guard/modules/checks.ts";
const entry = (more: Partial<CustomModule>): CustomModule => ({ module, options: {}, ...more });
const cluster = clusterEntry.parse({
  clusterId: "prod-1",
  batchId: "wave-1",
  environment: "prod",
  region: "eu-west-1",
  gitlabRepo: "mesh/fleet",
  fluxConfigPath: "clusters/prod-1",
  currentIstioVersion: "1.30.5",
});
const unusable = (words: RegExp) =>
  expect.objectContaining({ code: "module-unusable", message: expect.stringMatching(words) });

const run = async (...entries: readonly CustomModule[]) => {
  const checks = await Promise.all(entries.map((one) => loadHealthCheck(one, root)));
  return runCustomChecks(checks, cluster, { kubernetes: undefined, metrics: undefined, clock: createVirtualClock() });
};

describe("custom checks by module", () => {
  test("a class is made with its options, a function gets them with its tools", async () => {
    const outcomes = await run(
      entry({ class: "QuotaCheck", options: { limit: 1 } }),
      entry({ class: "QuotaCheck", options: { limit: 2 } }),
      entry({ export: "warns", options: { seen: true } }),
    );
    expect(outcomes.map((one) => (one.kind === "result" ? [one.result.status, one.result.message] : one.why))).toEqual([
      ["FAIL", "limit 1"],
      ["PASS", "limit 2"],
      ["WARN", 'asked with {"seen":true}'],
    ]);
    expect(outcomes[0]).toMatchObject({ result: { cluster_id: "prod-1", timestamp: expect.stringMatching(/Z$/) } });
    expect(customFindings(outcomes).map(({ level, subject }) => [level, subject])).toEqual([
      ["block", "quota"],
      ["warn", "quota"],
    ]);
  });

  test("an answer that is no result is undecided", async () => {
    const outcomes = await run(entry({}));
    expect(outcomes).toMatchObject([
      { kind: "broken", why: expect.stringMatching(/no HealthCheckResult.*cluster_id/) },
    ]);
    expect(customFindings(outcomes)).toMatchObject([{ level: "undecided" }]);
  });

  test.each([
    [entry({ module: "./test/fixtures/guard/modules/missing.ts" }), /there is no file/],
    [entry({ module: "/etc/hosts" }), /outside of the checkout/],
    [entry({ module: "../somewhere.ts" }), /outside of the checkout|there is no file/],
    [entry({ module: "a-package-that-nobody-has" }), /cannot be loaded/],
    [entry({ export: "quotaCheck" }), /has no export quotaCheck; it has .*QuotaCheck/],
    [entry({ class: "nothing" }), /is no class/],
    [entry({ class: "Broken" }), /constructor failed: no disk/],
    [entry({ export: "nothing" }), /no method run/],
  ])("what cannot be used says why: %j", async (given, words) => {
    await expect(loadHealthCheck(given, root)).rejects.toEqual(unusable(words));
  });

  test("a link in the checkout that leads out of it is outside", async () => {
    const folder = await mkdtemp(join(tmpdir(), "guard-modules-"));
    const outside = await mkdtemp(join(tmpdir(), "guard-outside-"));
    onTestFinished(async () => {
      await rm(folder, { recursive: true });
      await rm(outside, { recursive: true });
    });
    await writeFile(join(outside, "check.js"), "export default () => ({});");
    await symlink(join(outside, "check.js"), join(folder, "check.js"));
    await expect(loadHealthCheck(entry({ module: "./check.js" }), folder)).rejects.toEqual(unusable(/outside/));
  });

  test("a package is found from the checkout", async () => {
    await expect(loadHealthCheck(entry({ module: "yaml", export: "parse" }), root)).resolves.toMatchObject({
      name: "yaml#parse",
    });
  });
});

describe("notifiers by module", () => {
  test("what it throws, and what is not understood, is a delivery that failed", async () => {
    const pager = await loadNotifier(
      { module: "./test/fixtures/guard/modules/others.ts", class: "Pager", options: {} },
      root,
    );
    expect(await pager.notify({ ...notice, id: "n1" })).toEqual({ delivered: true });
    expect(await pager.notify({ ...notice, id: "bad" })).toMatchObject({
      why: expect.stringMatching(/the pager is off/),
    });
    expect(await pager.notify({ ...notice, id: "odd" })).toMatchObject({ delivered: false });
    expect(await pager.notify({ ...notice, id: "refused" })).toMatchObject({ delivered: false, refused: true });
    const reason = new Error("stopped");
    await expect(pager.notify({ ...notice, id: "n2" }, AbortSignal.abort(reason))).rejects.toBe(reason);
  });
});

describe("language models by module", () => {
  test("answers with text or not at all", async () => {
    const model = await loadLanguageModel(
      { module: "./test/fixtures/guard/modules/others.ts", export: "model", options: {} },
      root,
    );
    const ask = (prompt: string) => model.complete({ system: "", prompt, maxTokens: 10 });
    expect(await ask("x")).toBe("about: x");
    await expect(ask("number")).rejects.toEqual(expect.objectContaining({ code: "language-model-failed" }));
  });
});
