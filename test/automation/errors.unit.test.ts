import { readdir } from "node:fs/promises";
import { describe, expect, it } from "vitest";
import { catalogue, HotSwapError, StatelessViolationError, SwitchyardError } from "../../automation/errors.ts";

describe("the errors of the requirement", () => {
  it("HotSwapError carries the platform, and asks for a rollback unless told otherwise", () => {
    const error = new HotSwapError("candidate-not-ready", { platform: "gke", message: "not ready" });
    expect(error).toMatchObject({ platform: "gke", rollbackRequired: true, code: "candidate-not-ready", exitCode: 9 });
    const harmless = new HotSwapError("swap-disabled", { platform: "gke", message: "off", rollbackRequired: false });
    expect(harmless.rollbackRequired).toBe(false);
  });

  it("StatelessViolationError carries violations and platform", () => {
    const violations = ["Deployment agent: volume data is a persistent volume claim"];
    const error = new StatelessViolationError("stateless-violation", {
      platform: "gke",
      violations,
      message: "keeps state",
    });
    expect(error).toBeInstanceOf(SwitchyardError);
    expect(error).toMatchObject({ violations, platform: "gke", exitCode: 5 });
  });
});

describe("the catalogue", () => {
  it("has each code in one part only", async () => {
    const folder = new URL("../../automation/error-catalogue/", import.meta.url);
    const parts = (await readdir(folder)).filter((name) => name !== "entry.ts");
    const tables = await Promise.all(
      parts.map(async (name) => Object.values(await import(new URL(name, folder).href))),
    );
    const codes = tables.flat().flatMap((table) => Object.keys(table as object));
    expect(codes.toSorted()).toEqual(Object.keys(catalogue).toSorted());
  });

  it("says for every code what happened and what to do, in sentences", () => {
    for (const [code, entry] of Object.entries(catalogue)) {
      expect(entry.what, code).toMatch(/^[A-Z].*\.$/);
      expect(entry.next, code).toMatch(/^[A-Z].*\.$/);
    }
  });

  it("gives an error the catalogue's advice when it brings none", () => {
    const error = new SwitchyardError("local-cloud-not-running", { message: "no" });
    expect(error.next).toEqual([catalogue["local-cloud-not-running"].next]);
  });
});
