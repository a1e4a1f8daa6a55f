import { describe, expect, test } from "vitest";
import { type RequestHead, readRequestHead } from "../../../local/router/request-head.ts";
import { beginServerSpan } from "../../../local/router/server-span.ts";

const trace = "a".repeat(32);
const parent = "b".repeat(16);

function head(...headers: readonly string[]): RequestHead {
  const read = readRequestHead({
    method: "GET",
    url: "/",
    httpVersion: "1.1",
    rawHeaders: ["host", "a.b", ...headers],
  });
  if (read.kind === "problem") throw new Error(read.reason);
  return read;
}

describe("the router's span", () => {
  test.each([
    [],
    ["traceparent", `00-${trace}-${parent}-00`],
    ["traceparent", "nonsense"],
    ["traceparent", `00-${"0".repeat(32)}-${parent}-01`],
  ])("is none for %j %j: a user's request is not traced because the router is", (...headers) => {
    expect(beginServerSpan(head(...headers))).toBeUndefined();
  });

  test("stands between for Switchyard's own requests, and beside for a user's, whose context stays as it was", () => {
    const traceparent = `00-${trace}-${parent}-01`;
    const users = beginServerSpan(head("traceparent", traceparent, "tracestate", "vendor=1"));
    expect(users).toMatchObject({ traceId: trace, parentSpanId: parent, traceparent });
    const own = beginServerSpan(head("traceparent", traceparent, "tracestate", "vendor=1, switchyard=1"));
    expect(own).toMatchObject({ traceId: trace, parentSpanId: parent });
    expect(own?.traceparent).toBe(`00-${trace}-${own?.spanId}-01`);
  });
});
