import { expect, test } from "vitest";
import { createRequestLog, type LoggedRequest } from "../../../local/router/request-log.ts";

const request: LoggedRequest = {
  arrivedAt: 1_000,
  durationMs: 10,
  listener: "kiro-https",
  backend: "kiro-gke",
  method: "GET",
  host: "agent.local",
  path: "/",
  userAgent: "curl/8",
  status: 200,
  outcome: "ok",
};

test("given no delay, an entry can be read at the request's end", () => {
  const log = createRequestLog({ delayMs: () => 0 });
  log.push(request);
  expect([...log.entries()]).toEqual([{ ...request, number: 1, receivedAt: 1_010, visibleAt: 1_010 }]);
});

test("given a delay, no entry takes longer, none is readable before it was received, and they overtake each other", () => {
  const log = createRequestLog({ delayMs: () => 1_000 });
  for (let index = 0; index < 1_000; index += 1) log.push({ ...request, arrivedAt: 1_000 + index });
  const entries = [...log.entries()];
  for (const { arrivedAt, durationMs, receivedAt, visibleAt } of entries) {
    const end = arrivedAt + durationMs;
    expect(receivedAt).toBeGreaterThanOrEqual(end);
    expect(visibleAt).toBeGreaterThanOrEqual(receivedAt);
    expect(visibleAt).toBeLessThanOrEqual(end + 1_000);
  }
  const overtaken = entries.filter((entry, index) => entry.visibleAt < (entries[index - 1]?.visibleAt ?? 0));
  expect(overtaken.length).toBeGreaterThan(300);
  expect(overtaken.length).toBeLessThan(700);
});

test("given more requests than it keeps, has the last ones", () => {
  const log = createRequestLog({ capacity: 3, delayMs: () => 0 });
  for (let index = 1; index <= 8; index += 1) log.push({ ...request, path: `/${index}` });
  expect([...log.entries()].map(({ number, path }) => [number, path])).toEqual([
    [6, "/6"],
    [7, "/7"],
    [8, "/8"],
  ]);
});
