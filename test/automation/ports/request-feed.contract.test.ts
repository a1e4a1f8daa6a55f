import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import { createLocalRequestFeed } from "../../../automation/adapters/local-request-feed.ts";
import type { RequestFeed, RequestRecord } from "../../../automation/ports/request-feed.ts";
import { createFakeBalancer } from "../../support/fake-balancer.ts";
import { createVirtualClock } from "../../support/virtual-clock.ts";

interface Subject {
  readonly feed: RequestFeed;
  /** Lets some requests end before the next read. */
  traffic(): Promise<void>;
  quiet(): void;
  run<Result>(work: () => Promise<Result>): Promise<Result>;
  breakDown(): Promise<void>;
  close(): Promise<void>;
}

const token = "token-of-a-test";

/** A control API as the daemon's, with the records in its hand. */
async function startFeedServer() {
  const records: RequestRecord[] = [];
  let waiting: (() => void) | undefined;
  const server = createServer(async (request, response) => {
    const url = new URL(request.url ?? "/", "http://127.0.0.1");
    if (request.headers.authorization !== `Bearer ${token}` || url.pathname !== "/feed") {
      response.writeHead(401).end();
      return;
    }
    const given = url.searchParams.get("after");
    const after = given === null ? records.length : Number(given);
    if (records.length <= after) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, Number(url.searchParams.get("wait_ms")));
        waiting = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
    const found = records.slice(after);
    response.end(JSON.stringify({ records: found, cursor: Math.max(after, records.length), lost: 0 }));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    add(count: number) {
      for (let index = 0; index < count; index += 1) {
        const sequence = records.length + 1;
        records.push({
          sequence,
          at: sequence,
          side: "gke",
          status: 200,
          firstByteMs: 1,
          durationMs: 2,
          outcome: "ok",
        });
      }
      waiting?.();
    },
    async close() {
      if (!server.listening) return;
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
    },
  };
}

const subjects: Readonly<Record<string, () => Promise<Subject>>> = {
  "fake balancer": async () => {
    const clock = createVirtualClock();
    const balancer = createFakeBalancer({ clock, weights: { "cloud-run": 50, gke: 50 }, requestsPerSecond: 200 });
    return {
      feed: balancer.feed,
      traffic: () => clock.advance(100),
      quiet: () => balancer.setRequestsPerSecond(0),
      run: (work) => clock.run(work),
      breakDown: async () => balancer.failNext("feed"),
      close: async () => {},
    };
  },
  "the daemon's control API": async () => {
    const server = await startFeedServer();
    return {
      feed: createLocalRequestFeed({ controlUrl: server.url, token }),
      traffic: async () => server.add(20),
      quiet: () => {},
      run: (work) => work(),
      breakDown: () => server.close(),
      close: () => server.close(),
    };
  },
};

describe.each(Object.entries(subjects))("RequestFeed: %s", (_, create) => {
  let subject: Subject | undefined;
  const start = async (): Promise<Subject> => {
    subject = await create();
    return subject;
  };
  afterEach(async () => {
    await subject?.close();
    subject = undefined;
  });

  test("without a cursor it starts from now", async () => {
    const { feed, traffic, quiet, run } = await start();
    await traffic();
    quiet();
    const batch = await run(() => feed.read(undefined, 0));
    expect(batch.records).toEqual([]);
  });

  test("gives every record once and in order", async () => {
    const { feed, traffic, run } = await start();
    const { cursor } = await run(() => feed.read(undefined, 0));
    await traffic();
    const first = await run(() => feed.read(cursor, 1_000));
    await traffic();
    const second = await run(() => feed.read(first.cursor, 1_000));
    const sequences = [...first.records, ...second.records].map((record) => record.sequence);
    expect(first.records.length).toBeGreaterThan(0);
    expect(second.records.length).toBeGreaterThan(0);
    expect(sequences).toEqual(sequences.map((_value, index) => (sequences[0] ?? 0) + index));
    expect(first.lost + second.lost).toBe(0);
  });

  test("reading again from the same cursor gives the same records", async () => {
    const { feed, traffic, quiet, run } = await start();
    const { cursor } = await run(() => feed.read(undefined, 0));
    await traffic();
    quiet();
    const first = await run(() => feed.read(cursor, 1_000));
    expect(await run(() => feed.read(cursor, 1_000))).toEqual(first);
  });

  test("with nothing to tell it answers an empty batch after the wait, with a cursor that goes on", async () => {
    const { feed, quiet, run, traffic } = await start();
    await traffic();
    quiet();
    const { cursor } = await run(() => feed.read(undefined, 0));
    const batch = await run(() => feed.read(cursor, 20));
    expect(batch).toEqual({ records: [], cursor, lost: 0 });
  });

  test("says that the feed cannot be reached", async () => {
    const { feed, breakDown, run } = await start();
    await breakDown();
    await expect(run(() => feed.read(undefined, 10))).rejects.toMatchObject({ code: "feed-unreachable" });
  });

  test("ends with the signal's reason when it is aborted", async () => {
    const { feed, run, quiet } = await start();
    quiet();
    const controller = new AbortController();
    const reading = run(async () => {
      const read = feed.read(undefined, 60_000, controller.signal);
      controller.abort(new Error("enough"));
      return read;
    });
    await expect(reading).rejects.toThrow("enough");
  });
});
