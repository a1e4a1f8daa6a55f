import { describe, expect, it } from "vitest";
import { findSources, moveSources } from "../../../../automation/guard/edit/sources.ts";
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

const old = "https://istio-release.storage.googleapis.com/charts";
const texts: Texts = {
  "clusters/one/repository.yaml": helmRepository(old),
  "clusters/one/istiod.yaml": release({
    spec: "  valuesFrom:\n  - {kind: ConfigMap, name: v}\n  values:\n    global:\n      hub: &hub gcr.io/istio-release # gcr.io/istio-release\n    pilot:\n      hub: *hub\n",
  }),
  "clusters/one/v.yaml":
    "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: v, namespace: istio-system}\ndata:\n  values.yaml: |\n    global:\n      proxy:\n        image: registry.istio.io/release/proxyv2:1.30.5-distroless\n",
  "clusters/one/oci.yaml":
    "apiVersion: source.toolkit.fluxcd.io/v1\nkind: OCIRepository\nmetadata: {name: base, namespace: istio-system}\nspec: {url: 'oci://gcr.io/istio-release/charts/base', ref: {tag: 1.30.5}}\n",
  "charts/own/templates/job.yaml": "{{- if .Values.x }}\nimage: gcr.io/istio-release/pilot:1.30.5\n{{- end }}\n",
  "docs/other.yaml":
    "url: https://storage.googleapis.com/charts\nimage: gcr.io/istio-releases/x\nnote: see istio-release.storage.googleapis.com/docs\n",
};

const move = (all: Texts, targets = ["one"], clusters = [cluster("one")]) =>
  moveSources({ files: filesOf(all), clusters, targets });

describe("findSources", () => {
  it("names every place with what it becomes, also in nested texts and in what is no YAML", () => {
    expect(
      findSources(filesOf(texts)).map(({ path, line, kind, value, replacement }) => [
        `${path}:${line}`,
        kind,
        value,
        replacement,
      ]),
    ).toEqual([
      ["charts/own/templates/job.yaml:2", "text", "image: gcr.io/istio-release/pilot:1.30.5", undefined],
      ["clusters/one/istiod.yaml:19", "hub", "gcr.io/istio-release", "docker.io/istio"],
      [
        "clusters/one/oci.yaml:4",
        "charts",
        "oci://gcr.io/istio-release/charts/base",
        "oci://ghcr.io/istio/release/charts/base",
      ],
      ["clusters/one/repository.yaml:8", "charts", old, "https://blob.istio.io/istio-release/charts"],
      [
        "clusters/one/v.yaml:8",
        "image",
        "registry.istio.io/release/proxyv2:1.30.5-distroless",
        "docker.io/istio/proxyv2:1.30.5-distroless",
      ],
      ["docs/other.yaml:3", "text", "see istio-release.storage.googleapis.com/docs", undefined],
    ]);
  });

  it("finds nothing where nothing is", () => {
    expect(findSources(filesOf({ "a.yaml": helmRepository(), "b.yaml": "{{ broken" }))).toEqual([]);
  });
});

describe("moveSources", () => {
  it("moves all places that the clusters read, at the unchanged version, and nothing else", () => {
    const after = applied(texts, move(texts));
    expect(changedLines(texts, after)).toEqual([
      "clusters/one/istiod.yaml: hub: &hub gcr.io/istio-release # gcr.io/istio-release -> hub: &hub docker.io/istio # gcr.io/istio-release",
      "clusters/one/oci.yaml: spec: {url: 'oci://gcr.io/istio-release/charts/base', ref: {tag: 1.30.5}} -> spec: {url: 'oci://ghcr.io/istio/release/charts/base', ref: {tag: 1.30.5}}",
      `clusters/one/repository.yaml: url: ${old} -> url: https://blob.istio.io/istio-release/charts`,
      "clusters/one/v.yaml: image: registry.istio.io/release/proxyv2:1.30.5-distroless -> image: docker.io/istio/proxyv2:1.30.5-distroless",
    ]);
    expect(move(after)).toMatchObject({ kind: "edits", edits: [] });
  });

  it("moves a hub that is a variable where it is set", () => {
    const all: Texts = {
      "clusters/one/istio.yaml": kustomization({
        path: "istio",
        spec: "  postBuild:\n    substitute:\n      hub: gcr.io/istio-release\n",
      }),
      "istio/all.yaml": `${helmRepository()}---\n${release({ spec: `  values:\n    global:\n      hub: ${variable("hub")}\n` })}`,
    };
    expect(changedLines(all, applied(all, move(all)))).toEqual([
      "clusters/one/istio.yaml: hub: gcr.io/istio-release -> hub: docker.io/istio",
    ]);
  });

  it("is refused where others read the file, and where an address is put together otherwise", () => {
    const shared: Texts = {
      "base/all.yaml": `${helmRepository(old)}---\n${release()}`,
      "base/kustomization.yaml": "resources: [all.yaml]\n",
      "clusters/one/kustomization.yaml": "resources: [../../base]\n",
      "clusters/two/kustomization.yaml": "resources: [../../base]\n",
    };
    const both = [cluster("one"), cluster("two", "clusters/two", "wave-2")];
    expect(refusal(move(shared, ["one"], both))).toContain("two (wave-2) would move with it");
    const pieces: Texts = {
      "clusters/one/istio.yaml": kustomization({
        path: "istio",
        spec: "  postBuild:\n    substitute:\n      registry: gcr.io/istio-release\n",
      }),
      "istio/all.yaml": `${helmRepository(`oci://${variable("registry")}/charts`)}---\n${release()}`,
    };
    expect(refusal(move(pieces))).toContain(
      "address oci://gcr.io/istio-release/charts to oci://docker.io/istio/charts",
    );
  });
});
