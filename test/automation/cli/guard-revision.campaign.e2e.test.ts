import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { z } from "zod";
import { parseEnvelope } from "../../support/cli.ts";
import { type GuardWorld, openGuardWorld } from "../../support/guard/guard-world.ts";

// A new control plane beside the old one, share by share, until the old one is gone: every command a process of its own, one of them killed,
// against a table, GitLab over a real repository, Prometheus, and a cluster whose Flux follows that repository.

let world: GuardWorld;
beforeAll(async () => {
  world = await openGuardWorld({ blue: ["b-1"], green: ["g-1"] }, {}, "revision");
  await world.result("registry", "import", join(world.root, "clusters.yaml"));
});
afterAll(() => world.close());

const batch = z.object({ clusters: z.array(z.object({ istio: z.string(), state: z.string() })) });

const created = (name: string): number =>
  world.gitlab.requests.filter(
    ({ method, path }) =>
      method === "POST" && path.includes(encodeURIComponent(`mesh/${name}`)) && path.endsWith("/merge_requests"),
  ).length;

/** Somebody approves and merges whatever is opened, until told to stop; how many it was. */
function merger(name: string): { stop(): Promise<number> } {
  let going = true;
  let merged = 0;
  const work = (async () => {
    while (going) {
      const iid = merged + 1;
      if (created(name) < iid) {
        await new Promise((resolve) => setTimeout(resolve, 100));
        continue;
      }
      await world.gitlab.hands.approve(`mesh/${name}`, iid, "anna");
      await world.gitlab.hands.merge(`mesh/${name}`, iid, { method: "merge", by: "anna" });
      merged += 1;
    }
    return merged;
  })();
  return {
    stop() {
      going = false;
      return work;
    },
  };
}

const revisions = async (cluster: string): Promise<readonly string[]> =>
  [...(await world.cluster(cluster)).charts()].map(([name, version]) => `${name} ${version}`).toSorted();

test("a batch moves to the new revision by shares, and the old one goes when nothing names it", async () => {
  const people = merger("blue");
  await world.result("run", "--batch", "blue", "--target-version", "1.31.1");
  const first = world.start("monitor", "--batch", "blue");
  // In the midst of the shares both are there.
  await first.says("-> soaking_data_plane", 120_000);
  expect(await revisions("b-1")).toEqual(expect.arrayContaining(["istiod-1-30-5 1.30.5", "istiod-1-31-1 1.31.1"]));
  first.kill("SIGKILL");
  expect(await first.ended).toMatchObject({ signal: "SIGKILL" });
  let said: unknown;
  for (const late = Date.now() + 400_000; said === undefined; ) {
    const envelope = parseEnvelope((await world.run("monitor", "--batch", "blue", "--json")).stdout);
    if (envelope.status === "ok") said = envelope.result;
    else if (envelope.error.code !== "guard-locked" || Date.now() > late) throw new Error(JSON.stringify(envelope));
  }
  expect(batch.parse(said)).toMatchObject({ clusters: [{ istio: "1.31.1", state: "upgraded" }] });
  const cluster = await world.cluster("b-1");
  expect([...cluster.proxies().keys()]).toEqual(["1.31.1"]);
  expect(await revisions("b-1")).toEqual(["ingress 1.31.1", "istio-base 1.31.1", "istiod-1-31-1 1.31.1"]);
  // One merge request a step, and none twice.
  expect(await people.stop()).toBe(created("blue"));
  expect(created("blue")).toBe(10);
}, 600_000);

test("a regression at the first share returns all workloads to the old revision, which never left", async () => {
  const people = merger("green");
  await world.result("run", "--batch", "green", "--target-version", "1.31.1");
  const monitor = world.start("monitor", "--batch", "green", "--json");
  await monitor.says("-> soaking_data_plane", 120_000);
  world.metrics.ail("g-1", { from: world.now(), latency: 1.5, errors: 0.01 });
  const said = parseEnvelope((await monitor.ended).stdout);
  if (said.status !== "error") throw new Error("what went back is no success");
  expect(said.error.code).toBe("guard-failed");
  expect(batch.parse(said.error.data)).toMatchObject({ clusters: [{ istio: "1.30.5", state: "rollback_completed" }] });
  expect([...(await world.cluster("g-1")).proxies().keys()]).toEqual(["1.30.5"]);
  expect(await revisions("g-1")).toContain("istiod-1-30-5 1.30.5");
  expect(await people.stop()).toBe(created("green"));
}, 600_000);
