import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { z } from "zod";
import { gitRepositoryType } from "../../../automation/guard/simulation/flux-objects.ts";
import { parseEnvelope } from "../../support/cli.ts";
import { type GuardWorld, openGuardWorld } from "../../support/guard/guard-world.ts";

// What goes wrong in an upgrade, told by real processes: a finding with what to do, and nothing written. In order.

let world: GuardWorld;
beforeAll(async () => {
  world = await openGuardWorld({ early: ["e-1"], odd: ["o-1", "o-2"] });
  await world.result("registry", "import", join(world.root, "clusters.yaml"));
});
afterAll(() => world.close());

const batchSchema = z.object({
  clusters: z.array(z.object({ state: z.string(), mergeRequest: z.string().optional(), note: z.string().optional() })),
});
const statesOf = (result: unknown): readonly string[] => batchSchema.parse(result).clusters.map(({ state }) => state);
const notesOf = (result: unknown): readonly string[] =>
  batchSchema.parse(result).clusters.flatMap(({ note }) => note ?? []);
const requestsOf = (result: unknown): readonly string[] => [
  ...new Set(batchSchema.parse(result).clusters.flatMap(({ mergeRequest }) => mergeRequest ?? [])),
];
const run = (batch: string, version = "1.31.1") => ["run", "--batch", batch, "--target-version", version] as const;
/** Everything but reads that GitLab was asked for. */
const written = (): readonly string[] =>
  world.gitlab.requests.filter(({ method }) => method !== "GET" && method !== "HEAD").map(({ path }) => path);
const branchesOf = (): readonly unknown[] =>
  world.gitlab.requests
    .filter(({ method, path }) => method === "POST" && path.endsWith("/merge_requests"))
    .map(({ body }) => z.looseObject({ source_branch: z.string() }).parse(body).source_branch);

describe("before anything is written", () => {
  test("an unknown batch, --skip-sync-wait, and targets that are none", async () => {
    const [unknown, skipped, ...targets] = await Promise.all([
      world.failure(...run("eraly")),
      world.failure(...run("early"), "--skip-sync-wait"),
      ...["1.31", "1.30.4", "1.99.0"].map((version) => world.failure(...run("early", version))),
    ]);
    expect(unknown).toMatchObject({
      code: "guard-unknown-cluster",
      message: expect.stringContaining("did you mean early?"),
    });
    expect(skipped).toMatchObject({
      code: "guard-refused",
      message: expect.stringContaining("the proof that Flux applied"),
    });
    expect(targets.map(({ code }) => code)).toEqual(["usage-error", "guard-no-way", "guard-no-way"]);
    for (const { next } of targets) expect(next[0]).toEqual(expect.any(String));
  });

  test("a version that the source of the charts does not have stops at the checks", async () => {
    const { code, exitCode, next, data } = await world.failure(...run("early", "1.31.0"));
    expect({ code, exitCode }).toEqual({ code: "guard-checks-failed", exitCode: 5 });
    expect(next[0]).toContain("npx switchyard guard check");
    expect(statesOf(data)).toEqual(["pre_check_failed"]);
    expect(notesOf(data)).toEqual([expect.stringMatching(/G05 artifact-missing/)]);
  });

  test("a look at one cluster says the same, and passes for a version that is there", async () => {
    const check = ["check", "--cluster", "e-1", "--target-version"] as const;
    const [missing, fine, revision] = await Promise.all([
      world.failure(...check, "1.31.0"),
      world.result(...check, "1.31.1"),
      world.run(...check, "1.31.1", "--strategy", "revision", "--json"),
    ]);
    expect(missing).toMatchObject({
      code: "guard-refused",
      message: expect.stringContaining("block G05 artifact-missing"),
      data: { verdict: "blocked", strategy: "in-place", refusals: [], problems: [] },
    });
    expect(fine).toMatchObject({ verdict: "passed", istio: "1.30.5", target: "1.31.1", refusals: [], problems: [] });
    expect(revision.stdout).toContain('"strategy":"revision"');
  });

  test("a token that has expired is told, and where it is set", async () => {
    await world.gitlab.hands.expireToken(world.now() - 1_000);
    expect(await world.failure(...run("early"))).toMatchObject({
      code: "git-host-refused",
      message: expect.stringContaining("expired"),
    });
    const { message } = await world.failure("validate", "--batch", "early");
    expect(message).toMatch(/FAILS {2}repository mesh\/early: git-host-refused: .*expired/);
    for (const name of ["table", "metrics", "monitors", "e-1 kubernetes"]) expect(message).toContain(`works  ${name}:`);
    await world.gitlab.hands.expireToken(undefined);
  });

  test("monitor, rollback, resume and diff say that there is no run to work on", async () => {
    const refused = await Promise.all([
      world.failure("monitor", "--batch", "odd"),
      world.failure("rollback", "--batch", "odd", "--reason", "slow"),
      world.failure("resume", "--batch", "odd"),
      world.failure("diff", "--batch", "odd"),
    ]);
    for (const one of refused)
      expect(one).toMatchObject({
        code: "guard-refused",
        message: "No cluster of odd is in a run",
        next: [expect.stringContaining("npx switchyard guard run --batch odd")],
      });
  });

  test("nothing was written to GitLab, and no cluster was changed", () => {
    expect(written()).toEqual([]);
    expect(world.clusters.changes).toEqual([]);
  });
});

describe("a merge request that is closed, and Flux that is suspended", () => {
  test("a closed merge request pauses the batch, and the retry opens another from another branch", async () => {
    const first = await world.result(...run("odd"));
    // To wait for a person who merges is no failure.
    expect(statesOf(await world.result("monitor", "--batch", "odd", "--once"))).toEqual(["mr_created", "mr_created"]);
    await world.gitlab.hands.close("mesh/odd", 1);
    const paused = await world.failure("monitor", "--batch", "odd", "--once");
    expect(paused).toMatchObject({
      code: "guard-paused",
      exitCode: 1,
      next: [expect.stringContaining("resume"), expect.any(String)],
    });
    expect(statesOf(paused.data)).toEqual(["paused", "paused"]);
    expect(notesOf(paused.data)[0]).toContain("!1 was closed");
    const text = await world.run("status", "--batch", "odd");
    expect(text.stdout).toContain("guard resume");
    expect(await world.failure(...run("odd"))).toMatchObject({
      code: "guard-refused",
      message: expect.stringMatching(/^o-1: it is paused \(mr_created\): .*!1 was closed/),
      next: [expect.stringContaining("npx switchyard guard resume --batch odd --retry")],
    });
    const again = await world.result("resume", "--batch", "odd", "--retry");
    expect(statesOf(again)).toEqual(["mr_created", "mr_created"]);
    expect(requestsOf(again)).not.toEqual(requestsOf(first));
    expect(new Set(branchesOf()).size).toBe(2);
  });

  test("a suspended Flux pauses the cluster and says what to resume; then it goes on", async () => {
    const cluster = await world.cluster("o-1");
    cluster.suspend(gitRepositoryType, "flux-system", "flux-system");
    await world.gitlab.hands.approve("mesh/odd", 2, "anna");
    await world.gitlab.hands.merge("mesh/odd", 2, { method: "merge", squash: true, by: "anna" });
    const looks = await untilPaused();
    expect(notesOf(looks)).toEqual([expect.stringMatching(/GitRepository.*suspended; resume it/)]);
    cluster.suspend(gitRepositoryType, "flux-system", "flux-system", false);
    await world.result("resume", "--batch", "odd");
    const end = await world.result("monitor", "--batch", "odd");
    expect(statesOf(end)).toEqual(["upgraded", "upgraded"]);
  });
});

test("flags of the tool that guard replaces say what to use instead, and a run can be given up", async () => {
  const [format, step] = await Promise.all([
    world.failure("list", "--format", "json"),
    world.failure("resume", "--batch", "odd", "--from-step", "monitor"),
  ]);
  expect(format).toMatchObject({ code: "usage-error", next: [expect.stringContaining("--json")] });
  expect(step).toMatchObject({ code: "usage-error", next: [expect.stringContaining("guard resume --batch odd")] });
  await world.result(...run("early"));
  const given = await world.result("resume", "--batch", "early", "--give-up", "not this week");
  expect(statesOf(given)).toEqual(["abandoned"]);
  expect(await world.failure("monitor", "--batch", "early", "--once")).toMatchObject({ code: "guard-failed" });
});

/** Looks, as a job that a clock starts; until a cluster is paused. Errors: after a minute. */
async function untilPaused(): Promise<unknown> {
  for (const late = Date.now() + 60_000; ; ) {
    const { stdout } = await world.run("monitor", "--batch", "odd", "--once", "--json");
    const looked = parseEnvelope(stdout);
    if (looked.status === "error" && looked.error.code === "guard-paused") return looked.error.data;
    if (looked.status === "error" || Date.now() > late) throw new Error(stdout);
  }
}
