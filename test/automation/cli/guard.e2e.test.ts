import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { z } from "zod";
import { type GuardWorld, openGuardWorld } from "../../support/guard/guard-world.ts";

// Every command of an upgrade as a process of its own: against a table, GitLab over a real repository, Prometheus, and clusters whose
// Flux follows that repository. In order; each describe has a batch of its own.

let world: GuardWorld;
beforeAll(async () => {
  world = await openGuardWorld({ calm: ["c-1", "c-2"], ill: ["i-1", "i-2"], killed: ["k-1"], odd: ["o-1"] });
});
afterAll(() => world.close());

const batchSchema = z.object({
  plan: z.string(),
  clusters: z.array(
    z.object({
      cluster: z.string(),
      istio: z.string(),
      state: z.string(),
      mergeRequest: z.string().optional(),
      note: z.string().optional(),
    }),
  ),
});

const statesOf = (result: unknown): readonly string[] =>
  batchSchema.parse(result).clusters.map(({ cluster, istio, state }) => `${cluster} ${istio} ${state}`);
const requestsOf = (result: unknown): readonly string[] => [
  ...new Set(batchSchema.parse(result).clusters.flatMap(({ mergeRequest }) => mergeRequest ?? [])),
];
const run = (batch: string, ...more: readonly string[]) =>
  world.result("run", "--batch", batch, "--target-version", "1.31.1", ...more);
const created = (repository: string): number =>
  world.gitlab.requests.filter(
    ({ method, path }) =>
      method === "POST" && path.includes(encodeURIComponent(repository)) && path.endsWith("/merge_requests"),
  ).length;

/** Somebody approves and merges. */
async function merge(batch: string, iid: number): Promise<void> {
  await world.gitlab.hands.approve(`mesh/${batch}`, iid, "anna");
  await world.gitlab.hands.merge(`mesh/${batch}`, iid, { method: "merge", by: "anna" });
}

describe("an upgrade of two clusters", () => {
  test("the registry is filled, and every connection works", async () => {
    expect(await world.result("registry", "import", join(world.root, "clusters.yaml"))).toMatchObject({
      added: ["c-1", "c-2", "i-1", "i-2", "k-1", "o-1"],
    });
    const { connections } = await world.result("validate", "--batch", "calm");
    const lines = z.array(z.object({ name: z.string(), works: z.boolean() })).parse(connections);
    expect(lines.map(({ name, works }) => `${name} ${works}`)).toEqual([
      "table true",
      "credentials true",
      "repository mesh/calm true",
      "metrics true",
      ...["c-1", "c-2"].flatMap((id) => [`${id} kubernetes true`, `${id} eks true`, `${id} istioctl true`]),
    ]);
    expect(await world.result("list", "--batch", "calm")).toMatchObject({
      clusters: [
        { cluster: "c-1", istio: "1.30.5", state: "pending" },
        { cluster: "c-2", istio: "1.30.5", state: "pending" },
      ],
    });
  });

  let hash = "";
  test("the plan has one hop and one merge request, and the diff shows each changed line", async () => {
    const planned = await world.result("plan", "--batch", "calm", "--target-version", "1.31.1");
    expect(planned).toMatchObject({ target: "1.31.1", clusters: [{ cluster: "c-1" }, { cluster: "c-2" }] });
    hash = z.string().parse(planned["hash"]);
    const { files } = await world.result("diff", "--batch", "calm", "--plan", hash);
    const changed = z
      .array(z.object({ path: z.string(), readers: z.array(z.string()), changes: z.array(z.looseObject({})) }))
      .parse(files);
    expect(changed.map(({ path }) => path).toSorted()).toEqual(
      ["c-1", "c-2"].flatMap((id) => ["base", "gateway", "istiod"].map((name) => `istio/${id}/${name}.yaml`)),
    );
    expect(changed[0]).toMatchObject({
      readers: ["c-1"],
      changes: [{ before: expect.stringContaining("1.30.5"), after: expect.stringContaining("1.31.1") }],
    });
  });

  test("a run opens one merge request, and run again finds it", async () => {
    const first = await run("calm");
    expect(statesOf(first)).toEqual(["c-1 1.30.5 mr_created", "c-2 1.30.5 mr_created"]);
    const again = await run("calm");
    expect(requestsOf(again)).toEqual(requestsOf(first));
    expect(batchSchema.parse(again).plan).toBe(batchSchema.parse(first).plan);
    expect(created("mesh/calm")).toBe(1);
    expect(await world.result("status", "--batch", "calm")).toMatchObject({
      waitingForPeople: ["c-1", "c-2"],
      states: { mr_created: 2 },
    });
    expect(
      await world.result(
        "gate",
        "--repository",
        "mesh/calm",
        "--merge-request",
        "1",
        "--plan",
        batchSchema.parse(first).plan,
      ),
    ).toMatchObject({ kind: "fresh" });
  });

  test("after the merge a monitor proves, soaks, restarts and validates, and the registry has the new version", async () => {
    await merge("calm", 1);
    const end = await world.result("monitor", "--batch", "calm");
    expect(statesOf(end)).toEqual(["c-1 1.31.1 upgraded", "c-2 1.31.1 upgraded"]);
    for (const id of ["c-1", "c-2"]) {
      const cluster = await world.cluster(id);
      expect([...cluster.proxies().keys()]).toEqual(["1.31.1"]);
      expect([...cluster.charts().values()]).toEqual(["1.31.1", "1.31.1", "1.31.1"]);
    }
    expect(world.clusters.changes.length).toBeGreaterThan(0);
    expect(await world.result("registry", "show", "c-1")).toMatchObject({
      entry: { current_istio_version: "1.31.1" },
    });
    expect(created("mesh/calm")).toBe(1);
  });
});
