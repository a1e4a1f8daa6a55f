/** What every GitHost does; run on the simulated one and on the adapter for GitLab over a server with a real repository. */
import { describe, expect, onTestFinished, test } from "vitest";
import type { GitHostHands } from "../../../automation/guard/simulation/git-host-state.ts";
import type { GitHost, MergeRequest, NewMergeRequest } from "../../../automation/ports/git-host.ts";

/** The same, whether by a call in this process or by one of `git`. */
export type Hands = {
  readonly [Name in keyof GitHostHands]: (
    ...given: Parameters<GitHostHands[Name]>
  ) => ReturnType<GitHostHands[Name]> | Promise<ReturnType<GitHostHands[Name]>>;
};

export interface GitHostHarness {
  readonly host: GitHost;
  readonly hands: Hands;
  close(): Promise<void>;
}

const repository = "fleet/prod";
const branch = "guard/upgrade-istio-1.30.5-wave-1-0123456789ab";
const release = "clusters/a/istio.yaml";
/** A byte order mark, CRLF, no line end at the end: bytes count. */
const odd = "\ufeffkind: A\r\nversion: '1.29.8' # pinned\r\n\tx: ü\u2028";
const files = {
  [release]: 'version: "1.29.8"\n',
  "clusters/b/istio.yml": "version: 1.29.8\n",
  "clusters/c/values.json": '{"tag":"1.29.8"}\n',
  "odd/näme with space & [x].yaml": odd,
  "README.md": "# Fleet\n",
  "empty.yaml": "",
};
const unknown = "f".repeat(40);
const notFound = expect.objectContaining({ code: "git-host-not-found" });

const asked = (more: Partial<NewMergeRequest> = {}): NewMergeRequest => ({
  source: branch,
  target: "main",
  title: "Istio 1.30.5 for wave-1",
  description: "Health report\n\n| a | b |\n",
  labels: ["guard", "wave-1"],
  reviewers: [],
  removeSourceBranch: false,
  ...more,
});

const update = (text: string, path: string = release) => [{ kind: "update", path, text }] as const;

export function gitHostContract(name: string, start: () => Promise<GitHostHarness>): void {
  describe(name, () => {
    interface Given extends GitHostHarness {
      readonly root: string;
      /** Our commit on our branch. */
      commit(): Promise<string>;
      /** Our commit with a merge request. */
      open(more?: Partial<NewMergeRequest>): Promise<MergeRequest & { readonly commit: string }>;
      /** Read until the host knows whether it may be merged. */
      settled(iid: number): Promise<MergeRequest>;
      text(commit: string, path?: string): Promise<string | undefined>;
    }
    const given = async (): Promise<Given> => {
      const harness = await start();
      onTestFinished(() => harness.close());
      const { host, hands } = harness;
      const root = await hands.createRepository(repository, files);
      const commit = async (): Promise<string> => {
        const made = await host.commit(repository, {
          branch,
          start: root,
          message: "Istio 1.30.5\n\nPlan 0123",
          actions: update('version: "1.30.5"\n'),
        });
        if (made === "exists") throw new Error("the branch was there");
        return made.id;
      };
      return {
        ...harness,
        root,
        commit,
        async open(more) {
          const id = await commit();
          const request = await host.createMergeRequest(repository, asked(more));
          if (request === "exists") throw new Error("the merge request was there");
          return { ...request, commit: id };
        },
        async settled(iid) {
          for (let reads = 0; reads < 10; reads += 1) {
            const request = await host.mergeRequest(repository, iid);
            if (!["unchecked", "checking", "preparing"].includes(request.mergeStatus)) return request;
          }
          throw new Error("it is still checked after 10 reads");
        },
        text: async (id, path = release) => (await host.files(repository, id)).find((file) => file.path === path)?.text,
      };
    };

    test("says what it is without a secret", async () => {
      expect((await given()).host.description).toMatch(/^\S.{3,80}$/);
    });

    describe("branches and files", () => {
      test("the head of a branch is its newest commit", async () => {
        const { host, hands, root } = await given();
        expect(await host.head(repository, "main")).toBe(root);
        const next = await hands.push(repository, "main", "anna", "Change", update("a: 1\n"));
        expect(next).not.toBe(root);
        expect(await host.head(repository, "main")).toBe(next);
      });

      test("a branch that is not there has no head, a repository that is not there is an error", async () => {
        const { host } = await given();
        expect(await host.head(repository, "guard/none")).toBeUndefined();
        await expect(host.head("fleet/none", "main")).rejects.toEqual(notFound);
      });

      test("gives every YAML and JSON file at a commit to the byte, and nothing else", async () => {
        const { host, root } = await given();
        const found = await host.files(repository, root);
        const expected = Object.entries(files).filter(([path]) => path !== "README.md");
        expect(found.toSorted((a, b) => (a.path < b.path ? -1 : 1))).toEqual(
          expected.map(([path, text]) => ({ path, text })).toSorted((a, b) => (a.path < b.path ? -1 : 1)),
        );
      });

      test("files are those of the commit, not of the branch's head", async () => {
        const { host, hands, root, text } = await given();
        const next = await hands.push(repository, "main", "anna", "Change", [
          { kind: "delete", path: "clusters/b/istio.yml" },
          { kind: "create", path: "new/x.yaml", text: "x: 1\n" },
          ...update("a: 1\n"),
        ]);
        expect(await text(root)).toBe(files[release]);
        expect(await text(next)).toBe("a: 1\n");
        expect(await text(next, "new/x.yaml")).toBe("x: 1\n");
        expect(await text(next, "clusters/b/istio.yml")).toBeUndefined();
        expect(await host.files(repository, root)).toHaveLength(5);
      });

      test("a commit that is not there is an error", async () => {
        const { host } = await given();
        await expect(host.files(repository, unknown)).rejects.toEqual(notFound);
      });

      test("a folder deep below and a long name are kept", async () => {
        const { hands, text } = await given();
        const path = `${"deep/".repeat(30)}${"n".repeat(120)}.yaml`;
        const next = await hands.push(repository, "main", "anna", "Deep", [{ kind: "create", path, text: "d: 1\n" }]);
        expect(await text(next, path)).toBe("d: 1\n");
      });
    });

    describe("a commit", () => {
      test("makes the branch with one commit on top of where it begins", async () => {
        const { host, root, commit, text } = await given();
        const id = await commit();
        expect(await host.head(repository, branch)).toBe(id);
        expect(await host.head(repository, "main")).toBe(root);
        const [made, ...others] = await host.commitsBetween(repository, root, id);
        expect(others).toEqual([]);
        expect(made).toMatchObject({
          id,
          parents: [root],
          message: expect.stringMatching(/^Istio 1\.30\.5\n\nPlan 0123\n?$/),
        });
        expect(await text(id)).toBe('version: "1.30.5"\n');
      });

      test("is by the token's user", async () => {
        const { host, root, commit } = await given();
        const id = await commit();
        const { self } = await host.facts(repository);
        const [made] = await host.commitsBetween(repository, root, id);
        expect(made?.authorName).toBe(self);
        expect(made?.authorEmail).toContain("@");
      });

      test("begins where it is told to, though the branch that it goes to has moved", async () => {
        const { host, hands, root, commit } = await given();
        await hands.push(repository, "main", "anna", "Change", update("a: 1\n"));
        const id = await commit();
        expect((await host.commitsBetween(repository, root, id)).map((one) => one.parents)).toEqual([[root]]);
      });

      test("creates, updates and deletes in one step, to the byte", async () => {
        const { host, root, text } = await given();
        const made = await host.commit(repository, {
          branch,
          start: root,
          message: "All kinds",
          actions: [
            { kind: "create", path: "a/new ü.yaml", text: odd },
            { kind: "update", path: "odd/näme with space & [x].yaml", text: `${odd}\r\nz: 1` },
            { kind: "delete", path: "clusters/b/istio.yml" },
          ],
        });
        const id = made === "exists" ? "" : made.id;
        expect(await text(id, "a/new ü.yaml")).toBe(odd);
        expect(await text(id, "odd/näme with space & [x].yaml")).toBe(`${odd}\r\nz: 1`);
        expect(await text(id, "clusters/b/istio.yml")).toBeUndefined();
        expect(await text(id)).toBe(files[release]);
      });

      test("on a branch that is there does nothing and says so", async () => {
        const { host, root, commit } = await given();
        const id = await commit();
        const again = { branch, start: root, message: "Other", actions: update("other: 1\n") };
        expect(await host.commit(repository, again)).toBe("exists");
        expect(await host.head(repository, branch)).toBe(id);
      });

      test.each([
        ["update of a file that is not there", { kind: "update", path: "none.yaml", text: "a: 1\n" }],
        ["deletion of a file that is not there", { kind: "delete", path: "none.yaml" }],
        ["creation of a file that is there", { kind: "create", path: release, text: "a: 1\n" }],
      ] as const)("with an %s does nothing at all", async (_what, wrong) => {
        const { host, root } = await given();
        const actions = [...update("a: 1\n", "clusters/c/values.json"), wrong];
        await expect(host.commit(repository, { branch, start: root, message: "Bad", actions })).rejects.toMatchObject({
          code: "git-host-rejected",
          message: expect.stringContaining("file"),
        });
        expect(await host.head(repository, branch)).toBeUndefined();
      });

      test("from a commit that is not there is an error and makes no branch", async () => {
        const { host } = await given();
        await expect(
          host.commit(repository, { branch, start: unknown, message: "Bad", actions: update("a: 1\n") }),
        ).rejects.toEqual(notFound);
        expect(await host.head(repository, branch)).toBeUndefined();
      });
    });

    describe("history", () => {
      test("commits between two are those that the first does not have, oldest first", async () => {
        const { host, hands, root, commit } = await given();
        const id = await commit();
        const second = await hands.push(repository, branch, "bert", "Second", update("b: 2\n"));
        const third = await hands.push(repository, branch, "carla", "Third", update("b: 3\n"));
        const found = await host.commitsBetween(repository, root, third);
        expect(found.map((one) => one.id)).toEqual([id, second, third]);
        expect(found.map((one) => one.parents)).toEqual([[root], [id], [second]]);
        expect(found[1]).toMatchObject({ authorName: "bert", authorEmail: "bert@example.com" });
        expect((await host.commitsBetween(repository, id, third)).map((one) => one.id)).toEqual([second, third]);
        expect(await host.commitsBetween(repository, third, third)).toEqual([]);
        expect(await host.commitsBetween(repository, third, root)).toEqual([]);
      });

      test("leaves out what the other side has of its own", async () => {
        const { host, hands, commit } = await given();
        const id = await commit();
        const main = await hands.push(repository, "main", "anna", "Main", update("m: 1\n", "clusters/c/values.json"));
        expect((await host.commitsBetween(repository, main, id)).map((one) => one.id)).toEqual([id]);
      });

      test("a merge brings its side's commits and itself, with its parents in order", async () => {
        const { host, hands, root, open } = await given();
        const { iid, commit } = await open();
        const main = await hands.push(repository, "main", "anna", "Main", update("m: 1\n", "clusters/c/values.json"));
        const landed = await hands.merge(repository, iid, { method: "merge", by: "anna" });
        const found = await host.commitsBetween(repository, root, landed);
        expect(new Set(found.map((one) => one.id))).toEqual(new Set([commit, main, landed]));
        expect(found.at(-1)).toMatchObject({ id: landed, parents: [main, commit] });
      });

      test("more commits than a page holds are all there", async () => {
        const { host, hands, root, commit } = await given();
        const expected = [await commit()];
        for (let index = 0; index < 8; index += 1)
          expected.push(await hands.push(repository, branch, "bert", `Change ${index}`, update(`n: ${index}\n`)));
        const found = await host.commitsBetween(repository, root, expected.at(-1) ?? "");
        expect(found.map((one) => one.id)).toEqual(expected);
      });

      test("contains tells ancestors, itself, descendants and strangers apart", async () => {
        const { host, hands, root, commit } = await given();
        const id = await commit();
        const main = await hands.push(repository, "main", "anna", "Main", update("m: 1\n"));
        expect(await host.contains(repository, id, root)).toBe(true);
        expect(await host.contains(repository, id, id)).toBe(true);
        expect(await host.contains(repository, root, id)).toBe(false);
        expect(await host.contains(repository, main, id)).toBe(false);
      });

      test("a commit that is not there is contained nowhere: an error", async () => {
        const { host, root } = await given();
        await expect(host.contains(repository, root, unknown)).rejects.toEqual(notFound);
        await expect(host.commitsBetween(repository, unknown, root)).rejects.toEqual(notFound);
      });
    });

    describe("a merge request", () => {
      test("is made as it was asked for", async () => {
        const { host, open } = await given();
        const made = await open();
        expect(made).toMatchObject({
          state: "opened",
          source: branch,
          target: "main",
          title: "Istio 1.30.5 for wave-1",
          description: "Health report\n\n| a | b |\n",
          draft: false,
          head: made.commit,
          landed: undefined,
          mergedAt: undefined,
          mergedBy: undefined,
          hasConflicts: false,
          pipeline: undefined,
        });
        expect(made.labels.toSorted()).toEqual(["guard", "wave-1"]);
        expect(made.url).toMatch(new RegExp(`^https?://.*${repository}/-/merge_requests/${made.iid}$`));
        expect(made.author).toBe((await host.facts(repository)).self);
        expect(await host.mergeRequest(repository, made.iid)).toMatchObject({ iid: made.iid, head: made.commit });
      });

      test("of a branch that has an open one is not made twice", async () => {
        const { host, open } = await given();
        const { iid } = await open();
        expect(await host.createMergeRequest(repository, asked({ title: "Another" }))).toBe("exists");
        expect((await host.openMergeRequests(repository, "guard/")).map((one) => one.iid)).toEqual([iid]);
      });

      test("of a branch whose one was closed is a new one, and the newest is found", async () => {
        const { host, hands, open } = await given();
        const { iid } = await open();
        await hands.close(repository, iid);
        const again = await host.createMergeRequest(repository, asked({ title: "Second" }));
        expect(again).toMatchObject({ iid: iid + 1, state: "opened" });
        expect(await host.findMergeRequest(repository, branch)).toMatchObject({ iid: iid + 1, title: "Second" });
      });

      test("of a branch that is not there is an error", async () => {
        const { host } = await given();
        await expect(host.createMergeRequest(repository, asked({ source: "guard/none" }))).rejects.toMatchObject({
          code: expect.stringMatching(/^git-host-(not-found|rejected)$/),
        });
      });

      test("is found by its branch in every state, and not by a part of it", async () => {
        const { host, hands, open } = await given();
        expect(await host.findMergeRequest(repository, branch)).toBeUndefined();
        const { iid } = await open();
        expect(await host.findMergeRequest(repository, branch)).toMatchObject({ iid, state: "opened" });
        expect(await host.findMergeRequest(repository, branch.slice(0, -1))).toBeUndefined();
        await hands.close(repository, iid);
        expect(await host.findMergeRequest(repository, branch)).toMatchObject({ iid, state: "closed" });
        await hands.reopen(repository, iid);
        await hands.merge(repository, iid, { method: "merge", by: "anna" });
        expect(await host.findMergeRequest(repository, branch)).toMatchObject({ iid, state: "merged" });
      });

      test("open ones are listed by how their branch begins, more than a page of them", async () => {
        const { host, hands, root } = await given();
        for (let index = 0; index < 9; index += 1) {
          const source = `guard/upgrade-${index}`;
          await host.commit(repository, {
            branch: source,
            start: root,
            message: "x",
            actions: update(`n: ${index}\n`),
          });
          await host.createMergeRequest(repository, asked({ source, title: `Number ${index}` }));
        }
        await hands.push(repository, "other/branch", "bert", "x", update("o: 1\n"));
        await host.createMergeRequest(repository, asked({ source: "other/branch" }));
        await hands.close(repository, 3);
        const found = await host.openMergeRequests(repository, "guard/upgrade-");
        expect(found.map((one) => one.source).toSorted()).toEqual(
          Array.from({ length: 9 }, (_, index) => `guard/upgrade-${index}`)
            .filter((source) => source !== "guard/upgrade-2")
            .toSorted(),
        );
      });

      test("with Draft: in front is a draft until its title is changed", async () => {
        const { host, open, settled } = await given();
        const { iid, draft } = await open({ title: "Draft: Istio 1.30.5" });
        expect(draft).toBe(true);
        expect((await settled(iid)).mergeStatus).toBe("draft_status");
        await host.updateMergeRequest(repository, iid, { title: "Istio 1.30.5" });
        expect(await settled(iid)).toMatchObject({ draft: false, title: "Istio 1.30.5", mergeStatus: "mergeable" });
      });

      test("is changed in what is named and in nothing else", async () => {
        const { host, open } = await given();
        const { iid } = await open();
        await host.updateMergeRequest(repository, iid, { labels: ["guard::merged"] });
        expect(await host.mergeRequest(repository, iid)).toMatchObject({
          title: "Istio 1.30.5 for wave-1",
          labels: ["guard::merged"],
          description: "Health report\n\n| a | b |\n",
        });
        await host.updateMergeRequest(repository, iid, { description: "New", labels: [] });
        expect(await host.mergeRequest(repository, iid)).toMatchObject({ description: "New", labels: [] });
      });

      test("that is not there is an error", async () => {
        const { host } = await given();
        await expect(host.mergeRequest(repository, 99)).rejects.toEqual(notFound);
        await expect(host.approvals(repository, 99)).rejects.toEqual(notFound);
        await expect(host.updateMergeRequest(repository, 99, { title: "x" })).rejects.toEqual(notFound);
      });

      test("its head follows the branch while it is open", async () => {
        const { host, hands, open } = await given();
        const { iid } = await open();
        const edited = await hands.push(repository, branch, "bert", "By hand", update("b: 2\n"));
        expect((await host.mergeRequest(repository, iid)).head).toBe(edited);
      });

      test("closed by hand is closed, and has landed nowhere", async () => {
        const { host, hands, open } = await given();
        const { iid, commit } = await open();
        await hands.close(repository, iid);
        expect(await host.mergeRequest(repository, iid)).toMatchObject({
          state: "closed",
          landed: undefined,
          mergedAt: undefined,
          head: commit,
        });
        expect(await host.openMergeRequests(repository, "guard/")).toEqual([]);
      });

      test("that cannot be merged says that it conflicts", async () => {
        const { hands, open, settled } = await given();
        const { iid } = await open();
        await hands.push(repository, "main", "anna", "Other version", update("version: 2\n"));
        expect(await settled(iid)).toMatchObject({ hasConflicts: true, mergeStatus: "conflict" });
      });

      test("carries the status of its pipeline and of the host as they are named, known or not", async () => {
        const { host, hands, open } = await given();
        const { iid } = await open();
        await hands.setPipeline(repository, iid, "failed");
        await hands.setMergeStatus(repository, iid, "a_status_of_tomorrow");
        expect(await host.mergeRequest(repository, iid)).toMatchObject({
          pipeline: "failed",
          mergeStatus: "a_status_of_tomorrow",
        });
      });
    });

    describe("what landed", () => {
      test.each([
        ["a merge commit", { method: "merge" }, 2],
        ["a squash with a merge commit", { method: "merge", squash: true }, 2],
        ["a fast-forward", { method: "fast-forward" }, 1],
        ["a squash that is moved to", { method: "fast-forward", squash: true }, 1],
      ] as const)("is %s", async (_what, how, parents) => {
        const { host, hands, root, open, text } = await given();
        const { iid, commit } = await open();
        const landed = await hands.merge(repository, iid, { ...how, by: "anna" });
        const request = await host.mergeRequest(repository, iid);
        expect(request).toMatchObject({ state: "merged", landed, mergedBy: "anna" });
        expect(request.mergedAt).toBeTypeOf("number");
        expect(await host.head(repository, "main")).toBe(landed);
        expect(await host.contains(repository, landed, root)).toBe(true);
        expect(await host.contains(repository, landed, commit)).toBe(!("squash" in how));
        expect((await host.commitsBetween(repository, root, landed)).at(-1)?.parents).toHaveLength(parents);
        expect(await text(landed)).toBe('version: "1.30.5"\n');
      });

      test("is the rebased head where the branch was rebased", async () => {
        const { host, hands, open, text } = await given();
        const { iid, commit } = await open();
        const main = await hands.push(repository, "main", "anna", "Main", update("m: 1\n", "clusters/c/values.json"));
        const landed = await hands.merge(repository, iid, { method: "rebase", by: "anna" });
        expect(await host.mergeRequest(repository, iid)).toMatchObject({ state: "merged", landed, head: landed });
        expect(landed).not.toBe(commit);
        expect(await host.contains(repository, landed, main)).toBe(true);
        expect(await host.contains(repository, landed, commit)).toBe(false);
        expect(await text(landed)).toBe('version: "1.30.5"\n');
        expect(await text(landed, "clusters/c/values.json")).toBe("m: 1\n");
      });

      test("stays known when the branch is removed", async () => {
        const { host, hands, open } = await given();
        const { iid, commit } = await open({ removeSourceBranch: true });
        const landed = await hands.merge(repository, iid, { method: "merge", by: "anna" });
        expect(await host.head(repository, branch)).toBeUndefined();
        expect(await host.findMergeRequest(repository, branch)).toMatchObject({ iid, landed, head: commit });
      });

      test("a branch that is behind cannot be moved to, and says that it needs a rebase", async () => {
        const { host, hands, open, settled } = await given();
        await hands.configure(repository, { fastForwardOnly: true });
        const { iid } = await open();
        await hands.push(repository, "main", "anna", "Main", update("m: 1\n", "clusters/c/values.json"));
        expect(await settled(iid)).toMatchObject({ mergeStatus: "need_rebase", behindBy: 1 });
        // What is missing besides hides it.
        await hands.configure(repository, { fastForwardOnly: true, approvalsRequired: 1 });
        expect(await settled(iid)).toMatchObject({ mergeStatus: "not_approved", behindBy: 1 });
        await hands.configure(repository, { fastForwardOnly: true, approvalsRequired: 0 });
        const head = await hands.rebase(repository, iid);
        expect(await settled(iid)).toMatchObject({ mergeStatus: "mergeable", head, behindBy: 0 });
        expect(await host.head(repository, branch)).toBe(head);
      });
    });

    describe("approvals", () => {
      test("are counted, and what is left is never below zero", async () => {
        const { host, hands, open, settled } = await given();
        await hands.configure(repository, { approvalsRequired: 2 });
        const { iid } = await open();
        expect(await host.approvals(repository, iid)).toEqual({ required: 2, left: 2, by: [] });
        expect((await settled(iid)).mergeStatus).toBe("not_approved");
        await hands.approve(repository, iid, "anna");
        expect(await host.approvals(repository, iid)).toEqual({ required: 2, left: 1, by: ["anna"] });
        await hands.approve(repository, iid, "bert");
        await hands.approve(repository, iid, "carla");
        expect(await host.approvals(repository, iid)).toEqual({ required: 2, left: 0, by: ["anna", "bert", "carla"] });
        expect((await settled(iid)).mergeStatus).toBe("mergeable");
      });

      test("none are required where nobody requires them", async () => {
        const { host, open } = await given();
        const { iid } = await open();
        expect(await host.approvals(repository, iid)).toEqual({ required: 0, left: 0, by: [] });
      });
    });

    describe("comments", () => {
      test("one with a marker is written once, and others beside it", async () => {
        const { host, hands, open } = await given();
        const { iid } = await open();
        await host.comment(repository, iid, "guard:merged:1", "Merged as *abc*.");
        await host.comment(repository, iid, "guard:merged:1", "Merged as *abc*, again.");
        await host.comment(repository, iid, "guard:merged:12", "Another.");
        const found = await hands.comments(repository, iid);
        expect(found).toHaveLength(2);
        expect(found.join("\n")).toContain("Merged as *abc*.");
        expect(found.join("\n")).toContain("<!-- guard:merged:1 -->");
        expect(found.join("\n")).not.toContain("again");
      });

      test("are looked for on every page", async () => {
        const { host, hands, open } = await given();
        const { iid } = await open();
        for (let index = 0; index < 9; index += 1) await host.comment(repository, iid, `mark-${index}`, "text");
        await host.comment(repository, iid, "mark-0", "text");
        expect(await hands.comments(repository, iid)).toHaveLength(9);
      });
    });

    describe("facts", () => {
      test("are what the project asks of approvals", async () => {
        const { host, hands } = await given();
        expect(await host.facts(repository)).toMatchObject({
          approvalsRequired: 0,
          authorMayApprove: true,
          rebaseFirst: false,
        });
        await hands.configure(repository, { approvalsRequired: 3, authorMayApprove: false, fastForwardOnly: true });
        expect(await host.facts(repository)).toMatchObject({
          approvalsRequired: 3,
          authorMayApprove: false,
          rebaseFirst: true,
        });
      });

      test.each(["CODEOWNERS", "docs/CODEOWNERS", ".gitlab/CODEOWNERS"])(
        "owners of code are read from %s",
        async (path) => {
          const { host, hands } = await given();
          expect((await host.facts(repository)).codeOwners).toBeUndefined();
          await hands.push(repository, "main", "anna", "Owners", [{ kind: "create", path, text: "clusters/ @sre\n" }]);
          expect((await host.facts(repository)).codeOwners).toBe("clusters/ @sre\n");
        },
      );

      test("say when the token ends", async () => {
        const { host, hands } = await given();
        expect((await host.facts(repository)).tokenExpiresAt).toBeUndefined();
        const end = Date.UTC(2099, 0, 2);
        await hands.expireToken(end);
        expect((await host.facts(repository)).tokenExpiresAt).toBe(end);
      });

      test("a repository that is not there is an error", async () => {
        const { host } = await given();
        await expect(host.facts("fleet/none")).rejects.toEqual(notFound);
      });
    });

    describe("trouble", () => {
      test("a token that has expired is refused in every call, and nothing is done", async () => {
        const { host, hands, root } = await given();
        await hands.expireToken(Date.UTC(2001, 0, 1));
        const message = expect.stringContaining("expired");
        const refused = expect.objectContaining({ code: "git-host-refused", message });
        await expect(host.head(repository, "main")).rejects.toEqual(refused);
        await expect(host.files(repository, root)).rejects.toEqual(refused);
        const commit = { branch, start: root, message: "x", actions: update("a: 1\n") };
        await expect(host.commit(repository, commit)).rejects.toEqual(refused);
        await hands.expireToken(undefined);
        expect(await host.head(repository, branch)).toBeUndefined();
      });

      test("a list that is stale leads to no second merge request and to no stale state", async () => {
        const { host, hands, commit } = await given();
        await hands.push(repository, "guard/old", "bert", "x", update("o: 1\n"));
        const old = await host.createMergeRequest(repository, asked({ source: "guard/old" }));
        await hands.staleLists(true);
        await commit();
        expect(await host.createMergeRequest(repository, asked())).toMatchObject({ source: branch });
        expect(await host.createMergeRequest(repository, asked())).toBe("exists");
        if (old === "exists") throw new Error("it was there");
        await hands.close(repository, old.iid);
        expect(await host.openMergeRequests(repository, "guard/old")).toEqual([]);
        expect(await host.findMergeRequest(repository, "guard/old")).toMatchObject({ state: "closed" });
        await hands.staleLists(false);
        expect(await host.findMergeRequest(repository, branch)).toMatchObject({ state: "opened" });
      });

      test("a signal that has ended stops a call with its reason", async () => {
        const { host } = await given();
        const reason = new Error("stop");
        await expect(host.head(repository, "main", AbortSignal.abort(reason))).rejects.toBe(reason);
      });

      test("repositories know nothing of each other", async () => {
        const { host, hands, root, open } = await given();
        await open();
        const other = await hands.createRepository("fleet/stage/eu", { "a.yaml": "a: 1\n" });
        expect(await host.head("fleet/stage/eu", branch)).toBeUndefined();
        expect(await host.findMergeRequest("fleet/stage/eu", branch)).toBeUndefined();
        expect(other).not.toBe(root);
        expect(await host.files("fleet/stage/eu", other)).toEqual([{ path: "a.yaml", text: "a: 1\n" }]);
        await expect(host.files("fleet/stage/eu", root)).rejects.toEqual(notFound);
      });
    });
  });
}
