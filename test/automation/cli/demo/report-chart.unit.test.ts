import { describe, expect, it } from "vitest";
import { drawChart, escapeHtml, niceCeiling } from "../../../../automation/cli/demo/report-chart.ts";

const axis = { from: 1_000, to: 11_000, marks: [{ at: 6_000, label: 'step "2" <5 %>' }] };

describe("the highest line of a chart", () => {
  it.each([
    [0, 1],
    [-3, 1],
    [0.4, 0.5],
    [1, 1],
    [1.1, 2],
    [47, 50],
    [100, 100],
    [101, 200],
    [6_000, 10_000],
  ])("of %d is %d", (value, ceiling) => {
    expect(niceCeiling(value)).toBeCloseTo(ceiling, 9);
  });
});

describe("a chart", () => {
  const chart = drawChart(
    {
      title: "Weight <b>",
      unit: "%",
      series: [
        {
          name: 'gke"',
          style: "side-a",
          points: [
            { x: 1_000, y: 0 },
            { x: 3_000, y: 100 },
            { x: 5_000, y: undefined },
            { x: 7_000, y: 50 },
            { x: 11_000, y: 50 },
          ],
        },
        { name: "asked", style: "side-b", dashed: true, points: [] },
      ],
    },
    axis,
  );

  it("draws a value at its height and a gap where nothing is known", () => {
    // Plot: x 56 to 952, y 130 (0) to 8 (highest).
    expect(chart).toContain('d="M56.0 130.0L235.2 8.0M593.6 69.0L952.0 69.0"');
  });

  it("puts the journal's steps as marks with their name", () => {
    expect(chart).toContain('x1="504.0" x2="504.0"');
    expect(chart).toContain("<title>step &quot;2&quot; &lt;5 %&gt;</title>");
  });

  it("says to those who cannot see it what it shows", () => {
    expect(chart).toContain('aria-label="Weight &lt;b&gt; over time, highest 100 %"');
  });

  it("draws without numbers that are none", () => {
    const empty = drawChart({ title: "t", unit: "u", series: [] }, { from: 5, to: 5, marks: [] });
    expect(`${chart}${empty}`).not.toMatch(/NaN|Infinity|undefined/);
  });

  it("has its own text escaped", () => {
    expect(escapeHtml(`<script>"&'`)).toBe("&lt;script&gt;&quot;&amp;'");
    expect(chart).not.toContain('gke""');
    expect(chart).toContain("Weight &lt;b&gt;");
  });
});
