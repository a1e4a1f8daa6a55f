import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { createFileStateStore } from "../../../automation/adapters/state-files.ts";
import type { FileSystem } from "../../../automation/ports/file-system.ts";
import { migrateStore } from "../../../automation/swap/migrate.ts";
import { SwapStore } from "../../../automation/swap/store.ts";
import { createMemoryFiles, type MemoryFiles } from "../../support/memory-files.ts";
import { createVirtualClock } from "../../support/virtual-clock.ts";

const folder = "/state";
const path = (id: string): string => `${folder}/swaps/${id}/journal.jsonl`;

/** Written by version 0.1.0 in a demo: one that completed, one that was rolled back. */
let completed: string;
let rolledBack: string;
beforeAll(async () => {
  const fixture = (id: string) =>
    readFile(join(import.meta.dirname, "../../fixtures/state-format-1", id, "journal.jsonl"), "utf8");
  [completed, rolledBack] = await Promise.all([fixture("1"), fixture("2")]);
});

function oldStore(): MemoryFiles {
  const files = createMemoryFiles();
  files.content.set(path("1"), completed);
  files.content.set(path("2"), rolledBack);
  files.content.set(`${folder}/owners/2.json`, '{"released":true}');
  files.content.set(`${folder}/swaps/2/requests/1.json`, '{"verb":"pause","by":"ann"}');
  return files;
}

function migrate(files: FileSystem) {
  return migrateStore({ files, folder, store: createFileStateStore({ files, folder }), environment: "local" });
}

function swaps(files: FileSystem): SwapStore {
  return new SwapStore({
    store: createFileStateStore({ files, folder }),
    clock: createVirtualClock(),
    environment: "local",
    processes: { self: async () => ({ pid: 1, startTime: "1", host: "here" }), isAlive: async () => false },
  });
}

const snapshot = (files: MemoryFiles): readonly (readonly [string, string])[] => [...files.content].toSorted();

describe("a store of format 1", () => {
  it("is refused before it is migrated, and read afterwards as it was", async () => {
    const files = oldStore();
    await expect(swaps(files).latest()).rejects.toMatchObject({ code: "state-format" });

    const { swaps: migrated, kept } = await migrate(files);

    expect(migrated).toEqual(["1", "2"]);
    expect(kept).toEqual([`${folder}/swaps/1/journal.format-1.jsonl`, `${folder}/swaps/2/journal.format-1.jsonl`]);
    const store = swaps(files);
    expect(await store.ids()).toEqual(["1", "2"]);
    expect(await store.open()).toBeUndefined();
    const [first, second] = [await store.read("1"), await store.read("2")];
    expect(first?.state.end?.as).toBe("completed");
    expect(second?.state.end?.as).toBe("rolled-back");
    expect(second?.state.rollback?.reason).toBe("candidate-errors");
    expect(await store.nextId()).toBe("3");
  });

  it("keeps every event and every setting as it was, and the old journals beside the new ones", async () => {
    const files = oldStore();
    await migrate(files);
    const before = completed
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line).event)
      // The one thing that was not written then.
      .map((event) => (event.kind === "verified" ? { ...event, since: event.at } : event));
    const after = (await swaps(files).read("1"))?.events ?? [];
    expect(after.slice(1)).toEqual(before.slice(1));
    const { errorAlpha, consecutiveGatewayErrors, ...same } = before[0].settings;
    expect(after[0]).toMatchObject({ ...before[0], format: 2, mode: "swap", settings: same });
    expect(after[0]).toMatchObject({ settings: { gates: { errorAlpha, consecutiveGatewayErrors } } });
    expect(files.content.get(`${folder}/swaps/1/journal.format-1.jsonl`)).toBe(completed);
  });

  it("takes a new swap afterwards", async () => {
    const files = oldStore();
    await migrate(files);
    const lease = await swaps(files).claim("swap 3");
    expect(lease.token).toBe(1);
    await lease.release();
  });

  it("finds lines missing at the end of what it has rewritten, as of a new journal", async () => {
    const files = oldStore();
    await migrate(files);
    const lines = files.content.get(path("1"))?.trimEnd().split("\n") ?? [];
    files.content.set(path("1"), `${lines.slice(0, -1).join("\n")}\n`);
    await expect(swaps(files).read("1")).rejects.toMatchObject({
      code: "journal-corrupt",
      data: { line: lines.length },
    });
    await expect(swaps(files).read("2")).resolves.toBeDefined();
  });

  it("may be migrated twice; the second time nothing is changed", async () => {
    const files = oldStore();
    await migrate(files);
    const before = snapshot(files);
    expect(await migrate(files)).toEqual({ swaps: [], kept: [] });
    expect(snapshot(files)).toEqual(before);
  });

  it("is whole, or refused and migrated by the next attempt, wherever the first one died", async () => {
    const whole = oldStore();
    await migrate(whole);
    const expected = snapshot(whole);
    let deaths = 0;
    for (let at = 1; ; at += 1) {
      const files = oldStore();
      let writes = 0;
      const dying: FileSystem = {
        ...files,
        writeAtomic: async (...call) => {
          writes += 1;
          if (writes === at) throw new Error("died");
          await files.writeAtomic(...call);
        },
        createExclusive: async (...call) => {
          writes += 1;
          if (writes === at) throw new Error("died");
          return files.createExclusive(...call);
        },
      };
      const died = await migrate(dying).then(
        () => false,
        () => true,
      );
      if (!died) break;
      deaths += 1;
      await expect(swaps(files).latest(), `died at write ${at}`).rejects.toMatchObject({ code: "state-format" });
      await migrate(files);
      expect(snapshot(files), `died at write ${at}`).toEqual(expected);
    }
    expect(deaths).toBe(7);
  });

  it("with an open swap is left as it is, with what to do", async () => {
    const files = oldStore();
    const lines = rolledBack.trimEnd().split("\n");
    files.content.set(path("2"), `${lines.slice(0, -3).join("\n")}\n`);
    const before = snapshot(files);
    await expect(migrate(files)).rejects.toMatchObject({
      code: "swap-interrupted",
      next: expect.arrayContaining([expect.stringContaining("With that version:   npx switchyard swap abort")]),
    });
    expect(snapshot(files)).toEqual(before);
  });

  it("with a journal that was changed is left as it is, with the line", async () => {
    const files = oldStore();
    files.content.set(path("2"), rolledBack.replace('"weight":1,', '"weight":2,'));
    expect(files.content.get(path("2"))).not.toBe(rolledBack);
    const before = snapshot(files);
    await expect(migrate(files)).rejects.toMatchObject({
      code: "journal-corrupt",
      message: expect.stringMatching(/swaps\/2\/journal\.jsonl \(format 1\) is damaged at line \d+/),
    });
    expect(snapshot(files)).toEqual(before);
  });

  it("whose last line was cut short has ended all the same, if it had before", async () => {
    const files = oldStore();
    files.content.set(path("2"), `${rolledBack}{"n":99`);
    await migrate(files);
    expect((await swaps(files).read("2"))?.state.end?.as).toBe("rolled-back");
    expect(files.content.get(`${folder}/swaps/2/journal.format-1.jsonl`)).toContain('{"n":99');
  });

  it("of which nothing is there becomes a new one; a newer one is refused", async () => {
    const files = createMemoryFiles();
    expect(await migrate(files)).toEqual({ swaps: [], kept: [] });
    expect(await createFileStateStore({ files, folder }).read("format")).toEqual({ value: "2", version: 1 });
    files.content.set(`${folder}/format@2.json`, "3");
    await expect(migrate(files)).rejects.toMatchObject({ code: "state-format" });
  });
});
