import { expect, test } from "vitest";
import { statelessRules } from "../../../automation/stateless/rules.ts";
import { reportOf, scan } from "../../../automation/stateless/scan.ts";
import { corpusFiles, readCorpus } from "./corpus.ts";

const corpus = await readCorpus();

function judge({ manifests }: (typeof corpus)[number]) {
  const { findings, scanned } = scan(manifests.resources);
  return reportOf([...manifests.problems, ...findings], scanned);
}

test("the corpus is large enough, half of it good, and labelled file by file", async () => {
  const good = corpus.filter((entry) => entry.class === "stateless");
  expect(corpus.length).toBeGreaterThanOrEqual(120);
  expect(good.length * 2).toBeGreaterThanOrEqual(corpus.length);
  expect(corpus.map(({ file }) => file).toSorted()).toEqual(await corpusFiles());
});

test.each(corpus)("$file is $class", (entry) => {
  const { verdict, findings } = judge(entry);
  const found = [...new Set(findings.map(({ rule }) => rule))].toSorted();
  expect({ verdict, rules: found }).toEqual({ verdict: entry.class, rules: entry.rules });
});

test("precision and recall are 1.0, for the class and for every rule", () => {
  const counts = { true: 0, falsePositive: 0, falseNegative: 0 };
  const count = (expected: boolean, found: boolean): void => {
    if (expected && found) counts.true += 1;
    if (!expected && found) counts.falsePositive += 1;
    if (expected && !found) counts.falseNegative += 1;
  };
  for (const entry of corpus) {
    const { verdict, findings } = judge(entry);
    count(entry.class !== "stateless", verdict !== "stateless");
    const found = new Set(findings.map(({ rule }) => rule));
    for (const rule of new Set([...found, ...entry.rules])) count(entry.rules.includes(rule), found.has(rule));
  }
  expect(counts.true).toBeGreaterThan(100);
  const precision = counts.true / (counts.true + counts.falsePositive);
  const recall = counts.true / (counts.true + counts.falseNegative);
  expect({ precision, recall }).toEqual({ precision: 1, recall: 1 });
});

test("every rule is met by a manifest, and every label names a rule", () => {
  const met = new Set(corpus.flatMap(({ rules }) => rules));
  const besides = ["unknown-kind", "unknown-volume", "manifest-unreadable"];
  expect([...met].toSorted()).toEqual([...statelessRules.map(({ id }) => id), ...besides].toSorted());
});

test("every finding names its line: the path's last key stands there", () => {
  let looked = 0;
  for (const entry of corpus) {
    const lines = entry.text.split("\n");
    for (const { where, path, rule } of judge(entry).findings) {
      const [, file, line] = /^(.+):(\d+)$/.exec(where) ?? [];
      expect(file, rule).toBe(entry.file);
      const last = /(?:\.|^)([\w-]+)$/.exec(path)?.[1];
      if (last === undefined) continue;
      looked += 1;
      expect(lines[Number(line) - 1], `${where} ${path}`).toContain(last);
    }
  }
  expect(looked).toBeGreaterThan(50);
});
