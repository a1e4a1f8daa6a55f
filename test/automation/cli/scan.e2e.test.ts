import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type CliCheckout, openCliCheckout, parseEnvelope } from "../../support/cli.ts";

let checkout: CliCheckout;
beforeAll(async () => {
  checkout = await openCliCheckout();
});
afterAll(() => checkout.close());

const corpus = "test/fixtures/manifests";
const claim = "apiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: { name: data }\n";

describe("switchyard scan", () => {
  test("a folder of good manifests is stateless, with the requirement's validation", async () => {
    const result = await checkout.result("scan", `${corpus}/good`, "--platform", "cloud-run");
    expect(result).toMatchObject({
      verdict: "stateless",
      findings: [],
      validation: { platform: "cloud-run", compliance_status: true, violations: [] },
    });
    expect(Object.keys(result["validation"] as object).toSorted()).toEqual([
      "compliance_status",
      "forbidden_resources",
      "platform",
      "validation_rules",
      "violations",
    ]);
  });

  test("state ends with exit code 5, whatever is allowed; people see where, why and what to do", async () => {
    const args = ["scan", `${corpus}/bad/bitnami-postgresql.yaml`, "--allow", "cache-only,session-bound,cannot-tell"];
    const { code, stderr } = await checkout.run(args);
    expect(code).toBe(5);
    expect(stderr).toMatch(/bitnami-postgresql\.yaml:11 +StatefulSet data\/postgresql +hard +stateful/);
    expect(stderr).toContain("Fix: Use a Deployment");
    expect(stderr).toContain("Error: stateless-violation");
  });

  test("what leans on an instance is refused until it is accepted", async () => {
    const file = `${corpus}/bad/client-ip-service.yaml`;
    const error = await checkout.failure("scan", file);
    expect(error).toMatchObject({ code: "stateless-violation", exitCode: 5, platform: "gke" });
    expect(error.violations).toHaveLength(1);
    expect(error.next.join("\n")).toContain("--allow session-bound");
    expect(await checkout.result("scan", file, "--allow", "session-bound")).toMatchObject({
      verdict: "session-bound",
      accepted: ["session-bound"],
    });
  });

  test("the standard input is read; a broken document is told, and the rest is scanned", async () => {
    const ended = await checkout.run(["scan", "-", "--json"], { stdin: `${claim}---\na: [\n---\n${claim}` });
    const said = parseEnvelope(ended.stdout);
    expect(ended.code).toBe(5);
    const findings = said.status === "error" ? said.error.data?.["findings"] : undefined;
    expect(findings).toMatchObject([
      { rule: "manifest-unreadable", where: expect.stringMatching(/^stdin:[56]$/) },
      { rule: "persistent-volume-claim", where: "stdin:1" },
      { rule: "persistent-volume-claim" },
    ]);
  });

  test("a folder without a manifest, a path that is not there, nothing, a wrong --allow: told, and nothing passes", async () => {
    const folder = join(checkout.root, "chart");
    await mkdir(join(folder, ".hidden"), { recursive: true });
    await writeFile(join(folder, "values.yaml"), "replicas: 2\n");
    await writeFile(join(folder, ".hidden", "claim.yaml"), claim);
    expect(await checkout.failure("scan", "chart")).toMatchObject({ code: "manifest-unreadable", exitCode: 2 });
    expect((await checkout.failure("scan", "chart/nothing.yaml")).message).toContain("chart/nothing.yaml");
    expect(await checkout.failure("scan")).toMatchObject({ code: "usage-error" });
    expect((await checkout.failure("scan", "chart", "--allow", "stateful")).message).toContain("never accepted");
    expect((await checkout.failure("scan", "chart", "--allow", "cache-onyl")).message).toContain("cache-only");
  });
});
