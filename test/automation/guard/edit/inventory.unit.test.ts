import { describe, expect, it } from "vitest";
import { inventory } from "../../../../automation/guard/edit/inventory.ts";
import { evidenceFile } from "../../../../automation/guard/rules/evidence.ts";
import { unprovenOrder } from "../../../../automation/guard/rules/sources.ts";
import { cluster, filesOf, helmRepository, kustomization, release, type Texts, variable } from "./repositories.ts";

const fleet: Texts = {
  "clusters/one/flux-system/gotk-sync.yaml": `apiVersion: source.toolkit.fluxcd.io/v1
kind: GitRepository
metadata: {name: flux-system, namespace: flux-system}
spec: {url: ssh://git@gitlab.example.com/fleet.git}
---
${kustomization({ name: "flux-system", path: "./clusters/one" })}`,
  "clusters/one/flux-system/kustomization.yaml": "resources: [gotk-sync.yaml]\n",
  "clusters/one/istio.yaml": [
    kustomization({ name: "crds", path: "./istio/crds", spec: "  wait: true\n" }),
    kustomization({
      name: "istio",
      path: "./istio/plane",
      spec: "  dependsOn:\n  - name: crds\n  postBuild:\n    substitute:\n      v: 1.30.5\n",
    }),
    kustomization({ name: "shop", path: "./shop" })
      .replace("name: flux-system\n", "name: shop\n")
      .replace(/(sourceRef:\n {4}kind: GitRepository\n {4}name: )flux-system/, "$1shop"),
  ].join("---\n"),
  "istio/crds/base.yaml": `${helmRepository()}---\n${release({ name: "istio-base", chart: "base" })}`,
  "istio/plane/istiod.yaml": release({
    version: variable("v"),
    spec: "  upgrade:\n    remediation: {retries: 3}\n    serverSideApply: disabled\n  values:\n    global: {hub: docker.io/istio, tag: 1.30.5}\n",
  }),
  "istio/plane/ingress.yaml": release({
    name: "ingress",
    chart: "gateway",
    version: '1.30.5 # {"$imagepolicy": "flux-system:istio"}',
    spec: "  dependsOn:\n  - name: istiod\n  upgrade:\n    strategy: {name: RetryOnFailure}\n",
  }),
};

describe("inventory", () => {
  const [found] = inventory(filesOf(fleet), [cluster("one")]);

  it("is the evidence section git, as it is checked", () => {
    expect(evidenceFile.parse({ git: found?.git }).git).toEqual({
      releases: [
        {
          name: "istio-base",
          component: "base",
          file: "istio/crds/base.yaml",
          chartVersion: "1.30.5",
          source: "https://blob.istio.io/istio-release/charts",
          dependsOn: [],
          kustomization: "crds",
          remediationRetries: 0,
          retryOnFailure: false,
          serverSideApply: true,
        },
        {
          name: "ingress",
          component: "gateway",
          file: "istio/plane/ingress.yaml",
          chartVersion: "1.30.5",
          source: "https://blob.istio.io/istio-release/charts",
          dependsOn: ["istiod"],
          kustomization: "istio",
          movedBy: "imagepolicy",
          remediationRetries: 0,
          retryOnFailure: true,
          serverSideApply: true,
        },
        {
          name: "istiod",
          component: "istiod",
          file: "istio/plane/istiod.yaml",
          chartVersion: "1.30.5",
          source: "https://blob.istio.io/istio-release/charts",
          hub: "docker.io/istio",
          dependsOn: [],
          kustomization: "istio",
          remediationRetries: 3,
          retryOnFailure: false,
          serverSideApply: false,
        },
      ],
      kustomizations: [
        { name: "flux-system", dependsOn: [], wait: false },
        { name: "crds", dependsOn: [], wait: true },
        { name: "istio", dependsOn: ["crds"], wait: false },
      ],
    });
    expect(found?.problems).toEqual([]);
    const { git } = evidenceFile.parse({ git: found?.git });
    expect(git === undefined ? undefined : unprovenOrder(git)).toEqual([]);
  });

  it("says where each version stands", () => {
    expect(
      found?.homes.map(({ release, field, shape, path, pointer }) => [release, field, shape, path, pointer]),
    ).toEqual([
      ["istio-base", "version", "chart", "istio/crds/base.yaml", "/spec/chart/spec/version"],
      ["ingress", "version", "chart", "istio/plane/ingress.yaml", "/spec/chart/spec/version"],
      ["istiod", "version", "substitution", "clusters/one/istio.yaml", "/spec/postBuild/substitute/v"],
      ["istiod", "global.tag", "values", "istio/plane/istiod.yaml", "/spec/values/global/tag"],
    ]);
  });

  it("names the files that were read and what other repositories apply", () => {
    expect(found?.files).toEqual(Object.keys(fleet).toSorted());
    expect(found?.elsewhere).toEqual(["Kustomization flux-system/shop"]);
  });

  it("is empty with a problem where there is no Istio", () => {
    const [empty] = inventory(filesOf({ "clusters/one/a.yaml": helmRepository() }), [cluster("one")]);
    expect(empty).toMatchObject({ git: undefined, homes: [], problems: [{ file: "clusters/one" }] });
  });

  it("tells releases of one name in two namespaces from each other", () => {
    const texts: Texts = {
      "clusters/one/a.yaml": `${helmRepository()}---\n${release()}`,
      "clusters/one/b.yaml": `${helmRepository().replace("namespace: istio-system", "namespace: edge")}---\n${release({ chart: "gateway" }).replace("namespace: istio-system", "namespace: edge")}`,
    };
    const [two] = inventory(filesOf(texts), [cluster("one")]);
    expect(two?.git?.releases.map(({ name }) => name)).toEqual(["istio-system/istiod", "edge/istiod"]);
  });

  it("names the key that charts are verified with, by the Secret that holds it", () => {
    const verify =
      "  chart:\n    spec:\n      chart: istiod\n      version: 1.30.5\n      verify: {provider: cosign, secretRef: {name: key}}\n      sourceRef: {kind: HelmRepository, name: istio}\n";
    const text = release().replace(/ {2}chart:\n(?: {4}.*\n)+/, verify);
    const secret =
      "apiVersion: v1\nkind: Secret\nmetadata: {name: key, namespace: istio-system}\nstringData: {istio-key.pub: x}\n";
    const [one] = inventory(filesOf({ "clusters/one/a.yaml": [helmRepository(), text, secret].join("---\n") }), [
      cluster("one"),
    ]);
    expect(one?.git?.releases).toMatchObject([{ name: "istiod", verifyKey: "istio-key.pub" }]);
  });
});
