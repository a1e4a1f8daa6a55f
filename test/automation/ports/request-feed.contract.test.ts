import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import { createGoogleClient } from "../../../automation/adapters/google-client.ts";
import { createGoogleRequestFeed, loggingApi } from "../../../automation/adapters/google-request-feed.ts";
import { createLocalRequestFeed } from "../../../automation/adapters/local-request-feed.ts";
import type { Clock } from "../../../automation/ports/clock.ts";
import type { RequestFeed } from "../../../automation/ports/request-feed.ts";
import { serveControlApi } from "../../../local/daemon/control-api.ts";
import { createRequestFeedLog } from "../../../local/router/feed.ts";
import { systemClock } from "../../../local/runtime/system-clock.ts";
import { createFakeBalancer } from "../../support/fake-balancer.ts";
import { startLocalCompute } from "../../support/local-compute.ts";
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

/** The daemon's own control API over a real feed, without a cloud behind it. */
async function startControlApi() {
  const feed = createRequestFeedLog();
  const absent = (): never => {
    throw new Error("this test asks for the feed only");
  };
  const api = await serveControlApi(
    {
      feed,
      status: absent,
      counters: { snapshot: absent },
      darkCounters: { snapshot: absent },
      workloads: absent,
      weights: absent,
      usage: absent,
      exits: absent,
      resources: absent,
      log: absent,
      failBack: { url: absent, list: absent, set: absent },
      dynamoDb: absent,
      changeSettings: absent,
      stop: absent,
    },
    token,
  );
  return { feed, api };
}

const subjects: Readonly<Record<string, () => Promise<Subject>>> = {
  "fake balancer": async () => {
    const clock = createVirtualClock();
    const balancer = createFakeBalancer({ clock, weights: { "cloud-run": 50, gke: 50 }, requestsPerSecond: 200 });
    // Nothing is in flight when it becomes quiet.
    for (const side of ["cloud-run", "gke"]) balancer.setSide(side, { latencyMs: 0 });
    return {
      feed: balancer.feed,
      traffic: () => clock.advance(100),
      quiet: () => balancer.setRequestsPerSecond(0),
      run: (work) => clock.run(work),
      breakDown: async () => balancer.failNext("feed"),
      close: async () => {},
    };
  },
  "the daemon's control API": () => controlApi(undefined),
  "Cloud Logging's REST API, served by the local cloud": googleLog,
  "the daemon's control API, one of two listeners": () => controlApi("kiro-https"),
};

async function controlApi(wanted: string | undefined): Promise<Subject> {
  const { feed, api } = await startControlApi();
  let closed = false;
  const close = async (): Promise<void> => {
    if (closed) return;
    closed = true;
    await api.close();
  };
  return {
    feed: createLocalRequestFeed({ controlUrl: api.url, token, ...(wanted !== undefined && { listener: wanted }) }),
    async traffic() {
      for (let index = 0; index < 20; index += 1) {
        const listener = wanted === undefined || index % 2 === 0 ? "kiro-https" : "other-https";
        feed.push({
          at: 1_000 + index,
          listener,
          side: "gke",
          status: 200,
          firstByteMs: 1,
          durationMs: 2,
          outcome: "ok",
        });
      }
    },
    quiet: () => {},
    run: (work) => work(),
    breakDown: close,
    close,
  };
}

async function googleLog(): Promise<Subject> {
  const folder = await mkdtemp(join(tmpdir(), "switchyard-log-"));
  // Time that moves when somebody waits, for both sides of the wire.
  let now = 1_800_000_000_000;
  const clock: Clock = {
    now: () => now,
    wall: () => now,
    async sleep(ms, signal) {
      await new Promise((resolve) => setImmediate(resolve));
      signal?.throwIfAborted();
      now += ms;
    },
  };
  const compute = await startLocalCompute({
    folder,
    weights: { "cloud-run": 1_000, gke: 0 },
    logDelayMs: () => 30_000,
    clock: { ...systemClock, now: () => now },
  });
  const client = createGoogleClient({
    api: loggingApi,
    env: {
      CLOUDSDK_API_ENDPOINT_OVERRIDES_LOGGING: compute.loggingEndpoint,
      GOOGLE_OAUTH_ACCESS_TOKEN: compute.token,
    },
  });
  let closed = false;
  const close = async (): Promise<void> => {
    if (closed) return;
    closed = true;
    await compute.close();
    await rm(folder, { recursive: true });
  };
  const request = { method: "GET", host: "agent.local", path: "/info", status: 200, outcome: "ok" } as const;
  return {
    feed: createGoogleRequestFeed({
      client,
      project: compute.project,
      urlMap: compute.urlMap,
      backendPrefix: "kiro",
      platforms: ["gke", "cloud-run"],
      unweightedHosts: ["dark.agent.local"],
      clock,
      settleMs: 30_000,
      pollMs: 500,
    }),
    async traffic() {
      for (let index = 0; index < 20; index += 1) {
        const arrivedAt = now - index;
        const user = { ...request, arrivedAt, durationMs: index, backend: "kiro-gke", userAgent: "curl" };
        compute.log.push({ ...user, listener: "kiro-https" });
        // What is none of this feed's business.
        compute.log.push({ ...user, listener: "other-https" });
        compute.log.push({ ...user, listener: "kiro-https", userAgent: "switchyard-probe" });
        compute.log.push({ ...user, listener: "kiro-https", host: "dark.agent.local" });
      }
      now += 60_000;
    },
    quiet: () => {},
    run: (work) => work(),
    breakDown: close,
    close,
  };
}

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

test("a wrong token is an unreachable feed, with the daemon's words", async () => {
  const { api } = await startControlApi();
  const feed = createLocalRequestFeed({ controlUrl: api.url, token: "another" });
  await expect(feed.read(undefined, 0)).rejects.toMatchObject({
    code: "feed-unreachable",
    message: expect.stringContaining("401"),
  });
  await api.close();
});

test("the token never goes over plain HTTP to another machine", () => {
  expect(() => createLocalRequestFeed({ controlUrl: "http://192.0.2.1", token })).toThrow(
    expect.objectContaining({ code: "credentials-over-http" }),
  );
});
