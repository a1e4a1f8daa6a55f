import fc from "fast-check";
import { expect, test } from "vitest";
import { createTraceIds, type TraceIds, traceHeaders } from "../../../local/router/trace-context.ts";

const ids: TraceIds = { trace: () => "a".repeat(32), span: () => 255 };
const parent = "00-0af7651916cd43dd8448eb211c80319c-00000000000000ff-01";
const cloud = "0af7651916cd43dd8448eb211c80319c/255;o=1";

test.for([
  ["nothing", undefined, undefined, `00-${"a".repeat(32)}-00000000000000ff-00`, `${"a".repeat(32)}/255;o=0`],
  ["traceparent", parent, undefined, parent, cloud],
  ["x-cloud-trace-context", undefined, cloud, parent, cloud],
  ["both", parent, "1".repeat(32), parent, "1".repeat(32)],
  [
    "a cloud trace without span and options",
    undefined,
    "1".repeat(32),
    `00-${"1".repeat(32)}-00000000000000ff-00`,
    "1".repeat(32),
  ],
  ["a later version of traceparent", `01${parent.slice(2)}-more`, undefined, `01${parent.slice(2)}-more`, cloud],
] as const)(
  "given %s, keeps what is there and makes what is missing",
  ([, traceparent, cloudTrace, expectedParent, expectedCloud]) => {
    expect(traceHeaders(traceparent, cloudTrace, ids)).toEqual({
      traceparent: expectedParent,
      cloudTrace: expectedCloud,
    });
  },
);

test.for([
  "",
  "00-0-0-00",
  `00-${"0".repeat(32)}-00000000000000ff-01`,
  `00-${"a".repeat(32)}-${"0".repeat(16)}-01`,
  `ff${parent.slice(2)}`,
  parent.toUpperCase(),
  `${parent}x`,
])("given the invalid traceparent %j, makes a new one", (traceparent) => {
  expect(traceHeaders(traceparent, undefined, ids).traceparent).toBe(`00-${"a".repeat(32)}-00000000000000ff-00`);
});

test.for(["", "x", `${"0".repeat(32)}/1`, `${"1".repeat(32)}/99999999999999999999`, `${"1".repeat(32)}/1;o=9`])(
  "given the invalid x-cloud-trace-context %j, makes a new one",
  (cloudTrace) => {
    expect(traceHeaders(undefined, cloudTrace, ids).cloudTrace).toBe(`${"a".repeat(32)}/255;o=0`);
  },
);

test("given anything, both headers are valid, and of one trace where one of them was made", () => {
  const hex = (length: number): fc.Arbitrary<string> =>
    fc.string({ unit: fc.constantFrom(..."0123456789abcdef"), minLength: length, maxLength: length });
  const traceparent = fc.tuple(hex(32), hex(16), hex(2)).map(([trace, span, flags]) => `00-${trace}-${span}-${flags}`);
  const cloudTrace = fc
    .tuple(hex(32), fc.bigInt(0n, 2n ** 64n), fc.nat(4))
    .map(([trace, span, o]) => `${trace}/${span};o=${o}`);
  const random = createTraceIds();
  fc.assert(
    fc.property(fc.option(traceparent, { nil: undefined }), fc.option(cloudTrace, { nil: undefined }), (a, b) => {
      const made = traceHeaders(a, b, random);
      expect(made.traceparent).toMatch(/^00-(?!0{32})[\da-f]{32}-(?!0{16})[\da-f]{16}-[\da-f]{2}$/);
      expect(made.cloudTrace).toMatch(/^(?!0{32})[\da-f]{32}(\/\d+)?(;o=[0-3])?$/);
      if (made.traceparent !== a || made.cloudTrace !== b)
        expect(made.cloudTrace.slice(0, 32)).toBe(made.traceparent.slice(3, 35));
      // What was made is itself valid, so that the next hop keeps it.
      expect(traceHeaders(made.traceparent, made.cloudTrace, ids)).toEqual(made);
    }),
  );
});

test("given only zeroes from the generator, identifiers are still valid", () => {
  const zero = createTraceIds((pool) => pool.fill(0));
  expect(traceHeaders(undefined, undefined, zero).traceparent).toBe(`00-${"0".repeat(31)}1-0000000000000001-00`);
});

test("given many identifiers, none comes twice", () => {
  const random = createTraceIds();
  const seen = new Set<string>();
  for (let i = 0; i < 5000; i++) seen.add(random.trace()).add(`${random.trace().slice(0, 8)}${random.span()}`);
  expect(seen.size).toBe(10_000);
});
