import { afterEach, describe, expect, test } from "vitest";
import { createEventBridge, type EventBridgeOptions } from "../../../automation/adapters/event-bridge.ts";
import type { BusEvent } from "../../../automation/ports/event-bus.ts";
import { serveEventBridge } from "../../support/event-bridge-server.ts";

const closing: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).toReversed()) await close();
});

const event = (id: string, detail: Record<string, unknown> = {}): BusEvent => ({
  id,
  type: "Guard State Changed",
  at: Date.parse("2026-11-30T10:00:00Z"),
  detail: { cluster: "prod-1", ...detail },
});

const events = (count: number): readonly BusEvent[] => Array.from({ length: count }, (_, index) => event(`e${index}`));

async function open(
  verdict?: Parameters<typeof serveEventBridge>[0],
  whole?: Parameters<typeof serveEventBridge>[1],
  change: Partial<EventBridgeOptions> = {},
) {
  const server = await serveEventBridge(verdict, whole);
  const slept: number[] = [];
  const bus = createEventBridge({
    bus: "guard",
    region: "eu-central-1",
    env: { AWS_ENDPOINT_URL_EVENTBRIDGE: server.url },
    clock: { sleep: async (ms) => void slept.push(ms) },
    ...change,
  });
  closing.push(server.close, bus.close);
  return { server, bus, slept };
}

const idOf = (detail: string): unknown => (JSON.parse(detail) as { id: unknown }).id;

describe("EventBridge", () => {
  test("gets an event with its source, type, time and detail, at its bus and region", async () => {
    const { server, bus } = await open();
    expect(await bus.publish([event("a", { state: "soaking" })])).toEqual({ sent: 1, failed: [] });
    expect(server.taken).toEqual([
      {
        EventBusName: "guard",
        Source: "switchyard.guard",
        DetailType: "Guard State Changed",
        Time: Date.parse("2026-11-30T10:00:00Z") / 1_000,
        Detail: JSON.stringify({ id: "a", cluster: "prod-1", state: "soaking" }),
      },
    ]);
    expect(server.region()).toBe("eu-central-1");
    expect(bus.description).toBe("EventBridge bus guard in eu-central-1");
  });

  test("takes ten at a time, in their order", async () => {
    const { server, bus } = await open();
    expect(await bus.publish(events(23))).toEqual({ sent: 23, failed: [] });
    expect(server.requests.map((entries) => entries.length)).toEqual([10, 10, 3]);
    expect(server.taken.map(({ Detail }) => idOf(Detail))).toEqual(events(23).map(({ id }) => id));
    expect(await bus.publish([])).toEqual({ sent: 0, failed: [] });
    expect(server.requests).toHaveLength(3);
  });

  test("no request is larger than it may be, and an event that is too large is told", async () => {
    const { server, bus } = await open();
    const large = Array.from({ length: 5 }, (_, index) => event(`l${index}`, { text: "x".repeat(100_000) }));
    const outcome = await bus.publish([...large, event("huge", { text: "ü".repeat(140_000) })]);
    expect(server.requests.map((entries) => entries.length)).toEqual([2, 2, 1]);
    expect(outcome).toEqual({
      sent: 5,
      failed: [{ id: "huge", why: expect.stringMatching(/^it has 280\d{3} bytes/) }],
    });
  });

  test("what failed for now is offered again, and only that, with growing pauses", async () => {
    const { server, bus, slept } = await open((entry, request) => {
      const id = idOf(entry.Detail);
      return (id === "e1" && request < 3) || (id === "e2" && request < 2) ? "ThrottlingException" : undefined;
    });
    expect(await bus.publish(events(4))).toEqual({ sent: 4, failed: [] });
    expect(server.requests.map((entries) => entries.map(({ Detail }) => idOf(Detail)))).toEqual([
      ["e0", "e1", "e2", "e3"],
      ["e1", "e2"],
      ["e1"],
    ]);
    expect(slept).toEqual([200, 400]);
  });

  test("what stays so is told after the last offer", async () => {
    const { server, bus } = await open(
      (entry) => (idOf(entry.Detail) === "e1" ? "InternalFailure" : undefined),
      undefined,
      {
        attempts: 2,
      },
    );
    expect(await bus.publish(events(2))).toEqual({ sent: 1, failed: [{ id: "e1", why: "InternalFailure: of it" }] });
    expect(server.requests).toHaveLength(2);
  });

  test("what the bus refuses is not offered again", async () => {
    const { server, bus, slept } = await open(() => "NotAuthorizedForSourceException");
    expect((await bus.publish(events(1))).failed).toEqual([
      { id: "e0", why: "NotAuthorizedForSourceException: of it" },
    ]);
    expect(server.requests).toHaveLength(1);
    expect(slept).toEqual([]);
  });

  test("a bus that refuses it all is events that failed, without the credentials it repeats", async () => {
    const { bus } = await open(undefined, () => ({
      status: 400,
      type: "AccessDeniedException",
      message: "User with the key local may not",
    }));
    const { sent, failed } = await bus.publish(events(2));
    expect(sent).toBe(0);
    expect(failed.map(({ id }) => id)).toEqual(["e0", "e1"]);
    expect(failed[0]?.why).toMatch(/^AccessDeniedException: User with the key \[secret\] may not$/);
  });

  test("a server that is down is events that failed, and the next ones are tried", async () => {
    const { server, bus } = await open();
    await server.close();
    const { sent, failed } = await bus.publish(events(1));
    expect(sent).toBe(0);
    expect(failed[0]?.why).toMatch(/ECONNREFUSED|ECONNRESET|EPIPE/);
  });

  test("who publishes may leave", async () => {
    const abort = new AbortController();
    const { bus } = await open(() => "ThrottlingException", undefined, {
      clock: {
        sleep: (_, signal) =>
          new Promise((_resolve, reject) => {
            signal?.addEventListener("abort", () => reject(signal.reason));
            abort.abort(new Error("enough"));
          }),
      },
    });
    await expect(bus.publish(events(1), abort.signal)).rejects.toThrow("enough");
    await expect(bus.publish(events(1), abort.signal)).rejects.toThrow("enough");
  });

  test.each([
    ["plain HTTP to another machine", "http://events.example.com", /credentials-over-http|plain HTTP/],
    ["no address", "events", /not a URL/],
  ])("refuses %s before anything is sent", (_, endpoint, message) => {
    const attempt = () =>
      createEventBridge({ bus: "guard", endpoint, env: {}, clock: { sleep: async () => undefined } });
    expect(attempt).toThrow(message);
  });
});
