import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import { createHttpProber } from "../../../automation/adapters/http-prober.ts";
import type { Prober } from "../../../automation/ports/prober.ts";
import { createFakeBalancer } from "../../support/fake-balancer.ts";
import { createVirtualClock } from "../../support/virtual-clock.ts";

interface Subject {
  readonly prober: Prober;
  /** Runs the work, moving time where it is the test's. */
  run<Result>(work: () => Promise<Result>): Promise<Result>;
  breakDown(): Promise<void>;
  close(): Promise<void>;
}

/** Both subjects send 25 % to gke. */
const subjects: Readonly<Record<string, () => Promise<Subject>>> = {
  "fake balancer": async () => {
    const clock = createVirtualClock();
    const balancer = createFakeBalancer({ clock, weights: { "cloud-run": 75, gke: 25 } });
    return {
      prober: balancer.prober,
      run: (work) => clock.run(work),
      breakDown: async () => balancer.failNext("probe"),
      close: async () => {},
    };
  },
  "HTTP, to a server that takes turns": async () => {
    let requests = 0;
    const server = createServer((request, response) => {
      requests += 1;
      const { host, "x-switchyard-probe": probe, "user-agent": agent } = request.headers;
      // The log of Google's balancer has the agent only, the local router's feed the header.
      const marked = probe === "1" && agent === "switchyard-probe" && host === "agent.local";
      const side = requests % 4 === 0 ? "gke" : "cloud-run";
      response.writeHead(marked ? 200 : 400, { "x-switchyard-side": side, "content-length": 2 }).end("{}");
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as AddressInfo;
    const prober = createHttpProber({ baseUrl: `http://127.0.0.1:${port}`, host: "agent.local" });
    const stop = async (): Promise<void> => {
      if (!server.listening) return;
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
    };
    return {
      prober,
      run: (work) => work(),
      breakDown: stop,
      async close() {
        await prober.close();
        await stop();
      },
    };
  },
};

describe.each(Object.entries(subjects))("Prober: %s", (_, create) => {
  let subject: Subject | undefined;
  const start = async (): Promise<Subject> => {
    subject = await create();
    return subject;
  };
  afterEach(async () => {
    await subject?.close();
    subject = undefined;
  });

  test("answers as many results as were asked for, each with a side, a status and a time", async () => {
    const { prober, run } = await start();
    const results = await run(() => prober.sample(80));
    expect(results).toHaveLength(80);
    expect(new Set(results.map((result) => result.side))).toEqual(new Set(["cloud-run", "gke"]));
    expect(results.every((result) => result.status === 200 && result.durationMs >= 0)).toBe(true);
  });

  test("each probe is the balancer's own choice, so that the shares are its weights", async () => {
    const { prober, run } = await start();
    const results = await run(() => prober.sample(400));
    const share = results.filter((result) => result.side === "gke").length / results.length;
    expect(share).toBeGreaterThan(0.17);
    expect(share).toBeLessThan(0.33);
  });

  test("says that the balancer cannot be reached", async () => {
    const { prober, run, breakDown } = await start();
    await breakDown();
    await expect(run(() => prober.sample(100))).rejects.toMatchObject({ code: "traffic-unreachable" });
  });

  test("ends with the signal's reason when it is aborted in the middle", async () => {
    const { prober, run } = await start();
    const controller = new AbortController();
    const sampling = run(async () => {
      const sample = prober.sample(5_000, controller.signal);
      controller.abort(new Error("enough"));
      return sample;
    });
    await expect(sampling).rejects.toThrow("enough");
  });

  test("a sample of none is empty", async () => {
    const { prober, run } = await start();
    expect(await run(() => prober.sample(0))).toEqual([]);
  });
});
