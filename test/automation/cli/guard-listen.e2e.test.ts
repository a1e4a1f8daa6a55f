import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { z } from "zod";
import { type GuardWorld, openGuardWorld } from "../../support/guard/guard-world.ts";

// A hook of a merged branch starts the monitor of its batch, in a process that waits for hooks; Ctrl-C ends it.

const token = "a-token-of-hooks-in-a-test";
let world: GuardWorld;
beforeAll(async () => {
  world = await openGuardWorld({ heard: ["h-1"] });
  const path = join(world.root, "switchyard.yaml");
  const settings = z.looseObject({ guard: z.looseObject({}) }).parse(JSON.parse(await readFile(path, "utf8")));
  const guard = { ...settings.guard, listen: { token_from: "file:hook-token" } };
  await writeFile(path, JSON.stringify({ ...settings, guard }));
  await writeFile(join(world.root, "hook-token"), token, { mode: 0o600 });
});
afterAll(() => world.close());

test("a merged branch is monitored to its end, a wrong token starts nothing, and Ctrl-C ends it cleanly", async () => {
  await world.result("registry", "import", join(world.root, "clusters.yaml"));
  await world.result("run", "--batch", "heard", "--target-version", "1.31.1");
  const listening = world.start("listen", "--port", "0");
  await listening.says(/Listens at http:\/\/127\.0\.0\.1:\d+/);
  const url = /Listens at (\S+)/.exec(listening.stderr)?.[1] ?? "";
  const [branch] = world.gitlab.requests.flatMap(
    ({ path }) => /guard[^&?]*?upgrade-istio-1\.31\.1-heard-[0-9a-f]{12}/.exec(decodeURIComponent(path)) ?? [],
  );
  expect(branch).toBeDefined();
  await world.gitlab.hands.approve("mesh/heard", 1, "anna");
  await world.gitlab.hands.merge("mesh/heard", 1, { method: "merge", by: "anna" });
  const hook = JSON.stringify({
    object_kind: "merge_request",
    project: { path_with_namespace: "mesh/heard" },
    object_attributes: { source_branch: branch, state: "merged", action: "merge" },
  });
  const post = (given: string): Promise<Response> =>
    fetch(url, { method: "POST", headers: { "X-Gitlab-Token": given }, body: hook });
  expect((await post("another-token-of-hooks")).status).toBe(401);
  expect((await post(token)).status).toBe(202);
  await listening.says(/h-1 .*-> upgraded/, 120_000);
  listening.kill("SIGINT");
  expect(await listening.ended).toMatchObject({ code: 0, signal: undefined });
  expect(await world.result("list", "--batch", "heard")).toMatchObject({
    clusters: [{ cluster: "h-1", istio: "1.31.1", state: "upgraded" }],
  });
  expect(await world.result("sources", "--batch", "heard")).toMatchObject({
    places: [{ folder: "mesh/heard", uses: [] }],
  });
  expect(await world.failure("bundle", "--cluster", "h-1")).toMatchObject({
    code: "guard-refused",
    message: "Nothing was kept of h-1: nothing of its run has failed after a merge",
  });
});
