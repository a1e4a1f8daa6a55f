import { expect, test } from "vitest";
import { createSimulatedGitHost } from "../../../../automation/guard/simulation/git-host.ts";
import type { NewMergeRequest } from "../../../../automation/ports/git-host.ts";

const asked = (source: string): NewMergeRequest => ({
  source,
  target: "main",
  title: "Istio",
  description: "",
  labels: [],
  reviewers: [],
  removeSourceBranch: true,
});
const commit = (start: string, branch = "guard/x") => ({
  branch,
  start,
  message: "Istio",
  actions: [{ kind: "update", path: "a.yaml", text: "a: 2\n" }] as const,
});

test("a fault before does nothing, one after has done its work, and both look the same", async () => {
  const simulated = createSimulatedGitHost({ now: () => 0 });
  const root = simulated.createRepository("g/p", { "a.yaml": "a: 1\n" });
  const lost = expect.objectContaining({ code: "git-host-unreachable" });
  simulated.interfere((method) => (method === "commit" ? "before" : undefined));
  await expect(simulated.host.commit("g/p", commit(root))).rejects.toEqual(lost);
  expect(await simulated.host.head("g/p", "guard/x")).toBeUndefined();
  simulated.interfere((method, repository) => (method === "commit" && repository === "g/p" ? "after" : undefined));
  await expect(simulated.host.commit("g/p", commit(root))).rejects.toEqual(lost);
  simulated.interfere(undefined);
  expect(await simulated.host.head("g/p", "guard/x")).toMatch(/^[0-9a-f]{40}$/);
  expect(await simulated.host.commit("g/p", commit(root))).toBe("exists");
});

test("calls are counted by method, and the requests that GitLab would have had", async () => {
  const simulated = createSimulatedGitHost({ now: () => 0 });
  const { host } = simulated;
  const root = simulated.createRepository("g/p", { "a.yaml": "a: 1\n" });
  await host.commit("g/p", commit(root));
  await host.createMergeRequest("g/p", asked("guard/x"));
  await host.findMergeRequest("g/p", "guard/x");
  await host.findMergeRequest("g/p", "guard/none");
  expect(Object.fromEntries(simulated.calls)).toEqual({ commit: 1, createMergeRequest: 1, findMergeRequest: 2 });
  expect(simulated.requests).toBe(1 + 1 + 2 + 1);
});

test("the time of a merge is the time that is passed in, and the same calls give the same ids", async () => {
  const run = async () => {
    const simulated = createSimulatedGitHost({ now: () => 42 });
    await simulated.host.commit("g/p", commit(simulated.createRepository("g/p", { "a.yaml": "a: 1\n" })));
    await simulated.host.createMergeRequest("g/p", asked("guard/x"));
    const landed = simulated.merge("g/p", 1, { method: "merge", by: "anna" });
    expect(await simulated.host.mergeRequest("g/p", 1)).toMatchObject({ mergedAt: 42, mergedBy: "anna", landed });
    return landed;
  };
  expect(await run()).toBe(await run());
});

test("500 clusters over 25 waves take little time and memory", async () => {
  const simulated = createSimulatedGitHost({ now: () => 0 });
  const files = Object.fromEntries(
    Array.from({ length: 500 }, (_, cluster) =>
      ["base", "istiod", "gateway"].map((name) => [`clusters/c${cluster}/${name}.yaml`, "version: 1.29.8\n"] as const),
    ).flat(),
  );
  simulated.createRepository("g/fleet", files);
  const { host } = simulated;
  const began = performance.now();
  for (let wave = 0; wave < 25; wave += 1) {
    const start = (await host.head("g/fleet", "main")) ?? "";
    expect(await host.files("g/fleet", start)).toHaveLength(1_500);
    const actions = Array.from({ length: 20 }, (_, index) => ({
      kind: "update" as const,
      path: `clusters/c${wave * 20 + index}/istiod.yaml`,
      text: "version: 1.30.5\n",
    }));
    await host.commit("g/fleet", { branch: `guard/${wave}`, start, message: "x", actions });
    await host.createMergeRequest("g/fleet", asked(`guard/${wave}`));
    const landed = simulated.merge("g/fleet", wave + 1, { method: "merge", by: "anna" });
    for (let poll = 0; poll < 20; poll += 1) expect(await host.contains("g/fleet", landed, start)).toBe(true);
  }
  expect(performance.now() - began).toBeLessThan(2_000);
});
