import { describe, expect, test } from "vitest";
import { gateMergeRequest } from "../../../automation/cli/guard-gate.ts";
import { branchName, markText, type StepMark } from "../../../automation/guard/merge-request/mark.ts";
import { planDigest } from "../../../automation/guard/plan/digest.ts";
import { createSimulatedGitHost } from "../../../automation/guard/simulation/git-host.ts";

const now = Date.UTC(2026, 11, 1, 14);
const repository = "fleet/prod";
const mark: StepMark = {
  kind: "upgrade",
  plan: "0123456789ab",
  step: 0,
  attempt: 1,
  checkedAt: now,
  validMinutes: 60,
  batch: "wave-1",
  version: "1.30.5",
};

async function given(source = branchName(repository, mark, planDigest)) {
  const { host, ...hands } = createSimulatedGitHost({ now: () => now });
  const start = hands.createRepository(repository, { "a.yaml": "a: 1\n" });
  await host.commit(repository, { branch: source, start, message: "x", actions: [{ kind: "delete", path: "a.yaml" }] });
  const request = { source, target: "main", title: "x", labels: [], reviewers: [], removeSourceBranch: true };
  await host.createMergeRequest(repository, { ...request, description: markText(mark) });
  return {
    hands,
    ask: (more: object = {}) => gateMergeRequest({ host, repository, iid: 1, digest: planDigest, now, ...more }),
  };
}

describe("the job of a merge request", () => {
  test("passes while its checks hold, and when it is not guard's or merged", async () => {
    expect(await (await given()).ask()).toMatchObject({ kind: "fresh", until: now + 3_600_000 });
    expect(await (await given("feature/x")).ask()).toMatchObject({ kind: "other" });
    const { hands, ask } = await given();
    hands.merge(repository, 1, { method: "merge", by: "anna" });
    expect(await ask({ now: now + 86_400_000 })).toEqual({ kind: "other", text: "The merge request is merged." });
  });

  test("fails when they have aged or the plan is another, with all reasons and what to do", async () => {
    const { ask } = await given();
    await expect(ask({ now: now + 3_700_000, plan: "ffffffffffff" })).rejects.toMatchObject({
      code: "guard-refused",
      exitCode: 5,
      message: expect.stringMatching(
        /^Merge request 1 of fleet\/prod must not be merged:\n {2}The plan .*\n {2}Its checks /,
      ),
      next: [expect.stringContaining("check again")],
      data: { reasons: [expect.any(String), expect.any(String)] },
    });
  });

  test.each([
    [
      "a later one of another plan is open",
      { plan: "abcdefabcdef", checkedAt: now + 1 },
      /The plan has changed from 0123456789ab to abcdefabcdef, of merge request 2/,
    ],
    ["the batch goes back", { kind: "rollback", version: "1.29.8" }, /The batch goes back by merge request 2/],
  ] as const)("fails when %s, by itself", async (_, other, why) => {
    const { host, ...hands } = createSimulatedGitHost({ now: () => now });
    const start = hands.createRepository(repository, { "a.yaml": "a: 1\n" });
    for (const of of [mark, { ...mark, ...other }]) {
      const source = branchName(repository, of, planDigest);
      const actions = [{ kind: "delete", path: "a.yaml" }] as const;
      await host.commit(repository, { branch: source, start, message: "x", actions });
      const request = { source, target: "main", title: "x", labels: [], reviewers: [], removeSourceBranch: true };
      await host.createMergeRequest(repository, { ...request, description: markText(of) });
    }
    const ask = (iid: number) => gateMergeRequest({ host, repository, iid, digest: planDigest, now: now + 1 });
    await expect(ask(1)).rejects.toMatchObject({ code: "guard-refused", message: expect.stringMatching(why) });
    expect(await ask(2)).toMatchObject({ kind: "fresh" });
  });

  test("fails when there is no such merge request", async () => {
    await expect((await given()).ask({ iid: 2 })).rejects.toMatchObject({ code: "git-host-not-found" });
  });
});
