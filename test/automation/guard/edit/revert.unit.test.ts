import { describe, expect, it } from "vitest";
import type { Edited, FileEdit } from "../../../../automation/guard/edit/edit.ts";
import { editVersions } from "../../../../automation/guard/edit/edit-versions.ts";
import { mergedLines } from "../../../../automation/guard/edit/line-merge.ts";
import { revertEdits } from "../../../../automation/guard/edit/revert.ts";
import { components } from "../../../../automation/guard/rules/evidence.ts";
import { applied, cluster, filesOf, helmRepository, refusal, release, type Texts } from "./repositories.ts";

const clusters = [cluster("one")];
const before: Texts = {
  "clusters/one/all.yaml": [
    helmRepository(),
    release({ version: '"1.30.5" # pinned', spec: "  values:\n    pilot: {replicaCount: 2}\n" }),
    release({ name: "istio-base", chart: "base" }),
  ].join("---\n"),
};
const edits = ((edited: Edited): readonly FileEdit[] => (edited.kind === "edits" ? edited.edits : []))(
  editVersions({ files: filesOf(before), clusters, targets: ["one"], components, from: "1.30.5", to: "1.31.1" }),
);
const after = applied(before, { kind: "edits", edits, readers: {} });
const path = "clusters/one/all.yaml";
const since = (change: (text: string) => string): Texts => ({ [path]: change(after[path] ?? "") });
const back = (texts: Texts) => revertEdits(edits, filesOf(texts), clusters);

describe("taking edits back", () => {
  it("gives the files as they were, with the changes the other way round and the readers", () => {
    const reverted = back(after);
    expect(applied(after, reverted)).toEqual(before);
    expect(reverted).toMatchObject({
      edits: [
        {
          changes: [
            { before: "1.31.1", after: "1.30.5" },
            { before: "1.31.1", after: "1.30.5" },
          ],
        },
      ],
      readers: { [path]: ["one"] },
    });
  });

  it("leaves what others changed: other values, comments on the same line, a document in front", () => {
    const change = (text: string): string =>
      `apiVersion: v1\nkind: Namespace\nmetadata:\n  name: early\n---\n${text}`
        .replace("replicaCount: 2", "replicaCount: 3")
        .replace("# pinned", "# pinned since May");
    expect(applied(since(change), back(since(change)))).toEqual({ [path]: change(before[path] ?? "") });
  });

  it("takes back a version that somebody has put into other quotes", () => {
    const texts = since((text) => text.replace('"1.31.1"', "'1.31.1'"));
    expect(applied(texts, back(texts))[path]).toContain("version: '1.30.5' # pinned");
  });

  it("does nothing where all is as it was, and only the rest where a part is", () => {
    expect(back(before)).toMatchObject({ kind: "edits", edits: [] });
    const half = since((text) => text.replace('"1.31.1"', '"1.30.5"'));
    expect(applied(half, back(half))).toEqual(before);
  });

  it.each<[string, (text: string) => string, string]>([
    ["a third version", (text) => text.replace('"1.31.1"', '"1.31.2"'), "says 1.31.2 by now"],
    ["no release any more", (text) => text.replace("name: istio-base", "name: base"), "is not there as it was"],
    ["the same release twice", (text) => `${text}---\n${release({ name: "istio-base" })}`, "is not there as it was"],
    ["no YAML any more", (text) => `${text}\n  ]`, "all.yaml"],
  ])("is refused where there is %s", (_name, change, why) => {
    expect(refusal(back(since(change)))).toContain(why);
  });

  it("is refused where the file is gone", () => {
    expect(refusal(back({}))).toContain("it is gone");
  });

  it("deletes files that were new and puts back those that were deleted, unless others changed them", () => {
    const made: FileEdit = { path: "new.yaml", before: undefined, after: "a: 1\n", changes: [] };
    const gone: FileEdit = { path: "old.yaml", before: "b: 1\n", after: undefined, changes: [] };
    const revert = (texts: Texts) => revertEdits([made, gone], filesOf(texts));
    expect(applied({ "new.yaml": "a: 1\n" }, revert({ "new.yaml": "a: 1\n" }))).toEqual({ "old.yaml": "b: 1\n" });
    expect(revert({ "old.yaml": "b: 1\n" })).toMatchObject({ edits: [] });
    const said = refusal(revert({ "new.yaml": "a: 2\n", "old.yaml": "b: 2\n" }));
    expect(said).toContain("it is new, and others have changed it since");
    expect(said).toContain("it was deleted, and there is another one");
  });
});

describe("mergedLines", () => {
  const text = (...lines: readonly string[]): string => lines.map((line) => `${line}\n`).join("");

  it("makes a change of lines in a text that differs elsewhere", () => {
    const [from, to] = [text("a", "b", "c", "d", "e"), text("a", "x", "y", "c", "d")];
    expect(mergedLines(from, to, text("0", "a", "b", "c", "d", "e", "f"))).toBe(
      text("0", "a", "x", "y", "c", "d", "f"),
    );
  });

  it("puts in lines where those around them are, and nowhere else", () => {
    expect(mergedLines(text("a", "b"), text("a", "n", "b"), text("q", "a", "b"))).toBe(text("q", "a", "n", "b"));
    expect(mergedLines(text("a", "b"), text("a", "n", "b"), text("q"))).toBeUndefined();
  });

  it("keeps apart what is alike", () => {
    const block = (name: string, version: string) => text(name, "chart", version, "end");
    const all = (...versions: readonly string[]) =>
      versions.map((version, index) => block(`n${index}`, version)).join("");
    expect(mergedLines(all("2", "2", "2"), all("2", "1", "2"), `top\n${all("2", "2", "2")}more\n`)).toBe(
      `top\n${all("2", "1", "2")}more\n`,
    );
  });

  it("gives up where the lines are different", () => {
    expect(mergedLines(text("a", "b", "c"), text("a", "x", "c"), text("a", "z", "c"))).toBeUndefined();
    expect(mergedLines(text("a", "b"), text("a", "x"), text("c"))).toBeUndefined();
  });
});
