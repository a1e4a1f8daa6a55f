import { mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { z } from "zod";
import {
  type CustomModule,
  loadHealthCheck,
  loadLanguageModel,
  loadNotifier,
} from "../../../automation/adapters/custom-modules.ts";
import { createNotifiers } from "../../../automation/adapters/notifiers.ts";
import { clusterEntry } from "../../../automation/guard/registry/record.ts";
import { customFindings, runCustomChecks } from "../../../automation/guard/rules/custom-checks.ts";
import { told } from "../../fixtures/guard/modules/others.ts";
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

const others = { module: "./test/fixtures/guard/modules/others.ts", options: {} } as const;
const limits = { timeoutMs: 10_000, clean: (text: string) => text.replaceAll("a-k3y-of-the-pager", "[key]") };

describe("notifiers by module", () => {
  test("what it throws, and what is not understood, is a delivery that failed", async () => {
    const pager = await loadNotifier({ ...others, class: "Pager" }, root, limits);
    expect(await pager.notify({ ...notice, id: "n1" })).toEqual({ delivered: true });
    expect(await pager.notify({ ...notice, id: "bad" })).toMatchObject({
      why: expect.stringMatching(/the pager is off/),
    });
    expect(await pager.notify({ ...notice, id: "odd" })).toMatchObject({ delivered: false });
    expect(await pager.notify({ ...notice, id: "refused" })).toMatchObject({ delivered: false, refused: true });
    expect(await pager.notify({ ...notice, id: "leak" })).toMatchObject({
      why: "./test/fixtures/guard/modules/others.ts#Pager: no line to https://ada:pw-s3cret@pager/ with [key] again",
    });
    const reason = new Error("stopped");
    await expect(pager.notify({ ...notice, id: "n2" }, AbortSignal.abort(reason))).rejects.toBe(reason);
  });
});

describe("a notifier by module as a target of the configuration", () => {
  const target = { kind: "module", name: "pager", ...others } as const;
  const targets = (more: Partial<CustomModule>, timeoutMs?: number) => {
    const env = { PAGER_TOKEN: "a-k3y-of-the-pager" };
    const { pager } = createNotifiers({
      targets: [{ ...target, ...more }],
      env,
      root,
      clock: createVirtualClock(),
      timeoutMs,
    });
    if (pager === undefined) throw new Error("there is no target");
    return pager;
  };

  test("is opened without being told, and is told", async () => {
    const pager = targets({ class: "Pager" });
    await expect(pager.open()).resolves.toBeUndefined();
    expect(told).not.toContain("n3");
    expect(await pager.notify({ ...notice, id: "n3" })).toEqual({ delivered: true });
    expect(told).toContain("n3");
  });

  test("one that hangs has failed after its time, and the caller need not wait for that", async () => {
    expect(await targets({ class: "Pager" }, 20).notify({ ...notice, id: "hang" })).toMatchObject({
      delivered: false,
      why: expect.stringMatching(/no answer within 20 ms/),
    });
    const enough = new AbortController();
    const asked = targets({ class: "Pager" }).notify({ ...notice, id: "hang" }, enough.signal);
    enough.abort(new Error("enough"));
    await expect(asked).rejects.toThrow("enough");
  });

  test("what it says holds no secret that it may have read", async () => {
    const { why } = z
      .object({ why: z.string() })
      .parse(await targets({ class: "Pager" }).notify({ ...notice, id: "leak" }));
    expect(why).toContain("no line to [secret]pager/ with [secret] again");
  });

  test("what it does to a notice is not seen by others", async () => {
    expect(await targets({ export: "vandal" }).notify(notice)).toEqual({ delivered: true });
    expect(notice.alert.title).toBe("A swap failed");
  });

  test("one that cannot be loaded says so when it is opened, and is a delivery that failed", async () => {
    const broken = targets({ module: "./test/fixtures/guard/modules/missing.ts" });
    await expect(broken.open()).rejects.toEqual(unusable(/there is no file/));
    expect(await broken.notify(notice)).toMatchObject({
      delivered: false,
      why: expect.stringMatching(/there is no file/),
    });
  });
});

describe("language models by module", () => {
  test("answers with text or not at all", async () => {
    const model = await loadLanguageModel({ ...others, export: "model" }, root);
    const ask = (prompt: string) => model.complete({ system: "", prompt, maxTokens: 10 });
    expect(await ask("x")).toBe("about: x");
    await expect(ask("number")).rejects.toEqual(expect.objectContaining({ code: "language-model-failed" }));
  });
});
