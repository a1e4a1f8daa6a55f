import { describe, expect, it } from "vitest";
import type { StateStore } from "../../../automation/ports/state-store.ts";

/** One place of state that is empty. */
export interface StateStoreFixture {
  /** Another process over the same state. */
  open(): StateStore;
}

/** What every state store has to do. */
export function stateStoreContract(name: string, create: () => Promise<StateStoreFixture>): void {
  describe(`a state store: ${name}`, () => {
    it("knows nothing that was not written", async () => {
      const store = (await create()).open();
      expect(await store.read("lease")).toBeUndefined();
      expect(await store.readLog("swaps/1/journal")).toBeUndefined();
      expect(await store.list("swaps")).toEqual([]);
    });

    it("keeps the newest value of a key, each write one version higher, for every process", async () => {
      const { open } = await create();
      const [one, two] = [open(), open()];
      expect(await one.write("lease", "a", 0)).toBe(1);
      expect(await two.write("lease", "b", 1)).toBe(2);
      expect(await one.read("lease")).toEqual({ value: "b", version: 2 });
      for (let version = 2; version < 30; version += 1)
        expect(await one.write("lease", `v${version}`, version)).toBe(version + 1);
      expect(await two.read("lease")).toEqual({ value: "v29", version: 30 });
    });

    it("refuses a write that expects another version, whatever that is, and changes nothing", async () => {
      const store = (await create()).open();
      expect(await store.write("a", "x", 1)).toBeUndefined();
      expect(await store.read("a")).toBeUndefined();
      await store.write("a", "1", 0);
      await store.write("a", "2", 1);
      await store.write("a", "3", 2);
      for (const wrong of [0, 1, 2, 4, 99])
        expect(await store.write("a", "wrong", wrong), String(wrong)).toBeUndefined();
      expect(await store.read("a")).toEqual({ value: "3", version: 3 });
    });

    it("lets one of several writers win each version, and loses no write of a winner", async () => {
      const { open } = await create();
      const winners = new Map<number, string>();
      const write = async (name: string, rounds: number): Promise<void> => {
        const store = open();
        for (let round = 0; round < rounds; ) {
          const before = await store.read("counter");
          const version = await store.write("counter", `${name} ${round}`, before?.version ?? 0);
          if (version === undefined) continue;
          expect(winners.has(version), `version ${version} was won twice`).toBe(false);
          winners.set(version, `${name} ${round}`);
          round += 1;
        }
      };
      await Promise.all(["a", "b", "c"].map((name) => write(name, 25)));
      // One version per write that was told to have won: none more, none fewer.
      const last = await open().read("counter");
      expect(last?.version).toBe(75);
      expect([...winners.keys()].toSorted((a, b) => a - b)).toEqual(
        Array.from({ length: 75 }, (_, index) => index + 1),
      );
      expect(last?.value).toBe(winners.get(75));
    });

    it("lets one of many win the first version", async () => {
      const { open } = await create();
      for (let round = 0; round < 10; round += 1) {
        const key = `owners/${round}`;
        const results = await Promise.all(["a", "b", "c", "d"].map((value) => open().write(key, value, 0)));
        expect(results.filter((version) => version === 1)).toHaveLength(1);
        expect(results.filter((version) => version === undefined)).toHaveLength(3);
        expect((await open().read(key))?.value).toBe(["a", "b", "c", "d"][results.indexOf(1)]);
      }
    });

    it("keeps values of 300 KB, and of any characters, as they are", async () => {
      const store = (await create()).open();
      const values = ["x".repeat(300 * 1_024), 'Grüße\n\r\t"\\ 世界 🚂\u0000', " "];
      for (const [index, value] of values.entries()) {
        await store.write(`big/${index}`, value, 0);
        expect((await store.read(`big/${index}`))?.value === value, `value ${index}`).toBe(true);
      }
    });

    it("lists the names directly under a key, of values, of logs and of what has some further below", async () => {
      const { open } = await create();
      const store = open();
      await store.write("swaps/1/requests/1", "x", 0);
      await store.write("swaps/1/requests/10", "x", 0);
      await store.write("swaps/1/requests/2", "x", 0);
      await store.appendLog("swaps/1/journal", 1, "{}");
      await store.appendLog("swaps/2/journal", 1, "{}");
      await store.write("swaps-of-another", "x", 0);
      await store.write("swaps/2/note", "x", 0);
      await store.write("swaps/2/note", "y", 1);
      expect(await open().list("swaps")).toEqual(["1", "2"]);
      expect(await open().list("swaps/1")).toEqual(["journal", "requests"]);
      expect(await open().list("swaps/1/requests")).toEqual(["1", "10", "2"]);
      expect(await open().list("swaps/2")).toEqual(["journal", "note"]);
      expect(await open().list("swaps/3")).toEqual([]);
      expect(await open().list("swap")).toEqual([]);
    });

    it("lists more names than fit one page", async () => {
      const { open } = await create();
      const store = open();
      const value = "x".repeat(200 * 1_024);
      const names = Array.from({ length: 12 }, (_, index) => `n${String(index).padStart(2, "0")}`);
      for (const one of names) await store.write(`many/${one}`, value, 0);
      expect(await open().list("many")).toEqual(names);
    });

    it("appends lines in order, and reads them back with any characters", async () => {
      const { open } = await create();
      const store = open();
      const lines = ['{"n":1}', '{"text":"Grüße 世界 🚂"}', "x".repeat(50_000)];
      for (const [index, line] of lines.entries()) expect(await store.appendLog("log", index + 1, line)).toBe(true);
      expect(await open().readLog("log")).toEqual({ lines, torn: "" });
      // A process that has not written yet goes on behind them.
      expect(await open().appendLog("log", 4, "four")).toBe(true);
      expect((await store.readLog("log"))?.lines).toEqual([...lines, "four"]);
    });

    it("reads back a log of more lines than fit one page", async () => {
      const { open } = await create();
      const store = open();
      const lines = Array.from({ length: 14 }, (_, index) => `${index}:${"x".repeat(100_000)}`);
      for (const [index, line] of lines.entries()) await store.appendLog("log", index + 1, line);
      expect((await open().readLog("log"))?.lines.map((line) => line.length)).toEqual(lines.map((line) => line.length));
      expect((await open().readLog("log"))?.lines[11]).toBe(lines[11]);
    });

    it("refuses a line that is not the next one, and writes nothing", async () => {
      const { open } = await create();
      const store = open();
      expect(await store.appendLog("log", 2, "x")).toBe(false);
      await store.appendLog("log", 1, "one");
      await store.appendLog("log", 2, "two");
      for (const wrong of [1, 2, 4, 99])
        expect(await store.appendLog("log", wrong, "wrong"), String(wrong)).toBe(false);
      expect(await open().readLog("log")).toEqual({ lines: ["one", "two"], torn: "" });
    });

    it("refuses the line of a process that has not seen another one's", async () => {
      const { open } = await create();
      const [stale, current] = [open(), open()];
      await stale.appendLog("log", 1, "one");
      await current.appendLog("log", 2, "two");
      expect(await stale.appendLog("log", 2, "late")).toBe(false);
      expect(await stale.appendLog("log", 3, "three")).toBe(true);
      expect((await current.readLog("log"))?.lines).toEqual(["one", "two", "three"]);
    });

    it("lets one of several writers win each line, and loses no line of a winner", async () => {
      const { open } = await create();
      const lines = 40;
      const won: string[][] = [[], [], []];
      const writer = async (index: number): Promise<void> => {
        const store = open();
        for (;;) {
          const number = ((await store.readLog("log"))?.lines.length ?? 0) + 1;
          if (number > lines) return;
          const line = `${number} by ${index}`;
          if (await store.appendLog("log", number, line)) won[index]?.push(line);
        }
      };
      await Promise.all([writer(0), writer(1), writer(2)]);
      const found = (await open().readLog("log"))?.lines ?? [];
      expect(found).toHaveLength(lines);
      expect(found.map((line) => Number.parseInt(line, 10))).toEqual(Array.from({ length: lines }, (_, n) => n + 1));
      expect(won.flat().toSorted()).toEqual([...found].toSorted());
    });

    it("refuses keys and lines of another form, before anything is written", async () => {
      const { open } = await create();
      const store = open();
      for (const key of [
        "",
        "/",
        "a/",
        "/a",
        "a//b",
        "..",
        "a/../b",
        ".hidden",
        "a b",
        "ä",
        "a\n",
        "a@1",
        "a#log",
        "x.jsonl",
        "x".repeat(401),
      ]) {
        const refused = { code: "internal-error" };
        await expect(store.read(key), key).rejects.toMatchObject(refused);
        await expect(store.write(key, "x", 0), key).rejects.toMatchObject(refused);
        await expect(store.list(key), key).rejects.toMatchObject(refused);
        await expect(store.readLog(key), key).rejects.toMatchObject(refused);
        await expect(store.appendLog(key, 1, "x"), key).rejects.toMatchObject(refused);
      }
      for (const line of ["", "a\nb", "a\r", "a "])
        await expect(store.appendLog("log", 1, line)).rejects.toMatchObject({ code: "internal-error" });
      expect(await open().readLog("log")).toBeUndefined();
    });
  });
}
