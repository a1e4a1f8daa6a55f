import { describe, expect, test } from "vitest";
import {
  deniedBy,
  eksSupport,
  eksSupportOf,
  endOfLifeMs,
  istioSupport,
  istioSupportOf,
  mostMinors,
  staleness,
  supportsKubernetes,
} from "../../../../automation/guard/plan/support.ts";
import { compareMinors, minorOf, minorsBetween, parseVersion } from "../../../../automation/guard/plan/versions.ts";

const istio = (minor: `${number}.${number}`) => {
  const found = istioSupportOf(minor);
  if (found === undefined) throw new Error(`no row for ${minor}`);
  return found;
};

describe("the support tables", () => {
  test("have no gap from 1.22 to 1.31 and from 1.27 to 1.36", () => {
    for (const [table, newest, rows] of [
      [istioSupport, "1.31", 10],
      [eksSupport, "1.36", 10],
    ] as const) {
      expect(table).toHaveLength(rows);
      expect(table[0]?.minor).toBe(newest);
      for (const [index, { minor }] of table.entries())
        if (index > 0) expect(minorsBetween(minor, table[index - 1]?.minor ?? minor)).toBe(1);
    }
  });

  test("have patches of their own minor, windows that only move up, and dates in order", () => {
    for (const [index, row] of istioSupport.entries()) {
      const patch = parseVersion(row.patch);
      expect(patch === undefined ? undefined : minorOf(patch)).toBe(row.minor);
      expect(eksSupportOf(row.kubernetes.from)).toBeDefined();
      expect(eksSupportOf(row.kubernetes.to)).toBeDefined();
      const newer = istioSupport[index - 1];
      if (newer === undefined) continue;
      expect(compareMinors(row.kubernetes.from, newer.kubernetes.from)).toBeLessThanOrEqual(0);
      expect(compareMinors(row.kubernetes.to, newer.kubernetes.to)).toBeLessThanOrEqual(0);
      expect(row.released < newer.released).toBe(true);
      if (row.endOfLife !== undefined) expect(row.endOfLife > row.released).toBe(true);
    }
    for (const { standardUntil, extendedUntil } of eksSupport)
      if (standardUntil !== undefined) expect(extendedUntil?.slice(4)).toBe(standardUntil.slice(4));
  });

  test("no patch in between is on the deny-list", () => {
    for (const { patch } of istioSupport) {
      const version = parseVersion(patch);
      expect(version === undefined ? "unread" : deniedBy(version, true)).toBeUndefined();
    }
  });

  test("the deny-list knows 1.30.0 to 1.30.2 where Flux writes, and only there", () => {
    const version = (text: string) => parseVersion(text) ?? { major: 0, minor: 0, patch: 0, pre: "" };
    expect(deniedBy(version("1.30.2"), true)?.fixedIn).toBe("1.30.3");
    expect(deniedBy(version("1.30.2"), false)).toBeUndefined();
    expect(deniedBy(version("1.30.3"), true)).toBeUndefined();
    expect(deniedBy(version("1.29.8"), true)).toBeUndefined();
  });

  test("a window holds its ends and nothing beside them", () => {
    const row = istio("1.31");
    const held = (["1.31", "1.32", "1.36", "1.37"] as const).map((minor) => supportsKubernetes(row, minor));
    expect(held).toEqual([false, true, true, false]);
  });

  test("an end of life is the end of its day, and unknown while the minor two above is not out", () => {
    expect(endOfLifeMs(istio("1.28"))).toBe(Date.parse("2026-07-01T23:59:59Z"));
    expect(endOfLifeMs(istio("1.31"))).toBeUndefined();
  });

  test("two minors at once are for revisions, and not in ambient", () => {
    expect([mostMinors("in-place", false), mostMinors("revision", false), mostMinors("revision", true)]).toEqual([
      1, 2, 1,
    ]);
  });

  test("tables that nobody compared for two months say so", () => {
    expect(staleness(Date.parse("2027-01-19"))).toBeUndefined();
    expect(staleness(Date.parse("2027-01-20"))).toMatch(/^the support tables are of 2026-11-20, 61 days ago/);
  });
});
