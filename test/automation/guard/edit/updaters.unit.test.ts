import { describe, expect, it } from "vitest";
import { editVersions } from "../../../../automation/guard/edit/edit-versions.ts";
import { inventory } from "../../../../automation/guard/edit/inventory.ts";
import { revisionStep } from "../../../../automation/guard/edit/revision-step.ts";
import { components } from "../../../../automation/guard/rules/evidence.ts";
import { applied, cluster, filesOf, helmRepository, release, type Texts } from "./repositories.ts";

const clusters = [cluster("one", "a")];
const step = { clusters, targets: ["one"], from: "1.30.5", to: "1.31.1" };
const edit = (texts: Texts) => editVersions({ files: filesOf(texts), ...step, components });
const whys = (texts: Texts): readonly string[] => {
  const edited = edit(texts);
  return edited.kind === "refused" ? edited.problems.map(({ what, why }) => `${what}: ${why}`) : [];
};

const istio = (spec: string) =>
  `apiVersion: sailoperator.io/v1\nkind: Istio\nmetadata: {name: default}\nspec: {namespace: istio-system, ${spec}}\n`;
const application = (source: string, kind = "Application", more = "") =>
  `apiVersion: argoproj.io/v1alpha1\nkind: ${kind}\nmetadata: {name: mesh, namespace: argocd}\nspec: {${more}destination: {namespace: istio-system}, ${source}}\n`;
const chart = (text: string, name = "istiod") =>
  `source: {chart: ${name}, repoURL: "https://blob.istio.io/istio-release/charts", ${text}}`;

describe("the Sail operator", () => {
  it("moves by the version of its Istio, with the v that it is written with", () => {
    const texts = { "a/istio.yaml": istio("version: v1.30.5, values: {global: {tag: 1.30.5}}") };
    expect(applied(texts, edit(texts))).toEqual({
      "a/istio.yaml": istio("version: v1.31.1, values: {global: {tag: 1.31.1}}"),
    });
  });

  it("leaves a tag of a revision alone: it names a revision and no version", () => {
    const tag =
      "apiVersion: sailoperator.io/v1\nkind: IstioRevisionTag\nmetadata: {name: stable}\nspec: {targetRef: {kind: Istio, name: default-v1-30-5}}\n";
    const texts = { "a/istio.yaml": `${istio("version: v1.30.5")}---\n${tag}` };
    expect(applied(texts, edit(texts))["a/istio.yaml"]).toBe(`${istio("version: v1.31.1")}---\n${tag}`);
  });

  it.each([
    ["a version that the operator chooses", istio("version: v1.31-latest"), '"v1.31-latest" is no whole version'],
    ["none", istio("profile: default"), "Istio default names no version"],
    [
      "a second control plane",
      istio("version: v1.30.5, updateStrategy: {type: RevisionBased}"),
      "workloads would stay at the first",
    ],
    [
      "the chart's own layer",
      istio("version: v1.30.5, values: {_internal_defaults_do_not_set: {a: 1}}"),
      "Istio default sets /spec/values/_internal_defaults_do_not_set",
    ],
  ])("is refused with %s", (_name, text, why) => {
    expect(whys({ "a/istio.yaml": text })).toEqual([expect.stringContaining(why)]);
  });
});

describe("Argo CD", () => {
  it.each([
    ["a chart", chart("targetRevision: 1.30.5")],
    ["the object of its values", chart("targetRevision: 1.30.5, helm: {valuesObject: {pilot: {tag: 1.30.5}}}")],
    ["their text", chart('targetRevision: 1.30.5, helm: {values: "global: {tag: 1.30.5}"}')],
    ["a parameter", chart("targetRevision: 1.30.5, helm: {parameters: [{name: global.tag, value: 1.30.5}]}")],
  ])("moves %s", (_name, source) => {
    const texts = { "a/app.yaml": application(source) };
    expect(applied(texts, edit(texts))).toEqual({
      "a/app.yaml": application(source.replaceAll("1.30.5", "1.31.1")),
    });
  });

  it("takes no notice of a text of values where there is an object, nor of charts of others", () => {
    const one = chart(
      'targetRevision: 1.30.5, helm: {values: "global: {tag: 1.20.0}", valuesObject: {global: {tag: 1.30.5}}}',
    );
    const other = application(
      "source: {chart: gateway, repoURL: https://charts.example.com, targetRevision: 1.30.5}",
    ).replace("name: mesh", "name: other");
    const texts = { "a/app.yaml": `${application(one)}---\n${other}` };
    expect(applied(texts, edit(texts))["a/app.yaml"]).toBe(
      `${application(one.replaceAll("1.30.5", "1.31.1"))}---\n${other}`,
    );
  });

  it.each([
    ["a range", application(chart('targetRevision: "1.30.*"')), '"1.30.*" is no whole version'],
    ["another version", application(chart("targetRevision: 1.29.0")), "it says 1.29.0"],
    [
      "values from files",
      application(chart("targetRevision: 1.30.5, helm: {valueFiles: [$values/istio.yaml]}")),
      "they come from files beside the chart or of another source",
    ],
    [
      "a template",
      application(
        `template: {spec: {${chart('targetRevision: "{{istio}}"')}}}`,
        "ApplicationSet",
        "generators: [{list: {}}], ",
      ),
      "which clusters get what cannot be seen in the files",
    ],
  ])("is refused with %s", (_name, text, why) => {
    expect(whys({ "a/app.yaml": text })).toContainEqual(expect.stringContaining(why));
  });
});

describe("what Flux does not install", () => {
  const sail = { "a/istio.yaml": istio("version: v1.30.5") };

  it("is in the inventory, with its place, and as something that no run can prove", () => {
    const [found] = inventory(filesOf(sail), clusters);
    expect(found).toMatchObject({
      homes: [{ release: "default", component: "istiod", shape: "sail", pointer: "/spec/version", value: "v1.30.5" }],
      git: { releases: [{ name: "default", component: "istiod", chartVersion: "v1.30.5" }] },
      unproven: [{ what: "Istio default is brought in by the Sail operator" }],
    });
  });

  it("is not upgraded by revision", () => {
    expect(revisionStep({ files: filesOf(sail), ...step, step: { kind: "new-revision" } })).toMatchObject({
      kind: "refused",
      problems: expect.arrayContaining([
        expect.objectContaining({ fix: expect.stringContaining("let Flux install Istio's charts") }),
      ]),
    });
  });

  it("does not hinder what Flux installs in other clusters", () => {
    const texts = { ...sail, "b/istio.yaml": `${helmRepository()}---\n${release()}` };
    const [one, other] = inventory(filesOf(texts), [...clusters, cluster("two", "b")]);
    expect([one?.unproven.length, other?.unproven.length]).toEqual([1, 0]);
  });
});
