import { describe, expect, test } from "vitest";
import {
  type BranchQuestion,
  branchState,
  sameChange,
} from "../../../../automation/guard/merge-request/branch-check.ts";
import type { HostedCommit } from "../../../../automation/ports/git-host.ts";

const ours = { commit: "c1", base: "b0" };
const commit = (id: string, more: Partial<HostedCommit> = {}): HostedCommit => ({
  id,
  parents: ["b0"],
  authorName: "guard-bot",
  authorEmail: "guard@example.com",
  message: "Istio 1.30.5",
  ...more,
});
const question = (more: Partial<BranchQuestion> = {}): BranchQuestion => ({
  ours,
  commit: commit("c1"),
  request: { state: "opened", head: "c2", landed: undefined },
  commits: [commit("c2", { parents: ["b1"] })],
  sameChange: true,
  ...more,
});

describe("a branch whose head is not our commit", () => {
  test("is rebased when author, message and change are ours", () => {
    expect(branchState(question())).toEqual({ kind: "rebased", head: "c2" });
  });

  test("is edited when the change is another though nobody else signed it", () => {
    expect(branchState(question({ sameChange: false }))).toEqual({ kind: "edited", head: "c2", by: [] });
  });

  test("is edited when nobody looked at the change", () => {
    expect(branchState(question({ sameChange: undefined })).kind).toBe("edited");
  });

  test.each([
    ["another author", { authorEmail: "bert@example.com", authorName: "bert" }, ["bert"]],
    ["another message", { message: "Istio 1.30.4" }, ["guard-bot"]],
    ["a merge", { parents: ["b1", "c1"] }, ["guard-bot"]],
  ] as const)("is edited by %s", (_what, more, by) => {
    expect(branchState(question({ commits: [commit("c2", more)] }))).toEqual({ kind: "edited", head: "c2", by });
  });

  test("is edited when our commit is not known any more", () => {
    expect(branchState(question({ commit: undefined })).kind).toBe("edited");
  });
});

test("one that the host merges at this moment is neither open nor merged", () => {
  expect(branchState(question({ request: { state: "locked", head: "c1", landed: undefined } }))).toEqual({
    kind: "merging",
  });
});

describe("the same change", () => {
  const at = (text: string, more: Readonly<Record<string, string>> = {}) =>
    Object.entries({ "a.yaml": text, ...more }).map(([path, one]) => ({ path, text: one }));
  const ours = { before: at("v: 1\n"), after: at("v: 2\n") };

  test("is the same lines of the same files, whatever stands around them", () => {
    expect(
      sameChange(ours, { before: at("x\nv: 1\ny\n", { "b.yaml": "b" }), after: at("x\nv: 2\ny\n", { "b.yaml": "b" }) }),
    ).toBe(true);
  });

  test.each([
    ["another value", at("v: 1\n"), at("v: 3\n")],
    ["one more line", at("v: 1\n"), at("v: 2\nw: 1\n")],
    ["one more file", at("v: 1\n"), at("v: 2\n", { "b.yaml": "" })],
    ["a file that goes", at("v: 1\n", { "b.yaml": "" }), at("v: 2\n")],
    ["nothing", at("v: 1\n"), at("v: 1\n")],
    ["the other way", at("v: 2\n"), at("v: 1\n")],
  ])("is not %s", (_what, before, after) => {
    expect(sameChange(ours, { before, after })).toBe(false);
  });

  test("an empty file that comes is not one that is emptied", () => {
    const comes = { before: [], after: at("") };
    expect(sameChange(comes, { before: at(""), after: [] })).toBe(false);
    expect(sameChange(comes, comes)).toBe(true);
  });
});
