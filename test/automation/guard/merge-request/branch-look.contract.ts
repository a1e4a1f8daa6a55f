/** What became of our branch, on every Git host: by hand as people do it. */
import { describe, expect, onTestFinished, test } from "vitest";
import { lookAtBranch } from "../../../../automation/guard/merge-request/branch-look.ts";
import type { GitHost } from "../../../../automation/ports/git-host.ts";
import type { GitHostHarness } from "../../ports/git-host.contract.ts";

const repository = "fleet/prod";
const branch = "guard/upgrade-istio-1.30.5-wave-1-0123456789ab";
const release = "clusters/a/istio.yaml";
const other = "clusters/b/istio.yaml";
const file = (version: string, more = "") => `kind: HelmRelease\nspec:\n  version: ${version}\n${more}`;
const update = (text: string, path = release) => [{ kind: "update", path, text }] as const;

export function branchLookContract(name: string, start: () => Promise<GitHostHarness>): void {
  describe(name, () => {
    const given = async () => {
      const harness = await start();
      onTestFinished(() => harness.close());
      const { host, hands } = harness;
      const base = await hands.createRepository(repository, { [release]: file("1.29.8"), [other]: file("1.29.8") });
      const made = await host.commit(repository, {
        branch,
        start: base,
        message: "Istio 1.30.5",
        actions: update(file("1.30.5")),
      });
      const request = await host.createMergeRequest(repository, {
        source: branch,
        target: "main",
        title: "Istio 1.30.5",
        description: "",
        labels: [],
        reviewers: [],
        removeSourceBranch: false,
      });
      if (made === "exists" || request === "exists") throw new Error("it was there");
      const { iid } = request;
      const ours = { commit: made.id, base };
      return {
        ...harness,
        iid,
        ours,
        look: async (on: GitHost = host) => (await lookAtBranch(on, repository, ours, iid)).state,
        /** Main moves, elsewhere or in our file, above our line. */
        move: (text = file("1.29.8", "  other: 1\n"), path = other) =>
          hands.push(repository, "main", "anna", "Elsewhere", update(text, path)),
      };
    };

    test("nobody touched it: ours, by one question", async () => {
      const { look, host, move } = await given();
      await move();
      const asked: string[] = [];
      const counting = new Proxy(host, {
        get(target, method) {
          asked.push(String(method));
          return Reflect.get(target, method);
        },
      });
      expect(await look(counting)).toEqual({ kind: "ours" });
      expect(asked).toEqual(["mergeRequest"]);
    });

    test("rebased: the same change on another base", async () => {
      const { look, hands, iid, move } = await given();
      await move();
      const head = await hands.rebase(repository, iid);
      expect(await look()).toEqual({ kind: "rebased", head });
    });

    test("edited by hand on our branch: who did it", async () => {
      const { look, hands } = await given();
      await hands.push(repository, branch, "bert", "Another version", update(file("1.30.4")));
      const head = await hands.push(repository, branch, "carla", "And more", update(file("1.30.4"), other));
      expect(await look()).toEqual({ kind: "edited", head, by: ["bert", "carla"] });
    });

    test("edited where Flux does not read: still not ours alone", async () => {
      const { look, hands } = await given();
      const head = await hands.push(repository, branch, "bert", "Docs", [{ kind: "create", path: "x.md", text: "x" }]);
      expect(await look()).toEqual({ kind: "edited", head, by: ["bert"] });
    });

    test("rebased and edited", async () => {
      const { look, hands, iid, move } = await given();
      await move();
      await hands.push(repository, branch, "bert", "Another version", update(file("1.30.4")));
      const head = await hands.rebase(repository, iid);
      expect(await look()).toEqual({ kind: "edited", head, by: ["bert"] });
    });

    test("closed", async () => {
      const { look, hands, iid } = await given();
      await hands.close(repository, iid);
      expect(await look()).toEqual({ kind: "closed" });
    });

    test("opened again: ours", async () => {
      const { look, hands, iid } = await given();
      await hands.close(repository, iid);
      await hands.reopen(repository, iid);
      expect(await look()).toEqual({ kind: "ours" });
    });

    test.each([
      ["merge", { method: "merge" }, true],
      ["merge", { method: "merge", squash: true }, true],
      ["fast-forward", { method: "fast-forward" }, false],
      ["squash", { method: "fast-forward", squash: true }, false],
      ["rebase", { method: "rebase" }, true],
      ["fast-forward", { method: "rebase" }, false],
    ] as const)("merged by %s (%j, main has moved: %s): ours", async (how, choice, moved) => {
      const { look, hands, iid, move } = await given();
      if (moved) await move();
      const landed = await hands.merge(repository, iid, { ...choice, by: "anna" });
      expect(await look()).toEqual({ kind: "merged", how, landed, change: "ours", by: [] });
    });

    test("merged after main has moved on further: ours", async () => {
      const { look, hands, iid, move } = await given();
      const landed = await hands.merge(repository, iid, { method: "merge", by: "anna" });
      await move();
      expect(await look()).toEqual({ kind: "merged", how: "merge", landed, change: "ours", by: [] });
    });

    test.each([
      ["merge", { method: "merge" }, true],
      ["merge", { method: "merge", squash: true }, false],
      ["fast-forward", { method: "fast-forward" }, false],
      ["squash", { method: "fast-forward", squash: true }, false],
      ["rebase", { method: "rebase" }, true],
    ] as const)("edited and merged by %s (%j, main has moved: %s): not what we made", async (how, choice, moved) => {
      const { look, hands, iid, move } = await given();
      await hands.push(repository, branch, "bert", "Another version", update(file("1.30.4")));
      if (moved) await move();
      const landed = await hands.merge(repository, iid, { ...choice, by: "anna" });
      expect(await look()).toEqual({ kind: "merged", how, landed, change: "edited", by: ["bert"] });
    });

    test("edited by two and merged by a fast-forward names both", async () => {
      const { look, hands, iid } = await given();
      await hands.push(repository, branch, "bert", "Another version", update(file("1.30.4")));
      await hands.push(repository, branch, "carla", "And more", update(file("1.30.4"), other));
      const landed = await hands.merge(repository, iid, { method: "fast-forward", by: "anna" });
      expect(await look()).toEqual({
        kind: "merged",
        how: "fast-forward",
        landed,
        change: "edited",
        by: ["bert", "carla"],
      });
    });

    test.each([
      ["fast-forward", { method: "fast-forward" }],
      ["rebase", { method: "rebase" }],
      ["squash", { method: "fast-forward", squash: true }],
      ["merge", { method: "merge" }],
    ] as const)("a commit of somebody put under ours, and merged by %s: not what we made", async (_how, choice) => {
      const { look, host, hands, iid, move } = await given();
      await move();
      const under = await hands.push(
        repository,
        "of-bert",
        "bert",
        "Under it",
        update(file("1.29.8", "  x: 1\n"), other),
      );
      await hands.deleteBranch(repository, branch);
      const again = { branch, start: under, message: "Istio 1.30.5", actions: update(file("1.30.5")) };
      expect(await host.commit(repository, again)).not.toBe("exists");
      expect(await look()).toMatchObject({ kind: "edited", by: ["bert"] });
      await hands.merge(repository, iid, { ...choice, by: "anna" });
      expect(await look()).toMatchObject({ kind: "merged", change: "edited", by: ["bert"] });
    });

    test("rebased, then squashed: ours", async () => {
      const { look, hands, iid, move } = await given();
      await move();
      await hands.rebase(repository, iid);
      const landed = await hands.merge(repository, iid, { method: "fast-forward", squash: true, by: "anna" });
      expect(await look()).toEqual({ kind: "merged", how: "squash", landed, change: "ours", by: [] });
    });
  });
}
