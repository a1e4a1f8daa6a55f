import { describe, expect, test } from "vitest";
import { IstioMesh } from "../../../components/mesh/istio-revision.ts";
import type { IstioMeshArgs } from "../../../components/mesh/istio-settings.ts";
import { InvalidArgsError } from "../../../components/shared/validation.ts";
import { type DeclaredGraph, declareGraph } from "../declared-graph.ts";
import { at, expectWellFormed } from "../graph-rules.ts";

const base: IstioMeshArgs = { revisions: [{ version: "1.30.5" }], defaultRevision: "1-30-5" };
const canary: IstioMeshArgs = {
  revisions: [{ version: "1.30.5" }, { version: "1.31.1" }],
  defaultRevision: "1-30-5",
  tags: { stable: "1-30-5", canary: "1-31-1", default: "1-30-5" },
  gateways: [
    { name: "ingress", revision: "stable" },
    { name: "egress", namespace: "edge", revision: "1-31-1" },
  ],
};
const ambient: IstioMeshArgs = { ...base, cni: { version: "1.30.5" }, ztunnel: { version: "1.30.5" } };

const declare = (args: IstioMeshArgs, preview = false) =>
  declareGraph((options) => new IstioMesh("mesh", args, options), { preview });

const releaseType = "kubernetes:helm.sh/v3:Release";
const tagType = "kubernetes:admissionregistration.k8s.io/v1:MutatingWebhookConfiguration";

const waitsFor = (graph: DeclaredGraph, name: string): readonly string[] | undefined =>
  graph.resources.find((resource) => resource.name === name)?.waitsFor;

const release = (graph: DeclaredGraph, suffix: string) =>
  graph.all(releaseType).find(({ name }) => name === `mesh-${suffix}`)?.inputs;

describe("IstioMesh", () => {
  test.each([
    ["one revision", base],
    ["two, with tags and gateways", canary],
    ["ambient", ambient],
  ])("declares a well-formed graph: %s", async (_, args) => {
    expectWellFormed(await declare(args), "mesh");
    expectWellFormed(await declare(args, true), "mesh");
  });

  test("installs charts of one version each, with names that another revision does not have", async () => {
    const graph = await declare(canary);
    const installed = graph.all(releaseType).map(({ inputs }) => [inputs["name"], inputs["chart"], inputs["version"]]);
    expect(installed).toEqual([
      ["istio-base", "base", "1.31.1"],
      ["istiod-1-30-5", "istiod", "1.30.5"],
      ["istiod-1-31-1", "istiod", "1.31.1"],
      ["ingress", "gateway", "1.30.5"],
      ["egress", "gateway", "1.31.1"],
    ]);
    for (const { inputs } of graph.all(releaseType))
      expect(at(inputs, "repositoryOpts.repo")).toBe("https://blob.istio.io/istio-release/charts");
    expect(graph.built.revisions).toEqual({ "1-30-5": "1.30.5", "1-31-1": "1.31.1" });
  });

  test("each control plane has its revision, the hub, and no tags of its own", async () => {
    const graph = await declare(canary);
    for (const revision of ["1-30-5", "1-31-1"])
      expect(at(release(graph, `istiod-${revision}`), "values")).toEqual({
        revision,
        revisionTags: [],
        global: { hub: "docker.io/istio", istioNamespace: "istio-system" },
      });
    expect(at(release(graph, "base"), "values")).toEqual({
      defaultRevision: "1-30-5",
      global: { istioNamespace: "istio-system" },
    });
  });

  test("base, istiod, istio-cni, ztunnel, gateways: each waits for all that come before", async () => {
    const graph = await declare({
      ...ambient,
      tags: { stable: "1-30-5" },
      gateways: [{ name: "in", revision: "stable" }],
    });
    expect(waitsFor(graph, "mesh-base")).toEqual([]);
    expect(waitsFor(graph, "mesh-istiod-1-30-5")).toEqual(["mesh-base"]);
    expect(waitsFor(graph, "mesh-tag-stable")).toEqual(["mesh-istiod-1-30-5"]);
    expect(waitsFor(graph, "mesh-cni")).toEqual(["mesh-istiod-1-30-5"]);
    expect(waitsFor(graph, "mesh-ztunnel")).toEqual(["mesh-istiod-1-30-5", "mesh-cni"]);
    expect(waitsFor(graph, "mesh-gateway-in")).toEqual([
      "mesh-istiod-1-30-5",
      "mesh-tag-stable",
      "mesh-cni",
      "mesh-ztunnel",
    ]);
  });

  test("ambient is told to the control plane and to istio-cni; both follow the default revision", async () => {
    const graph = await declare(ambient);
    expect(at(release(graph, "istiod-1-30-5"), "values.profile")).toBe("ambient");
    expect(at(release(graph, "cni"), "values")).toEqual({
      profile: "ambient",
      revision: "1-30-5",
      global: { hub: "docker.io/istio" },
    });
    expect(at(release(graph, "ztunnel"), "values")).toEqual({
      revision: "1-30-5",
      hub: "docker.io/istio",
      istioNamespace: "istio-system",
    });
    const plain = await declare({ ...base, cni: { version: "1.29.8" } });
    expect(at(release(plain, "cni"), "values")).not.toHaveProperty("profile");
  });

  test("a tag is an object of its own that sends its pods to its revision; istiod fills in the certificate", async () => {
    const graph = await declare(canary);
    const tags = graph.all(tagType);
    expect(tags.map(({ inputs }) => at(inputs, "metadata.name"))).toEqual([
      "istio-revision-tag-stable",
      "istio-revision-tag-canary",
      "istio-revision-tag-default",
    ]);
    const [stable, moved] = tags;
    expect(at(moved?.inputs, "metadata.labels")).toMatchObject({ "istio.io/tag": "canary", "istio.io/rev": "1-31-1" });
    for (const webhook of ["0", "1"])
      expect(at(moved?.inputs, `webhooks.${webhook}.clientConfig.service`)).toEqual({
        name: "istiod-1-31-1",
        namespace: "istio-system",
        path: "/inject",
        port: 443,
      });
    expect(at(moved?.inputs, "webhooks.0.namespaceSelector.matchExpressions.0")).toEqual({
      key: "istio.io/rev",
      operator: "In",
      values: ["canary"],
    });
    expect(stable?.options.ignoreChanges).toEqual(["webhooks[*].clientConfig.caBundle"]);
    expect(JSON.stringify(stable?.inputs)).not.toContain("caBundle");
  });

  test("no pod is injected twice: selectors of one tag exclude each other", async () => {
    const { inputs } = (await declare(canary)).all(tagType).at(-1) ?? { inputs: {} };
    type Expression = { key: string; operator: string; values?: string[] };
    const webhooks = at(inputs, "webhooks") as {
      name: string;
      namespaceSelector: { matchExpressions: Expression[] };
      objectSelector: { matchExpressions: Expression[] };
    }[];
    expect(webhooks.map(({ name }) => name.replace("sidecar-injector.istio.io", ""))).toEqual([
      "rev.namespace.",
      "rev.object.",
      "namespace.",
      "object.",
    ]);
    const holds = (labels: Record<string, string>, expressions: Expression[]): boolean =>
      expressions.every(({ key, operator, values = [] }) => {
        const value = labels[key];
        if (operator === "In") return value !== undefined && values.includes(value);
        if (operator === "NotIn") return value === undefined || !values.includes(value);
        return value === undefined;
      });
    const options: readonly Record<string, string>[] = [{}, { "istio.io/rev": "default" }, { "istio.io/rev": "other" }];
    let injected = 0;
    for (const rev of options)
      for (const injection of [{}, { "istio-injection": "enabled" }, { "istio-injection": "disabled" }])
        for (const podRev of options)
          for (const inject of [{}, { "sidecar.istio.io/inject": "true" }, { "sidecar.istio.io/inject": "false" }]) {
            const hits = webhooks.filter(
              ({ namespaceSelector, objectSelector }) =>
                holds({ ...rev, ...injection }, namespaceSelector.matchExpressions) &&
                holds({ ...podRev, ...inject }, objectSelector.matchExpressions),
            );
            expect(hits.length, JSON.stringify([rev, injection, podRev, inject])).toBeLessThanOrEqual(1);
            if ("sidecar.istio.io/inject" in inject && inject["sidecar.istio.io/inject"] === "false")
              expect(hits).toEqual([]);
            injected += hits.length;
          }
    expect(injected).toBeGreaterThan(10);
  });

  test("another namespace, OCI charts, another hub, values and the transform reach every part", async () => {
    const graph = await declare({
      ...base,
      namespace: "mesh",
      charts: "oci://ghcr.io/istio/release/charts/",
      hub: "registry.example.com:5000/istio",
      revisions: [
        {
          version: "1.30.5",
          name: "blue",
          values: { global: { proxy: { cpu: 1 }, hub: "ignored" }, pilot: { replicas: 3 } },
        },
      ],
      defaultRevision: "blue",
      tags: { prod: "blue" },
      transform: { release: (args) => ({ ...args, timeout: 900 }), tag: { metadata: { name: "own" } } },
    });
    expect(release(graph, "istiod-blue")).toMatchObject({
      name: "istiod-blue",
      namespace: "mesh",
      chart: "oci://ghcr.io/istio/release/charts/istiod",
      timeout: 900,
      values: {
        revision: "blue",
        pilot: { replicas: 3 },
        global: { proxy: { cpu: 1 }, hub: "registry.example.com:5000/istio", istioNamespace: "mesh" },
      },
    });
    expect(release(graph, "istiod-blue")).not.toHaveProperty("repositoryOpts");
    expect(at(graph.only(tagType).inputs, "metadata.name")).toBe("own");
    const plain = await declare({ ...base, namespace: "mesh", tags: { prod: "1-30-5" } });
    expect(at(plain.only(tagType).inputs, "metadata.name")).toBe("istio-revision-tag-prod-mesh");
  });

  const two = (change: Partial<IstioMeshArgs>): IstioMeshArgs => ({ ...canary, ...change });

  test.each([
    [
      "charts of a retired host",
      { ...base, charts: "https://istio-release.storage.googleapis.com/charts" },
      /charts is .*it is retired/,
    ],
    [
      "OCI charts of a retired host",
      { ...base, charts: "oci://gcr.io/istio-release/charts" },
      /charts is .*it is retired/,
    ],
    ["images of a retired host", { ...base, hub: "gcr.io/istio-release" }, /hub is .*docker\.io\/istio/],
    ["images of the other retired host", { ...base, hub: "Registry.istio.io/release" }, /hub is .*retired/],
    [
      "a retired host inside values",
      { ...base, revisions: [{ version: "1.30.5", values: { global: { hub: "gcr.io/istio-release" } } }] },
      /revisions\[0\]\.values\.global\.hub/,
    ],
    ["plain HTTP", { ...base, charts: "http://charts.example.com" }, /charts is/],
    ["no revision", { ...base, revisions: [] }, /revisions is \[\]/],
    ["a revision twice", two({ revisions: [{ version: "1.30.5" }, { version: "1.30.5" }] }), /none twice/],
    ["half a version", { ...base, revisions: [{ version: "1.30" }] }, /revisions\[0\]\.version/],
    ["a floating version", { ...base, revisions: [{ version: "1.30.x" }] }, /revisions\[0\]\.version/],
    ["a name with dots", { ...base, revisions: [{ version: "1.30.5", name: "1.30.5" }] }, /no dots/],
    ["the name of a tag", { ...base, revisions: [{ version: "1.30.5", name: "default" }] }, /default is a tag/],
    [
      "a default that is none",
      { ...base, defaultRevision: "1-29-8" },
      /defaultRevision is "1-29-8"; allowed: one of revisions: 1-30-5/,
    ],
    [
      "revisions three minors apart",
      two({
        revisions: [{ version: "1.28.6" }, { version: "1.31.1" }],
        defaultRevision: "1-28-6",
        tags: {},
        gateways: [],
      }),
      /at most 2 minors apart/,
    ],
    [
      "CRDs below a control plane",
      two({ baseVersion: "1.30.5" }),
      /baseVersion is "1\.30\.5"; allowed: 1\.31\.1 or later/,
    ],
    ["a tag of nothing", two({ tags: { stable: "1-29-8" } }), /tags\.stable is "1-29-8"/],
    ["a tag with the name of a revision", two({ tags: { "1-31-1": "1-30-5" }, gateways: [] }), /tags\.1-31-1/],
    [
      "a gateway of nothing",
      two({ gateways: [{ name: "in", revision: "stabel" }] }),
      /gateways\[0\]\.revision is "stabel"; allowed: a revision or a tag: .*stable/,
    ],
    ["a gateway ahead", two({ gateways: [{ name: "in", revision: "stable", version: "1.31.1" }] }), /never ahead/],
    [
      "a gateway twice",
      two({
        gateways: [
          { name: "in", revision: "stable" },
          { name: "in", revision: "canary" },
        ],
      }),
      /none twice/,
    ],
    ["ztunnel without istio-cni", { ...base, ztunnel: { version: "1.30.5" } }, /ztunnel is .*only together with cni/],
    ["istio-cni ahead", { ...base, cni: { version: "1.31.1" } }, /cni\.version is "1\.31\.1"; allowed: no newer/],
    ["istio-cni two minors behind", { ...base, cni: { version: "1.28.6" } }, /cni\.version/],
    [
      "ztunnel ahead of istio-cni",
      { ...base, cni: { version: "1.29.8" }, ztunnel: { version: "1.30.5" } },
      /istio-cni goes first/,
    ],
  ])("refuses %s", (_, args, message) => {
    const attempt = () => new IstioMesh("mesh", args);
    expect(attempt).toThrow(InvalidArgsError);
    expect(attempt).toThrow(message);
  });
});
