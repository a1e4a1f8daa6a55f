import { describe, expect, it } from "vitest";
import type { ClusterWrite, DocumentKind, GuardStore } from "../../../automation/ports/guard-store.ts";

/** One place of state that is empty. */
export interface GuardStoreFixture {
  /** Another process over the same state. */
  open(): GuardStore;
}

const write = (clusterId: string, value: string, expected: number, more: Partial<ClusterWrite> = {}): ClusterWrite => ({
  clusterId,
  batchId: "wave-1",
  value,
  expected,
  fence: 0,
  ...more,
});

/** Text that packing makes no smaller. */
export function noise(bytes: number, seed = 1): string {
  let state = seed >>> 0;
  const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  let text = "";
  while (text.length < bytes) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    text += letters[state >>> 26];
  }
  return text;
}

const month = 30 * 86_400_000;

/** What every store of guard has to do. */
export function guardStoreContract(name: string, create: () => Promise<GuardStoreFixture>): void {
  const store = async (): Promise<GuardStore> => (await create()).open();

  describe(`a store of guard: ${name}: clusters`, () => {
    it("knows nothing that was not written", async () => {
      const empty = await store();
      expect(await empty.cluster("prod-eu-1")).toBeUndefined();
      expect(await empty.batch("wave-1")).toEqual([]);
      expect(await empty.clusters()).toEqual([]);
      expect(await empty.archived("prod-eu-1")).toEqual([]);
      expect(await empty.document("plan", "p1")).toBeUndefined();
    });

    it("says what it is, for people", async () => {
      expect((await store()).description).not.toBe("");
    });

    it("keeps a cluster as it was written, for every process", async () => {
      const { open } = await create();
      expect(await open().write(write("prod-eu-1", "a", 0))).toEqual({ kind: "written", version: 1 });
      expect(await open().cluster("prod-eu-1")).toEqual({
        clusterId: "prod-eu-1",
        batchId: "wave-1",
        value: "a",
        version: 1,
        fence: 0,
      });
    });

    it("counts versions from 1, one for every write", async () => {
      const { open } = await create();
      const [one, two] = [open(), open()];
      for (let version = 0; version < 12; version += 1)
        expect(await (version % 2 === 0 ? one : two).write(write("a", `v${version}`, version))).toEqual({
          kind: "written",
          version: version + 1,
        });
      expect(await two.cluster("a")).toMatchObject({ value: "v11", version: 12 });
    });

    it("has a write that expects none refused where one is", async () => {
      const one = await store();
      await one.write(write("a", "x", 0));
      expect(await one.write(write("a", "y", 0))).toEqual({ kind: "conflict" });
      expect(await one.cluster("a")).toMatchObject({ value: "x", version: 1 });
    });

    it("has a write that expects another version refused, whatever that is, and changes nothing", async () => {
      const one = await store();
      for (const wrong of [1, 2, 99]) expect(await one.write(write("a", "x", wrong))).toEqual({ kind: "conflict" });
      expect(await one.cluster("a")).toBeUndefined();
      for (let version = 0; version < 3; version += 1) await one.write(write("a", String(version), version));
      for (const wrong of [0, 1, 2, 4, 99])
        expect(await one.write(write("a", "wrong", wrong)), String(wrong)).toEqual({ kind: "conflict" });
      expect(await one.cluster("a")).toMatchObject({ value: "2", version: 3 });
    });

    it("keeps the fence of the last write", async () => {
      const one = await store();
      await one.write(write("a", "x", 0, { fence: 3 }));
      expect(await one.cluster("a")).toMatchObject({ fence: 3 });
      await one.write(write("a", "y", 1, { fence: 7 }));
      expect(await one.cluster("a")).toMatchObject({ fence: 7, value: "y" });
    });

    it("lets the same fence write again", async () => {
      const one = await store();
      for (let version = 0; version < 3; version += 1)
        expect(await one.write(write("a", "x", version, { fence: 4 }))).toEqual({
          kind: "written",
          version: version + 1,
        });
    });

    it("tells a write of a lower fence from a conflict, and changes nothing", async () => {
      const one = await store();
      await one.write(write("a", "x", 0, { fence: 5 }));
      for (const fence of [0, 1, 4])
        expect(await one.write(write("a", "late", 1, { fence }))).toEqual({ kind: "fenced" });
      expect(await one.write(write("a", "late", 0, { fence: 4 }))).toEqual({ kind: "conflict" });
      expect(await one.write(write("a", "late", 2, { fence: 9 }))).toEqual({ kind: "conflict" });
      expect(await one.cluster("a")).toMatchObject({ value: "x", version: 1, fence: 5 });
    });

    it("keeps clusters apart", async () => {
      const one = await store();
      await one.write(write("a", "of a", 0));
      await one.write(write("b", "of b", 0));
      await one.write(write("a", "again", 1));
      expect(await one.cluster("b")).toMatchObject({ value: "of b", version: 1 });
    });

    it("keeps values of any characters as they are", async () => {
      const one = await store();
      const values = ['Grüße\n\r\t"\\ 世界 🚂\u0000', " ", "x", "ü".repeat(5_000)];
      for (const [index, value] of values.entries()) {
        await one.write(write(`c-${index}`, value, 0));
        expect((await one.cluster(`c-${index}`))?.value === value, `value ${index}`).toBe(true);
      }
    });

    it("keeps values of 300 KB as they are, and of a megabyte that repeats itself", async () => {
      const one = await store();
      for (const [index, value] of [noise(300_000), "prod-eu-1 ".repeat(100_000)].entries()) {
        await one.write(write(`big-${index}`, value, 0));
        expect((await one.cluster(`big-${index}`))?.value === value, `value ${index}`).toBe(true);
        expect((await one.batch("wave-1")).at(-1)?.value === value).toBe(true);
      }
    });
  });

  describe(`a store of guard: ${name}: batches`, () => {
    it("lists the clusters of a batch by id, whole", async () => {
      const { open } = await create();
      const one = open();
      for (const id of ["c", "a", "b-2", "b-10"]) await one.write(write(id, `of ${id}`, 0, { fence: 2 }));
      await one.write(write("other", "x", 0, { batchId: "wave-2" }));
      expect(await open().batch("wave-1")).toEqual(
        ["a", "b-10", "b-2", "c"].map((clusterId) => ({
          clusterId,
          batchId: "wave-1",
          value: `of ${clusterId}`,
          version: 1,
          fence: 2,
        })),
      );
      expect((await one.batch("wave-2")).map(({ clusterId }) => clusterId)).toEqual(["other"]);
      expect(await one.batch("wave")).toEqual([]);
      expect(await one.batch("wave-10")).toEqual([]);
    });

    it("lists all clusters by id, and nothing else that it keeps", async () => {
      const one = await store();
      await one.write(write("b", "x", 0));
      await one.write(write("a", "x", 0, { batchId: "wave-2" }));
      await one.lock("batch/wave-1", "me", 0, 1_000);
      await one.keep("plan", "p1", "text");
      await one.keep("bundle", "b1", noise(800_000));
      await one.archive("a", 1, "line", month);
      expect((await one.clusters()).map(({ clusterId }) => clusterId)).toEqual(["a", "b"]);
    });

    it("has a cluster in one batch only, the last", async () => {
      const one = await store();
      await one.write(write("a", "x", 0));
      await one.write(write("a", "y", 1, { batchId: "wave-2" }));
      expect(await one.batch("wave-1")).toEqual([]);
      expect(await one.batch("wave-2")).toMatchObject([{ clusterId: "a", batchId: "wave-2", value: "y", version: 2 }]);
      expect(await one.clusters()).toHaveLength(1);
    });

    it("lists more clusters than fit one reply", async () => {
      const { open } = await create();
      const one = open();
      const ids = Array.from({ length: 230 }, (_, index) => `c-${String(index).padStart(3, "0")}`);
      await Promise.all(ids.map((id) => one.write(write(id, id, 0))));
      expect((await open().batch("wave-1")).map(({ value }) => value)).toEqual(ids);
      expect((await open().clusters()).map(({ clusterId }) => clusterId)).toEqual(ids);
    });

    it("lists clusters whose values are larger together than one reply", async () => {
      const { open } = await create();
      const one = open();
      // 16 MB packed and more, which is what one reply has at the most.
      const ids = Array.from({ length: 54 }, (_, index) => `c-${String(index).padStart(2, "0")}`);
      const value = noise(420_000);
      for (const id of ids) await one.write(write(id, value, 0));
      const found = await open().batch("wave-1");
      expect(found.map(({ clusterId }) => clusterId)).toEqual(ids);
      expect(found.every((cluster) => cluster.value === value)).toBe(true);
    });
  });

  describe(`a store of guard: ${name}: removal`, () => {
    it("removes a cluster of the version that is expected", async () => {
      const { open } = await create();
      const one = open();
      await one.write(write("a", "x", 0));
      await one.write(write("b", "x", 0));
      expect(await one.remove("a", 1)).toBe(true);
      expect(await open().cluster("a")).toBeUndefined();
      expect((await open().batch("wave-1")).map(({ clusterId }) => clusterId)).toEqual(["b"]);
      expect((await open().clusters()).map(({ clusterId }) => clusterId)).toEqual(["b"]);
    });

    it("removes none of another version, and none that is not there", async () => {
      const one = await store();
      expect(await one.remove("a", 0)).toBe(false);
      expect(await one.remove("a", 1)).toBe(false);
      await one.write(write("a", "x", 0));
      await one.write(write("a", "y", 1));
      for (const wrong of [0, 1, 3]) expect(await one.remove("a", wrong)).toBe(false);
      expect(await one.cluster("a")).toMatchObject({ value: "y", version: 2 });
    });

    it("removes once", async () => {
      const one = await store();
      await one.write(write("a", "x", 0));
      expect(await one.remove("a", 1)).toBe(true);
      for (const version of [0, 1, 2, 3]) expect(await one.remove("a", version)).toBe(false);
    });

    it("goes on with versions where a removed one comes again, so that a late writer does not hit it", async () => {
      const one = await store();
      await one.write(write("a", "old", 0));
      await one.remove("a", 1);
      const again = await one.write(write("a", "new", 0, { batchId: "wave-2" }));
      expect(again).toEqual({ kind: "written", version: 3 });
      for (const stale of [1, 2]) expect(await one.write(write("a", "late", stale))).toEqual({ kind: "conflict" });
      expect(await one.cluster("a")).toMatchObject({ value: "new", version: 3, batchId: "wave-2" });
      expect(await one.batch("wave-1")).toEqual([]);
    });

    it("has a write of a removed cluster's own version refused", async () => {
      const one = await store();
      await one.write(write("a", "x", 0));
      await one.remove("a", 1);
      for (const version of [1, 2, 3]) expect(await one.write(write("a", "y", version))).toEqual({ kind: "conflict" });
      expect(await one.cluster("a")).toBeUndefined();
    });

    it("keeps the fence over a removal", async () => {
      const one = await store();
      await one.write(write("a", "x", 0, { fence: 5 }));
      await one.remove("a", 1);
      expect(await one.write(write("a", "y", 0, { fence: 4 }))).toEqual({ kind: "fenced" });
      expect(await one.cluster("a")).toBeUndefined();
      expect(await one.write(write("a", "y", 0, { fence: 5 }))).toMatchObject({ kind: "written" });
    });
  });

  describe(`a store of guard: ${name}: history`, () => {
    it("keeps past transitions in order, of each cluster", async () => {
      const { open } = await create();
      const one = open();
      for (let line = 1; line <= 12; line += 1) await one.archive("a", line, `line ${line}`, month);
      await one.archive("a-1", 1, "of another", month);
      expect(await open().archived("a")).toEqual(Array.from({ length: 12 }, (_, index) => `line ${index + 1}`));
      expect(await open().archived("a-1")).toEqual(["of another"]);
    });

    it("changes nothing when a line is written twice, with the same text or another", async () => {
      const one = await store();
      await one.archive("a", 1, "one", month);
      await one.archive("a", 2, "two", month);
      await one.archive("a", 1, "one", month);
      await one.archive("a", 1, "another", month);
      expect(await one.archived("a")).toEqual(["one", "two"]);
    });

    it("keeps lines of any length and characters", async () => {
      const one = await store();
      const lines = ["Grüße 🚂\n", noise(100_000)];
      for (const [index, line] of lines.entries()) await one.archive("a", index + 1, line, month);
      expect((await one.archived("a")).map((line, index) => line === lines[index])).toEqual([true, true]);
    });

    it("keeps the history of a cluster that was removed", async () => {
      const one = await store();
      await one.write(write("a", "x", 0));
      await one.archive("a", 1, "one", month);
      await one.remove("a", 1);
      expect(await one.archived("a")).toEqual(["one"]);
    });

    it("reads lines of three writers that archive the same", async () => {
      const { open } = await create();
      const archive = async (): Promise<void> => {
        const one = open();
        for (let line = 1; line <= 15; line += 1) await one.archive("a", line, `line ${line}`, month);
      };
      await Promise.all([archive(), archive(), archive()]);
      expect(await open().archived("a")).toEqual(Array.from({ length: 15 }, (_, index) => `line ${index + 1}`));
    });
  });

  describe(`a store of guard: ${name}: locks`, () => {
    it("gives a lock to one, and says to others who has it and until when", async () => {
      const { open } = await create();
      const [one, two] = [open(), open()];
      expect(await one.lock("batch/wave-1", "one", 1_000, 30_000)).toEqual({ kind: "held", fence: 1 });
      expect(await two.lock("batch/wave-1", "two", 2_000, 30_000)).toEqual({
        kind: "taken",
        holder: "one",
        until: 31_000,
      });
    });

    it("gives a lock again when it was given back, with a higher fence", async () => {
      const one = await store();
      const first = await one.lock("l", "one", 0, 1_000);
      if (first.kind !== "held") throw new Error("not held");
      await one.unlock("l", first.fence);
      const second = await one.lock("l", "two", 1, 1_000);
      expect(second).toEqual({ kind: "held", fence: first.fence + 1 });
    });

    it("gives a lock whose lease is over to whoever asks, at that very ms and not before", async () => {
      const one = await store();
      await one.lock("l", "one", 1_000, 500);
      expect(await one.lock("l", "two", 1_499, 500)).toMatchObject({ kind: "taken" });
      expect(await one.lock("l", "two", 1_500, 500)).toMatchObject({ kind: "held" });
    });

    it("gives the same holder the lock again, with a higher fence, and then the old one is worth nothing", async () => {
      const one = await store();
      const first = await one.lock("l", "one", 0, 1_000);
      const second = await one.lock("l", "one", 10, 1_000);
      if (first.kind !== "held" || second.kind !== "held") throw new Error("not held");
      expect(second.fence).toBeGreaterThan(first.fence);
      expect(await one.renew("l", first.fence, 20, 1_000)).toBe(false);
      await one.unlock("l", first.fence);
      expect(await one.lock("l", "two", 30, 1_000)).toMatchObject({ kind: "taken" });
    });

    it("keeps locks apart, with fences that rise over all of them", async () => {
      const one = await store();
      const fences: number[] = [];
      for (const lock of ["batch/a", "batch/b", "batch/c"]) {
        const held = await one.lock(lock, "me", 0, 1_000);
        if (held.kind === "held") fences.push(held.fence);
      }
      expect(fences).toHaveLength(3);
      expect(fences).toEqual([...new Set(fences)].toSorted((a, b) => a - b));
    });

    it("is renewed by its fence, from now on", async () => {
      const one = await store();
      const held = await one.lock("l", "one", 0, 1_000);
      if (held.kind !== "held") throw new Error("not held");
      expect(await one.renew("l", held.fence, 900, 1_000)).toBe(true);
      expect(await one.lock("l", "two", 1_899, 1_000)).toEqual({ kind: "taken", holder: "one", until: 1_900 });
      expect(await one.lock("l", "two", 1_900, 1_000)).toMatchObject({ kind: "held" });
    });

    it("is renewed after its end when nobody has taken it, and not when somebody has", async () => {
      const one = await store();
      const held = await one.lock("l", "one", 0, 1_000);
      if (held.kind !== "held") throw new Error("not held");
      expect(await one.renew("l", held.fence, 5_000, 1_000)).toBe(true);
      await one.lock("l", "two", 6_000, 1_000);
      expect(await one.renew("l", held.fence, 6_100, 1_000)).toBe(false);
      expect(await one.lock("l", "three", 6_200, 1_000)).toEqual({ kind: "taken", holder: "two", until: 7_000 });
    });

    it("is not renewed when it was given back, or never taken", async () => {
      const one = await store();
      expect(await one.renew("l", 1, 0, 1_000)).toBe(false);
      const held = await one.lock("l", "one", 0, 1_000);
      if (held.kind !== "held") throw new Error("not held");
      await one.unlock("l", held.fence);
      expect(await one.renew("l", held.fence, 10, 1_000)).toBe(false);
    });

    it("is not given back by one whose lease is over and taken", async () => {
      const one = await store();
      const held = await one.lock("l", "one", 0, 1_000);
      if (held.kind !== "held") throw new Error("not held");
      await one.lock("l", "two", 1_000, 1_000);
      await one.unlock("l", held.fence);
      expect(await one.lock("l", "three", 1_500, 1_000)).toEqual({ kind: "taken", holder: "two", until: 2_000 });
    });

    it("is given back twice without harm", async () => {
      const one = await store();
      const held = await one.lock("l", "one", 0, 1_000);
      if (held.kind !== "held") throw new Error("not held");
      await one.unlock("l", held.fence);
      await one.unlock("l", held.fence);
      await one.unlock("never", 1);
      expect(await one.lock("l", "two", 1, 1_000)).toMatchObject({ kind: "held" });
    });

    it("takes any name of a batch and any holder", async () => {
      const one = await store();
      const holder = "host.example.com 4711 2f1c… 🚂";
      expect(await one.lock("region/eu-central-1/batch/prod-wave-1", holder, 0, 1_000)).toMatchObject({ kind: "held" });
      expect(await one.lock("region/eu-central-1/batch/prod-wave-1", "x", 1, 1_000)).toMatchObject({ holder });
    });
  });

  describe(`a store of guard: ${name}: documents`, () => {
    it("keeps a document under its kind and id, for every process", async () => {
      const { open } = await create();
      const kinds: readonly DocumentKind[] = ["plan", "baseline", "edits", "evidence", "validation", "bundle"];
      for (const kind of kinds) expect(await open().keep(kind, "id-1", `the ${kind}`)).toBe(true);
      for (const kind of kinds) expect(await open().document(kind, "id-1")).toBe(`the ${kind}`);
      expect(await open().document("plan", "id-2")).toBeUndefined();
    });

    it("keeps the first text: the same again is no harm, another is refused", async () => {
      const one = await store();
      expect(await one.keep("plan", "p", "text")).toBe(true);
      expect(await one.keep("plan", "p", "text")).toBe(true);
      expect(await one.keep("plan", "p", "text ")).toBe(false);
      expect(await one.document("plan", "p")).toBe("text");
    });

    it("takes ids with the characters that digests, versions and paths have", async () => {
      const one = await store();
      const ids = ["sha256:0123abcd", "prod-eu-1/1.30.5/2026-12-01T10:00:00.000Z", "a+b", "a_b.c@d"];
      for (const id of ids) expect(await one.keep("evidence", id, `of ${id}`)).toBe(true);
      for (const id of ids) expect(await one.document("evidence", id)).toBe(`of ${id}`);
    });

    it("keeps an empty one, and one of any characters", async () => {
      const one = await store();
      for (const [index, text] of ["", 'Grüße\n\r\t"\\ 世界 🚂\u0000'].entries()) {
        expect(await one.keep("edits", String(index), text)).toBe(true);
        expect(await one.document("edits", String(index))).toBe(text);
        expect(await one.keep("edits", String(index), `${text}x`)).toBe(false);
      }
    });

    it("keeps documents of megabytes, and refuses another in their place", async () => {
      const { open } = await create();
      const texts = [noise(360_000), noise(1_200_000, 7), "- a line of a log\n".repeat(200_000)];
      for (const [index, text] of texts.entries()) {
        expect(await open().keep("bundle", String(index), text)).toBe(true);
        expect((await open().document("bundle", String(index))) === text, `document ${index}`).toBe(true);
        expect(await open().keep("bundle", String(index), `${text.slice(0, -1)}!`)).toBe(false);
        expect((await open().document("bundle", String(index))) === text, `document ${index}`).toBe(true);
      }
    });
  });

  describe(`a store of guard: ${name}: rivals`, () => {
    it("lets one of several writers win each version, and loses no write of a winner", async () => {
      const { open } = await create();
      const winners = new Map<number, string>();
      const rival = async (who: string): Promise<void> => {
        const one = open();
        for (let round = 0; round < 15; ) {
          const before = await one.cluster("shared");
          const outcome = await one.write(write("shared", `${who} ${round}`, before?.version ?? 0));
          if (outcome.kind !== "written") continue;
          expect(winners.has(outcome.version), `version ${outcome.version} was won twice`).toBe(false);
          winners.set(outcome.version, `${who} ${round}`);
          round += 1;
        }
      };
      await Promise.all(["a", "b", "c"].map(rival));
      const last = await open().cluster("shared");
      expect(last?.version).toBe(45);
      expect(winners.size).toBe(45);
      expect(last?.value).toBe(winners.get(45));
    });

    it("never has two in a lock, whose fences rise in the order of the takings", async () => {
      const { open } = await create();
      const taken: number[] = [];
      let inside = 0;
      let most = 0;
      const rival = async (who: string): Promise<void> => {
        const one = open();
        for (let round = 0; round < 12; ) {
          const outcome = await one.lock("batch/wave-1", who, 0, 60_000);
          if (outcome.kind !== "held") continue;
          inside += 1;
          most = Math.max(most, inside);
          taken.push(outcome.fence);
          await one.cluster("anything");
          inside -= 1;
          await one.unlock("batch/wave-1", outcome.fence);
          round += 1;
        }
      };
      await Promise.all(["a", "b", "c"].map(rival));
      expect(most).toBe(1);
      expect(taken).toHaveLength(36);
      expect(taken).toEqual([...new Set(taken)].toSorted((a, b) => a - b));
    });

    it("gives a lock whose lease is over to one of three", async () => {
      const { open } = await create();
      for (let round = 0; round < 8; round += 1) {
        const name = `batch/${round}`;
        await open().lock(name, "dead", 0, 1_000);
        const outcomes = await Promise.all(["a", "b", "c"].map((who) => open().lock(name, who, 2_000, 1_000)));
        expect(outcomes.filter(({ kind }) => kind === "held")).toHaveLength(1);
      }
    });

    it("lets no process write that lost its lock to another, however late it is", async () => {
      const { open } = await create();
      const [late, next] = [open(), open()];
      const first = await late.lock("batch/wave-1", "late", 0, 1_000);
      const second = await next.lock("batch/wave-1", "next", 1_000, 1_000);
      if (first.kind !== "held" || second.kind !== "held") throw new Error("not held");
      await next.write(write("a", "of next", 0, { fence: second.fence }));
      const seen = await late.cluster("a");
      expect(await late.write(write("a", "of late", seen?.version ?? 0, { fence: first.fence }))).toEqual({
        kind: "fenced",
      });
      expect(await next.cluster("a")).toMatchObject({ value: "of next" });
    });

    it("keeps one of three texts of a document, and tells the others", async () => {
      const { open } = await create();
      for (let round = 0; round < 4; round += 1) {
        const texts = ["a", "b", "c"].map((letter, index) => letter + noise(round % 2 === 0 ? 400_000 : 50, index + 1));
        const kept = await Promise.all(texts.map((text) => open().keep("bundle", `r${round}`, text)));
        expect(kept.filter(Boolean)).toHaveLength(1);
        expect((await open().document("bundle", `r${round}`)) === texts[kept.indexOf(true)]).toBe(true);
      }
    });

    it("removes a cluster or writes it, never both", async () => {
      const { open } = await create();
      for (let round = 0; round < 8; round += 1) {
        const id = `c-${round}`;
        await open().write(write(id, "x", 0));
        const [removed, written] = await Promise.all([open().remove(id, 1), open().write(write(id, "y", 1))]);
        expect(removed).toBe(written.kind === "conflict");
        expect((await open().cluster(id))?.value).toBe(removed ? undefined : "y");
      }
    });

    it("adds a cluster once", async () => {
      const { open } = await create();
      const outcomes = await Promise.all(["a", "b", "c"].map((who) => open().write(write("new", who, 0))));
      expect(outcomes.filter(({ kind }) => kind === "written")).toHaveLength(1);
      expect(outcomes.filter(({ kind }) => kind === "conflict")).toHaveLength(2);
    });
  });
}
