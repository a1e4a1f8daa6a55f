import { describe, expect, it } from "vitest";
import { plain } from "../../../../automation/guard/edit/fleet.ts";
import { Kustomize } from "../../../../automation/guard/edit/kustomize.ts";
import { Repository, resolvePath } from "../../../../automation/guard/edit/repository.ts";
import { substituted } from "../../../../automation/guard/edit/substitute.ts";
import { literal, textAt } from "../../../../automation/guard/edit/tree.ts";
import { filesOf, type Texts, variable } from "./repositories.ts";

const build = (texts: Texts, path = "a") => new Kustomize(new Repository(filesOf(texts))).build(path, "test");
const objects = (texts: Texts, path?: string) => build(texts, path).objects.map(({ tree }) => plain(tree));
const map = (name: string, data: string, more = "") =>
  `apiVersion: v1\nkind: ConfigMap\nmetadata: {name: ${name}${more}}\ndata: {${data}}\n`;

describe("a folder as kustomize builds it", () => {
  it("is every manifest below where it has no kustomization, and a build where a folder below has one", () => {
    const texts = {
      "a/x.yaml": map("x", "k: v"),
      "a/notes.txt": "not: yaml: at all",
      "a/values.yaml": "no: object\n",
      "a/deep/y.yml": map("y", "k: v"),
      "a/own/kustomization.yaml": "namePrefix: p-\nresources: [z.yaml]\n",
      "a/own/z.yaml": map("z", "k: v"),
      "a/own/unused.yaml": map("unused", "k: v"),
    };
    expect(build(texts).objects.map(({ tree }) => textAt(tree, "metadata", "name"))).toEqual(["x", "y", "p-z"]);
    expect([...build(texts).reads].toSorted()).toEqual([
      "a/deep/y.yml",
      "a/own/kustomization.yaml",
      "a/own/z.yaml",
      "a/values.yaml",
      "a/x.yaml",
    ]);
  });

  const patched = (patch: string, target = "", name = "x") =>
    objects({
      "a/kustomization.yaml": `resources: [x.yaml]\nnamespace: ns\nnameSuffix: -s\npatches:\n- patch: |\n${patch.replaceAll(/^(?=.)/gm, "    ")}${target}`,
      "a/x.yaml": `${map(name, "k: v, l: w", ", labels: {app: one}")}---\n${map("other", "k: v")}`,
    });
  const merge = (rest: string) => `apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\n${rest}`;
  const of = (name: string, data: unknown, labels = {}) => ({
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: { name, ...labels, namespace: "ns" },
    ...(data === undefined ? {} : { data }),
  });
  const labels = { labels: { app: "one" } };
  const other = of("other-s", { k: "v" });

  it.each<[string, string, string, readonly unknown[]]>([
    [
      "sets, and takes away by null",
      merge("data: {k: w, l: null, m: n}\n"),
      "",
      [of("x-s", { k: "w", m: "n" }, labels), other],
    ],
    ["replaces a map", merge("data: {$patch: replace, z: z}\n"), "", [of("x-s", { z: "z" }, labels), other]],
    ["deletes an object", merge("$patch: delete\n"), "", [other]],
    [
      "means what a selector selects",
      "- {op: remove, path: /data/l}\n- {op: copy, from: /data/k, path: /data/c}\n- {op: move, from: /data/k, path: /data/d}\n- {op: test, path: /data/c, value: v}\n",
      '  target: {kind: ConfigMap, labelSelector: "app in (x),app=one"}\n',
      [of("x-s", { k: "v", l: "w" }, labels), other],
    ],
    [
      "does operations",
      "- {op: remove, path: /data/l}\n- {op: copy, from: /data/k, path: /data/c}\n- {op: move, from: /data/k, path: /data/d}\n- {op: test, path: /data/c, value: v}\n",
      '  target: {kind: Config.*, labelSelector: "app=one,!gone"}\n',
      [of("x-s", { c: "v", d: "v" }, labels), other],
    ],
  ])("a patch %s", (_name, patch, target, expected) => {
    expect(patched(patch, target)).toEqual(expected);
  });

  it("an operation puts items into lists", () => {
    const texts = {
      "a/kustomization.yaml":
        'resources: [x.yaml]\npatches:\n- target: {kind: Thing}\n  patch: \'[{"op": "add", "path": "/l/0", "value": "a"}, {"op": "add", "path": "/l/-", "value": "z"}, {"op": "replace", "path": "/l/1", "value": "B"}]\'\n',
      "a/x.yaml": "apiVersion: v1\nkind: Thing\nmetadata: {name: x}\nl: [b, c]\n",
    };
    expect(objects(texts)).toMatchObject([{ l: ["a", "B", "c", "z"] }]);
  });

  it.each([
    ["- {op: replace, path: /data/none, value: x}\n", "there is no /data/none to replace"],
    ["- {op: remove, path: /data/none}\n", "there is no /data/none to remove"],
    ["- {op: spoil, path: /data/k, value: x}\n", "there is no operation spoil"],
    ["- {op: add, path: /data/k}\n", "an operation add has no value"],
    ["just text\n", "it is neither a manifest nor a list of operations"],
  ])("says why the patch %j cannot be followed", (patch, why) => {
    const texts = {
      "a/kustomization.yaml": `resources: [x.yaml]\npatches:\n- target: {kind: ConfigMap}\n  patch: |\n    ${patch}`,
      "a/x.yaml": map("x", "k: v"),
    };
    expect(build(texts).problems).toMatchObject([{ why }]);
    expect(build(texts).doubts).toEqual([]);
  });

  it("a component stands on what was there before it, and generators merge", () => {
    const texts = {
      "a/kustomization.yaml":
        "resources: [x.yaml]\ncomponents: [../c]\nconfigMapGenerator:\n- {name: x, behavior: merge, literals: [n=2]}\n",
      "a/x.yaml": map("x", "k: v"),
      "c/kustomization.yaml": `kind: Component\npatches:\n- patch: |\n    ${merge("data: {c: c}\n").replaceAll("\n", "\n    ")}`,
    };
    expect(objects(texts)).toMatchObject([{ data: { k: "v", c: "c", n: "2" } }]);
  });
});

it("paths are resolved as folders are", () => {
  expect(resolvePath("a/b", "../c/./d")).toBe("a/c/d");
  expect(resolvePath("a", "/c")).toBe("c");
  expect(resolvePath("", "./")).toBe("");
  expect(resolvePath("a", "../../x")).toBeUndefined();
});

describe("variables", () => {
  const known = new Map([
    ["v", literal("1.30.5")],
    ["empty", literal("")],
  ]);
  const put = (text: string, unread: readonly string[] = []) => {
    const tree = substituted(literal(text), { known, unread });
    return tree.kind === "leaf" ? tree.value : "";
  };

  it.each([
    [variable("v"), "1.30.5"],
    [`a-${variable("v")}-b`, "a-1.30.5-b"],
    [variable("none"), ""],
    [variable("none:=d"), "d"],
    [variable("none-d"), "d"],
    [variable("empty:-d"), "d"],
    [variable("empty-d"), ""],
    [`$${variable("v")}`, variable("v")],
    [variable("v/1/2"), variable("v/1/2")],
    ["$v", "$v"],
  ])("make of %s what Flux does", (text, expected) => {
    expect(put(text)).toBe(expected);
  });

  it("stay where nobody can read them", () => {
    expect(put(variable("none:=d"), ["Secret x"])).toBe(variable("none:=d"));
  });
});
