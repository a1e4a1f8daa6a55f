import { expect, test } from "vitest";
import { createRequestFeedLog, type RequestFeedLog, type RequestOutcome } from "../../../local/router/feed.ts";
import { createFakeClock } from "../../support/fake-clock.ts";

function push(feed: RequestFeedLog, count: number, outcome: RequestOutcome = "ok", listener = "kiro-https"): void {
  for (let i = 0; i < count; i++) {
    feed.push({
      at: 1000 + i,
      listener,
      side: i % 2 === 0 ? "gke" : "",
      status: 200,
      firstByteMs: 1.25,
      durationMs: 2.5,
      outcome,
    });
  }
}

test("given records, reads them back from the first, whole and in order", async () => {
  const feed = createRequestFeedLog({ capacity: 10 });
  push(feed, 2, "gateway");

  const common = { listener: "kiro-https", status: 200, firstByteMs: 1.25, durationMs: 2.5, outcome: "gateway" };
  expect(await feed.read(0, 0)).toEqual({
    records: [
      { sequence: 1, at: 1000, side: "gke", ...common },
      { sequence: 2, at: 1001, side: "", ...common },
    ],
    cursor: 2,
    lost: 0,
  });
});

test.for(["ok", "application", "gateway", "client"] as const)("given the outcome %s, keeps it", async (outcome) => {
  const feed = createRequestFeedLog({ capacity: 1 });
  push(feed, 1, outcome);
  expect((await feed.read(0, 0)).records).toMatchObject([{ outcome }]);
});

test("given no cursor, reads from now on", async () => {
  const feed = createRequestFeedLog();
  push(feed, 5);

  const first = await feed.read(undefined, 0);
  push(feed, 1);

  expect(first).toEqual({ records: [], cursor: 5, lost: 0 });
  expect((await feed.read(first.cursor, 0)).records.map((record) => record.sequence)).toEqual([6]);
});

test("given more records than it keeps, says how many were lost", async () => {
  const feed = createRequestFeedLog({ capacity: 10 });
  push(feed, 25);

  const batch = await feed.read(3, 0);

  expect(batch.lost).toBe(12);
  expect(batch.records.map((record) => record.sequence)).toEqual([16, 17, 18, 19, 20, 21, 22, 23, 24, 25]);
  expect(batch.cursor).toBe(25);
});

test("given a cursor of an earlier life, starts over and does not claim to be complete", async () => {
  const feed = createRequestFeedLog();
  push(feed, 2);

  const batch = await feed.read(4711, 0);

  expect(batch.records).toHaveLength(2);
  expect(batch.lost).toBeGreaterThan(0);
});

test("given a long backlog, hands it out in parts without a gap", async () => {
  const feed = createRequestFeedLog({ capacity: 50_000 });
  push(feed, 45_000);
  const sequences: number[] = [];
  let cursor = 0;
  for (let i = 0; i < 3; i++) {
    const batch = await feed.read(cursor, 0);
    expect(batch.lost).toBe(0);
    for (const record of batch.records) sequences.push(record.sequence);
    cursor = batch.cursor;
  }
  expect(sequences).toEqual(Array.from({ length: 45_000 }, (_, i) => i + 1));
});

test("given nothing new, waits for the first record", async () => {
  const clock = createFakeClock();
  const feed = createRequestFeedLog({ clock });
  const reads = [feed.read(0, 1000), feed.read(undefined, 1000)];
  push(feed, 1);

  for (const batch of await Promise.all(reads))
    expect(batch).toMatchObject({ cursor: 1, lost: 0, records: [{ sequence: 1 }] });
  expect(clock.pending()).toEqual([]);
});

test("given nothing new for the whole wait, answers with nothing", async () => {
  const clock = createFakeClock();
  const read = createRequestFeedLog({ clock }).read(0, 1000);
  await clock.advance(1000);
  expect(await read).toEqual({ records: [], cursor: 0, lost: 0 });
});

test("given an aborted signal, stops waiting", async () => {
  const clock = createFakeClock();
  const feed = createRequestFeedLog({ clock });
  const gone = new AbortController();
  const read = feed.read(0, 1000, { signal: gone.signal });
  gone.abort();

  expect(await read).toEqual({ records: [], cursor: 0, lost: 0 });
  expect(await feed.read(0, 1000, { signal: gone.signal })).toEqual({ records: [], cursor: 0, lost: 0 });
  expect(clock.pending()).toEqual([]);
});

test("given two listeners, reads one alone with numbers of its own and both together", async () => {
  const feed = createRequestFeedLog();
  for (let i = 0; i < 3; i++) {
    push(feed, 1, "ok", "kiro-https");
    push(feed, 1, "gateway", "other-https");
  }
  const alone = await feed.read(1, 0, { listener: "other-https" });
  expect(alone.records.map(({ sequence, outcome }) => [sequence, outcome])).toEqual([
    [2, "gateway"],
    [3, "gateway"],
  ]);
  expect(alone).toMatchObject({ cursor: 3, lost: 0 });
  expect((await feed.read(0, 0)).records.map((record) => record.listener)).toEqual(
    Array.from({ length: 6 }, (_, i) => (i % 2 === 0 ? "kiro-https" : "other-https")),
  );
});

test("given one listener that floods, another one's records are neither lost nor said to be", async () => {
  const feed = createRequestFeedLog({ capacity: 10 });
  push(feed, 3, "ok", "quiet-https");
  push(feed, 25, "ok", "loud-https");
  expect(await feed.read(0, 0, { listener: "quiet-https" })).toMatchObject({ cursor: 3, lost: 0 });
  expect(await feed.read(5, 0, { listener: "loud-https" })).toMatchObject({ cursor: 25, lost: 10 });
  expect(await feed.read(0, 0)).toMatchObject({ cursor: 28, lost: 18 });
});

test("given a listener of which there is nothing yet, waits for its first record only", async () => {
  const clock = createFakeClock();
  const feed = createRequestFeedLog({ clock });
  const read = feed.read(undefined, 1000, { listener: "other-https" });
  push(feed, 1, "ok", "kiro-https");
  expect(clock.pending()).toHaveLength(1);
  push(feed, 1, "ok", "other-https");
  expect(await read).toMatchObject({ cursor: 1, records: [{ sequence: 1, listener: "other-https" }] });
});
