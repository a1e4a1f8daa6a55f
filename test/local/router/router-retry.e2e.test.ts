import type { Socket } from "node:net";
import { expect, test } from "vitest";
import { RawClient } from "./raw-client.ts";
import { ok, scene } from "./router-fixture.ts";

const request = (method = "GET"): string => `${method} / HTTP/1.1\r\nHost: agent.local\r\n\r\n`;

/** Answers the first request of each connection, then does as told with the next one. */
function answersOnce(next: (socket: Socket, connection: number) => void): (text: string, socket: Socket) => void {
  const used = new WeakMap<Socket, number>();
  let connections = 0;
  return (_text, socket) => {
    const connection = used.get(socket);
    if (connection !== undefined) {
      next(socket, connection);
      return;
    }
    connections += 1;
    used.set(socket, connections);
    socket.write(ok);
  };
}

test.for(["GET", "HEAD", "OPTIONS", "PUT", "DELETE"])(
  "given a kept connection that the service resets under a %s, it is asked once more on a fresh one",
  async (method) => {
    const { port, origin, backend, records } = await scene(answersOnce((socket) => socket.resetAndDestroy()));
    const client = new RawClient(port).send(request());
    await client.until(/ok$/);
    client.received = "";

    expect(await client.send(request(method)).until(/\r\n\r\n/)).toMatch(/^HTTP\/1\.1 200 /);

    expect(origin.connections).toBe(2);
    expect(await records(2)).toMatchObject([{ outcome: "ok" }, { outcome: "ok" }]);
    expect([backend.reserved, backend.released]).toEqual([2, 2]);
  },
);

test.for(["POST", "PATCH"])(
  "given a kept connection that the service resets under a %s, answers 502",
  async (method) => {
    const { port, origin, records } = await scene(answersOnce((socket) => socket.resetAndDestroy()));
    const client = new RawClient(port).send(request());
    await client.until(/ok$/);
    client.received = "";

    expect(await client.send(request(method)).until(/\r\n\r\n/)).toMatch(/^HTTP\/1\.1 502 /);

    expect(origin.connections).toBe(1);
    expect(await records(2)).toMatchObject([{ outcome: "ok" }, { outcome: "gateway", status: 502 }]);
  },
);

test("given a kept connection that breaks after a byte of the response, answers 502 and does not ask again", async () => {
  const { port, origin } = await scene(answersOnce((socket) => socket.end("HTTP/1.1 2")));
  const client = new RawClient(port).send(request());
  await client.until(/ok$/);
  client.received = "";

  expect(await client.send(request()).until(/\r\n\r\n/)).toMatch(/^HTTP\/1\.1 502 /);
  expect(origin.connections).toBe(1);
});

test("given that the fresh connection is reset as well, answers 502", async () => {
  let requests = 0;
  const { port, origin } = await scene((_text, socket) => {
    requests += 1;
    if (requests === 1) socket.write(ok);
    else socket.resetAndDestroy();
  });
  const client = new RawClient(port).send(request());
  await client.until(/ok$/);
  client.received = "";

  expect(await client.send(request()).until(/\r\n\r\n/)).toMatch(/^HTTP\/1\.1 502 /);
  expect(requests).toBe(3);
  expect(origin.connections).toBe(2);
});
