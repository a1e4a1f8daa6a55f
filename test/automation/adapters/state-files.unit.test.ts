import { describe, expect, it } from "vitest";
import { createFileStateStore } from "../../../automation/adapters/state-files.ts";
import type { FileSystem } from "../../../automation/ports/file-system.ts";
import type { StateStore } from "../../../automation/ports/state-store.ts";
import { createMemoryFiles, type MemoryFiles } from "../../support/memory-files.ts";

const folder = "/state";

class Crash extends Error {}

/** The files as one process sees them; `before` is called before each of its operations and may hold it up or end it. */
function processOver(files: MemoryFiles, before: (operation: string, path: string) => Promise<void>): StateStore {
  const seen: FileSystem = {
    read: async (path) => before("read", path).then(() => files.read(path)),
    readBytes: async (path) => before("readBytes", path).then(() => files.readBytes(path)),
    writeAtomic: async (path, text) => before("writeAtomic", path).then(() => files.writeAtomic(path, text)),
    append: async (path, text) => before("append", path).then(() => files.append(path, text)),
    writeAt: async (path, at, text) => before("writeAt", path).then(() => files.writeAt(path, at, text)),
    createExclusive: async (path, text) =>
      before("createExclusive", path).then(() => files.createExclusive(path, text)),
    list: async (path) => before("list", path).then(() => files.list(path)),
    remove: async (path) => before("remove", path).then(() => files.remove(path)),
    copy: async (from, to) => before("copy", from).then(() => files.copy(from, to)),
  };
  return createFileStateStore({ files: seen, folder });
}

/** A process that stands still before its operation number `at`; `reached` when it does, and `wake` lets it go on. */
function standingStill(files: MemoryFiles, at: number) {
  let count = 0;
  let wake = (): void => undefined;
  let tellReached = (): void => undefined;
  const held = new Promise<void>((resolve) => {
    wake = resolve;
  });
  const reached = new Promise<void>((resolve) => {
    tellReached = resolve;
  });
  const store = processOver(files, async () => {
    count += 1;
    if (count !== at) return;
    tellReached();
    await held;
  });
  return { store, wake: () => wake(), reached };
}

const fresh = (files: MemoryFiles): StateStore => createFileStateStore({ files, folder });

describe("a process that stands still in the middle of a write, wherever that is", () => {
  it("and wakes after others wrote: every version was won by one, and the newest one counts", async () => {
    let stopped = 0;
    for (let at = 1; at <= 12; at += 1) {
      for (let others = 1; others <= 20; others += 1) {
        const files = createMemoryFiles();
        for (let version = 0; version < 3; version += 1) await fresh(files).write("lease", `old ${version}`, version);
        const slow = standingStill(files, at);
        const writing = slow.store.write("lease", "slow", 3);
        const ended = await Promise.race([slow.reached.then(() => false), writing.then(() => true)]);
        if (!ended) stopped += 1;

        const before = (await fresh(files).read("lease"))?.version ?? 0;
        for (let version = before; version < before + others; version += 1)
          expect(await fresh(files).write("lease", `other ${version + 1}`, version)).toBe(version + 1);
        slow.wake();
        const won = await writing;

        const where = `stopped before operation ${at}, ${others} writes of others`;
        const last = before + others;
        expect(await fresh(files).read("lease"), where).toEqual({ value: `other ${last}`, version: last });
        // It has won if and only if the others went on from its version; one that was away for too long may be told otherwise.
        if (won !== undefined) expect([won, before], where).toEqual([4, 4]);
        if (before === 4 && others < 8) expect(won, where).toBe(4);
        // The next one has the way clear.
        expect(await fresh(files).write("lease", "next", last), where).toBe(last + 1);
      }
    }
    expect(stopped).toBeGreaterThan(50);
  });

  it("and wakes after others appended: every line was won by one, none is lost, none is there twice", async () => {
    let stopped = 0;
    for (let at = 1; at <= 14; at += 1) {
      for (let others = 1; others <= 4; others += 1) {
        const files = createMemoryFiles();
        await fresh(files).appendLog("log", 1, "one");
        const slow = standingStill(files, at);
        const appending = slow.store.appendLog("log", 2, "slow");
        const ended = await Promise.race([slow.reached.then(() => false), appending.then(() => true)]);
        if (!ended) stopped += 1;

        const before = (await fresh(files).readLog("log"))?.lines ?? [];
        const added = Array.from({ length: others }, (_, index) => `other ${before.length + index + 1}`);
        for (const [index, line] of added.entries())
          expect(await fresh(files).appendLog("log", before.length + index + 1, line)).toBe(true);
        slow.wake();
        const won = await appending;

        const where = `stopped before operation ${at}, ${others} lines of others`;
        expect(await fresh(files).readLog("log"), where).toEqual({ lines: [...before, ...added], torn: "" });
        expect(won, where).toBe(before.includes("slow"));
        expect(await fresh(files).appendLog("log", before.length + others + 1, "next"), where).toBe(true);
      }
    }
    expect(stopped).toBeGreaterThan(20);
  });
});

describe("a process that stands still while it reads a log", () => {
  it("gets it as it was at some moment since, without a line that came too late", async () => {
    for (let at = 1; at <= 3; at += 1) {
      for (let others = 0; others <= 3; others += 1) {
        const files = createMemoryFiles();
        await fresh(files).appendLog("log", 1, "one");
        const slow = standingStill(files, at);
        const reading = slow.store.readLog("log");
        await Promise.race([slow.reached, reading]);
        const added = Array.from({ length: others }, (_, index) => `other ${index + 2}`);
        for (const [index, line] of added.entries()) await fresh(files).appendLog("log", index + 2, line);
        // Of one who wanted to write line 2 before the others did, and wakes now.
        if (others > 0) files.content.set("/state/log.jsonl@2.next", "too late");
        slow.wake();
        const found = await reading;
        const all = ["one", ...added];
        expect(found?.torn).toBe("");
        expect(found?.lines, `stopped before operation ${at}, ${others} lines of others`).toEqual(
          all.slice(0, found?.lines.length),
        );
      }
    }
  });
});

describe("a process that dies in the middle of a write", () => {
  /** Dies before its operation number `at`; a write that it was in is cut in half. */
  const dying = (files: MemoryFiles, at: number): StateStore => {
    let count = 0;
    return processOver(files, async (operation, path) => {
      count += 1;
      if (count < at) return;
      if (operation === "writeAt") {
        // Half of the line is on the disk.
        const next = [...files.content.keys()].find((one) => one.endsWith(".next"));
        const line = files.content.get(next ?? "") ?? "";
        files.content.set(path, (files.content.get(path) ?? "") + line.slice(0, Math.ceil(line.length / 2)));
      }
      throw new Crash(operation);
    });
  };

  it("leaves the log with its line or without it, and never in the way of the next one", async () => {
    const seen = new Set<boolean>();
    for (let at = 1; at <= 14; at += 1) {
      const files = createMemoryFiles();
      await fresh(files).appendLog("log", 1, "one");
      await dying(files, at)
        .appendLog("log", 2, "the line of the dead")
        .catch((error: unknown) => expect(error).toBeInstanceOf(Crash));
      const found = (await fresh(files).readLog("log"))?.lines ?? [];
      const there = found.length === 2;
      seen.add(there);
      expect(found, `died before operation ${at}`).toEqual(there ? ["one", "the line of the dead"] : ["one"]);
      expect(await fresh(files).appendLog("log", found.length + 1, "next"), `died before operation ${at}`).toBe(true);
      expect((await fresh(files).readLog("log"))?.lines).toEqual([...found, "next"]);
      // On the disk too, as people read it, and nothing left beside it.
      expect(files.content.get("/state/log.jsonl")).toBe(`${[...found, "next"].join("\n")}\n`);
      expect([...files.content.keys()]).toEqual(["/state/log.jsonl"]);
    }
    expect(seen).toEqual(new Set([true, false]));
  });

  it("leaves the value as it was or as it was to be", async () => {
    for (let at = 1; at <= 8; at += 1) {
      const files = createMemoryFiles();
      await fresh(files).write("lease", "one", 0);
      await dying(files, at)
        .write("lease", "two", 1)
        .catch((error: unknown) => expect(error).toBeInstanceOf(Crash));
      const found = await fresh(files).read("lease");
      expect([
        { value: "one", version: 1 },
        { value: "two", version: 2 },
      ]).toContainEqual(found);
      expect(await fresh(files).write("lease", "next", found?.version ?? 0)).toBe((found?.version ?? 0) + 1);
    }
  });
});

describe("a log on the disk", () => {
  it("is one file that people can read, at the place that it always had", async () => {
    const files = createMemoryFiles();
    await fresh(files).appendLog("swaps/1/journal", 1, '{"n":1}');
    await fresh(files).appendLog("swaps/1/journal", 2, '{"n":2}');
    expect(files.content.get("/state/swaps/1/journal.jsonl")).toBe('{"n":1}\n{"n":2}\n');
  });

  it("whose last line was cut short by something else is told, kept in a copy, and goes on", async () => {
    for (const torn of ['{"n":9,"prev":"ab', "x".repeat(500), "ü".repeat(7)]) {
      const files = createMemoryFiles();
      files.content.set("/state/log.jsonl", `one\n${torn}`);
      expect(await fresh(files).readLog("log")).toEqual({ lines: ["one"], torn });
      expect(await fresh(files).appendLog("log", 2, "two")).toBe(true);
      expect(await fresh(files).appendLog("log", 3, "three")).toBe(true);
      expect(await fresh(files).readLog("log")).toEqual({ lines: ["one", "two", "three"], torn: "" });
      expect(files.content.get("/state/log.jsonl.torn-2")).toBe(`one\n${torn}`);
    }
  });

  it("takes what editors, crashes and old versions leave in its folder for no names of its own", async () => {
    const files = createMemoryFiles();
    await fresh(files).write("swaps/1/note", "x", 0);
    await fresh(files).appendLog("swaps/1/journal", 1, "x");
    for (const stray of ["note@2.json.6f1c", "journal.jsonl@2.next", "journal.jsonl.torn-3", ".DS_Store", "a b"])
      files.content.set(`/state/swaps/1/${stray}`, "stray");
    expect(await fresh(files).list("swaps/1")).toEqual(["journal", "note"]);
    expect(await fresh(files).read("swaps/1/note")).toEqual({ value: "x", version: 1 });
  });

  it("keeps only the last few versions of a value", async () => {
    const files = createMemoryFiles();
    for (let version = 0; version < 100; version += 1) await fresh(files).write("lease", String(version), version);
    expect(files.content.size).toBeLessThanOrEqual(9);
  });

  it("that cannot be written says so, and holds nothing of the line", async () => {
    const files = createMemoryFiles();
    await fresh(files).appendLog("log", 1, "one");
    files.fail("disk-full");
    await expect(fresh(files).appendLog("log", 2, "two")).rejects.toMatchObject({ code: "disk-full" });
    await expect(fresh(files).write("lease", "x", 0)).rejects.toMatchObject({ code: "disk-full" });
    files.fail(undefined);
    expect(await fresh(files).readLog("log")).toEqual({ lines: ["one"], torn: "" });
    expect(await fresh(files).appendLog("log", 2, "two")).toBe(true);
  });
});
