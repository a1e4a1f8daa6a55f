import { describe, expect, it } from "vitest";
import type { ReadingCluster } from "../../../../automation/guard/edit/edit.ts";
import { editVersions } from "../../../../automation/guard/edit/edit-versions.ts";
import { revertEdits } from "../../../../automation/guard/edit/revert.ts";
import { type Component, components } from "../../../../automation/guard/rules/evidence.ts";
import {
  applied,
  changedLines,
  cluster,
  filesOf,
  helmRepository,
  kustomization,
  refusal,
  release,
  type Texts,
  variable,
} from "./repositories.ts";

interface Asked {
  readonly clusters?: readonly ReadingCluster[];
  readonly targets?: readonly string[];
  readonly parts?: readonly Component[];
  readonly from?: string;
  readonly to?: string;
}

const edit = (texts: Texts, asked: Asked = {}) => {
  const { clusters = [cluster("one")], parts = components, from = "1.30.5", to = "1.31.1" } = asked;
  const targets = asked.targets ?? clusters.map((one) => one.cluster);
  return editVersions({ files: filesOf(texts), clusters, targets, components: parts, from, to });
};

const lines = (texts: Texts, asked: Asked = {}) => changedLines(texts, applied(texts, edit(texts, asked)));

const repository = { "clusters/one/repository.yaml": helmRepository() };

const oci = (ref: string, name = "istiod") => `apiVersion: source.toolkit.fluxcd.io/v1
kind: OCIRepository
metadata: {name: ${name}, namespace: istio-system}
spec:
  interval: 1h
  url: oci://ghcr.io/istio/release/charts/${name}
  ref:
${ref}
---
apiVersion: helm.toolkit.fluxcd.io/v2
kind: HelmRelease
metadata: {name: ${name}, namespace: istio-system}
spec:
  interval: 1h
  chartRef: {kind: OCIRepository, name: ${name}}
`;

const generated = {
  ...repository,
  "clusters/one/kustomization.yaml":
    "resources: [repository.yaml, istiod.yaml]\nconfigMapGenerator:\n- name: istio-values\n  namespace: istio-system\n  files: [values.yaml=istio-values.yaml]\n",
  "clusters/one/istiod.yaml": release({ spec: "  valuesFrom:\n  - kind: ConfigMap\n    name: istio-values\n" }),
};

describe("the shapes that a version comes in", () => {
  it("is moved in a HelmRelease, with quotes, comments, line ends and byte order mark as they were", () => {
    const text = `\uFEFF${release({ version: `'1.30.5'   # pinned, see 1.30.5` })}`.replaceAll("\n", "\r\n");
    const texts = { ...repository, "clusters/one/istiod.yaml": text };
    const edited = edit(texts);
    expect(applied(texts, edited)).toEqual({
      ...texts,
      "clusters/one/istiod.yaml": text.replace("'1.30.5'", "'1.31.1'"),
    });
    expect(edited).toMatchObject({
      kind: "edits",
      edits: [
        {
          path: "clusters/one/istiod.yaml",
          changes: [{ document: 0, pointer: "/spec/chart/spec/version", before: "1.30.5", after: "1.31.1" }],
        },
      ],
      readers: { "clusters/one/istiod.yaml": ["one"] },
    });
  });

  it.each(["v2", "v2beta1", "v2beta2"])("reads API version %s", (api) => {
    expect(lines({ ...repository, "clusters/one/istiod.yaml": release({ api }) })).toEqual([
      "clusters/one/istiod.yaml: version: 1.30.5 -> version: 1.31.1",
    ]);
  });

  it("is the tag of an OCIRepository", () => {
    expect(lines({ "clusters/one/istiod.yaml": oci('    tag: "1.30.5"') })).toEqual([
      'clusters/one/istiod.yaml: tag: "1.30.5" -> tag: "1.31.1"',
    ]);
  });

  it("is the version of a HelmChart", () => {
    const texts = {
      ...repository,
      "clusters/one/chart.yaml":
        "apiVersion: source.toolkit.fluxcd.io/v1\nkind: HelmChart\nmetadata:\n  name: istiod\n  namespace: istio-system\nspec:\n  chart: istiod\n  version: 1.30.5\n  sourceRef:\n    kind: HelmRepository\n    name: istio\n",
      "clusters/one/istiod.yaml":
        "apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\nmetadata:\n  name: istiod\n  namespace: istio-system\nspec:\n  chartRef:\n    kind: HelmChart\n    name: istiod\n",
    };
    expect(lines(texts)).toEqual(["clusters/one/chart.yaml: version: 1.30.5 -> version: 1.31.1"]);
  });

  it("moves tags of images with the chart, variants included", () => {
    const spec =
      "  values:\n    global:\n      tag: 1.30.5-distroless\n      hub: docker.io/istio\n      proxy:\n        image: docker.io/istio/proxyv2:1.30.5\n    pilot:\n      tag: '1.30.5'\n      image: pilot\n";
    expect(lines({ ...repository, "clusters/one/istiod.yaml": release({ spec }) })).toEqual([
      "clusters/one/istiod.yaml: version: 1.30.5 -> version: 1.31.1",
      "clusters/one/istiod.yaml: tag: 1.30.5-distroless -> tag: 1.31.1-distroless",
      "clusters/one/istiod.yaml: image: docker.io/istio/proxyv2:1.30.5 -> image: docker.io/istio/proxyv2:1.31.1",
      "clusters/one/istiod.yaml: tag: '1.30.5' -> tag: '1.31.1'",
    ]);
  });

  it.each([
    ["literal", "values.yaml: |\n    global:\n      # 1.30.5 since May\n      tag: 1.30.5\n"],
    ["folded", "values.yaml: >-\n    {global: {tag: 1.30.5}}\n"],
    ["double-quoted", 'values.yaml: "global:\\n  tag: 1.30.5\\n"\n'],
  ])("is YAML inside a ConfigMap, %s", (_style, data) => {
    const texts = {
      ...repository,
      "clusters/one/istiod.yaml": release({ spec: "  valuesFrom:\n  - kind: ConfigMap\n    name: v\n" }),
      "clusters/one/values.yaml": `apiVersion: v1\nkind: ConfigMap\nmetadata: {name: v, namespace: istio-system}\ndata:\n  ${data}`,
    };
    const edited = edit(texts);
    const after = applied(texts, edited)["clusters/one/values.yaml"];
    const old = texts["clusters/one/values.yaml"];
    const index = old.lastIndexOf("1.30.5");
    expect(after).toBe(`${old.slice(0, index)}1.31.1${old.slice(index + 6)}`);
    expect(edited).toMatchObject({
      edits: [{}, { changes: [{ pointer: "/data/values.yaml#/global/tag", before: "1.30.5", after: "1.31.1" }] }],
    });
  });

  it("is a single value of a ConfigMap, by targetPath", () => {
    const spec =
      "  valuesFrom:\n  - {kind: ConfigMap, name: v, valuesKey: tag, targetPath: global.tag}\n  - {kind: Secret, name: s, targetPath: a.b}\n";
    const texts = {
      ...repository,
      "clusters/one/istiod.yaml": release({ spec }),
      "clusters/one/v.yaml":
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: v, namespace: istio-system}\ndata: {tag: 1.30.5}\n",
    };
    expect(lines(texts)).toContain("clusters/one/v.yaml: data: {tag: 1.30.5} -> data: {tag: 1.31.1}");
  });

  it("is the file behind a ConfigMap generator", () => {
    const texts = { ...generated, "clusters/one/istio-values.yaml": "global:\n  tag: 1.30.5 # image\n" };
    expect(lines(texts)).toEqual([
      "clusters/one/istio-values.yaml: tag: 1.30.5 # image -> tag: 1.31.1 # image",
      "clusters/one/istiod.yaml: version: 1.30.5 -> version: 1.31.1",
    ]);
  });

  const overlay = (patches: string, more: Texts = {}): Texts => ({
    "base/istiod.yaml": release({ version: "1.22.0" }),
    "base/repository.yaml": helmRepository(),
    "base/kustomization.yaml": "resources:\n- istiod.yaml\n- repository.yaml\n",
    "clusters/one/kustomization.yaml": `resources:\n- ../../base\n${patches}`,
    ...more,
  });
  const strategic = (indent = "") =>
    [
      "apiVersion: helm.toolkit.fluxcd.io/v2",
      "kind: HelmRelease",
      "metadata: {name: istiod, namespace: istio-system}",
      "spec: {chart: {spec: {version: 1.30.5}}}",
      "",
    ]
      .map((line) => (line === "" ? "" : `${indent}${line}`))
      .join("\n");
  const operations = "- op: replace\n  path: /spec/chart/spec/version\n  value: 1.30.5\n";

  it.each<[string, Texts, string]>([
    [
      "a patch file",
      overlay("patches:\n- path: p.yaml\n", { "clusters/one/p.yaml": strategic() }),
      "clusters/one/p.yaml",
    ],
    [
      "a file of patchesStrategicMerge",
      overlay("patchesStrategicMerge:\n- p.yaml\n", { "clusters/one/p.yaml": strategic() }),
      "clusters/one/p.yaml",
    ],
    [
      "JSON 6902 in a file",
      overlay("patches:\n- path: p.yaml\n  target: {kind: HelmRelease, name: istio.*}\n", {
        "clusters/one/p.yaml": operations,
      }),
      "clusters/one/p.yaml",
    ],
    [
      "JSON 6902 as JSON",
      overlay("patchesJson6902:\n- path: p.json\n  target: {kind: HelmRelease, name: istiod}\n", {
        "clusters/one/p.json": '[\n\t{"op": "replace", "path": "/spec/chart/spec/version", "value": "1.30.5"}\n]\n',
      }),
      "clusters/one/p.json",
    ],
    [
      "JSON 6902 inline",
      overlay(
        `patches:\n- target: {kind: HelmRelease}\n  patch: |-\n${operations.replaceAll(/^/gm, "    ").trimEnd()}\n`,
      ),
      "clusters/one/kustomization.yaml",
    ],
    ["an inline patch", overlay(`patches:\n- patch: |\n${strategic("    ")}`), "clusters/one/kustomization.yaml"],
    [
      "a component",
      overlay("components: [../../pin]\n", {
        "pin/kustomization.yaml": "kind: Component\npatches: [{path: p.yaml}]\n",
        "pin/p.yaml": strategic(),
      }),
      "pin/p.yaml",
    ],
  ])("is %s of kustomize", (_name, texts, path) => {
    const after = applied(texts, edit(texts));
    expect(after).toEqual({ ...texts, [path]: texts[path]?.replace("1.30.5", "1.31.1") });
  });

  const variables = (spec: string, version: string, more: Texts = {}): Texts => ({
    "clusters/one/istio.yaml": kustomization({ path: "./infra/istio", spec }),
    "infra/istio/repository.yaml": helmRepository(),
    "infra/istio/istiod.yaml": release({ version }),
    ...more,
  });

  it("is a variable of Flux, not its placeholder", () => {
    const spec = '  postBuild:\n    substitute:\n      istio_version: "1.30.5"\n';
    expect(lines(variables(spec, variable("istio_version:=1.29.8")))).toEqual([
      'clusters/one/istio.yaml: istio_version: "1.30.5" -> istio_version: "1.31.1"',
    ]);
  });

  it("is a variable of a ConfigMap that Flux substitutes from", () => {
    const texts = variables(
      "  postBuild:\n    substituteFrom:\n    - {kind: ConfigMap, name: cluster-vars}\n    - {kind: Secret, name: more, optional: true}\n",
      variable("istio_version"),
      {
        "clusters/one/vars.yaml":
          "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: cluster-vars\n  namespace: flux-system\ndata:\n  region: eu-west-1\n  istio_version: 1.30.5\n",
      },
    );
    expect(lines(texts)).toEqual(["clusters/one/vars.yaml: istio_version: 1.30.5 -> istio_version: 1.31.1"]);
  });

  it("is the default in the placeholder where nothing sets the variable", () => {
    const spec = "  postBuild:\n    substitute:\n      other: x\n";
    expect(lines(variables(spec, `"${variable("istio_version:=1.30.5")}"`))).toEqual([
      `infra/istio/istiod.yaml: version: "${variable("istio_version:=1.30.5")}" -> version: "${variable("istio_version:=1.31.1")}"`,
    ]);
  });

  it.each<[string, string, Texts, string]>([
    [
      "a file of variables",
      "  envs: [versions.env]\n",
      { "clusters/one/versions.env": "# 1.30.5\r\nother=1.30.5\r\nistio_version=1.30.5\r\n" },
      "clusters/one/versions.env: istio_version=1.30.5 -> istio_version=1.31.1",
    ],
    [
      "a literal",
      '  literals:\n  - other=1.30.5\n  - "istio_version=1.30.5"\n',
      {},
      'clusters/one/kustomization.yaml: - "istio_version=1.30.5" -> - "istio_version=1.31.1"',
    ],
  ])("is %s of a ConfigMap generator that Flux substitutes from, and goes back", (_name, data, more, changed) => {
    const texts: Texts = {
      "clusters/one/kustomization.yaml": `resources: [istio.yaml]\nconfigMapGenerator:\n- name: vars\n  namespace: flux-system\n  options: {disableNameSuffixHash: true}\n${data}`,
      "clusters/one/istio.yaml": kustomization({
        path: "istio",
        spec: "  postBuild:\n    substituteFrom:\n    - {kind: ConfigMap, name: vars}\n",
      }),
      "istio/all.yaml": `${helmRepository()}---\n${release({ version: variable("istio_version") })}`,
      ...more,
    };
    const edited = edit(texts);
    const after = applied(texts, edited);
    expect(changedLines(texts, after)).toEqual([changed]);
    const back = (now: Texts) => applied(now, revertEdits(edited.kind === "edits" ? edited.edits : [], filesOf(now)));
    expect(back(after)).toEqual(texts);
    const [path = ""] = changed.split(":");
    const since = (now: Texts): Texts => ({ ...now, [path]: `# new\r\n${now[path]}` });
    expect(back(since(after))).toEqual(since(texts));
  });

  it("is a patch of a Flux Kustomization", () => {
    const spec = `  patches:\n  - target: {kind: HelmRelease, labelSelector: "!canary"}\n    patch: |\n${operations.replaceAll(/^(?=.)/gm, "      ")}`;
    expect(lines(variables(spec, "1.20.0"))).toEqual(["clusters/one/istio.yaml: value: 1.30.5 -> value: 1.31.1"]);
  });

  it("is a variable that is handed down through Kustomizations and used inside values", () => {
    const texts: Texts = {
      "clusters/one/all.yaml": kustomization({
        name: "all",
        path: "./infra",
        spec: "  postBuild:\n    substitute:\n      v: 1.30.5\n",
      }),
      "infra/istio.yaml": kustomization({
        path: "istio",
        spec: `  postBuild:\n    substitute:\n      istio_version: ${variable("v")}\n`,
      }),
      "infra/kustomization.yaml": "resources: [istio.yaml]\n",
      "istio/repository.yaml": helmRepository(),
      "istio/istiod.yaml": release({
        version: variable("istio_version"),
        spec: "  valuesFrom:\n  - kind: ConfigMap\n    name: v\n",
      }),
      "istio/v.yaml": `apiVersion: v1\nkind: ConfigMap\nmetadata: {name: v, namespace: istio-system}\ndata:\n  values.yaml: |\n    global: {tag: '${variable("istio_version")}-distroless'}\n`,
    };
    expect(lines(texts)).toEqual(["clusters/one/all.yaml: v: 1.30.5 -> v: 1.31.1"]);
  });

  it("moves one anchor with all of its aliases where all of them move", () => {
    const spec = "  values:\n    global:\n      tag: *v\n";
    expect(lines({ ...repository, "clusters/one/istiod.yaml": release({ version: "&v 1.30.5", spec }) })).toEqual([
      "clusters/one/istiod.yaml: version: &v 1.30.5 -> version: &v 1.31.1",
    ]);
  });

  it("does nothing where all is done", () => {
    const texts = { ...repository, "clusters/one/istiod.yaml": release({ version: "1.31.1" }) };
    expect(edit(texts)).toEqual({ kind: "edits", edits: [], readers: {} });
  });

  it("moves only the components that are asked for", () => {
    const texts = {
      ...repository,
      "clusters/one/base.yaml": release({ name: "istio-base", chart: "base" }),
      "clusters/one/istiod.yaml": release(),
      "clusters/one/ingress.yaml": release({ name: "ingress", chart: "gateway" }),
    };
    expect(lines(texts, { parts: ["base"] })).toEqual(["clusters/one/base.yaml: version: 1.30.5 -> version: 1.31.1"]);
    expect(lines(texts)).toHaveLength(3);
  });

  it("knows Istio's base, cni and gateway from others of the same name", () => {
    const other = release({ name: "shop", chart: "gateway", version: "0.4.0" }).replace(
      "name: istio\n",
      "name: shop\n",
    );
    const shop = helmRepository("https://charts.example.com").replace("name: istio\n", "name: shop\n");
    const texts = {
      ...repository,
      "clusters/one/istiod.yaml": release(),
      "clusters/one/shop.yaml": `${shop}---\n${other}`,
    };
    expect(lines(texts)).toEqual(["clusters/one/istiod.yaml: version: 1.30.5 -> version: 1.31.1"]);
  });

  it("edits a document of a file that holds an encrypted one, and leaves that as it is", () => {
    const secret =
      "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\nstringData:\n  a: ENC[AES256_GCM,data:1.30.5]\nsops:\n  mac: ENC[AES256_GCM,data:x]\n";
    const texts = { ...repository, "clusters/one/istiod.yaml": `${secret}---\n${release()}` };
    expect(lines(texts)).toEqual(["clusters/one/istiod.yaml: version: 1.30.5 -> version: 1.31.1"]);
  });
});

describe("what is refused", () => {
  const one = (text: ReturnType<typeof release>, more: Texts = {}) =>
    refusal(edit({ ...repository, "clusters/one/istiod.yaml": text, ...more }));

  it.each(["1.30.x", "~1.30.0", '">=1.30.0 <2"', "1.30", "latest", '"*"'])("the floating version %s", (version) => {
    expect(one(release({ version }))).toContain("somebody else chooses");
  });

  it("a HelmRelease without a version", () => {
    expect(one(release().replace(/ {6}version: .*\n/, ""))).toContain("names no version");
  });

  it.each([
    ['1.30.5 # {"$imagepolicy": "flux-system:istio:tag"}', "an image policy writes its line"],
    ["1.30.5 # renovate: datasource=helm automerge=true", "Renovate may merge"],
    ["1.29.8", "it says 1.29.8; the step goes from 1.30.5 to 1.31.1"],
    ["1.30.5+build", '"1.30.5+build" is no version'],
    ["ENC[AES256_GCM,data:abc]", "SOPS has encrypted it"],
  ])("the version %s", (version, why) => {
    expect(one(release({ version }))).toContain(why);
  });

  it("Renovate's automerge for Istio's charts, and not its automerge for others", () => {
    const config = (rules: string) => ({ "renovate.json": `{"automerge": true, "packageRules": [${rules}]}` });
    expect(one(release(), config(""))).toContain("renovate.json");
    const off = config(
      '{"matchPackageNames": ["istio*", "base", "cni", "ztunnel", "gateway", "/istio/"], "automerge": false}',
    );
    expect(lines({ ...repository, "clusters/one/istiod.yaml": release(), ...off })).toHaveLength(1);
  });

  it("a digest and a range of an OCIRepository", () => {
    const digest = edit({ "clusters/one/i.yaml": oci("    tag: 1.30.5\n    digest: sha256:00") });
    expect(refusal(digest)).toContain("a digest goes before the tag");
    expect(refusal(edit({ "clusters/one/i.yaml": oci('    tag: 1.30.5\n    semver: "1.30.x"') }))).toContain(
      "1.30.x goes before the tag",
    );
  });

  it("an anchor that something else uses, with the places", () => {
    const text = release({
      version: "&v 1.30.5",
      spec: "  values:\n    pilot:\n      podAnnotations:\n        built-for: *v\n",
    });
    expect(one(text)).toContain("/spec/values/pilot/podAnnotations/built-for would change too");
  });

  it("a file that clusters outside the step read, naming them and their batches", () => {
    const texts: Texts = {
      "base/kustomization.yaml": "resources: [istiod.yaml, repository.yaml]\n",
      "base/istiod.yaml": release(),
      "base/repository.yaml": helmRepository(),
      "clusters/one/kustomization.yaml": "resources: [../../base]\n",
      "clusters/two/kustomization.yaml": "resources: [../../base]\n",
    };
    const clusters = [cluster("one"), cluster("two", "clusters/two", "wave-2")];
    expect(refusal(edit(texts, { clusters, targets: ["one"] }))).toContain("two (wave-2) would move with it");
    expect(applied(texts, edit(texts, { clusters }))["base/istiod.yaml"]).toContain("version: 1.31.1");
  });

  it("a variable that also moves a component that is not asked for", () => {
    const texts: Texts = {
      "clusters/one/istio.yaml": kustomization({
        path: "infra",
        spec: "  postBuild:\n    substitute:\n      v: 1.30.5\n",
      }),
      "infra/all.yaml": [
        helmRepository(),
        release({ version: variable("v") }),
        release({ name: "base", chart: "base", version: variable("v") }),
      ].join("---\n"),
    };
    expect(refusal(edit(texts, { parts: ["base"] }))).toContain("istio-system/istiod of one: version 1.30.5 to 1.31.1");
    expect(lines(texts)).toEqual(["clusters/one/istio.yaml: v: 1.30.5 -> v: 1.31.1"]);
  });

  it("a version from a Secret, or from a ConfigMap that is not there", () => {
    const from = (kind: string): Texts => ({
      "clusters/one/istio.yaml": kustomization({
        path: "infra",
        spec: `  postBuild:\n    substituteFrom:\n    - {kind: ${kind}, name: vars}\n`,
      }),
      "infra/all.yaml": [helmRepository(), release({ version: variable("v:=1.30.5") })].join("---\n"),
    });
    for (const kind of ["Secret", "ConfigMap"])
      expect(refusal(edit(from(kind)))).toContain("it comes from a Secret, or from a source");
  });

  it("an encrypted document whose check sum goes over everything", () => {
    const sealed = `${release()}sops:\n  mac: ENC[x]\n`;
    expect(one(sealed)).toContain("the check sum of SOPS goes over the whole document");
    const free = `${sealed}  mac_only_encrypted: true\n`;
    expect(lines({ ...repository, "clusters/one/istiod.yaml": free })).toHaveLength(1);
  });

  it.each([
    ["broken", "a: [\n", "clusters/one/istiod.yaml | It is no YAML that can be read"],
    ["ambiguous", `${release()}  interval: 2m\n`, "Map keys must be unique"],
    ["of aliases without anchors", `${release()}  x: *none\n`, "clusters/one/istiod.yaml"],
  ])("YAML that is %s", (_name, text, why) => {
    expect(one(text)).toContain(why);
  });

  it("a path that is not there, a cluster that is not there, and a version that is none", () => {
    expect(refusal(edit({ "README.md": "" }))).toContain("there is no clusters/one");
    expect(refusal(edit(repository, { targets: ["three"] }))).toContain("There is no cluster three");
    expect(refusal(edit(repository))).toContain("No release of");
    expect(refusal(edit(repository, { to: "1.31" }))).toContain("1.31 is no version");
  });

  it.each([
    ["resources: [istiod.yaml, repository.yaml, 'https://github.com/istio/istio//x?ref=1.30.5']\n", "cannot be seen"],
    ["resources: [istiod.yaml, repository.yaml]\ncomponents: ['github.com/a/b//c?ref=v1']\n", "cannot be seen"],
    ["resources: [istiod.yaml, repository.yaml]\nreplacements: [{path: r.yaml}]\n", "It uses replacements"],
    ["resources: [istiod.yaml, repository.yaml, ../one]\n", "is part of itself"],
    ["resources: [istiod.yaml, repository.yaml, gone.yaml]\n", "there is no gone.yaml"],
  ])("kustomize's %s", (text, why) => {
    expect(one(release(), { "clusters/one/kustomization.yaml": text })).toContain(why);
  });

  const apps = (files: Texts): Texts => ({
    "clusters/one/istio.yaml": kustomization({ path: "istio" }),
    "clusters/one/apps.yaml": kustomization({ name: "apps", path: "apps" }),
    "istio/all.yaml": `${helmRepository()}---\n${release()}`,
    ...files,
  });

  it.each<[string, Texts, string]>([
    ["a path that is not there", {}, "clusters/one/apps.yaml | It cannot be built | there is no apps"],
    ["a broken file", { "apps/a.yaml": "a: [\n" }, "apps/a.yaml | It is no YAML"],
    ["a resource that is not there", { "apps/kustomization.yaml": "resources: [a.yaml]\n" }, "there is no a.yaml"],
  ])("%s of another Kustomization, behind which there may be a gateway", (_name, files, why) => {
    expect(refusal(edit(apps(files)))).toContain(why);
  });

  it("nothing for a remote base or replacements in another Kustomization", () => {
    const crds =
      "resources: ['https://github.com/kubernetes-sigs/gateway-api//config/crd?ref=v1.4.0']\nreplacements: [{path: r.yaml}]\n";
    expect(lines(apps({ "apps/kustomization.yaml": crds }))).toHaveLength(1);
  });

  it("values that cannot be seen", () => {
    const spec = "  valuesFrom:\n  - kind: Secret\n    name: v\n";
    expect(one(release({ spec }))).toContain("this repository has no Secret v");
    expect(one(release({ spec: "  values:\n    _internal_defaults_do_not_set: {global: {tag: 1.30.5}}\n" }))).toContain(
      "the chart's own layer",
    );
    expect(one(release({ spec: '  values:\n    global: {tag: "1.28.0"}\n' }))).toContain(
      "global.tag of HelmRelease istio-system/istiod is at neither end",
    );
  });
});
