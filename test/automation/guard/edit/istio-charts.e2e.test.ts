import { execFile } from "node:child_process";
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parseAllDocuments } from "yaml";
import { z } from "zod";
import { binaryPath, haveBinaries, istioCharts } from "../../../support/kubernetes/binaries.ts";
import { removeFolder } from "../../../support/remove-folder.ts";

// The charts are those of the module that istioctl is built of.
const built = haveBinaries("values that are edited, in Istio's real charts", ["helm", "istioctl"]);

const charts = {
  base: "base",
  istiod: "istio-control/istio-discovery",
  cni: "istio-cni",
  ztunnel: "ztunnel",
  gateway: "gateway",
} as const;

const container = z.looseObject({ image: z.string() });
const object = z.looseObject({
  kind: z.string(),
  metadata: z.looseObject({ name: z.string(), labels: z.record(z.string(), z.string()).optional() }),
  spec: z
    .looseObject({ template: z.looseObject({ spec: z.looseObject({ containers: z.array(container) }) }).optional() })
    .optional(),
  webhooks: z.array(z.looseObject({ clientConfig: z.looseObject({}) })).optional(),
});
type Rendered = z.output<typeof object>;

/** What guard's editor and its checks take for granted of values, held against what the charts do with them. */
describe.skipIf(!built)("Istio's charts", () => {
  let home: string;
  beforeAll(async () => {
    home = await mkdtemp(join(tmpdir(), "switchyard-helm-"));
  });
  afterAll(() => removeFolder(home));

  async function render(chart: keyof typeof charts, ...values: readonly string[]): Promise<readonly Rendered[]> {
    const { stdout } = await promisify(execFile)(
      binaryPath("helm"),
      [
        "template",
        "it",
        join(istioCharts(), charts[chart]),
        "--namespace",
        "istio-system",
        ...values.flatMap((value) => ["--set", value]),
      ],
      { env: { HOME: home }, maxBuffer: 64 * 1024 * 1024 },
    );
    return parseAllDocuments(stdout).flatMap((document) => {
      const value: unknown = document.toJS();
      return value === null ? [] : [object.parse(value)];
    });
  }

  const imagesOf = (objects: readonly Rendered[]): readonly string[] =>
    objects.flatMap(({ spec }) => (spec?.template?.spec.containers ?? []).map(({ image }) => image));

  it.each([
    ["istiod", ["global.hub=docker.io/mine", "global.tag=1.31.1"], "docker.io/mine/pilot:1.31.1"],
    ["cni", ["global.hub=docker.io/mine", "global.tag=1.31.1"], "docker.io/mine/install-cni:1.31.1"],
    ["ztunnel", ["global.hub=docker.io/mine", "global.tag=1.31.1"], "docker.io/mine/ztunnel:1.31.1"],
    ["istiod", ["global.hub=h/i", "global.tag=1.31.1", "global.variant=distroless"], "h/i/pilot:1.31.1-distroless"],
    ["istiod", ["global.hub=h/i", "global.tag=1.30.5", "pilot.tag=1.31.1"], "h/i/pilot:1.31.1"],
    ["istiod", ["global.hub=h/i", "pilot.hub=docker.io/mine", "pilot.tag=1.31.1"], "docker.io/mine/pilot:1.31.1"],
    ["istiod", ["pilot.image=docker.io/mine/pilot:1.31.1"], "docker.io/mine/pilot:1.31.1"],
    ["cni", ["cni.hub=docker.io/mine", "cni.tag=1.31.1"], "docker.io/mine/install-cni:1.31.1"],
    ["cni", ["hub=docker.io/mine", "tag=1.31.1"], "docker.io/mine/install-cni:1.31.1"],
    ["ztunnel", ["hub=docker.io/mine", "tag=1.31.1"], "docker.io/mine/ztunnel:1.31.1"],
    ["ztunnel", ["image=docker.io/mine/ztunnel:1.31.1"], "docker.io/mine/ztunnel:1.31.1"],
  ] as const)("%s takes its image from %j", async (chart, values, image) => {
    expect(imagesOf(await render(chart, ...values))).toEqual([image]);
  });

  it("leave the gateway's image to the control plane that injects it, whatever tag is set", async () => {
    expect(imagesOf(await render("gateway", "global.tag=1.31.1", "global.hub=docker.io/mine"))).toEqual(["auto"]);
  });

  it("name objects of a revision after it, and put its tags into webhooks of their own", async () => {
    const objects = await render("istiod", "revision=1-31-1", "revisionTags={canary,stable}");
    const named = (kind: string) => objects.filter((one) => one.kind === kind).map(({ metadata }) => metadata.name);
    expect(named("Deployment")).toEqual(["istiod-1-31-1"]);
    expect(named("MutatingWebhookConfiguration").toSorted()).toEqual([
      "istio-revision-tag-canary",
      "istio-revision-tag-stable",
      "istio-sidecar-injector-1-31-1",
    ]);
    const tags = objects.filter(({ metadata }) => metadata.name.startsWith("istio-revision-tag-"));
    for (const { metadata } of tags)
      expect(metadata.labels).toMatchObject({
        "istio.io/rev": "1-31-1",
        "istio.io/tag": metadata.name.replace("istio-revision-tag-", ""),
      });
    expect((await render("istiod")).filter(({ kind }) => kind === "Deployment")).toMatchObject([
      { metadata: { name: "istiod" } },
    ]);
  });

  it("let base's defaultRevision say whose service validates, and gateways follow a revision", async () => {
    const validators = async (...values: readonly string[]) =>
      (await render("base", ...values)).filter(({ kind }) => kind === "ValidatingWebhookConfiguration");
    expect(await validators("defaultRevision=1-31-1")).toMatchObject([
      {
        metadata: { name: "istiod-default-validator" },
        webhooks: [{ clientConfig: { service: { name: "istiod-1-31-1", namespace: "istio-system" } } }],
      },
    ]);
    const gateway = await render("gateway", "revision=1-31-1");
    expect(gateway.find(({ kind }) => kind === "Deployment")).toMatchObject({
      spec: { template: { metadata: { labels: { "istio.io/rev": "1-31-1" } } } },
    });
  });

  it("hold 15 custom types, which stay when base is removed", async () => {
    const crds = (await render("base")).filter(({ kind }) => kind === "CustomResourceDefinition");
    expect(crds).toHaveLength(15);
    for (const { metadata } of crds)
      expect(metadata["annotations"], metadata.name).toMatchObject({ "helm.sh/resource-policy": "keep" });
  });

  it("know the profile of each minor that a new one can behave like", async () => {
    for (const version of ["1.25", "1.26", "1.27", "1.28", "1.29", "1.30"])
      expect(await render("istiod", `compatibilityVersion=${version}`), version).not.toEqual([]);
    await expect(render("istiod", "compatibilityVersion=1.20")).rejects.toThrow(/unknown compatibility version|1\.20/);
  });

  it("make no disruption budget for a single istiod", async () => {
    const budgets = async (...values: readonly string[]) =>
      (await render("istiod", ...values)).filter(({ kind }) => kind === "PodDisruptionBudget");
    expect(await budgets()).toEqual([]);
    expect(await budgets("autoscaleMin=2")).toHaveLength(1);
  });
});
