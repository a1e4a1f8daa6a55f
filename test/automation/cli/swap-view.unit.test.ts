import { describe, expect, it } from "vitest";
import { ProgressLines } from "../../../automation/cli/progress.ts";
import { swapListener, swapTableHead } from "../../../automation/cli/swap-view.ts";
import { gkeFailing, screen, swapOf } from "../../support/swap-screen.ts";

describe("a swap on a terminal of 80 columns", () => {
  it.each([
    ["that completes", {}],
    ["that is rolled back", { prepare: gkeFailing(0.3) }],
    ["whose routing fails", { prepare: gkeFailing(0, 1) }],
  ])("%s keeps every line within them", async (_what, options) => {
    const terminal = screen({ columns: 80 });
    const lines = new ProgressLines(terminal.stream);
    for (const line of swapTableHead) lines.line(line);
    await swapOf({ ...options, listener: swapListener(lines) });
    for (const line of terminal.lines()) expect(line.length, line).toBeLessThanOrEqual(80);
    expect(terminal.lines().length).toBeGreaterThan(8);
  });

  it("has the row of a step that passed on one line, with its verdict", async () => {
    const terminal = screen({ columns: 80 });
    await swapOf({ listener: swapListener(new ProgressLines(terminal.stream)) });
    const steps = terminal.lines().filter((line) => /^\d+ %/.test(line));
    expect(steps).toHaveLength(5);
    for (const line of steps) expect(line).toMatch(/ successful, \d+\.\d s$/);
  });

  it("redraws the line in work, and leaves nothing of it behind", async () => {
    const terminal = screen({ columns: 80 });
    await swapOf({ listener: swapListener(new ProgressLines(terminal.stream)) });
    expect(terminal.raw()).toContain("\r\u001b[2K");
    expect(terminal.lines().filter((line) => line.includes("holding"))).toEqual([]);
  });
});

describe("a swap where stderr is a file", () => {
  it("is one line per step, without redraws or control codes, each with its weight and verdict", async () => {
    const file = screen({});
    await swapOf({ listener: swapListener(new ProgressLines(file.stream)) });
    // biome-ignore lint/suspicious/noControlCharactersInRegex: that is what must not be there.
    expect(file.raw()).not.toMatch(/[\u001b\r]/);
    const steps = file.lines().filter((line) => /^\d+ %/.test(line));
    expect(steps.map((line) => line.split(/\s{2,}/)[0])).toEqual(["1 %", "5 %", "25 %", "50 %", "100 %"]);
    for (const line of steps) expect(line).toMatch(/successful, \d/);
    expect(file.lines().at(-1)).toMatch(/^done +completed: the side that was left is decommissioned$/);
  });

  it("says why it went back, with the numbers, and how long that took", async () => {
    const file = screen({});
    await swapOf({ prepare: gkeFailing(0.4), listener: swapListener(new ProgressLines(file.stream)) });
    const text = file.lines().join("\n");
    expect(text).toMatch(/failed: errors fall on the candidate/);
    expect(text).toMatch(/\(\d+ of \d+ on the new side, 0 of \d+ on the old one\)/);
    expect(text).toMatch(/rollback +accepted after .*, verified on the data plane after/);
  });

  it("shows a dash for what is not known, never a zero", async () => {
    const file = screen({});
    await swapOf({ listener: swapListener(new ProgressLines(file.stream)) });
    const last = file.lines().findLast((line) => line.startsWith("100 %")) ?? "";
    // Where the old side had no request in the step it has no latency.
    const cells = /^100 % +100 % 100\.0 % +(\d+) +\d+ +\d+ +\d+ +(\S+) +\d+ +successful/.exec(last);
    expect(cells, last).not.toBeNull();
    expect(cells?.[2] === "-", last).toBe(cells?.[1] === "0");
  });
});
