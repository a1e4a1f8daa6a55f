import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  type MergeStateQuestion,
  mergeState,
  mergeStatuses,
} from "../../../../automation/guard/merge-request/merge-state.ts";

const request = (more: Partial<MergeStateQuestion["request"]> = {}): MergeStateQuestion["request"] => ({
  state: "opened",
  draft: false,
  mergeStatus: "mergeable",
  hasConflicts: false,
  behindBy: undefined,
  pipeline: undefined,
  ...more,
});

test.each([
  ["approvals_syncing", "wait", "git-host"],
  ["checking", "wait", "git-host"],
  ["ci_must_pass", "blocked", "author"],
  ["ci_still_running", "wait", "pipeline"],
  ["commits_status", "blocked", "guard"],
  ["conflict", "blocked", "guard"],
  ["discussions_not_resolved", "blocked", "author"],
  ["draft_status", "blocked", "author"],
  ["jira_association_missing", "blocked", "author"],
  ["locked_lfs_files", "blocked", "maintainers"],
  ["locked_paths", "blocked", "maintainers"],
  ["merge_request_blocked", "blocked", "author"],
  ["merge_time", "blocked", "author"],
  ["mergeable", "ready", "reviewers"],
  ["need_rebase", "blocked", "author"],
  ["not_approved", "blocked", "reviewers"],
  ["not_open", "blocked", "author"],
  ["preparing", "wait", "git-host"],
  ["requested_changes", "blocked", "author"],
  ["security_policy_pipeline_check", "blocked", "maintainers"],
  ["security_policy_violations", "blocked", "maintainers"],
  ["status_checks_must_pass", "blocked", "maintainers"],
  ["title_regex", "blocked", "maintainers"],
  ["unchecked", "wait", "git-host"],
])("%s alone is %s, for %s to act", (mergeStatus, kind, who) => {
  const state = mergeState({ request: request({ mergeStatus }) });
  expect(state).toMatchObject({ kind, who, reason: mergeStatus, also: [] });
  expect(state.text).toMatch(/^[A-Z].{5,150}\.$/);
});

test("these are all 24", () => {
  expect(new Set(mergeStatuses).size).toBe(24);
});

describe("the reason to act on first", () => {
  test("a rebase comes before approvals, which it would take away", () => {
    const approvals = { required: 2, left: 2, by: [] };
    const moved = request({ mergeStatus: "not_approved", behindBy: 3 });
    expect(mergeState({ request: moved, approvals, rebaseFirst: true })).toMatchObject({
      kind: "blocked",
      reason: "need_rebase",
      also: ["2 of 2 approvals are missing."],
    });
    for (const given of [
      { request: moved, approvals, rebaseFirst: false },
      { request: moved, approvals },
      { request: request({ mergeStatus: "not_approved", behindBy: 0 }), approvals, rebaseFirst: true },
      { request: request({ mergeStatus: "not_approved" }), approvals, rebaseFirst: true },
    ])
      expect(mergeState(given).reason).toBe("not_approved");
    expect(mergeState({ request: request({ mergeStatus: "need_rebase" }), approvals })).toMatchObject({
      reason: "need_rebase",
      also: ["2 of 2 approvals are missing."],
    });
  });

  test("a conflict comes before a draft, a draft before its pipeline, a pipeline before approvals", () => {
    const approvals = { required: 1, left: 1, by: [] };
    const all = request({ mergeStatus: "ci_must_pass", draft: true, hasConflicts: true, pipeline: "failed" });
    expect(mergeState({ request: all, approvals })).toMatchObject({
      reason: "conflict",
      also: [
        "It is a draft: mark it as ready.",
        "Its pipeline has to pass first; it is failed.",
        "1 of 1 approvals is missing.",
      ],
    });
    expect(mergeState({ request: { ...all, hasConflicts: false }, approvals }).reason).toBe("draft_status");
    expect(mergeState({ request: { ...all, hasConflicts: false, draft: false }, approvals }).reason).toBe(
      "ci_must_pass",
    );
  });

  test("closed and merged come before everything", () => {
    const state = mergeState({ request: request({ state: "closed", mergeStatus: "conflict", hasConflicts: true }) });
    expect(state).toMatchObject({ kind: "blocked", reason: "not_open", text: "It is closed." });
  });

  test("a pipeline that runs is waited for only where nothing else is missing", () => {
    const running = request({ mergeStatus: "ci_still_running", pipeline: "running" });
    expect(mergeState({ request: running }).kind).toBe("wait");
    expect(mergeState({ request: { ...running, draft: true } })).toMatchObject({
      kind: "blocked",
      reason: "draft_status",
      also: ["Its pipeline is running."],
    });
  });

  test("a conflict of before the host has looked is not yet one, and approvals that are counted are not missing", () => {
    expect(mergeState({ request: request({ mergeStatus: "checking", hasConflicts: true }) }).kind).toBe("wait");
    const approvals = { required: 1, left: 1, by: [] };
    expect(mergeState({ request: request({ mergeStatus: "approvals_syncing" }), approvals }).kind).toBe("wait");
  });

  test("a stale word that it can be merged does not hide what is missing", () => {
    const approvals = { required: 1, left: 1, by: [] };
    expect(mergeState({ request: request(), approvals }).reason).toBe("not_approved");
    expect(mergeState({ request: request({ hasConflicts: true }) }).reason).toBe("conflict");
    expect(mergeState({ request: request(), approvals: { ...approvals, left: 0 } }).kind).toBe("ready");
  });

  test("a pipeline that has to pass and never ran is said to be missing", () => {
    expect(mergeState({ request: request({ mergeStatus: "ci_must_pass" }) }).text).toContain("none has run");
  });
});

describe("other values", () => {
  test.each([
    ["broken_status", "conflict"],
    ["blocked_status", "merge_request_blocked"],
    ["external_status_checks", "status_checks_must_pass"],
    ["policies_denied", "security_policy_violations"],
    ["jira_association", "jira_association_missing"],
    ["title_not_matching", "title_regex"],
  ])("%s of another release is %s", (mergeStatus, reason) => {
    expect(mergeState({ request: request({ mergeStatus }) }).reason).toBe(reason);
  });

  test("one that is not known blocks and is named, beside what is known to block", () => {
    expect(mergeState({ request: request({ mergeStatus: "moon_phase" }) })).toMatchObject({
      kind: "blocked",
      reason: "moon_phase",
      text: 'GitLab says "moon_phase", which is not known.',
    });
    expect(mergeState({ request: request({ mergeStatus: "moon_phase", draft: true }) })).toMatchObject({
      reason: "draft_status",
      also: ['GitLab says "moon_phase", which is not known.'],
    });
  });

  test("nothing but mergeable with nothing missing is ready, whatever the value", () => {
    const status = fc.oneof(
      fc.constantFrom(...mergeStatuses),
      fc.string(),
      fc.constantFrom("constructor", "__proto__"),
    );
    fc.assert(
      fc.property(status, fc.boolean(), fc.boolean(), fc.nat(2), (mergeStatus, draft, hasConflicts, left) => {
        const state = mergeState({
          request: request({ mergeStatus, draft, hasConflicts }),
          approvals: { required: 2, left, by: [] },
        });
        expect(state.kind === "ready").toBe(mergeStatus === "mergeable" && !draft && !hasConflicts && left === 0);
        expect(state.text).not.toBe("");
      }),
    );
  });
});
