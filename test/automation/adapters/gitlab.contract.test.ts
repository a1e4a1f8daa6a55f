/** What the adapter does when GitLab throttles, fails, forgets to answer, or says too much. */
import { inspect } from "node:util";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { createGitLab } from "../../../automation/adapters/gitlab.ts";
import { mergeRequestOf, mergeRequestReply } from "../../../automation/adapters/gitlab-replies.ts";
import type { GitLabOptions } from "../../../automation/adapters/gitlab-requests.ts";
import { seeded } from "../../../automation/drill/simulation/random.ts";
import { type GitLabServerOptions, startGitLabServer } from "../../support/gitlab-server/server.ts";
import { createVirtualClock } from "../../support/virtual-clock.ts";

const repository = "fleet/prod";
const branch = "guard/upgrade-istio-1.30.5-wave-1-0123456789ab";
const files = { "a.yaml": "a: 1\n", "b.yaml": "b: 1\n" };
const isPost = ({ method }: { readonly method: string }): boolean => method === "POST";
const asked = {
  source: branch,
  target: "main",
  title: "Istio 1.30.5",
  description: "text",
  labels: ["guard"],
  reviewers: [],
  removeSourceBranch: false,
};

const send = globalThis.fetch;

async function given(options: Partial<GitLabOptions> = {}, more: GitLabServerOptions = {}) {
  const clock = createVirtualClock(Date.UTC(2026, 11, 1));
  // Time stands still while a request is under way.
  const held = vi.spyOn(globalThis, "fetch").mockImplementation((...all) => clock.hold(() => send(...all)));
  onTestFinished(() => held.mockRestore());
  const server = await startGitLabServer({ now: () => clock.now(), ...more });
  onTestFinished(() => server.close());
  const { url, token, hands, faults } = server;
  const host = createGitLab({
    url,
    token,
    clock,
    random: seeded(7),
    limits: { perMinute: 100_000 },
    ...options,
  });
  const root = await hands.createRepository(repository, files);
  const commit = {
    branch,
    start: root,
    message: "Istio 1.30.5",
    actions: [{ kind: "update", path: "a.yaml", text: "a: 2\n" }] as const,
  };
  /** Requests since. */
  const since = () => {
    const from = server.requests.length;
    return () => server.requests.slice(from);
  };
  return { clock, server, hands, faults, host, root, commit, since, run: clock.run };
}

describe("throttling", () => {
  test("all calls get through storms of 429 without a word on when to come back, and nothing is made twice", async () => {
    const { host, hands, faults, commit, root, run, since } = await given();
    await run(async () => {
      const requests = since();
      let refused = 0;
      const random = seeded(11);
      const storm = (): void => {
        const count = 1 + Math.floor(random() * 12);
        refused += count;
        faults.storm(count);
      };
      for (let round = 0; round < 20; round += 1) {
        const source = `${branch}-${round}`;
        storm();
        expect(await host.commit(repository, { ...commit, branch: source })).toMatchObject({ id: expect.any(String) });
        storm();
        const made = await host.createMergeRequest(repository, { ...asked, source });
        expect(made).toMatchObject({ iid: round + 1 });
        storm();
        await host.comment(repository, round + 1, "mark", "text");
        storm();
        expect(await host.findMergeRequest(repository, source)).toMatchObject({ iid: round + 1 });
        expect(await hands.comments(repository, round + 1)).toHaveLength(1);
      }
      storm();
      expect(await host.files(repository, root)).toHaveLength(2);
      const all = requests();
      expect(refused).toBeGreaterThan(400);
      expect(all.length).toBeLessThan(refused + 400);
      // Alone for longer each time: the more it refuses the less it is asked.
      const times = all.map(({ at }) => at);
      expect((times.at(-1) ?? 0) - (times[0] ?? 0)).toBeGreaterThan(refused * 1_000);
    });
  }, 60_000);

  test("what it says of when to come back is kept to", async () => {
    const { host, faults, run, since } = await given();
    await run(async () => {
      const requests = since();
      faults.storm(1, { headers: { "retry-after": "42" } });
      await host.head(repository, "main");
      const [first, second, ...others] = requests();
      expect(others).toEqual([]);
      expect((second?.at ?? 0) - (first?.at ?? 0)).toBeGreaterThanOrEqual(42_000);
    });
  });

  test("others wait too while it wants to be left alone", async () => {
    const { host, faults, run, since } = await given();
    await run(async () => {
      await host.head(repository, "main");
      const requests = since();
      faults.storm(1, { headers: { "retry-after": "42" } });
      await host.head(repository, "main");
      await Promise.all([1, 2, 3].map(() => host.head(repository, "main")));
      const [first, ...others] = requests().map(({ at }) => at);
      expect(Math.min(...others) - (first ?? 0)).toBeGreaterThanOrEqual(42_000);
    });
  });

  test("one that does not end is told after ten minutes", async () => {
    const { host, faults, run, clock } = await given();
    await run(async () => {
      const began = clock.now();
      faults.storm(10_000);
      await expect(host.head(repository, "main")).rejects.toMatchObject({
        code: "git-host-busy",
        message: expect.stringContaining("600 s"),
      });
      expect(clock.now() - began).toBeGreaterThan(500_000);
      expect(clock.now() - began).toBeLessThanOrEqual(600_000);
    });
  });

  test("a wait that is longer than that is not begun", async () => {
    const { host, faults, run, clock, since } = await given();
    await run(async () => {
      const [began, requests] = [clock.now(), since()];
      faults.storm(1, { headers: { "retry-after": "3600" } });
      await expect(host.head(repository, "main")).rejects.toMatchObject({ code: "git-host-busy" });
      expect(clock.now()).toBe(began);
      expect(requests()).toHaveLength(1);
    });
  });
});

describe("quotas", () => {
  test("half of what is left is never exceeded, and everything gets done", async () => {
    const { host, faults, run } = await given();
    await run(async () => {
      faults.quota({ limit: 40, periodMs: 60_000, headers: true });
      for (let asks = 0; asks < 130; asks += 1) await host.head(repository, "main");
      expect(faults.overQuota).toBe(0);
      expect(faults.mostUsed).toBeGreaterThan(0.4);
      expect(faults.mostUsed).toBeLessThanOrEqual(0.525);
    });
  });

  test("sixty callers at once keep to it as well", async () => {
    const { host, faults, run } = await given();
    await run(async () => {
      faults.quota({ limit: 40, periodMs: 60_000, headers: true });
      await Promise.all(Array.from({ length: 60 }, () => host.head(repository, "main")));
      expect(faults.overQuota).toBe(0);
      expect(faults.mostUsed).toBeLessThanOrEqual(0.525);
    });
  });

  test("one that the server keeps to itself is survived", async () => {
    const { host, faults, run } = await given();
    await run(async () => {
      faults.quota({ limit: 10, periodMs: 60_000, headers: false });
      for (let asks = 0; asks < 45; asks += 1) expect(await host.head(repository, "main")).toBeDefined();
      expect(faults.overQuota).toBeGreaterThan(0);
    });
  });

  test("no more requests in a minute than are configured", async () => {
    const { host, run, since } = await given({ limits: { perMinute: 30 } });
    await run(async () => {
      const requests = since();
      await Promise.all(Array.from({ length: 75 }, () => host.head(repository, "main")));
      const times = requests().map(({ at }) => at);
      expect(times).toHaveLength(75);
      for (const time of times)
        expect(times.filter((other) => other >= time && other < time + 60_000).length).toBeLessThanOrEqual(30);
    });
  });
});

describe("answers that get lost", () => {
  test.each(["before", "after"] as const)("of a commit, %s it was made: it is there once", async (when) => {
    const { host, faults, commit, run, root } = await given();
    await run(async () => {
      faults.lose(2, { when, which: isPost });
      const made = await host.commit(repository, commit);
      if (made === "exists") throw new Error("it was there");
      expect(await host.head(repository, branch)).toBe(made.id);
      expect(await host.commitsBetween(repository, root, made.id)).toHaveLength(1);
    });
  });

  test("of a commit, while a rival made another on that branch: it is not ours", async () => {
    const { host, hands, faults, commit, run } = await given();
    await run(async () => {
      faults.lose(1, { when: "before", which: isPost });
      await hands.push(repository, branch, "bert", "Rival", [{ kind: "update", path: "a.yaml", text: "a: 3\n" }]);
      expect(await host.commit(repository, commit)).toBe("exists");
    });
  });

  test.each(["before", "after"] as const)("of a merge request, %s it was made: it is there once", async (when) => {
    const { host, faults, commit, run } = await given();
    await run(async () => {
      await host.commit(repository, commit);
      faults.lose(2, { when, which: isPost });
      expect(await host.createMergeRequest(repository, asked)).toMatchObject({ iid: 1, title: asked.title });
      expect(await host.openMergeRequests(repository, "guard/")).toHaveLength(1);
    });
  });

  test("of a merge request, with lists that do not see it yet: the refusal of the second names it", async () => {
    const { host, hands, faults, commit, run } = await given();
    await run(async () => {
      await host.commit(repository, commit);
      await hands.staleLists(true);
      faults.lose(1, { which: isPost });
      expect(await host.createMergeRequest(repository, asked)).toMatchObject({ iid: 1, title: asked.title });
      await hands.staleLists(false);
      expect(await host.openMergeRequests(repository, "guard/")).toHaveLength(1);
    });
  });

  test("of a comment: it is there once", async () => {
    const { host, hands, faults, commit, run } = await given();
    await run(async () => {
      await host.commit(repository, commit);
      await host.createMergeRequest(repository, asked);
      faults.lose(2, { which: isPost });
      await host.comment(repository, 1, "mark", "text");
      expect(await hands.comments(repository, 1)).toHaveLength(1);
    });
  });

  test("errors of the server count as lost: it is looked before it is asked again", async () => {
    const { host, faults, commit, run, since } = await given();
    await run(async () => {
      const requests = since();
      faults.fail(502, 1, { which: isPost });
      await host.commit(repository, commit);
      expect(requests().map(({ method }) => method)).toEqual(["POST", "GET", "POST"]);
    });
  });

  test("for good: unreachable, after four times", async () => {
    const { host, faults, commit, run, since } = await given();
    await run(async () => {
      const requests = since();
      faults.lose(100, { when: "before", which: isPost });
      await expect(host.commit(repository, commit)).rejects.toMatchObject({ code: "git-host-unreachable" });
      expect(requests().filter(isPost)).toHaveLength(4);
    });
  });
});

describe("errors", () => {
  test.each([500, 502, 503, 504])("a read that gets %d is repeated", async (status) => {
    const { host, faults, root, run } = await given();
    await run(async () => {
      faults.fail(status, 4);
      expect(await host.head(repository, "main")).toBe(root);
    });
  });

  test("a read and a change that get lost are repeated", async () => {
    const { host, faults, commit, run } = await given();
    await run(async () => {
      await host.commit(repository, commit);
      await host.createMergeRequest(repository, asked);
      faults.lose(3);
      await host.updateMergeRequest(repository, 1, { title: "New" });
      faults.lose(4, { when: "before" });
      expect((await host.mergeRequest(repository, 1)).title).toBe("New");
    });
  });

  test("that stay are told after five times, with what it said", async () => {
    const { host, faults, run, since } = await given();
    await run(async () => {
      const requests = since();
      faults.fail(503, 100, { body: "down for maintenance" });
      await expect(host.head(repository, "main")).rejects.toMatchObject({
        code: "git-host-unreachable",
        message: expect.stringMatching(/head of main in fleet\/prod: it answered 503 down for maintenance/),
      });
      expect(requests()).toHaveLength(5);
    });
  });

  test("nobody is there", async () => {
    const { host, server, run } = await given();
    await server.close();
    await run(() => expect(host.head(repository, "main")).rejects.toMatchObject({ code: "git-host-unreachable" }));
  });

  test("an answer that takes too long", async () => {
    const { host, faults, run } = await given({ timeoutMs: 40 });
    await run(async () => {
      faults.delay(400);
      await expect(host.head(repository, "main")).rejects.toMatchObject({
        code: "git-host-unreachable",
        message: expect.stringContaining("no answer within 40 ms"),
      });
    });
  });

  test("a call that is stopped stops at once, also while it waits", async () => {
    const { host, faults, run } = await given();
    await run(async () => {
      const controller = new AbortController();
      faults.storm(1_000);
      const call = host.head(repository, "main", controller.signal);
      controller.abort(new Error("stop"));
      await expect(call).rejects.toThrow("stop");
    });
  });

  test("an answer that is not GitLab's is not taken for one", async () => {
    const { host, faults, run } = await given();
    await run(async () => {
      faults.fail(200, 1, { body: "<html>Sign in</html>", headers: { "content-type": "text/html" } });
      await expect(host.head(repository, "main")).rejects.toMatchObject({
        code: "git-host-rejected",
        message: expect.stringContaining("not understood"),
      });
    });
  });

  test("a repository that has moved is told, and the token is not sent on", async () => {
    const { host, faults, run, since } = await given();
    const other = await given();
    await run(async () => {
      const [requests, elsewhere] = [since(), other.since()];
      faults.fail(301, 1, { headers: { location: `${other.server.url}/api/v4/projects/1` } });
      await expect(host.head(repository, "main")).rejects.toMatchObject({
        code: "git-host-not-found",
        message: expect.stringContaining("moved"),
      });
      expect(requests()).toHaveLength(1);
      expect(elsewhere()).toHaveLength(0);
    });
  });
});

describe("the token", () => {
  test("does not go over plain HTTP to another machine", () => {
    const clock = createVirtualClock();
    const create = (url: string) => () => createGitLab({ url, token: "glpat-x", clock, limits: { perMinute: 1 } });
    expect(create("http://gitlab.example.com")).toThrow(expect.objectContaining({ code: "credentials-over-http" }));
    expect(create("https://gitlab.example.com")).not.toThrow();
  });

  test.each([400, 401, 403, 404, 409, 422, 500])("is in no error though GitLab repeats it (%d)", async (status) => {
    const { host, faults, commit, run, server } = await given();
    const { token } = server;
    await run(async () => {
      faults.fail(status, 100, {
        body: JSON.stringify({ message: `bad token ${token}, ${btoa(token)}` }),
        headers: { "content-type": "application/json" },
      });
      for (const call of [
        () => host.commit(repository, commit),
        () => host.mergeRequest(repository, 1),
        () => host.facts(repository),
      ]) {
        const error = await call().then(
          () => undefined,
          (thrown: unknown) => thrown,
        );
        expect(error).toMatchObject({ code: expect.stringMatching(/^git-host-/) });
        const text = inspect(error, { depth: 10, showHidden: true });
        expect(text).not.toContain(token);
        expect(text).not.toContain(btoa(token).replaceAll("=", ""));
      }
    });
  });

  test("that is wrong is refused, with what to do", async () => {
    const { server, run, clock } = await given();
    const host = createGitLab({ url: server.url, token: "glpat-wrong", clock, limits: { perMinute: 1_000 } });
    await run(async () => {
      await expect(host.head(repository, "main")).rejects.toMatchObject({ code: "git-host-refused" });
      expect(inspect(await host.head(repository, "main").catch((error: unknown) => error))).not.toContain(
        "glpat-wrong",
      );
    });
  });
});

describe("files", () => {
  test("of a commit are fetched once, and again after a failure", async () => {
    const { host, root, faults, run, since } = await given();
    await run(async () => {
      faults.fail(400, 1);
      await expect(host.files(repository, root)).rejects.toMatchObject({ code: "git-host-rejected" });
      const requests = since();
      await Promise.all([host.files(repository, root), host.files(repository, root)]);
      await host.files(repository, root);
      expect(requests().filter(({ path }) => path.includes("archive"))).toHaveLength(1);
      expect(requests()).toHaveLength(2);
    });
  });

  const text = "a: $Format:%H$\nb: $Id$\n";
  test.each([
    ["left out of archives", "*.yaml export-ignore\n"],
    ["left out of archives with the attributes themselves", "*.yaml export-ignore\n.gitattributes export-ignore\n"],
    ["filled in by archives", "*.yaml export-subst\n"],
    ["given other line ends by archives", "*.yaml text eol=crlf\n"],
    ["given an id by archives", "*.yaml ident\n"],
  ])("that are %s are as they are in the commit", async (_what, attributes) => {
    const { host, hands, run } = await given();
    await run(async () => {
      const commit = await hands.push(repository, "main", "anna", "Attributes", [
        { kind: "create", path: ".gitattributes", text: attributes },
        { kind: "create", path: "deep/c.yaml", text },
      ]);
      expect(await host.files(repository, commit)).toEqual([
        { path: "a.yaml", text: files["a.yaml"] },
        { path: "b.yaml", text: files["b.yaml"] },
        { path: "deep/c.yaml", text },
      ]);
    });
  });

  test("of 600 paths over many pages are all there where attributes make it look at each", async () => {
    const { host, hands, run, since } = await given();
    const many = Array.from({ length: 600 }, (_, index) => ({
      kind: "create" as const,
      path: `clusters/${index}/istio.yaml`,
      text: `version: ${index}\n`,
    }));
    const attributes = { kind: "create", path: ".gitattributes", text: "*.md export-ignore\n" } as const;
    const commit = await hands.push(repository, "main", "anna", "Many", [...many, attributes]);
    const requests = since();
    expect(await run(() => host.files(repository, commit))).toHaveLength(602);
    // Pages of the list; no content a second time.
    expect(requests().length).toBeLessThan(16);
  });
});

describe("reviewers", () => {
  test("are asked for by their ids", async () => {
    const { host, commit, run, server } = await given();
    await run(async () => {
      await host.commit(repository, commit);
      await host.createMergeRequest(repository, { ...asked, reviewers: ["anna", "Carla"] });
      const post = server.requests.findLast(isPost);
      expect(post?.body).toMatchObject({ reviewer_ids: [2, 4] });
    });
  });

  test("whom nobody knows are told before anything is made", async () => {
    const { host, commit, run } = await given();
    await run(async () => {
      await host.commit(repository, commit);
      await expect(host.createMergeRequest(repository, { ...asked, reviewers: ["nobody"] })).rejects.toMatchObject({
        code: "git-host-not-found",
        message: expect.stringContaining("nobody"),
      });
      expect(await host.findMergeRequest(repository, branch)).toBeUndefined();
    });
  });
});

describe("merge requests of other releases", () => {
  const reply = {
    iid: 1,
    web_url: "https://gitlab.example.com/g/p/-/merge_requests/1",
    state: "merged",
    source_branch: "s",
    target_branch: "main",
    title: "Draft: x",
    labels: [],
    author: { username: "a" },
    merged_at: "2026-12-01T10:00:00.000+01:00",
    merged_by: { username: "old" },
    merge_status: "can_be_merged",
  };

  test("without newer fields are read from older ones", () => {
    expect(mergeRequestOf(mergeRequestReply.parse(reply), "h")).toMatchObject({
      description: "",
      draft: true,
      head: "h",
      landed: "h",
      mergedAt: Date.UTC(2026, 11, 1, 9),
      mergedBy: "old",
      mergeStatus: "can_be_merged",
      hasConflicts: false,
    });
  });

  test.each([
    [{ merge_commit_sha: "m", squash_commit_sha: "s", sha: "h" }, "m"],
    [{ merge_commit_sha: null, squash_commit_sha: "s", sha: "h" }, "s"],
    [{ merge_commit_sha: null, squash_commit_sha: null, sha: "h" }, "h"],
  ])("%j landed as %s", (more, landed) => {
    expect(mergeRequestOf(mergeRequestReply.parse({ ...reply, ...more }), "")).toMatchObject({ landed });
  });
});
