import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { mergedEventType, readBranch, readIncoming } from "../../../../automation/guard/events/webhook.ts";
import { branchName } from "../../../../automation/guard/merge-request/mark.ts";
import { planDigest } from "../../../../automation/guard/plan/digest.ts";

const branch = "guard/upgrade-istio-1.31.1-prod-wave-1-0123456789ab";

const hook = (attributes: Record<string, unknown> = {}, change: Record<string, unknown> = {}) => ({
  object_kind: "merge_request",
  event_type: "merge_request",
  user: { username: "alice" },
  project: { id: 1, path_with_namespace: "platform/clusters", web_url: "https://gitlab.example.com/platform/clusters" },
  object_attributes: {
    iid: 7,
    source_branch: branch,
    target_branch: "main",
    source_project_id: 1,
    target_project_id: 1,
    state: "merged",
    action: "merge",
    merge_commit_sha: "a".repeat(40),
    ...attributes,
  },
  ...change,
});

const event = (type: string, detail: unknown) => ({
  version: "0",
  id: "6a7e8feb-b491-4cf7-a9f1-bf3703467718",
  "detail-type": type,
  source: "gitlab",
  account: "111122223333",
  time: "2026-11-30T10:00:00Z",
  region: "eu-central-1",
  resources: [],
  detail,
});

const merged = {
  what: "merged",
  kind: "upgrade",
  version: "1.31.1",
  batch: "prod-wave-1",
  branch,
  repository: "platform/clusters",
};

describe("a branch's name", () => {
  test("is read as it is made, for every batch and version", () => {
    const batch = fc.stringMatching(/^[a-z0-9](?:[a-z0-9-]{0,20}[a-z0-9])?$/);
    const version = fc.tuple(fc.nat(3), fc.nat(40), fc.nat(20)).map((parts) => parts.join("."));
    fc.assert(
      fc.property(
        batch,
        version,
        fc.constantFrom("upgrade" as const, "rollback" as const),
        fc.nat(9),
        (of, to, kind, step) => {
          const made = branchName(
            "platform/clusters",
            { kind, plan: "0123456789abcdef", step, attempt: 1, batch: of, version: to },
            planDigest,
          );
          expect(readBranch(made)).toEqual({ kind, version: to, batch: of });
          expect(readBranch(`refs/heads/${made}`)).toEqual({ kind, version: to, batch: of });
        },
      ),
    );
  });

  test.each([
    "main",
    "guard/upgrade-istio-1.31.1-prod-wave-1",
    "guard/upgrade-istio-1.31-prod-wave-1-0123456789ab",
    "guard/upgrade-istio-1.31.1-Prod-0123456789ab",
    "guard/upgrade-istio-1.31.1--0123456789ab",
    "guard/upgrade-istio-1.31.1-wave-0123456789abc",
    "guard/upgrade-linkerd-1.31.1-wave-1-0123456789ab",
    "other/guard/upgrade-istio-1.31.1-wave-1-0123456789ab",
    `${branch}\n`,
    "",
  ])("%j is not guard's", (name) => {
    expect(readBranch(name)).toBeUndefined();
  });
});

describe("what comes in", () => {
  test.each([
    ["GitLab's hook", hook()],
    ["the hook within an event", event("Merge Request Hook", hook())],
    ["an event with the branch", event(mergedEventType, { repository: "platform/clusters", branch })],
    ["a hook without an action", hook({ action: undefined })],
  ])("a merged branch: %s", (_, body) => {
    expect(readIncoming(body)).toEqual(merged);
  });

  test("a rollback that was merged says so", () => {
    const name = branch.replace("upgrade", "rollback");
    expect(readIncoming(hook({ source_branch: name }))).toMatchObject({ what: "merged", kind: "rollback" });
  });

  test.each([
    ["an open merge request", hook({ state: "opened", action: "open" })],
    ["a closed one", hook({ state: "closed", action: "close" })],
    ["an edit of a merged one", hook({ action: "update" })],
    ["an approval of a merged one", hook({ action: "approved" })],
    ["a fork's branch of the same name", hook({ source_project_id: 666 })],
    ["a fork that is gone", hook({ target_project_id: null })],
    ["somebody else's branch", hook({ source_branch: "feature/x" })],
    ["a push", { object_kind: "push", ref: "refs/heads/main" }],
    ["an event of something else", event("EC2 Instance State-change Notification", { state: "running" })],
  ])("nothing to do: %s", (_, body) => {
    expect(readIncoming(body).what).toBe("nothing");
  });

  test.each([
    ["nothing", undefined],
    ["null", null],
    ["text", "merged"],
    ["a list", [hook()]],
    ["an object of no kind", { ref: "main" }],
    ["a merge request without its branch", hook({ source_branch: undefined })],
    ["a merge request without a project", hook({}, { project: undefined })],
    ["an event without the branch", event(mergedEventType, { repository: "platform/clusters" })],
  ])("unreadable: %s", (_, body) => {
    expect(readIncoming(body).what).toBe("unreadable");
  });

  test("whatever JSON comes, it is answered", () => {
    fc.assert(
      fc.property(fc.jsonValue(), (body) => ["nothing", "unreadable", "merged"].includes(readIncoming(body).what)),
    );
  });
});
