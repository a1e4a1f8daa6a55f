import { describe, expect, it } from "vitest";
import { aheadOf, aheadText, countAhead, noneAhead } from "../../../../automation/guard/data-plane/ahead.ts";
import { readDataPlane } from "../../../../automation/guard/data-plane/waves.ts";
import { parseVersion } from "../../../../automation/guard/plan/versions.ts";
import { SimulatedCluster } from "../../../../automation/guard/simulation/cluster.ts";
import { Branch, istioFiles } from "../simulation/fleet-repository.ts";

const start = Date.parse("2026-11-30T10:00:00Z");

function versionOf(text: string) {
  const version = parseVersion(text);
  if (version === undefined) throw new RangeError(text);
  return version;
}

/** istiod at one version, istio-cni and ztunnel at another. */
async function ahead(version: string, ambient: string, back = "1.30.5"): Promise<string> {
  const branch = new Branch(istioFiles("prod-1", { version, ambient }));
  const cluster = new SimulatedCluster({ name: "prod-1", now: start, head: branch.head, path: "clusters/prod-1" });
  return aheadText(aheadOf(await readDataPlane(cluster.api), versionOf(back)));
}

describe("what is ahead of its control plane", () => {
  it("is every pod of a node component whose minor is above the control plane's that is back", async () =>
    expect(await ahead("1.30.5", "1.31.1")).toBe("3 pods of istio-cni, 3 pods of ztunnel"));

  it.each([
    ["the control plane is not back yet", "1.31.1", "1.31.1"],
    ["they are back too", "1.30.5", "1.30.5"],
    ["only their patch is newer", "1.30.5", "1.30.6"],
    ["they are older", "1.30.5", "1.29.8"],
  ])("is nothing while %s", async (_, istiod, nodes) => expect(await ahead(istiod, nodes)).toBe(""));

  it("counts proxies too", async () => {
    const branch = new Branch(istioFiles("prod-1", { version: "1.31.1", ambient: "1.31.1" }));
    const cluster = new SimulatedCluster({ name: "prod-1", now: start, head: branch.head, path: "clusters/prod-1" });
    branch.push(istioFiles("prod-1", { version: "1.30.5", ambient: "1.31.1" }));
    cluster.tick(start + 20 * 60_000);
    const found = aheadOf(await readDataPlane(cluster.api), versionOf("1.30.5"));
    expect(found.proxies).toBeGreaterThan(1);
    expect(countAhead(found)).toBe(found.proxies + 6);
    expect(aheadText(found)).toBe(`${found.proxies} proxies, 3 pods of istio-cni, 3 pods of ztunnel`);
    expect(countAhead(noneAhead)).toBe(0);
  });
});
