import { connect } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import { serveWebhooks, type WebhookServerOptions } from "../../../automation/adapters/webhook-server.ts";
import { readIncoming } from "../../../automation/guard/events/webhook.ts";

const token = "0123456789abcdef";
const closing: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

const hook = (batch = "wave-1", state = "merged") =>
  JSON.stringify({
    object_kind: "merge_request",
    project: { path_with_namespace: "platform/clusters" },
    object_attributes: { source_branch: `guard/upgrade-istio-1.31.1-${batch}-0123456789ab`, state, action: "merge" },
  });

/** A monitor that runs until it is told to end. */
async function open(change: Partial<WebhookServerOptions> = {}) {
  const started: string[] = [];
  const failures: [string, unknown][] = [];
  const ends: ((error?: Error) => void)[] = [];
  const server = await serveWebhooks({
    port: 0,
    token,
    read: readIncoming,
    start: (batch, { branch }, signal) => {
      started.push(`${batch} ${branch.slice(0, 13)}`);
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      ends.push((error) => (error === undefined ? resolve() : reject(error)));
      signal.addEventListener("abort", () => reject(signal.reason));
      return promise;
    },
    failed: (batch, error) => void failures.push([batch, error]),
    ...change,
  });
  closing.push(server.close);
  const send = async (body: string, headers: Record<string, string> = { "X-Gitlab-Token": token }, method = "POST") => {
    const reply = await fetch(server.url, { method, headers, ...(method === "POST" ? { body } : {}) });
    return `${reply.status} ${(await reply.text()).trim()}`;
  };
  return { server, send, started, failures, ends };
}

const settled = async (holds: () => boolean): Promise<void> => {
  const deadline = performance.now() + 2_000;
  while (!holds()) {
    if (performance.now() > deadline) throw new Error("it did not come to that");
    await new Promise((resolve) => setImmediate(resolve));
  }
};

describe("a server for hooks", () => {
  test("a merged branch starts its batch, and the sender does not wait for it", async () => {
    const { send, started, server } = await open();
    expect(server.url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
    expect(await send(hook())).toBe("202 wave-1 is looked at");
    expect(started).toEqual(["wave-1 guard/upgrade"]);
  });

  test("EventBridge proves itself with a bearer token", async () => {
    const { send, started } = await open();
    const event = { "detail-type": "Merge Request Hook", source: "gitlab", detail: JSON.parse(hook()) as unknown };
    expect(await send(JSON.stringify(event), { authorization: `Bearer ${token}` })).toMatch(/^202/);
    expect(started).toHaveLength(1);
  });

  test.each([
    ["none", {}],
    ["another", { "X-Gitlab-Token": "fedcba9876543210" }],
    ["the beginning of it", { "X-Gitlab-Token": token.slice(0, -1) }],
    ["more than it", { "X-Gitlab-Token": `${token}0` }],
    ["an empty one", { "X-Gitlab-Token": "" }],
    ["a wrong one beside the right bearer", { "X-Gitlab-Token": "x", authorization: `Bearer ${token}` }],
    ["another way of proof", { authorization: `Basic ${token}` }],
  ])("with a wrong token (%s) nothing is read or started", async (_, headers) => {
    let read = 0;
    const { send, started } = await open({
      read: (body) => {
        read += 1;
        return readIncoming(body);
      },
    });
    expect(await send(hook(), headers)).toBe("401 wrong token");
    expect([read, started]).toEqual([0, []]);
  });

  test("what is nothing of ours, unreadable, too long or no POST is answered as that", async () => {
    const { send, started } = await open();
    expect(await send(hook("wave-1", "closed"))).toMatch(/^200 nothing to do: a merge request that is closed/);
    expect(await send("{")).toMatch(/^400 neither a hook/);
    expect(await send(" ".repeat(1_000_001))).toMatch(/^413/);
    expect(await send("", {}, "GET")).toBe("405 only POST");
    expect(started).toEqual([]);
  });

  test("a batch is looked at once at a time, and once more for all that came meanwhile; others beside it", async () => {
    const { send, started, ends } = await open();
    await send(hook());
    expect(await send(hook())).toMatch(/already, and will be once more/);
    await send(hook());
    await send(hook("wave-2"));
    expect(started.map((one) => one.slice(0, 6))).toEqual(["wave-1", "wave-2"]);
    ends[0]?.();
    await settled(() => started.length === 3);
    expect(started.at(-1)).toMatch(/^wave-1/);
    ends[2]?.();
    expect(await send(hook("wave-3"))).toBe("202 wave-3 is looked at");
    expect(started).toHaveLength(4);
  });

  test("one that fails is told, and may be started again", async () => {
    const { send, started, ends, failures } = await open();
    await send(hook());
    const error = new Error("unknown batch");
    ends[0]?.(error);
    await settled(() => failures.length === 1);
    expect(failures).toEqual([["wave-1", error]]);
    expect(await send(hook())).toBe("202 wave-1 is looked at");
    expect(started).toHaveLength(2);
  });

  test("closing stops what runs, waits for it, and is no failure", async () => {
    const { server, send, failures } = await open();
    await send(hook());
    const { hostname, port } = new URL(server.url);
    const idle = connect(Number(port), hostname);
    await new Promise<void>((resolve) => idle.once("connect", resolve));
    const ended = new Promise<void>((resolve) => idle.once("close", () => resolve()));
    await server.close();
    await ended;
    expect(failures).toEqual([]);
    await expect(send(hook())).rejects.toThrow();
  });

  test("a short token and a taken port are refused", async () => {
    await expect(open({ token: "short" })).rejects.toThrow(/less than 16 characters/);
    const { server } = await open();
    await expect(open({ port: Number(new URL(server.url).port) })).rejects.toThrow(
      /nothing can listen at 127\.0\.0\.1/,
    );
  });
});
