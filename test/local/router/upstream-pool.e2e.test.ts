import { expect, onTestFinished, test } from "vitest";
import {
  type UpstreamConnection,
  UpstreamPool,
  type UpstreamPoolOptions,
} from "../../../local/router/upstream-pool.ts";
import { eventually, startOrigin, startRawOrigin } from "./router-fixture.ts";

function startPool(options: UpstreamPoolOptions = {}): UpstreamPool {
  const pool = new UpstreamPool(options);
  onTestFinished(() => pool.close());
  return pool;
}

function borrow(pool: UpstreamPool, origin: string, fresh = false): Promise<UpstreamConnection> {
  return new Promise((resolve) => pool.take(origin, { onConnection: resolve }, fresh));
}

function call(connection: UpstreamConnection): Promise<number> {
  return new Promise((resolve, reject) => {
    let status = 0;
    connection.dispatch(
      { method: "GET", path: "/" },
      {
        onRequestStart: () => undefined,
        onResponseStart: (_controller, code) => {
          status = code;
        },
        onResponseData: () => undefined,
        onResponseEnd: () => resolve(status),
        onResponseError: (_controller, error) => reject(error),
      },
    );
  });
}

test("given a bound, requests wait in line for a connection, first come, first served", async () => {
  const origin = await startOrigin((_request, response) => response.end());
  const pool = startPool({ connectionsPerOrigin: 1 });
  const first = await borrow(pool, origin.url);
  const order: string[] = [];
  const second = borrow(pool, origin.url).then((connection) => {
    order.push("second");
    return connection;
  });
  const third = borrow(pool, origin.url).then((connection) => {
    order.push("third");
    return connection;
  });
  expect(await call(first)).toBe(200);
  expect(order).toEqual([]);

  first.giveBack();
  expect(await second).toBe(first);
  // A lost connection makes room for a new one.
  await (await second).discard();
  expect(await third).not.toBe(first);

  expect(order).toEqual(["second", "third"]);
  expect(pool.connections(origin.url)).toBe(1);
});

test("given a waiter that is forgotten, the connection goes to the next", async () => {
  const origin = await startOrigin((_request, response) => response.end());
  const pool = startPool({ connectionsPerOrigin: 1 });
  const first = await borrow(pool, origin.url);
  const forgotten = { onConnection: () => expect.unreachable("it was forgotten") };
  pool.take(origin.url, forgotten);
  const next = borrow(pool, origin.url);
  pool.forget(origin.url, forgotten);

  first.giveBack();

  expect(await next).toBe(first);
});

test("given an idle connection, it is used again unless a fresh one is asked for", async () => {
  const origin = await startOrigin((_request, response) => response.end());
  const pool = startPool();
  const kept = await borrow(pool, origin.url);
  await call(kept);
  kept.giveBack();

  const fresh = await borrow(pool, origin.url, true);

  expect(fresh).not.toBe(kept);
  expect(await borrow(pool, origin.url)).toBe(kept);
});

test("given an origin that is gone, it is forgotten with its last connection", async () => {
  const origin = await startOrigin((_request, response) => response.end());
  const pool = startPool();
  const connection = await borrow(pool, origin.url);
  await call(connection);
  connection.giveBack();
  expect(pool.origins).toEqual([origin.url]);

  await origin.stop();

  await eventually(() => pool.origins.length === 0, "the origin is forgotten");
});

test("given an idle time, the connection closes after it and a later request opens another", async () => {
  const origin = await startRawOrigin((_text, socket) => socket.write("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"));
  const pool = startPool({ idleMs: 50 });
  const connection = await borrow(pool, origin.url);
  await call(connection);
  connection.giveBack();

  await eventually(() => pool.connections(origin.url) === 0 && origin.sockets.size === 0, "the connection closes");

  expect(await call(await borrow(pool, origin.url))).toBe(200);
  expect(origin.connections).toBe(2);
});
