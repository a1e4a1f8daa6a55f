import fc from "fast-check";
import { expect, test } from "vitest";
import { judge, type Look, worst } from "../../../automation/health/judge.ts";

const settings = { window: 5, bad: 3, good: 3, intervalMs: 1_000 };
const letters: Readonly<Record<string, Look["found"]>> = { g: "good", s: "strained", b: "bad", "?": "unreadable" };

/** One look a second: `ggb`. */
function looks(text: string): readonly Look[] {
  return [...text].map((letter, index) => ({
    at: index * 1_000,
    found: letters[letter] ?? "unreadable",
    detail: `${index}`,
  }));
}

const verdict = (text: string): string => judge("endpoint", looks(text), settings, (text.length - 1) * 1_000).verdict;

test.each([
  ["", "unknown"],
  ["gg", "unknown"],
  ["ggg", "healthy"],
  ["gggb", "healthy"],
  ["gggbb", "healthy"],
  ["gggbbb", "unhealthy"],
  ["gggbgbgb", "unhealthy"],
  ["bbb", "unhealthy"],
  ["bbbgg", "unhealthy"],
  ["bbbggg", "healthy"],
  ["sss", "degraded"],
  ["ggsbs", "degraded"],
  ["sssbbb", "unhealthy"],
  ["gggs", "healthy"],
  // To and fro: neither is proven.
  ["gbgbg", "degraded"],
  // What cannot be read is never well for long, and is no failure either.
  ["???", "unknown"],
  ["ggg?", "healthy"],
  ["ggg???", "unknown"],
  ["bbb??", "unhealthy"],
  ["bbb???", "unknown"],
  ["g?g?g", "unknown"],
])("%s is %s", (text, wanted) => {
  expect(verdict(text)).toBe(wanted);
});

test("a verdict says since when it holds", () => {
  expect(judge("endpoint", looks("ggggbbb"), settings, 6_000)).toMatchObject({ verdict: "unhealthy", since: 6_000 });
  expect(judge("endpoint", looks("ggggb"), settings, 4_000)).toMatchObject({ verdict: "healthy", since: 2_000 });
});

test("looks that are too old say nothing of now", () => {
  expect(judge("endpoint", looks("ggg"), settings, 6_000).verdict).toBe("healthy");
  expect(judge("endpoint", looks("ggg"), settings, 6_001)).toMatchObject({ verdict: "unknown", since: 2_000 });
});

test("fewer bad looks than it takes never make a healthy check unhealthy; that many in a row always do", () => {
  const sound = fc.array(fc.constantFrom("g", "g", "g", "b"), { minLength: 3, maxLength: 60 });
  fc.assert(
    fc.property(sound, (tail) => {
      const text = `ggg${tail.join("")}`;
      const everEnough = [...text].some(
        (_, index) => [...text.slice(Math.max(0, index - 4), index + 1)].filter((one) => one === "b").length >= 3,
      );
      if (!everEnough) expect(verdict(text)).toBe("healthy");
      expect(verdict(`${text}bbb`)).toBe("unhealthy");
      expect(verdict(`${text}bbbggg`)).toBe("healthy");
    }),
  );
});

test("what is known to be bad says more than what is not known, and unknown is not healthy", () => {
  expect(worst(["healthy", "unknown"])).toBe("unknown");
  expect(worst(["degraded", "unknown"])).toBe("degraded");
  expect(worst(["unhealthy", "degraded", "unknown"])).toBe("unhealthy");
  expect(worst([])).toBe("unknown");
});
