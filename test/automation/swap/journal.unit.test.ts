import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { firstPrevious, hashOf, openJournal, parseJournal } from "../../../automation/swap/journal.ts";
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

function read(store: MemoryStateStore) {
  return parseJournal({ lines: store.logs.get(key) ?? [], torn: store.torn.get(key) ?? "" }, place);
}

describe("a journal", () => {
  it("gives back what was appended, whoever appended it in turn", async () => {
    const store = createMemoryStateStore();
    await written(store, 2, 1);
    await written(store, 1, 4);
    expect(read(store).events).toEqual([started, requested(1), requested(2), requested(1)]);
    expect(read(store).fence).toBe(4);
    expect((await openJournal(store, key, 5, place)).events).toHaveLength(4);
  });

  it("drops what a crash left of its last line, which was never acted upon", async () => {
    const store = createMemoryStateStore();
    await written(store, 2);
    store.torn.set(key, '{"n":4,"prev":"abc');
    expect(read(store)).toMatchObject({ torn: '{"n":4,"prev":"abc', next: { n: 4 } });
    await written(store, 1, 2);
    expect(read(store).events).toHaveLength(4);
  });

  it("is refused when any character of it was changed", async () => {
    const store = createMemoryStateStore();
    await written(store, 4);
    const lines = store.logs.get(key) ?? [];
    await fc.assert(
      fc.asyncProperty(
        fc.nat({ max: lines.length - 2 }),
        fc.nat({ max: 10_000 }),
        fc.constantFrom("x", "0", '"', "}"),
        async (index, position, put) => {
          const line = lines[index] ?? "";
          const at = position % line.length;
          const changed = line.slice(0, at) + put + line.slice(at + 1);
          fc.pre(changed !== line);
          const tampered = lines.with(index, changed);
          // Also a change that leaves a line whole is found, by the hash that the next one carries.
          expect(() => parseJournal({ lines: tampered, torn: "" }, place)).toThrow(
            expect.objectContaining({ code: expect.stringMatching(/^journal-(corrupt|format)$/) }),
          );
        },
      ),
      { numRuns: 300 },
    );
  });

  it("is refused when a line was taken out, doubled, or two were exchanged", async () => {
    const store = createMemoryStateStore();
    await written(store, 4);
    const lines = store.logs.get(key) ?? [];
    const [first = "", second = "", third = "", ...rest] = lines;
    for (const tampered of [
      [first, third, ...rest],
      [second, third, ...rest],
      [first, second, second, third, ...rest],
      [first, third, second, ...rest],
    ])
      expect(() => parseJournal({ lines: tampered, torn: "" }, place)).toThrow(
        expect.objectContaining({ code: "journal-corrupt" }),
      );
  });

  it("that is refused says where, and what to do with it", async () => {
    const store = createMemoryStateStore();
    await written(store, 2);
    store.logs.get(key)?.splice(1, 1, "nonsense");
    expect(() => read(store)).toThrow(
      expect.objectContaining({
        code: "journal-corrupt",
        message: expect.stringContaining("swaps/1/journal in memory is damaged at line 2"),
        next: expect.arrayContaining([expect.stringContaining("npx switchyard state set-aside 1")]),
      }),
    );
  });

  it("of another format is refused as that, not as damaged", async () => {
    const store = createMemoryStateStore();
    store.logs.set(key, [JSON.stringify({ n: 1, prev: firstPrevious, event: { kind: "started", format: 1 } })]);
    expect(() => read(store)).toThrow(expect.objectContaining({ code: "journal-format" }));
  });

  it("is not written when the store is full, and goes on when there is space again", async () => {
    const store = createMemoryStateStore();
    const journal = await written(store, 1);
    store.fail("disk-full");
    await expect(journal.append(requested(2))).rejects.toMatchObject({ code: "disk-full" });
    store.fail(undefined);
    await journal.append(requested(2));
    expect(read(store).events).toEqual([started, requested(1), requested(2)]);
  });
});

describe("a process that lost its lease", () => {
  it("writes no line any more once another one has written", async () => {
    const store = createMemoryStateStore();
    const old = await written(store, 1, 1);
    await written(store, 1, 2);
    await expect(old.append(requested(9))).rejects.toMatchObject({ code: "lease-lost" });
    expect(read(store).events).toHaveLength(3);
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
    const late = JSON.stringify({ n: 3, prev: hashOf(lines[1] ?? ""), fence: 1, event: requested(77) });
    store.logs.set(key, [...lines, late]);
    const journal = await openJournal(store, key, 6, place);
    expect(journal.late).toEqual([{ number: 5, fence: 1, event: requested(77) }]);
    expect(journal.events).toEqual([started, requested(1), requested(1), requested(2)]);
    await journal.append(requested(3));
    expect(read(store).events.at(-1)).toEqual(requested(3));
    expect(read(store).late).toHaveLength(1);
  });

  it("has no line that is left out because its token was lowered by hand", async () => {
    const store = createMemoryStateStore();
    await written(store, 3, 5);
    const lines = store.logs.get(key) ?? [];
    const lowered = lines.with(2, (lines[2] ?? "").replace('"fence":5', '"fence":1'));
    expect(() => parseJournal({ lines: lowered, torn: "" }, place)).toThrow(
      expect.objectContaining({ code: "journal-corrupt" }),
    );
  });
});
