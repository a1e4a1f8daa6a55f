import { describe, expect, it } from "vitest";
import type { FileEdit } from "../../../../automation/guard/edit/edit.ts";
import { inventory } from "../../../../automation/guard/edit/inventory.ts";
import { namespaceLabels, relabelNamespaces } from "../../../../automation/guard/edit/namespaces.ts";
import { revertEdits } from "../../../../automation/guard/edit/revert.ts";
import { type RevisionStep, revisionStep } from "../../../../automation/guard/edit/revision-step.ts";
import {
  applied,
  changedLines,
  cluster,
  filesOf,
  helmRepository,
  refusal,
  release,
  type Texts,
} from "./repositories.ts";

const one = [cluster("one")];
const namespace = (name: string, label = "istio.io/rev: stable") =>
  `apiVersion: v1\nkind: Namespace\nmetadata:\n  name: ${name}\n  labels:\n    ${label} # moved by guard\n`;

const fleet: Texts = {
  "clusters/one/kustomization.yaml":
    "resources:\n- repository.yaml\n- base.yaml # CRDs\n- istiod-1-30-5.yaml\n- gateways.yaml\n- namespaces.yaml\n",
  "clusters/one/repository.yaml": helmRepository(),
  "clusters/one/base.yaml": release({
    name: "istio-base",
    chart: "base",
    spec: "  values:\n    defaultRevision: 1-30-5\n",
  }),
  "clusters/one/istiod-1-30-5.yaml": `# the control plane\n${release({
    name: "istiod-1-30-5",
    spec: "  releaseName: istiod-1-30-5\n  dependsOn:\n  - name: istio-base\n  values:\n    # never by hand\n    revision: 1-30-5\n    revisionTags:\n    - stable\n    - prod # the old name\n    global:\n      tag: 1.30.5-distroless\n",
  })}`,
  "clusters/one/gateways.yaml": [
    release({
      name: "ingress",
      chart: "gateway",
      spec: "  dependsOn:\n  - name: istiod-1-30-5\n  values:\n    revision: 1-30-5\n",
    }),
    release({ name: "egress", chart: "gateway", spec: "  values: {revision: stable}\n" }),
    release({ name: "edge", chart: "gateway", spec: "  values:\n    # by its namespace\n    replicaCount: 2\n" }),
  ].join("---\n"),
  "clusters/one/namespaces.yaml": ["shop", "cart", "mail"].map((name) => namespace(name)).join("---\n"),
};

const step = (texts: Texts, what: RevisionStep, clusters = one, targets = clusters.map(({ cluster: name }) => name)) =>
  revisionStep({ files: filesOf(texts), clusters, targets, step: what, from: "1.30.5", to: "1.31.1" });

const all: readonly RevisionStep[] = [
  { kind: "base" },
  { kind: "new-revision" },
  { kind: "canary-tag" },
  { kind: "stable-tag" },
  { kind: "stable-tag", tag: "prod" },
  { kind: "gateways" },
  { kind: "default-revision" },
  { kind: "remove-old" },
];

/** The files after the first steps. */
const filesAfter = (count: number, texts = fleet): Texts =>
  all.slice(0, count).reduce((now, what) => applied(now, step(now, what)), texts);

describe("the series of a revisioned upgrade", () => {
  it("begins with base", () => {
    expect(changedLines(fleet, filesAfter(1))).toEqual(["clusters/one/base.yaml: version: 1.30.5 -> version: 1.31.1"]);
  });

  it("adds a release beside the old one, in a file of its own that the kustomization lists", () => {
    const [was, now] = [filesAfter(1), filesAfter(2)];
    expect(now["clusters/one/istiod-1-31-1.yaml"]).toBe(
      was["clusters/one/istiod-1-30-5.yaml"]
        ?.replaceAll("istiod-1-30-5", "istiod-1-31-1")
        .replace("revision: 1-30-5", "revision: 1-31-1")
        .replace("version: 1.30.5", "version: 1.31.1")
        .replace("1.30.5-distroless", "1.31.1-distroless")
        .replace("revisionTags:\n    - stable\n    - prod # the old name\n", "revisionTags: []\n"),
    );
    expect(now["clusters/one/kustomization.yaml"]).toBe(
      was["clusters/one/kustomization.yaml"]?.replace(
        "- istiod-1-30-5.yaml\n",
        "- istiod-1-30-5.yaml\n- istiod-1-31-1.yaml\n",
      ),
    );
    expect({ ...now, "clusters/one/istiod-1-31-1.yaml": "", "clusters/one/kustomization.yaml": "" }).toEqual({
      ...was,
      "clusters/one/istiod-1-31-1.yaml": "",
      "clusters/one/kustomization.yaml": "",
    });
  });

  it("gives the new one a tag, and moves tags from the old one, each to exactly one", () => {
    const [added, canary, stable, prod] = [filesAfter(2), filesAfter(3), filesAfter(4), filesAfter(5)];
    expect(changedLines(added, canary)).toEqual([
      "clusters/one/istiod-1-31-1.yaml: revisionTags: [] -> revisionTags: [canary]",
    ]);
    expect(stable["clusters/one/istiod-1-31-1.yaml"]).toContain("    revisionTags: [canary, stable]\n");
    expect(stable["clusters/one/istiod-1-30-5.yaml"]).toContain("    revisionTags:\n    - prod # the old name\n");
    expect(prod["clusters/one/istiod-1-30-5.yaml"]).toContain("    revisionTags: []\n");
  });

  it("moves gateways: their chart, and the revision of those that name one or none", () => {
    const [was, now] = [filesAfter(5), filesAfter(6)];
    expect(now["clusters/one/gateways.yaml"]).toBe(
      was["clusters/one/gateways.yaml"]
        ?.replaceAll("version: 1.30.5", "version: 1.31.1")
        .replace("- name: istiod-1-30-5", "- name: istiod-1-31-1")
        .replace("revision: 1-30-5", "revision: 1-31-1")
        .replace("  values:\n    # by its", "  values:\n    revision: 1-31-1\n    # by its"),
    );
    const some = step(was, { kind: "gateways", releases: ["egress"] });
    expect(changedLines(was, applied(was, some))).toEqual([
      "clusters/one/gateways.yaml: version: 1.30.5 -> version: 1.31.1",
    ]);
  });

  it("ends with the default revision and without the old one", () => {
    expect(changedLines(filesAfter(6), filesAfter(7))).toEqual([
      "clusters/one/base.yaml: defaultRevision: 1-30-5 -> defaultRevision: 1-31-1",
    ]);
    const end = filesAfter(8);
    expect(Object.keys(end)).not.toContain("clusters/one/istiod-1-30-5.yaml");
    expect(end["clusters/one/kustomization.yaml"]).toBe(
      fleet["clusters/one/kustomization.yaml"]?.replace("istiod-1-30-5", "istiod-1-31-1"),
    );
    const [found] = inventory(filesOf(end), one);
    expect(new Set(found?.git?.releases.map(({ chartVersion }) => chartVersion))).toEqual(new Set(["1.31.1"]));
    expect(found?.problems).toEqual([]);
  });

  it.each(all.map((what, index) => [`${index} ${what.kind}`, what, index] as const))(
    "%s does nothing a second time, and goes back byte for byte",
    (_name, what, index) => {
      const [was, now] = [filesAfter(index), filesAfter(index + 1)];
      expect(step(now, what)).toMatchObject({ kind: "edits", edits: [] });
      const made = step(was, what);
      const edits: readonly FileEdit[] = made.kind === "edits" ? made.edits : [];
      expect(edits.length).toBeGreaterThan(0);
      expect(applied(now, revertEdits(edits, filesOf(now), one))).toEqual(was);
    },
  );

  it("goes back in files that others have changed since", () => {
    const made = step(filesAfter(5), { kind: "gateways" });
    const since = (texts: Texts): Texts => ({
      ...texts,
      "clusters/one/gateways.yaml": `# owned by edge\n${texts["clusters/one/gateways.yaml"]}    podAnnotations: {a: b}\n`,
    });
    const reverted = revertEdits(made.kind === "edits" ? made.edits : [], filesOf(since(filesAfter(6))));
    expect(applied(since(filesAfter(6)), reverted)).toEqual(since(filesAfter(5)));
  });
});

describe("a new revision", () => {
  it("copies the OCIRepository that carries the version, in one file for a cluster that reads one file", () => {
    const path = "clusters/one.yaml";
    const texts: Texts = {
      [path]:
        "apiVersion: source.toolkit.fluxcd.io/v1\nkind: OCIRepository\nmetadata:\n  name: istiod\n  namespace: istio-system\nspec:\n  url: oci://ghcr.io/istio/release/charts/istiod\n  ref:\n    tag: 1.30.5\n---\napiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\nmetadata:\n  name: istiod\n  namespace: istio-system\nspec:\n  chartRef:\n    kind: OCIRepository\n    name: istiod\n",
    };
    const clusters = [cluster("one", path)];
    const now = applied(texts, step(texts, { kind: "new-revision" }, clusters));
    const text = texts[path] ?? "";
    expect(now[path]).toBe(
      `${text}---\n${text
        .replaceAll("name: istiod\n", "name: istiod-1-31-1\n")
        .replace("1.30.5", "1.31.1")
        .replace("spec:\n  chartRef", "spec:\n  values:\n    revision: 1-31-1\n  chartRef")}`,
    );
    const tagged = applied(now, step(now, { kind: "canary-tag" }, clusters));
    const gone = applied(tagged, step(tagged, { kind: "remove-old" }, clusters));
    expect(gone[path]).not.toContain("1.30.5");
    expect(gone[path]?.match(/^kind:/gm)).toHaveLength(2);
  });

  it("is refused where a patch reaches only the old one", () => {
    const texts: Texts = {
      "base/all.yaml": `${helmRepository()}---\n${release()}`,
      "base/kustomization.yaml": "resources: [all.yaml]\n",
      "clusters/one/kustomization.yaml":
        "resources: [../../base]\npatches:\n- target: {kind: HelmRelease, name: istiod}\n  patch: |\n    - {op: add, path: /spec/values, value: {pilot: {replicaCount: 5}}}\n",
    };
    expect(refusal(step(texts, { kind: "new-revision" }))).toContain("reaches only one of both");
  });

  it("is refused where clusters outside the step would get it", () => {
    const texts: Texts = {
      "base/all.yaml": `${helmRepository()}---\n${release()}`,
      "base/kustomization.yaml": "resources: [all.yaml]\n",
      "clusters/one/kustomization.yaml": "resources: [../../base]\n",
      "clusters/two/kustomization.yaml": "resources: [../../base]\n",
    };
    const both = [cluster("one"), cluster("two", "clusters/two", "wave-2")];
    expect(refusal(step(texts, { kind: "new-revision" }, both, ["one"]))).toContain("two (wave-2) would move with it");
    const now = applied(texts, step(texts, { kind: "new-revision" }, both));
    expect(now["base/kustomization.yaml"]).toBe("resources: [all.yaml, istiod-1-31-1.yaml]\n");
  });
});

describe("what is refused", () => {
  it.each<[RevisionStep, string]>([
    [{ kind: "canary-tag" }, "has no istiod of 1.31.1 | the step before this one was not made"],
    [{ kind: "gateways" }, "has no istiod of 1.31.1"],
    [{ kind: "default-revision" }, "has no istiod of 1.31.1"],
    [{ kind: "remove-old" }, "has no istiod of 1.31.1"],
  ])("$kind before its turn", (what, why) => {
    expect(refusal(step(fleet, what))).toContain(why);
  });

  it("removing what is still named, with all that name it", () => {
    const texts = { ...filesAfter(3), "clusters/one/namespaces.yaml": namespace("shop", "istio.io/rev: 1-30-5") };
    const said = refusal(step(texts, { kind: "remove-old" }));
    for (const name of [
      "the tag stable",
      "HelmRelease istio-system/ingress by its revision",
      "istio-base by defaultRevision",
      "Namespace shop by istio.io/rev",
    ])
      expect(said).toContain(name);
  });

  it("a tag at two releases, and a gateway that is not there", () => {
    const texts = { ...filesAfter(4) };
    texts["clusters/one/istiod-1-30-5.yaml"] = (texts["clusters/one/istiod-1-30-5.yaml"] ?? "").replace(
      "- prod",
      "- stable\n    - prod",
    );
    expect(refusal(step(texts, { kind: "canary-tag" }))).toContain("would fight over its webhook");
    expect(refusal(step(filesAfter(5), { kind: "gateways", releases: ["none"] }))).toContain("has no gateway none");
  });
});

describe("labels of namespaces", () => {
  const label = (texts: Texts, namespaces: readonly string[], to = "canary") =>
    relabelNamespaces({ files: filesOf(texts), clusters: one, targets: ["one"], namespaces, from: "stable", to });

  it("are listed with their places", () => {
    expect(namespaceLabels(filesOf(fleet), one)).toEqual(
      ["shop", "cart", "mail"].map((name, document) => ({
        cluster: "one",
        namespace: name,
        label: "istio.io/rev",
        value: "stable",
        home: { path: "clusters/one/namespaces.yaml", document, pointer: "/metadata/labels/istio.io~1rev" },
      })),
    );
  });

  it("move for the namespaces that are named, and stay where they are already", () => {
    const now = applied(fleet, label(fleet, ["shop", "mail"]));
    expect(changedLines(fleet, now)).toHaveLength(2);
    expect(namespaceLabels(filesOf(now), one).map(({ value }) => value)).toEqual(["canary", "stable", "canary"]);
    expect(label(now, ["shop"])).toMatchObject({ edits: [] });
  });

  it("are quoted where the new value would be a number", () => {
    expect(applied(fleet, label(fleet, ["cart"], "131"))["clusters/one/namespaces.yaml"]).toContain(
      'istio.io/rev: "131" # moved',
    );
  });

  it.each<[string, Texts, string]>([
    [
      "it is not in these files",
      { "clusters/one/namespaces.yaml": namespace("other") },
      "no Namespace with such a label was found",
    ],
    [
      "it uses istio-injection",
      { "clusters/one/namespaces.yaml": namespace("shop", "istio-injection: enabled") },
      "follows the tag default",
    ],
    [
      "it has both",
      { "clusters/one/namespaces.yaml": namespace("shop", "istio.io/rev: stable\n    istio-injection: enabled") },
      "goes before it",
    ],
    ["it says a third thing", { "clusters/one/namespaces.yaml": namespace("shop", "istio.io/rev: x") }, "it says x"],
    [
      "an anchor carries others along",
      {
        "clusters/one/namespaces.yaml": `apiVersion: v1\nkind: List\nitems:\n- {apiVersion: v1, kind: Namespace, metadata: {name: shop, labels: &l {istio.io/rev: stable}}}\n- {apiVersion: v1, kind: Namespace, metadata: {name: cart, labels: *l}}\n`,
      },
      "would change too",
    ],
  ])("are left where %s", (_name, more, why) => {
    expect(refusal(label({ ...fleet, ...more }, ["shop"]))).toContain(why);
  });
});
