/** The policy pack under the real engine: what it forbids is not made, and what it says arrives. */
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { CustomResource, type Output } from "@pulumi/pulumi";
import type { PulumiFn } from "@pulumi/pulumi/automation/index.js";
import { beforeAll, expect, onTestFinished, test } from "vitest";
import { scannedOfState } from "../../automation/adapters/live-resources.ts";
import { resourcesOfState } from "../../automation/adapters/pulumi-file-backend.ts";
import { resolveEngine } from "../../automation/adapters/pulumi-resolver.ts";
import type { StackEngine } from "../../automation/ports/stack-engine.ts";
import type { ScannedResource } from "../../automation/stateless/finding.ts";
import { scan } from "../../automation/stateless/scan.ts";
import { readCorpus } from "../automation/stateless/corpus.ts";
import { startPolicyAnalyzer } from "../support/policy-analyzer.ts";
import { engineTimeoutMs, type RealEngine, startRealEngine } from "../support/real-engine.ts";

const policyPack = join(import.meta.dirname, "../../policy");

beforeAll(async () => {
  await resolveEngine({ env: process.env });
}, engineTimeoutMs);

class Declared extends CustomResource {
  declare readonly address: Output<string>;

  constructor(apiVersion: string, kind: string, object: Readonly<Record<string, unknown>>) {
    const name = kind.toLowerCase();
    super(`kubernetes:${apiVersion.includes("/") ? apiVersion : `core/${apiVersion}`}:${kind}`, name, {
      apiVersion,
      kind,
      metadata: { name },
      ...object,
      address: undefined,
    });
  }
}

const deployment = (pod: Readonly<Record<string, unknown>>, template: Readonly<Record<string, unknown>> = {}) =>
  new Declared("apps/v1", "Deployment", {
    spec: {
      replicas: 2,
      template: { ...template, spec: { containers: [{ name: "agent", image: "kiro:1" }], ...pod } },
    },
  });

const programs: Readonly<Record<string, PulumiFn>> = {
  good: async () => {
    const account = new Declared("v1", "ServiceAccount", {});
    // Known only when the account is there.
    deployment({ hostNetwork: account.id.apply((id) => id === "never") });
  },
  bad: async () => {
    deployment({ volumes: [{ name: "data", hostPath: { path: "/var/lib/agent" } }] });
  },
  sticky: async () => {
    deployment({});
    new Declared("v1", "Service", { spec: { sessionAffinity: "ClientIP" } });
  },
};

async function given(): Promise<RealEngine & { readonly engine: StackEngine }> {
  const real = await startRealEngine("kubernetes");
  onTestFinished(() => real.close());
  const loaded = Object.fromEntries(Object.entries(programs).map(([name, program]) => [name, async () => program]));
  return { ...real, engine: real.another({ policyPack, programs: loaded }) };
}

test("a deployment with a host's folder is refused before it is made, in words and as data", async () => {
  const { engine, provider, root } = await given();
  const refused = {
    code: "stateless-violation",
    exitCode: 5,
    platform: "bad",
    message: expect.stringMatching(/apps\/v1\/Deployment default\/deployment, spec\.template\.spec\.volumes\[0\]/),
    violations: [expect.stringContaining("hostPath")],
    data: {
      verdict: "stateful",
      violations: [expect.objectContaining({ level: "hard", class: "stateful", path: expect.any(String) })],
    },
  };
  await expect(engine.preview("bad.local")).rejects.toMatchObject(refused);
  await expect(engine.up("bad.local")).rejects.toMatchObject(refused);
  expect([...provider.things.keys()]).toEqual([]);
  expect((await readdir(join(root, ".switchyard", "pulumi"))).filter((name) => name.startsWith("policy-"))).toEqual([]);
});

test("what preview cannot know cannot be told, and is told by up", async () => {
  const { engine } = await given();
  const { stateless } = await engine.preview("good.local");
  expect(stateless).toMatchObject({
    verdict: "cannot-tell",
    findings: [expect.objectContaining({ level: "cannot-tell", path: "spec.template.spec.hostNetwork" })],
  });
  expect((await engine.up("good.local")).stateless).toEqual({ verdict: "stateless", findings: [], scanned: 2 });
});

test("a lean on one instance is an advice: up goes on, and the verdict says it", async () => {
  const { engine, provider } = await given();
  const { stateless } = await engine.up("sticky.local");
  expect(stateless?.verdict).toBe("session-bound");
  expect(provider.things.size).toBe(2);
});

/** What a Pulumi program would declare to have the same object applied. */
function asDeclared({ type, object }: ScannedResource, index: number) {
  const apiVersion = type.slice(0, type.lastIndexOf("/"));
  const token = `kubernetes:${apiVersion.includes("/") ? apiVersion : `core/${apiVersion}`}:${type.slice(apiVersion.length + 1)}`;
  return { type: token, name: `resource-${index}`, properties: object };
}

/** The same after it was applied, in the text of a stack's state: the API server adds what it knows. */
function asState(resources: readonly ReturnType<typeof asDeclared>[]): string {
  const inState = resources.map(({ type, name, properties }) => {
    const outputs = { ...properties, status: { observedGeneration: 1 } };
    const urn = `urn:pulumi:corpus.local::switchyard::${type}::${name}`;
    return { urn, type, custom: true, id: name, inputs: properties, outputs };
  });
  return JSON.stringify({ version: 3, checkpoint: { latest: { resources: inState } } });
}

test("manifests, the pack's own process and the state of what runs give one verdict on the whole corpus", async () => {
  const pack = await startPolicyAnalyzer();
  onTestFinished(() => pack.close());
  const corpus = (await readCorpus()).filter(({ manifests }) => manifests.resources.length > 0);
  expect(corpus.length).toBeGreaterThanOrEqual(60);
  for (const { file, manifests } of corpus) {
    const rendered = scan(manifests.resources);
    const declared = manifests.resources.map(asDeclared);
    const { report, mandatory, advisory } = await pack.judge(declared);
    const live = scan(scannedOfState(resourcesOfState(asState(declared))));
    const said = ({ verdict, findings }: typeof rendered) => ({
      verdict,
      findings: findings.map(({ rule, path, level, class: found }) => ({ rule, path, level, found })),
    });
    expect(report && said(report), file).toEqual(said(rendered));
    expect(said(live), file).toEqual(said(rendered));
    expect({ mandatory: mandatory.length, advisory: advisory.length }, file).toEqual({
      mandatory: rendered.findings.filter(({ level }) => level === "hard").length,
      advisory: rendered.findings.filter(({ level }) => level !== "hard").length,
    });
  }
});
