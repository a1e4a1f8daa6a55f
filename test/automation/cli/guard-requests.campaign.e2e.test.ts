import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { z } from "zod";
import { type GuardWorld, openGuardWorld } from "../../support/guard/guard-world.ts";

// Merge requests in other forms than one for a batch: one a cluster, and one that moves a repository off the retired hosts. Every command is a
// process of its own, over GitLab's test server with a real repository.

let world: GuardWorld;
beforeAll(async () => {
  world = await openGuardWorld({ each: ["e-1", "e-2"], old: ["o-1"] });
  await world.result("registry", "import", join(world.root, "clusters.yaml"));
});
afterAll(() => world.close());

const batch = z.object({
  clusters: z.array(
    z.object({ cluster: z.string(), istio: z.string(), state: z.string(), mergeRequest: z.string().optional() }),
  ),
});

async function merge(repository: string, iid: number): Promise<void> {
  await world.gitlab.hands.approve(repository, iid, "anna");
  await world.gitlab.hands.merge(repository, iid, { method: "merge", by: "anna" });
}

test("one a cluster: each is opened, merged and proven for itself, and what goes back has its own too", async () => {
  const started = await world.result(
    ...["run", "--batch", "each", "--target-version", "1.31.1", "--mr-strategy", "per-cluster"],
  );
  const { clusters } = batch.parse(started);
  expect(clusters.map(({ state }) => state)).toEqual(["mr_created", "mr_created"]);
  expect(new Set(clusters.map(({ mergeRequest }) => mergeRequest)).size).toBe(2);
  await merge("mesh/each", 1);
  await merge("mesh/each", 2);
  world.metrics.ail("e-2", { from: world.now(), latency: 1.5, errors: 0.01 });
  const monitor = world.start("monitor", "--batch", "each", "--json");
  await monitor.says(/e-1 .*-> rollback_mr_created/, 120_000);
  await monitor.says(/e-2 .*-> rollback_mr_created/, 120_000);
  const { clusters: back } = batch.parse(await world.result("status", "--batch", "each"));
  expect(new Set(back.map(({ mergeRequest }) => mergeRequest)).size).toBe(2);
  for (const iid of [3, 4]) await merge("mesh/each", iid);
  expect((await monitor.ended).code).toBe(1);
  for (const id of ["e-1", "e-2"]) expect([...(await world.cluster(id)).proxies().keys()]).toEqual(["1.30.5"]);
});

test("retired hosts are moved by a merge request, once, and are gone when it is merged", async () => {
  const retired = "https://istio-release.storage.googleapis.com/charts";
  const path = "istio/o-1/source.yaml";
  const text = `apiVersion: source.toolkit.fluxcd.io/v1
kind: HelmRepository
metadata:
  name: istio
  namespace: flux-system
spec:
  interval: 1h
  url: ${retired}
`;
  await world.gitlab.hands.push("mesh/old", "main", "bert", "From the old host", [{ kind: "update", path, text }]);
  const places = z.object({
    places: z.array(z.looseObject({ uses: z.array(z.unknown()), mergeRequest: z.string().optional() })),
  });
  const look = async (...more: readonly string[]) =>
    places.parse(await world.result("sources", "--batch", "old", ...more)).places[0];
  expect(await look()).toMatchObject({ uses: [expect.anything()] });
  const [moved, again] = [await look("--move"), await look("--move")];
  expect(moved?.mergeRequest).toBeDefined();
  expect(again?.mergeRequest).toBe(moved?.mergeRequest);
  await merge("mesh/old", 1);
  expect(await look("--move")).toEqual(expect.not.objectContaining({ mergeRequest: expect.anything() }));
  expect(await look()).toMatchObject({ uses: [] });
});
