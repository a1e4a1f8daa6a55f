import { expect, it } from "vitest";
import { projectOnce } from "../../../../automation/guard/run/context.ts";
import { createSimulatedGitHost } from "../../../../automation/guard/simulation/git-host.ts";

it("what GitLab says of a project is asked once in a while for all clusters, and what failed again", async () => {
  let now = 0;
  const hosted = createSimulatedGitHost({ now: () => now });
  hosted.createRepository("mesh/a", {});
  hosted.createRepository("mesh/b", {});
  const host = projectOnce(hosted.host, { now: () => now });
  hosted.interfere(() => "before");
  await expect(host.facts("mesh/a")).rejects.toMatchObject({ code: "git-host-unreachable" });
  hosted.interfere(undefined);
  const counted = (method: "facts" | "openMergeRequests" | "head") => hosted.calls.get(method) ?? 0;
  const before = counted("facts");
  for (const repository of ["mesh/a", "mesh/a", "mesh/b"]) {
    await host.facts(repository);
    await host.openMergeRequests(repository, "guard/");
    await host.head(repository, "main");
  }
  await host.openMergeRequests("mesh/a", "other/");
  expect([counted("facts") - before, counted("openMergeRequests"), counted("head")]).toEqual([2, 3, 3]);
  now = 30_000;
  await host.facts("mesh/a");
  await host.openMergeRequests("mesh/a", "guard/");
  expect([counted("facts") - before, counted("openMergeRequests")]).toEqual([2, 4]);
  now = 300_000;
  await host.facts("mesh/a");
  expect(counted("facts") - before).toBe(3);
});
