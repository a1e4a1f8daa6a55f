import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { firstPrevious, hashOf, lineOf, openJournal, readJournal } from "../../../automation/swap/journal.ts";
import { hotSwapConfig, platformConfig, toSwapSettings } from "../../../automation/swap/settings.ts";
import { journalFormat, type SwapEvent } from "../../../automation/swap/state.ts";
import { createMemoryStateStore, type MemoryStateStore } from "../../support/memory-state-store.ts";

const key = "swaps/1/journal";
const place = { text: "swaps/1/journal in memory", setAside: "npx switchyard state set-aside 1" };

const started: SwapEvent = {
  kind: "started",
  format: journalFormat,
  at: 1,
  id: "1",
  mode: "swap",
  environment: "local",
  from: "cloud-run",
  to: "gke",
  image: "kiro@1",
  settings: toSwapSettings(hotSwapConfig.parse({}), platformConfig.parse({})),
  by: "tester",
};

function requested(number: number): SwapEvent {
  return { kind: "requested", at: number, verb: "pause", by: "tester", number };
}

/** A journal of a start and so many wishes, written under the token. */
async function written(store: MemoryStateStore, wishes: number, fence = 1) {
  const journal = await openJournal(store, key, fence, place);
  if (journal.events.length === 0) await journal.append(started);
  for (let number = 1; number <= wishes; number += 1) await journal.append(requested(number));
  return journal;
}

async function read(store: MemoryStateStore) {
  const content = await readJournal(store, key, place);
  if (content === undefined) throw new Error("there is no journal");
  return content;
}

/** A store of the same mark whose journal has these lines. */
function tampered(store: MemoryStateStore, lines: readonly string[]): MemoryStateStore {
  const other = createMemoryStateStore();
  for (const [name, value] of store.values) other.values.set(name, value);
  other.logs.set(key, [...lines]);
  return other;
}

const linesOf = (store: MemoryStateStore): readonly string[] => store.logs.get(key) ?? [];

describe("a journal", () => {
  it("gives back what was appended, whoever appended it in turn", async () => {
    const store = createMemoryStateStore();
    await written(store, 2, 1);
    await written(store, 1, 4);
    expect((await read(store)).events).toEqual([started, requested(1), requested(2), requested(1)]);
    expect((await read(store)).fence).toBe(4);
    expect((await openJournal(store, key, 5, place)).events).toHaveLength(4);
  });

  it("drops what a crash left of its last line, which was never acted upon", async () => {
    const store = createMemoryStateStore();
    await written(store, 2);
    store.torn.set(key, '{"n":4,"prev":"abc');
    expect(await read(store)).toMatchObject({ torn: '{"n":4,"prev":"abc', next: { n: 4 } });
    await written(store, 1, 2);
    expect((await read(store)).events).toHaveLength(4);
  });

  it("is refused when any character of it was changed, of the last line too, and with no mark to tell", async () => {
    const store = createMemoryStateStore();
    await written(store, 4);
    const lines = linesOf(store);
    await fc.assert(
      fc.asyncProperty(
        fc.nat({ max: lines.length - 1 }),
        fc.nat({ max: 10_000 }),
        fc.constantFrom("x", "0", '"', "}", " "),
        fc.boolean(),
        async (index, position, put, marked) => {
          const line = lines[index] ?? "";
          const at = position % line.length;
          const changed = line.slice(0, at) + put + line.slice(at + 1);
          fc.pre(changed !== line);
          const other = tampered(store, lines.with(index, changed));
          if (!marked) other.values.clear();
          // Also a change that leaves a line whole is found, by the hash that it or the next one carries.
          await expect(read(other)).rejects.toMatchObject({
            code: expect.stringMatching(/^journal-(corrupt|format)$/),
          });
        },
      ),
      { numRuns: 400 },
    );
  });

  it("is refused when any number of lines is missing at its end, with the first one that is", async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 0, max: 15 }), fc.nat({ max: 15 }), async (wishes, missing) => {
        const store = createMemoryStateStore();
        await written(store, wishes);
        const lines = linesOf(store);
        const left = lines.slice(0, Math.max(0, lines.length - 1 - missing));
        const other = tampered(store, left);
        for (const call of [() => read(other), () => openJournal(other, key, 9, place)])
          await expect(call()).rejects.toMatchObject({ code: "journal-corrupt", data: { line: left.length + 1 } });
      }),
      { numRuns: 100 },
    );
  });

  it("whose last line was written anew, hash and all, or is followed by others, is not what was marked", async () => {
    const store = createMemoryStateStore();
    await written(store, 2);
    const lines = linesOf(store);
    const anew = lineOf({ n: 3, prev: hashOf(lines[1] ?? ""), fence: 1, event: requested(7) });
    const next = lineOf({ n: 4, prev: hashOf(anew), fence: 1, event: requested(8) });
    for (const left of [
      [...lines.slice(0, 2), anew],
      [...lines.slice(0, 2), anew, next],
    ])
      await expect(read(tampered(store, left))).rejects.toMatchObject({ code: "journal-corrupt", data: { line: 3 } });
  });

  it("whose mark was changed is refused too, with what to do", async () => {
    const store = createMemoryStateStore();
    await written(store, 2);
    store.values.set("swaps/1/head", { value: "nonsense", version: 7 });
    await expect(read(store)).rejects.toMatchObject({
      code: "journal-corrupt",
      message: expect.stringContaining("swaps/1/head"),
      next: expect.arrayContaining([expect.stringContaining("set-aside 1")]),
    });
  });

  it("is sound when a crash came between a line and its mark, whichever line it was; the next one marks on", async () => {
    for (const wishes of [0, 1, 3]) {
      const store = createMemoryStateStore();
      const journal = wishes === 0 ? await openJournal(store, key, 1, place) : await written(store, wishes - 1);
      const { write } = store;
      store.write = async () => {
        throw new Error("died");
      };
      await expect(journal.append(wishes === 0 ? started : requested(9))).rejects.toThrow("died");
      store.write = write;
      const lines = wishes === 0 ? 1 : wishes + 1;
      expect((await read(store)).events).toHaveLength(lines);
      await written(store, 1, 2);
      await expect(read(tampered(store, linesOf(store).slice(0, lines)))).rejects.toMatchObject({
        code: "journal-corrupt",
        data: { line: lines + 1 },
      });
    }
  });

  it("is sound for whoever reads while another one writes", async () => {
    const store = createMemoryStateStore();
    const journal = await written(store, 1);
    const { readLog, read: readValue } = store;
    // Between the reader's two looks a line comes, and its mark.
    let number = 1;
    const meanwhile = async () => {
      number += 1;
      if (number < 4) await journal.append(requested(number));
    };
    const between: MemoryStateStore = {
      ...store,
      async read(name) {
        const value = await readValue(name);
        await meanwhile();
        return value;
      },
      async readLog(name) {
        const log = await readLog(name);
        await meanwhile();
        return log;
      },
    };
    expect((await read(between)).events).toHaveLength(3);
    expect((await read(store)).events).toHaveLength(4);
  });

  it("has its mark never set back, by a process that stood still between its line and the mark", async () => {
    const store = createMemoryStateStore();
    const old = await written(store, 1, 1);
    const { write } = store;
    const gate = Promise.withResolvers<void>();
    let held = true;
    store.write = async (...call) => {
      if (held) {
        held = false;
        await gate.promise;
      }
      return write(...call);
    };
    const late = old.append(requested(2));
    await expect.poll(() => held).toBe(false);
    await written(store, 2, 2);
    gate.resolve();
    await late;
    const lines = linesOf(store);
    expect(lines).toHaveLength(5);
    await expect(read(tampered(store, lines.slice(0, 4)))).rejects.toMatchObject({ data: { line: 5 } });
  });

  it("is refused when a line was taken out, doubled, or two were exchanged", async () => {
    const store = createMemoryStateStore();
    await written(store, 4);
    const lines = linesOf(store);
    const [first = "", second = "", third = "", ...rest] = lines;
    for (const left of [
      [first, third, ...rest],
      [second, third, ...rest],
      [first, second, second, third, ...rest],
      [first, third, second, ...rest],
    ])
      await expect(read(tampered(store, left))).rejects.toMatchObject({ code: "journal-corrupt" });
  });

  it("that is refused says where, and what to do with it", async () => {
    const store = createMemoryStateStore();
    await written(store, 2);
    store.logs.get(key)?.splice(1, 1, "nonsense");
    await expect(read(store)).rejects.toMatchObject({
      code: "journal-corrupt",
      message: expect.stringContaining("swaps/1/journal in memory is damaged at line 2"),
      next: expect.arrayContaining([expect.stringContaining("npx switchyard state set-aside 1")]),
    });
  });

  it("of another format is refused as that, not as damaged", async () => {
    const store = createMemoryStateStore();
    store.logs.set(key, [JSON.stringify({ n: 1, prev: firstPrevious, event: { kind: "started", format: 1 } })]);
    await expect(read(store)).rejects.toMatchObject({ code: "journal-format" });
  });

  it("is not written when the store is full, and goes on when there is space again", async () => {
    const store = createMemoryStateStore();
    const journal = await written(store, 1);
    store.fail("disk-full");
    await expect(journal.append(requested(2))).rejects.toMatchObject({ code: "disk-full" });
    store.fail(undefined);
    await journal.append(requested(2));
    expect((await read(store)).events).toEqual([started, requested(1), requested(2)]);
  });
});

describe("a process that lost its lease", () => {
  it("writes no line any more once another one has written", async () => {
    const store = createMemoryStateStore();
    const old = await written(store, 1, 1);
    await written(store, 1, 2);
    await expect(old.append(requested(9))).rejects.toMatchObject({ code: "lease-lost" });
    expect((await read(store)).events).toHaveLength(3);
  });

  it("cannot open the journal with its old token", async () => {
    const store = createMemoryStateStore();
    await written(store, 1, 2);
    await expect(openJournal(store, key, 1, place)).rejects.toMatchObject({ code: "lease-lost" });
  });

  it("stops the one that took over between its reading and its first line, which then changes nothing either", async () => {
    const store = createMemoryStateStore();
    const old = await written(store, 1, 1);
    const taker = await openJournal(store, key, 2, place);
    await old.append(requested(2));
    await expect(taker.append(requested(3))).rejects.toMatchObject({ code: "lease-lost" });
    // Its next attempt knows what the old one wrote.
    expect((await openJournal(store, key, 3, place)).events).toHaveLength(3);
  });

  it("leaves late lines that are left out, wherever they came, and the journal holds", async () => {
    const store = createMemoryStateStore();
    await written(store, 1, 1);
    await written(store, 2, 5);
    const lines = store.logs.get(key) ?? [];
    // As in a store whose appending is not exclusive: the late one was written after line 2, as that process knew it.
    const late = lineOf({ n: 3, prev: hashOf(lines[1] ?? ""), fence: 1, event: requested(77) });
    store.logs.set(key, [...lines, late]);
    const journal = await openJournal(store, key, 6, place);
    expect(journal.late).toEqual([{ number: 5, fence: 1, event: requested(77) }]);
    expect(journal.events).toEqual([started, requested(1), requested(1), requested(2)]);
    await journal.append(requested(3));
    expect((await read(store)).events.at(-1)).toEqual(requested(3));
    expect((await read(store)).late).toHaveLength(1);
    await expect(read(tampered(store, lines))).rejects.toMatchObject({ code: "journal-corrupt", data: { line: 5 } });
    const changedLate = linesOf(store).with(4, late.replace('"pause"', '"abort"'));
    await expect(read(tampered(store, changedLate))).rejects.toMatchObject({ data: { line: 5 } });
  });

  it("has no line that is left out because its token was lowered by hand", async () => {
    const store = createMemoryStateStore();
    await written(store, 3, 5);
    const lines = linesOf(store);
    for (const index of [2, 3]) {
      const lowered = lines.with(index, (lines[index] ?? "").replace('"fence":5', '"fence":1'));
      await expect(read(tampered(store, lowered))).rejects.toMatchObject({ code: "journal-corrupt" });
    }
  });
});
