import { mkdtemp, readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { nodeFileSystem } from "../../../automation/adapters/node-file-system.ts";
import { createFileStateStore } from "../../../automation/adapters/state-files.ts";
import { type AuditFacts, auditChain, auditLine } from "../../../automation/audit/entry.ts";
import { createAuditLog } from "../../../automation/audit/log.ts";
import { verifyAuditLog } from "../../../automation/audit/verify.ts";
import { headText } from "../../../automation/hash-chain.ts";
import type { StateStore } from "../../../automation/ports/state-store.ts";
import { createMemoryFiles } from "../../support/memory-files.ts";
import { createMemoryStateStore } from "../../support/memory-state-store.ts";
import { removeFolder } from "../../support/remove-folder.ts";

const facts = (run: number): AuditFacts => ({
  at: new Date(run * 1_000).toISOString(),
  who: "tester",
  host: "here",
  pid: 7,
  run: String(run),
  command: "swap start",
  arguments: ["--to", "gke"],
  environment: "local",
  phase: "begun",
});

const logOf = (store: StateStore) =>
  createAuditLog({ store, environment: "local", verify: "audit verify", setAside: "audit set-aside" });

/** Lines as they are written, and the mark of the newest. */
function written(count: number) {
  const lines: string[] = [];
  let previous = auditChain.firstPrevious;
  for (let n = 1; n <= count; n += 1) {
    const raw = auditLine(n, previous, facts(n));
    lines.push(raw);
    previous = auditChain.hashOf(raw);
  }
  return { lines, mark: { n: count, hash: previous } };
}

const { lines: eight, mark } = written(8);
const problemsOf = (lines: readonly string[], head = mark) => verifyAuditLog({ lines, torn: "" }, head).problems;

describe("a log as it was written", () => {
  it("has no problem, and tells the hash of its newest line", () => {
    const content = verifyAuditLog({ lines: eight, torn: "" }, mark);
    expect(content.problems).toEqual([]);
    expect(content.head).toEqual(mark);
    expect(content.entries.map(({ n }) => n)).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
  });

  it("may be one line ahead of its mark: that is what a crash between the two leaves", () => {
    expect(problemsOf(eight, written(7).mark)).toEqual([]);
  });
});

describe("what was done to a log is found and named", () => {
  it.each<[string, string[], number, string]>([
    ["changed", eight.with(3, (eight[3] ?? "").replace("gke", "eks")), 4, "it was changed after it was written"],
    ["missing", eight.toSpliced(3, 2), 4, "it is entry 6: entries 4 to 5 are missing before it"],
    ["doubled", eight.toSpliced(4, 0, eight[2] ?? ""), 5, "it is entry 3, which the log has already"],
    [
      "two exchanged",
      eight.with(2, eight[3] ?? "").with(3, eight[2] ?? ""),
      3,
      "it is entry 4: entry 3 is missing before it",
    ],
    ["cut at the end", eight.slice(0, 6), 7, "entries 7 to 8 are missing at the end"],
    ["not ours", eight.toSpliced(1, 0, "hello"), 2, "it is no entry of an audit log"],
    [
      "replaced by one with good hashes",
      eight.with(3, auditLine(4, auditChain.hashOf(eight[2] ?? ""), { ...facts(4), who: "somebody" })),
      5,
      "the line above it is not the one that it was written after",
    ],
    [
      "the newest replaced by one with good hashes",
      eight.with(7, auditLine(8, auditChain.hashOf(eight[6] ?? ""), { ...facts(8), who: "somebody" })),
      8,
      "it is not the line that was written there",
    ],
  ])("%s", (_name, lines, line, what) => {
    expect(problemsOf(lines)[0]).toEqual({ line, what });
  });

  const at = fc.nat({ max: 7 });

  it("any one line changed, dropped, doubled, exchanged, or any part of the tail cut", () => {
    const mutation = fc.oneof(
      fc
        .tuple(at, fc.nat(), fc.string({ minLength: 1, maxLength: 1, unit: "grapheme-ascii" }))
        .map(([line, index, by]) => {
          const raw = eight[line] ?? "";
          const place = index % raw.length;
          return eight.with(line, raw.slice(0, place) + by + raw.slice(place + 1));
        }),
      at.map((line) => eight.toSpliced(line, 1)),
      fc.tuple(at, at).map(([from, to]) => eight.toSpliced(to, 0, eight[from] ?? "")),
      fc.tuple(at, at).map(([a, b]) => eight.with(a, eight[b] ?? "").with(b, eight[a] ?? "")),
      at.map((kept) => eight.slice(0, kept)),
      // Inside the log also one that has the right number, the right predecessor and a right hash of its own.
      fc.tuple(at, fc.string()).map(([line, who]) => {
        const previous = line === 0 ? auditChain.firstPrevious : auditChain.hashOf(eight[line - 1] ?? "");
        return eight.toSpliced(line, 0, auditLine(line + 1, previous, { ...facts(1), who }));
      }),
    );
    fc.assert(
      fc.property(mutation, (lines) => {
        fc.pre(lines.length !== eight.length || lines.some((line, index) => line !== eight[index]));
        expect(problemsOf(lines)).not.toEqual([]);
      }),
      { numRuns: 2_000 },
    );
  });

  it("any one byte of the file", async () => {
    const files = createMemoryFiles();
    const log = logOf(createFileStateStore({ files, folder: "/state" }));
    for (let run = 1; run <= 4; run += 1) await log.append(facts(run));
    const path = "/state/audit/1/log.jsonl";
    const sound = Buffer.from((await files.readBytes(path)) ?? []);
    await fc.assert(
      fc.asyncProperty(fc.nat({ max: sound.length - 1 }), fc.integer({ min: 1, max: 255 }), async (index, by) => {
        const changed = Buffer.from(sound);
        changed[index] = ((changed[index] ?? 0) + by) % 256;
        await files.writeAtomic(path, changed.toString("latin1"));
        // A memory file is text: bytes above 127 become others, which is a change as well.
        expect((await log.read())?.problems).not.toEqual([]);
      }),
      { numRuns: 500 },
    );
  });
});

describe("writing", () => {
  it("of many at the same time gives each its own line, with a chain that holds", async () => {
    const store = createMemoryStateStore();
    await Promise.all(Array.from({ length: 20 }, (_, run) => logOf(store).append(facts(run))));
    const content = await logOf(store).read();
    expect(content?.problems).toEqual([]);
    expect(new Set(content?.entries.map(({ run }) => run)).size).toBe(20);
  });

  it("goes on behind a line whose mark was never written", async () => {
    const store = createMemoryStateStore();
    for (let run = 1; run <= 3; run += 1) await logOf(store).append(facts(run));
    const behind = { n: 2, hash: auditChain.hashOf(store.logs.get("audit/1/log")?.[1] ?? "") };
    store.values.set("audit/1/head", { value: headText(behind), version: 2 });
    await logOf(store).append(facts(4));
    expect(await logOf(store).read()).toMatchObject({ problems: [], head: { n: 4 } });
  });

  it("is refused where the end of the log is gone, with the commands that show it and that begin a new one", async () => {
    const store = createMemoryStateStore();
    for (let run = 1; run <= 3; run += 1) await logOf(store).append(facts(run));
    store.logs.get("audit/1/log")?.pop();
    await expect(logOf(store).append(facts(4))).rejects.toMatchObject({
      code: "audit-damaged",
      message: expect.stringContaining("line 3: entry 3 is missing at the end"),
      next: [expect.stringContaining("audit verify"), expect.stringContaining("audit set-aside")],
    });
    expect(store.logs.get("audit/1/log")).toHaveLength(2);
  });

  it("is not held up by an old damage, which verify goes on to find", async () => {
    const store = createMemoryStateStore();
    for (let run = 1; run <= 3; run += 1) await logOf(store).append(facts(run));
    const lines = store.logs.get("audit/1/log") ?? [];
    lines[0] = (lines[0] ?? "").replace("tester", "nobody");
    await logOf(store).append(facts(4));
    expect((await logOf(store).read())?.problems).toEqual([
      { line: 1, what: "it was changed after it was written" },
      { line: 2, what: "the line above it is not the one that it was written after" },
    ]);
  });

  it("begins anew when the damaged log is set aside, and the new one says how the old one stood", async () => {
    const store = createMemoryStateStore();
    for (let run = 1; run <= 3; run += 1) await logOf(store).append(facts(run));
    store.logs.get("audit/1/log")?.pop();
    await logOf(store).setAside({ ...facts(9), command: "audit set-aside", phase: "done" });
    await logOf(store).append(facts(10));
    const now = await logOf(store).read();
    expect(now).toMatchObject({ problems: [], generation: 2 });
    expect(now?.entries[0]?.result).toMatchObject({ lines: 2 });
    expect((await logOf(store).readAside()).map(({ generation, problems }) => [generation, problems.length])).toEqual([
      [1, 1],
    ]);
  });
});

describe("on a real disk", () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "switchyard-audit-"));
  });
  afterAll(() => removeFolder(folder));

  it("the log is one file of lines, and writers at the same time keep its chain", async () => {
    const store = () => createFileStateStore({ files: nodeFileSystem, folder });
    await Promise.all(Array.from({ length: 8 }, (_, run) => logOf(store()).append(facts(run))));
    expect(await logOf(store()).read()).toMatchObject({ problems: [], head: { n: 8 } });
    const text = await readFile(join(folder, "audit/1/log.jsonl"), "utf8");
    expect(text.trimEnd().split("\n")).toHaveLength(8);
  });
});
