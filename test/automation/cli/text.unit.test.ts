import { describe, expect, it } from "vitest";
import { bytes, count, dateAndTime, duration, plural, table, timeOfDay, wrap } from "../../../automation/cli/text.ts";

describe("times", () => {
  it.each([
    [0, "0 ms"],
    [449.6, "450 ms"],
    [999.4, "999 ms"],
    [999.6, "1.0 s"],
    [3_249, "3.2 s"],
    [99_940, "99.9 s"],
    [99_960, "1 min 40 s"],
    [125_000, "2 min 5 s"],
    [119_999, "2 min 0 s"],
    [3_600_000, "1 h 0 min"],
    [9_000_000, "2 h 30 min"],
  ])("%d ms are said as %s", (ms, text) => {
    expect(duration(ms)).toBe(text);
  });

  it("are of the day, with the seconds", () => {
    expect(timeOfDay(new Date(2026, 10, 20, 14, 3, 9).getTime())).toBe("14:03:09");
    expect(dateAndTime(new Date(2026, 0, 2, 4, 5, 6).getTime())).toBe("2026-01-02 04:05:06");
  });
});

it("numbers and nouns are written as people read them", () => {
  expect(count(11_402)).toBe("11,402");
  expect(plural(1, "resource")).toBe("1 resource");
  expect(plural(0, "resource")).toBe("0 resources");
  expect(plural(1_200, "request")).toBe("1,200 requests");
  expect(bytes(3 * 1_048_576)).toBe("3 MB");
});

describe("a table", () => {
  it("aligns words left and numbers right, without trailing blanks", () => {
    expect(
      table(
        ["platform", "weight", "requests"],
        [
          ["gke", "5 %", "12"],
          ["cloud-run", "95 %", "1,234"],
        ],
      ),
    ).toEqual(["platform   weight  requests", "gke           5 %        12", "cloud-run    95 %     1,234"]);
  });

  it("takes a dash for a number that is not known, and keeps a column of words with one number left", () => {
    expect(
      table(
        ["name", "n"],
        [
          ["a", "-"],
          ["b", "10"],
        ],
      ),
    ).toEqual(["name   n", "a      -", "b     10"]);
    expect(table(["why"], [["7"], ["a word"]])).toEqual(["why", "7", "a word"]);
  });

  it("has its head alone when there are no rows", () => {
    expect(table(["a", "b"], [])).toEqual(["a  b"]);
  });
});

describe("a line that is longer than the terminal", () => {
  it("is broken between words, and goes on indented", () => {
    expect(wrap("one two three four", 9, 2)).toEqual(["one two", "  three", "  four"]);
    expect(wrap("short", 9, 2)).toEqual(["short"]);
    expect(wrap("exactly 9", 9, 2)).toEqual(["exactly 9"]);
  });

  it("keeps a word whole that is longer itself", () => {
    expect(wrap("see https://example.com/long", 10, 2)).toEqual(["see", "  https://example.com/long"]);
    expect(wrap("0123456789012345", 10, 2)).toEqual(["0123456789012345"]);
  });
});
