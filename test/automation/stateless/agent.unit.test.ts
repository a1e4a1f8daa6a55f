import { describe, expect, test } from "vitest";
import { resourceOfPulumi } from "../../../automation/stateless/pulumi-resource.ts";
import { scan } from "../../../automation/stateless/scan.ts";
import { AgentPlatform as CloudRunPlatform } from "../../../components/cloud-run/agent-platform.ts";
import { AgentPlatform as GkePlatform } from "../../../components/gke/agent-platform.ts";
import { TrafficEdge } from "../../../components/traffic/traffic-edge.ts";
import { type DeclaredGraph, declareGraph } from "../../components/declared-graph.ts";

const image = `kiro@sha256:${"a".repeat(64)}`;
const base = { prefix: "kiro", project: "my-project", region: "us-central1" };

function judge(graph: DeclaredGraph) {
  return scan(graph.resources.map(({ type, name, inputs }) => resourceOfPulumi(type, name, inputs, name)));
}

describe("what our own programs declare is stateless, with no finding", () => {
  test("gke", async () => {
    const graph = await declareGraph((options) => new GkePlatform("agent", { ...base, image }, options));
    expect(judge(graph)).toEqual({ verdict: "stateless", findings: [], scanned: graph.resources.length });
    expect(graph.all("kubernetes:apps/v1:Deployment")).toHaveLength(1);
  });

  test("gke with secrets", async () => {
    const secrets = { API_KEY: "projects/vault/secrets/api-key/versions/3" };
    const graph = await declareGraph((options) => new GkePlatform("agent", { ...base, image, secrets }, options));
    expect(judge(graph)).toEqual({ verdict: "stateless", findings: [], scanned: graph.resources.length });
    expect(graph.all("kubernetes:secrets-store.csi.x-k8s.io/v1:SecretProviderClass")).toHaveLength(1);
  });

  test("cloud-run", async () => {
    const graph = await declareGraph((options) => new CloudRunPlatform("agent", { ...base, image }, options));
    expect(judge(graph)).toEqual({ verdict: "stateless", findings: [], scanned: graph.resources.length });
    expect(graph.all("gcp:cloudrunv2/service:Service")).toHaveLength(1);
  });

  test("traffic", async () => {
    const args = {
      ...base,
      domain: "agent.example.com",
      platforms: ["cloud-run", "gke"],
      zones: { gke: ["us-central1-a"] },
    };
    const graph = await declareGraph((options) => new TrafficEdge("edge", args, options));
    expect(judge(graph)).toEqual({ verdict: "stateless", findings: [], scanned: graph.resources.length });
    expect(graph.all("gcp:compute/backendService:BackendService")).toHaveLength(2);
  });
});

describe("a change of what the agent declares is found", () => {
  test("a claim, a cookie of the balancer, a session of Cloud Run", async () => {
    const gke = await declareGraph((options) => new GkePlatform("agent", { ...base, image }, options));
    const deployment = gke.only("kubernetes:apps/v1:Deployment");
    const changed = structuredClone(deployment.inputs) as { spec: { template: { spec: Record<string, unknown> } } };
    changed.spec.template.spec["volumes"] = [{ name: "data", persistentVolumeClaim: { claimName: "data" } }];
    const report = scan([resourceOfPulumi(deployment.type, deployment.name, changed as never, "here")]);
    expect(report).toMatchObject({
      verdict: "stateful",
      findings: [{ rule: "persistent-volume-claim", path: "spec.template.spec.volumes[0].persistentVolumeClaim" }],
    });
    const backend = { name: "kiro-gke", sessionAffinity: "GENERATED_COOKIE" };
    const service = { template: { sessionAffinity: true, containers: [{ image }] } };
    for (const [type, inputs, rule] of [
      ["gcp:compute/backendService:BackendService", backend, "google-backend-affinity"],
      ["gcp:cloudrunv2/service:Service", service, "cloud-run-affinity"],
    ] as const) {
      expect(scan([resourceOfPulumi(type, "x", inputs, "here")])).toMatchObject({
        verdict: "session-bound",
        findings: [{ rule }],
      });
    }
  });
});
