import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { lineChange } from "../../../../automation/guard/merge-request/line-change.ts";

describe("lines that go and come", () => {
  test.each([
    ["nothing", "a\nb\n", "a\nb\n", []],
    ["one in the middle", "a\nb\nc\n", "a\nx\nc\n", ["-b\n", "+x\n"]],
    ["one that comes", "a\nc\n", "a\nb\nc\n", ["+b\n"]],
    ["one that goes", "a\nb\nc\n", "a\nc\n", ["-b\n"]],
    ["the line end at the end", "a", "a\n", ["-a", "+a\n"]],
    ["a line end", "a\r\nb\n", "a\nb\n", ["-a\r\n", "+a\n"]],
    ["everything", "a\n", "", ["-a\n"]],
    ["a new text", "", "a\nb\n", ["+a\n", "+b\n"]],
    ["two places", "a\n1\nb\n2\nc\n", "a\n3\nb\n4\nc\n", ["-1\n", "+3\n", "-2\n", "+4\n"]],
  ])("%s", (_what, before, after, expected) => {
    expect(lineChange(before, after)).toEqual(expected);
  });

  test("are the same wherever they stand", () => {
    const before = "a\nversion: 1\nb\n";
    const elsewhere = `new\n${before}new\n`;
    const moved = (text: string) => text.replace("version: 1", "version: 2");
    expect(lineChange(elsewhere, moved(elsewhere))).toEqual(lineChange(before, moved(before)));
  });

  test("turn one text into the other, and are as few as can be", () => {
    const text = fc.array(fc.constantFrom("a\n", "b\n", "c\n", "d"), { maxLength: 14 }).map((lines) => lines.join(""));
    const split = (all: string) => (all === "" ? [] : all.split(/(?<=\n)/));
    fc.assert(
      fc.property(text, text, (before, after) => {
        const change = lineChange(before, after) ?? [];
        const [old, young] = [split(before), split(after)];
        // The longest common subsequence, by the plain table.
        const table = Array.from({ length: old.length + 1 }, () => new Array<number>(young.length + 1).fill(0));
        for (let x = 1; x <= old.length; x += 1)
          for (let y = 1; y <= young.length; y += 1) {
            const [above, here] = [table[x - 1] ?? [], table[x] ?? []];
            here[y] = old[x - 1] === young[y - 1] ? (above[y - 1] ?? 0) + 1 : Math.max(above[y] ?? 0, here[y - 1] ?? 0);
          }
        const common = table[old.length]?.[young.length] ?? 0;
        expect(change).toHaveLength(old.length + young.length - 2 * common);
        const bag = (lines: readonly string[]) => lines.toSorted().join("|");
        const gone = change.filter((line) => line.startsWith("-")).map((line) => line.slice(1));
        const come = change.filter((line) => line.startsWith("+")).map((line) => line.slice(1));
        expect(bag([...old, ...come])).toBe(bag([...young, ...gone]));
      }),
    );
  });

  test("are too many to tell when two texts share nothing", () => {
    const text = (name: string) => Array.from({ length: 600 }, (_, index) => `${name}${index}\n`).join("");
    expect(lineChange(text("a"), text("b"))).toBeUndefined();
  });
});
