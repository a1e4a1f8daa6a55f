import { describe, expect, test } from "vitest";
import type { KiroRequest } from "../../../services/kiro/contract.ts";
import { checkWork, processRequest } from "../../../services/kiro/work.ts";

const request = (data: Record<string, unknown>): KiroRequest => ({
  data,
  headers: {},
  method: "POST",
  path: "/process",
  queryParams: {},
  timestamp: "2026-11-20T12:00:00Z",
  requestId: "r-1",
});

const context = (stream: boolean) => {
  const waits: number[] = [];
  return { stream, waits, wait: async (ms: number) => void waits.push(ms) };
};

describe("the work", () => {
  test("echo gives the value back, null for none", async () => {
    expect(await processRequest(request({ operation: "echo", value: { a: 1 } }), context(false))).toEqual({
      kind: "answer",
      statusCode: 200,
      data: { operation: "echo", value: { a: 1 } },
    });
    expect(await processRequest(request({ operation: "echo" }), context(false))).toMatchObject({
      data: { value: null },
    });
  });

  test("digest is SHA-256 of the text in UTF-8", async () => {
    expect(await processRequest(request({ operation: "digest", text: "ä" }), context(false))).toMatchObject({
      data: { digest: "33e6d73fee82904c8d7afb78de1154d1e8dc2a0edb08120e63df5b9385c2d9cc", bytes: 2 },
    });
    expect(await processRequest(request({ operation: "digest", text: "hi" }), context(false))).toMatchObject({
      data: { digest: "8f434346648f6b96df89dda901c5176b10a6d83961dd3c1ac88b59b2dc327aa4" },
    });
  });

  test("summarize counts, ties in alphabetical order", async () => {
    expect(await processRequest(request({ operation: "summarize", text: "b a B\nc a" }), context(false))).toMatchObject(
      {
        data: {
          characters: 9,
          words: 5,
          lines: 2,
          frequent: [
            { word: "a", times: 2 },
            { word: "b", times: 2 },
            { word: "c", times: 1 },
          ],
        },
      },
    );
  });

  test("it takes as long as it is asked to", async () => {
    const around = context(false);
    await processRequest(request({ operation: "echo", duration_ms: 3_500 }), around);
    expect(around.waits).toEqual([3_500]);
  });

  test("a stream gives its events at their interval", async () => {
    const around = context(true);
    const outcome = await processRequest(request({ operation: "echo", value: 1, events: 3, interval_ms: 40 }), around);
    if (outcome.kind !== "events") throw new Error("expected a stream");
    const events: unknown[] = [];
    for await (const event of outcome.events) events.push(event);
    expect(events).toEqual([
      { index: 1, total: 3 },
      { index: 2, total: 3 },
      { index: 3, total: 3 },
    ]);
    expect(around.waits).toEqual([40, 40, 40]);
    expect(outcome.data).toEqual({ operation: "echo", value: 1 });
  });
});

describe("what is wrong with data", () => {
  test("nothing", () => {
    expect(checkWork({ operation: "echo", anything: "else" })).toEqual([]);
    expect(checkWork({ operation: "digest", text: "", duration_ms: 60_000 })).toEqual([]);
  });

  test.each([
    [{}, ["data.operation"]],
    [{ operation: "fly", duration_ms: -1 }, ["data.operation", "data.duration_ms"]],
    [{ operation: "digest" }, ["data.text"]],
    [
      { operation: "digest", text: 1, events: 0, interval_ms: 60_001 },
      ["data.text", "data.events", "data.interval_ms"],
    ],
    [{ operation: "echo", duration_ms: 1.5 }, ["data.duration_ms"]],
  ])("%j has problems at %j", (data, paths) => {
    expect(checkWork(data).map((problem) => problem.path)).toEqual(paths);
  });
});
