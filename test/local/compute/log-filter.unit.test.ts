import { describe, expect, it } from "vitest";
import { parseLogFilter } from "../../../local/compute/log-filter.ts";

const entry: Readonly<Record<string, string | number>> = {
  "resource.type": "http_load_balancer",
  "resource.labels.url_map_name": "kiro",
  "httpRequest.status": "502",
  "httpRequest.userAgent": "Switchyard-Probe",
  timestamp: Date.parse("2026-11-20T12:00:00Z") * 1000 + 250_123,
};

function matches(filter: string): boolean {
  return parseLogFilter(filter)((path) => entry[path]);
}

describe("the query language of the log", () => {
  it.each([
    ["", true],
    ['resource.type="http_load_balancer"', true],
    ["resource.type=http_load_balancer", true],
    ['resource.type="HTTP_Load_Balancer"', true],
    ['resource.type="gce_instance"', false],
    ['resource.type!="gce_instance"', true],
    ['resource.labels.url_map_name = "kiro" resource.type="http_load_balancer"', true],
    ['resource.labels.url_map_name="kiro"\nAND resource.type="gce_instance"', false],
    ["httpRequest.status>=500", true],
    ["httpRequest.status>=1000", false],
    ["httpRequest.status<503 AND httpRequest.status!=500", true],
    ['httpRequest.userAgent:"probe"', true],
    ['NOT httpRequest.userAgent:"probe"', false],
    ['-httpRequest.userAgent:"curl"', true],
    ['httpRequest.referer:"x"', false],
    ['NOT httpRequest.referer:"x"', true],
    ['timestamp>="2026-11-20T12:00:00.250123Z"', true],
    ['timestamp>"2026-11-20T12:00:00.250123Z"', false],
    ['timestamp>"2026-11-20T12:00:00.250122999Z" timestamp<="2026-11-20T12:00:01Z"', true],
    ["timestamp<2026-11-20T12:00:00Z", false],
  ])("%j is %j", (filter, expected) => {
    expect(matches(filter)).toBe(expected);
  });

  it.each([
    'resource.type="a" OR resource.type="b"',
    '(resource.type="a")',
    'resource.type="a',
    "resource.type=",
    "AND resource.type=a",
    "resource.type=a AND",
    "resource.type=a AND AND resource.type=b",
    "NOT",
    "NOT NOT resource.type=a",
    'resource.type="\\q"',
    'timestamp>"yesterday"',
  ])("refuses %j", (filter) => {
    expect(() => parseLogFilter(filter)).toThrow(
      expect.objectContaining({
        status: 400,
        reason: "INVALID_ARGUMENT",
        message: expect.stringMatching(/^Unparseable/),
      }),
    );
  });
});
