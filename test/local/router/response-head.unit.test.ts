import { expect, test } from "vitest";
import { forwardedTrailers, responseHead } from "../../../local/router/response-head.ts";

test.for([
  ["GET", 200, 12],
  ["HEAD", 200, -1],
  ["GET", 304, -1],
] as const)(
  "given %s and %i, the length to expect is %i, and the client is told all the same",
  ([method, status, expected]) => {
    expect(responseHead({ "content-length": "12" }, status, method, [])).toEqual({
      headers: ["content-length", "12"],
      contentLength: expected,
    });
  },
);

test("given headers of the service and of the route, each value is kept and the service's claims of a side are not", () => {
  const upstream = {
    "set-cookie": ["a", "b"],
    "x-switchyard-side": "forged",
    etag: "x",
    connection: "close, x-hop",
    "x-hop": "1",
  };
  expect(
    responseHead(upstream, 200, "GET", [
      ["x-switchyard-side", "gke"],
      ["set-cookie", "c"],
    ]).headers,
  ).toEqual(["set-cookie", "a", "set-cookie", "b", "etag", "x", "x-switchyard-side", "gke", "set-cookie", "c"]);
});

test("given trailers, those that speak of framing or routing stay behind", () => {
  expect(
    forwardedTrailers({
      "x-sum": "1",
      "x-list": ["1", "2"],
      "content-length": "5",
      "transfer-encoding": "chunked",
      "x-switchyard-side": "gke",
    }),
  ).toEqual([
    ["x-sum", "1"],
    ["x-list", "1, 2"],
  ]);
});
