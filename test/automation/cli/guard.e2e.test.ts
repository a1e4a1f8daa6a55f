import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { z } from "zod";
import { parseEnvelope } from "../../support/cli.ts";
import { type GuardWorld, openGuardWorld } from "../../support/guard/guard-world.ts";

// Every command of an upgrade as a process of its own: against a table, GitLab over a real repository, Prometheus, and clusters whose
// Flux follows that repository. In order; each describe has a batch of its own.

let world: GuardWorld;
let imported: unknown;
beforeAll(async () => {
  world = await openGuardWorld({ calm: ["c-1", "c-2"], ill: ["i-1", "i-2"], killed: ["k-1"] });
  imported = await world.result("registry", "import", join(world.root, "clusters.yaml"));
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
  batchSchema
    .parse(result)
    .clusters.map(
      ({ cluster, istio, state, note }) =>
        `${cluster} ${istio} ${state}${state === "paused" ? `: ${note ?? "no reason"}` : ""}`,
    );
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

/** Again and again while another's lease holds. Errors: any other; after a minute. */
async function untilUnlocked(...args: readonly string[]): Promise<unknown> {
  for (const late = Date.now() + 60_000; ; ) {
    const ended = await world.run(...args, "--json");
    const said = parseEnvelope(ended.stdout);
    if (said.status === "ok") return said.result;
    if (said.error.code !== "guard-locked" || Date.now() > late) throw new Error(JSON.stringify(said.error));
  }
}

/** Somebody approves and merges. */
async function merge(batch: string, iid: number): Promise<void> {
  await world.gitlab.hands.approve(`mesh/${batch}`, iid, "anna");
  await world.gitlab.hands.merge(`mesh/${batch}`, iid, { method: "merge", by: "anna" });
}

describe("an upgrade of two clusters", () => {
  test("the registry is filled, and every connection works", async () => {
    expect(imported).toMatchObject({ added: ["c-1", "c-2", "i-1", "i-2", "k-1"] });
    const { connections } = await world.result("validate", "--batch", "calm");
    const lines = z.array(z.object({ name: z.string(), works: z.boolean() })).parse(connections);
    expect(lines.map(({ name, works }) => `${name} ${works}`)).toEqual([
      "table true",
      "GitLab true",
      "repository mesh/calm true",
      expect.stringMatching(/^charts of http.* true$/),
      expect.stringMatching(/^images of .*\/istio true$/),
      "metrics true",
      "monitors true",
      "listen true",
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
    const diff = await world.result("diff", "--batch", "calm", "--plan", hash);
    expect(diff).toMatchObject({ next: [{ repository: "mesh/calm", title: "all components", later: 0 }] });
    const file = z.object({ path: z.string(), readers: z.array(z.string()), changes: z.array(z.looseObject({})) });
    const [changed = []] = z
      .array(z.object({ files: z.array(file) }))
      .parse(diff["next"])
      .map(({ files }) => files);
    expect(changed.map(({ path }) => path).toSorted()).toEqual(
      ["c-1", "c-2"].flatMap((id) => ["base", "gateway", "istiod"].map((name) => `istio/${id}/${name}.yaml`)),
    );
    expect(changed[0]).toMatchObject({
      readers: ["c-1"],
      changes: [{ before: expect.stringContaining("1.30.5"), after: expect.stringContaining("1.31.1") }],
    });
  });

  test("a dry run shows the plan and begins nothing; a file says what flags would", async () => {
    const spec = join(world.root, "upgrade.yaml");
    await writeFile(spec, 'target_version: "1.31.1"\nstrategy: in-place\n');
    const dry = await world.result("run", "--batch", "calm", "--upgrade-spec", spec, "--dry-run");
    expect(dry).toMatchObject({ plan: hash, clusters: [], planned: { target: "1.31.1", strategy: "in-place" } });
    expect(created("mesh/calm")).toBe(0);
    expect(await world.result("status", "--batch", "calm")).toMatchObject({ states: { pending: 2 } });
  });

  test("a run opens one merge request, tells what its checks found, and run again finds it", async () => {
    const report = join(world.root, "health.json");
    const first = await run("calm", "--max-concurrent", "1", "--export-health-report", report);
    expect(JSON.parse(await readFile(report, "utf8"))).toMatchObject({
      clusters: ["c-1", "c-2"].map((id) => ({
        cluster_id: id,
        state: "mr_created",
        checked: true,
        verdict: "passed",
        problems: [],
      })),
    });
    expect(
      await world.failure("run", "--batch", "calm", "--target-version", "1.31.1", "--strategy", "revision"),
    ).toMatchObject({
      code: "guard-refused",
      message: expect.stringContaining("goes by in-place, and revision was asked for"),
    });
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
    const left = await world.run("diff", "--batch", "calm");
    expect(left.stdout).toContain("Nothing is left to change in Git for batch calm");
  });

  test("a person who wants it back gets a merge request with the reason, and after its merge the old version", async () => {
    const back = await world.result("rollback", "--batch", "calm", "--reason", "checkout is slow");
    expect(statesOf(back)).toEqual(["c-1 1.31.1 rollback_mr_created", "c-2 1.31.1 rollback_mr_created"]);
    expect(created("mesh/calm")).toBe(2);
    await merge("calm", 2);
    const ended = await world.failure("monitor", "--batch", "calm");
    expect(ended).toMatchObject({
      code: "guard-failed",
      message: expect.stringContaining("c-1 is rollback_completed"),
    });
    expect(statesOf(ended.data)).toEqual(["c-1 1.30.5 rollback_completed", "c-2 1.30.5 rollback_completed"]);
    expect([...(await world.cluster("c-1")).proxies().keys()]).toEqual(["1.30.5"]);
  });
});

describe("an upgrade that makes traffic worse", () => {
  test("the monitor opens the merge request that reverts, waits for it, and sees everything back", async () => {
    await run("ill");
    await merge("ill", 1);
    world.metrics.ail("i-2", { from: world.now(), latency: 1.5, errors: 0.01 });
    const monitor = world.start("monitor", "--batch", "ill", "--json");
    await monitor.says("-> rollback_mr_created", 90_000);
    expect(await world.result("status", "--batch", "ill")).toMatchObject({ waitingForPeople: ["i-1", "i-2"] });
    expect([...(await world.cluster("i-1")).charts().values()]).toEqual(["1.31.1", "1.31.1", "1.31.1"]);
    await merge("ill", 2);
    const { code, stdout } = await monitor.ended;
    const ended = parseEnvelope(stdout);
    if (ended.status !== "error") throw new Error("what went back is no success");
    expect({ code, said: ended.error.code }).toEqual({ code: 1, said: "guard-failed" });
    expect(statesOf(ended.error.data)).toEqual(["i-1 1.30.5 rollback_completed", "i-2 1.30.5 rollback_completed"]);
    const cluster = await world.cluster("i-1");
    expect([...cluster.proxies().keys()]).toEqual(["1.30.5"]);
    // CRDs stay (rule 9).
    expect(Object.fromEntries(cluster.charts())).toMatchObject({ istiod: "1.30.5", "istio-base": "1.31.1" });
    expect(created("mesh/ill")).toBe(2);
  });

  test("it does not begin again by itself; resume --retry opens the next attempt", async () => {
    expect(await world.failure("run", "--batch", "ill", "--target-version", "1.31.1")).toMatchObject({
      code: "guard-refused",
      message: expect.stringMatching(/^i-1: it is rollback_completed: attempt 1 of the plan \w+ went back, because /),
      next: [expect.stringContaining("npx switchyard guard resume --batch ill --retry")],
    });
    expect(created("mesh/ill")).toBe(2);
    for (const id of ["i-1", "i-2"]) world.metrics.ail(id, undefined);
    const again = await world.result("resume", "--batch", "ill", "--retry");
    expect(statesOf(again)).toEqual(["i-1 1.30.5 mr_created", "i-2 1.30.5 mr_created"]);
    expect(created("mesh/ill")).toBe(3);
  });

  test("a soak without a verdict waits for a person, who may take it for passed", async () => {
    await merge("ill", 3);
    const undecided = await world.failure("monitor", "--batch", "ill", "--min-requests", "9000000");
    expect(undecided).toMatchObject({ code: "guard-paused", exitCode: 1 });
    const accepted = await world.result("resume", "--batch", "ill", "--accept", "it is night");
    expect(statesOf(accepted)).toEqual(["i-1 1.31.1 upgraded", "i-2 1.31.1 upgraded"]);
  });
});

describe("a monitor that is killed", () => {
  test("nobody else works on the batch while it lives, and the next one goes on when its lease has ended", async () => {
    await run("killed");
    await merge("killed", 1);
    const first = world.start("monitor", "--batch", "killed");
    await first.says("-> restarting_data_plane", 90_000);
    expect(await world.failure("monitor", "--batch", "killed")).toMatchObject({ code: "guard-locked" });
    first.kill("SIGKILL");
    expect(await first.ended).toMatchObject({ signal: "SIGKILL" });
    const end = await untilUnlocked("monitor", "--batch", "killed");
    expect(statesOf(end)).toEqual(["k-1 1.31.1 upgraded"]);
    expect([...(await world.cluster("k-1")).proxies().keys()]).toEqual(["1.31.1"]);
    expect(created("mesh/killed")).toBe(1);
  });
});

test("every change that was asked for is in the audit log, also that of the killed one", async () => {
  const ended = await world.command("audit", "show", "--guard", "--json");
  const shown = parseEnvelope(ended.stdout);
  if (shown.status !== "ok") throw new Error(shown.error.message);
  const { commands } = z
    .object({ commands: z.array(z.object({ command: z.string(), phase: z.string() })) })
    .parse(shown.result);
  const found = commands.map(({ command, phase }) => `${command} ${phase}`);
  expect(found).toEqual(
    expect.arrayContaining([
      "guard registry import done",
      "guard run done",
      "guard monitor done",
      "guard monitor begun",
      "guard monitor refused",
    ]),
  );
  expect(commands.filter(({ command }) => command === "guard run")).toHaveLength(7);
  // Killed, it could not write its end.
  expect(found.filter((one) => one === "guard monitor begun")).toHaveLength(1);
});
