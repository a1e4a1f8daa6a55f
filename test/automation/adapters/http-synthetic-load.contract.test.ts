import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import { createSyntheticLoad, type HttpSyntheticLoad } from "../../../automation/adapters/http-synthetic-load.ts";
import { kiroRequestSchema } from "../../../services/kiro/contract.ts";

let server: Server | undefined;
let load: HttpSyntheticLoad | undefined;

afterEach(async () => {
  await load?.close();
  server?.closeAllConnections();
  await new Promise((resolve) => (server === undefined ? resolve(undefined) : server.close(resolve)));
  server = undefined;
  load = undefined;
});

async function start(listener: RequestListener): Promise<HttpSyntheticLoad> {
  const made = createServer(listener);
  server = made;
  await new Promise<void>((resolve) => made.listen(0, "127.0.0.1", resolve));
  const { port } = made.address() as AddressInfo;
  load = createSyntheticLoad({ baseUrl: `http://127.0.0.1:${port}`, host: "agent.local", perSecond: 2_000 });
  return load;
}

describe("synthetic requests", () => {
  test("are as many as were asked for, each a user's request that the agent understands", async () => {
    const bodies: unknown[] = [];
    const heads: Record<string, unknown>[] = [];
    const { send } = await start(async (request, response) => {
      let text = "";
      for await (const chunk of request) text += String(chunk);
      bodies.push(JSON.parse(text));
      heads.push({ method: request.method, url: request.url, ...request.headers });
      response.end("{}");
    });
    await send(50);
    expect(bodies).toHaveLength(50);
    const requests = bodies.map((body) => kiroRequestSchema.parse(body));
    expect(new Set(requests.map((request) => request.request_id)).size).toBe(50);
    expect(requests[0]?.data).toMatchObject({ operation: "echo" });
    for (const head of heads) {
      expect(head).toMatchObject({ method: "POST", url: "/process", host: "agent.local" });
      // With either of these the balancer would leave it out of its feed.
      expect(head).not.toHaveProperty("x-switchyard-probe");
      expect(head["user-agent"]).not.toMatch(/probe/);
    }
  });

  test("that fail at the agent were sent all the same: the feed tells", async () => {
    let count = 0;
    const { send } = await start((request, response) => {
      count += 1;
      request.resume();
      response.writeHead(500).end("{}");
    });
    await send(5);
    expect(count).toBe(5);
  });

  test("without a reply are an error that counts them, after the others were sent", async () => {
    let count = 0;
    const { send } = await start((request, response) => {
      count += 1;
      request.resume();
      if (count <= 2) response.destroy();
      else response.end("{}");
    });
    await expect(send(6)).rejects.toMatchObject({
      code: "traffic-unreachable",
      message: expect.stringContaining("2 of 6 synthetic requests"),
    });
    expect(count).toBe(6);
  });

  test("to nobody are traffic-unreachable", async () => {
    const { send } = await start((_request, response) => response.end());
    await new Promise((resolve) => server?.close(resolve));
    await expect(send(3)).rejects.toMatchObject({ code: "traffic-unreachable" });
  });

  test("end with the signal's reason", async () => {
    const { send } = await start((request) => request.resume());
    const controller = new AbortController();
    const sending = send(1_000, controller.signal);
    controller.abort(new Error("enough"));
    await expect(sending).rejects.toThrow("enough");
    await expect(send(1, controller.signal)).rejects.toThrow("enough");
  });

  test("of none are none", async () => {
    let count = 0;
    const { send } = await start((_request, response) => {
      count += 1;
      response.end();
    });
    await send(0);
    expect(count).toBe(0);
  });
});
