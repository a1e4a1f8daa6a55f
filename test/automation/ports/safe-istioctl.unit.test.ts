import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, it } from "vitest";
import { catalogue } from "../../../automation/errors.ts";
import { safeIstioctlVersions } from "../../../automation/ports/mesh-inspector.ts";

it("the safe patches of istioctl are those that the error and the documentation name", async () => {
  const docs = await readFile(join(import.meta.dirname, "../../../docs/guard.md"), "utf8");
  for (const version of safeIstioctlVersions) {
    expect(catalogue["istioctl-unsafe"].what).toContain(version);
    expect(docs).toContain(version);
  }
});
