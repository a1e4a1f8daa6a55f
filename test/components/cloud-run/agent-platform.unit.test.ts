import { describe, expect, test } from "vitest";
import { AgentPlatform, type AgentPlatformArgs } from "../../../components/cloud-run/agent-platform.ts";
import { declareGraph } from "../declared-graph.ts";
import { at, expectWellFormed, settle } from "../graph-rules.ts";

const image = `kiro@sha256:${"a".repeat(64)}`;
const base: AgentPlatformArgs = { prefix: "kiro", project: "my-project", region: "us-central1", image };

function declare(args: Partial<AgentPlatformArgs> = {}) {
  return declareGraph((options) => new AgentPlatform("agent", { ...base, ...args }, options));
}

const serviceType = "gcp:cloudrunv2/service:Service";

describe("cloud-run AgentPlatform", () => {
  test("declares a well-formed graph, also with the longest prefix", async () => {
    expectWellFormed(await declare(), "agent");
    expectWellFormed(await declare({ prefix: "a2345678901234567890" }), "agent");
  });

  test("only the balancer reaches the service, and without a token", async () => {
    const graph = await declare();
    expect(graph.only(serviceType).inputs).toMatchObject({
      location: "us-central1",
      ingress: "INGRESS_TRAFFIC_INTERNAL_LOAD_BALANCER",
      invokerIamDisabled: true,
      defaultUriDisabled: true,
      deletionProtection: true,
      template: { serviceAccount: "kiro-cloud-run-sa@my-project.iam.gserviceaccount.com" },
    });
  });

  test("sizes, limits and scaling are all said", async () => {
    const { inputs } = (
      await declare({ minInstances: 2, maxInstances: 9, concurrency: 40, requestTimeoutSeconds: 60 })
    ).only(serviceType);
    expect(inputs).toMatchObject({
      scaling: { minInstanceCount: 2 },
      template: { timeout: "60s", maxInstanceRequestConcurrency: 40, scaling: { maxInstanceCount: 9 } },
    });
    // On the revision it would be kept once more for every tagged one.
    expect(at(inputs, "template.scaling.minInstanceCount")).toBeUndefined();
    expect(at(inputs, "template.containers.0.resources")).toEqual({
      limits: { cpu: "1", memory: "1Gi" },
      cpuIdle: true,
      startupCpuBoost: true,
    });
  });

  test("probes stay off the paths that Cloud Run keeps", async () => {
    const container = at((await declare()).only(serviceType).inputs, "template.containers.0");
    for (const probe of ["startupProbe", "livenessProbe"]) {
      const path = String(at(container, `${probe}.httpGet.path`));
      expect(path, probe).toMatch(/^\/[a-z]+$/);
      expect(path.endsWith("z"), `${probe}: paths that end in z are reserved`).toBe(false);
      const period = Number(at(container, `${probe}.periodSeconds`));
      expect(Number(at(container, `${probe}.timeoutSeconds`))).toBeLessThanOrEqual(period);
    }
    const startup = at(container, "startupProbe");
    expect(Number(at(startup, "periodSeconds")) * Number(at(startup, "failureThreshold"))).toBeLessThanOrEqual(240);
  });

  test("below one vCPU the first generation serves one request at a time", async () => {
    const graph = await declare({ cpu: "500m", memory: "512Mi", concurrency: 1 });
    expect(graph.only(serviceType).inputs["template"]).toMatchObject({
      executionEnvironment: "EXECUTION_ENVIRONMENT_GEN1",
    });
    await expect(declare({ cpu: "500m", memory: "512Mi" })).rejects.toThrow(
      /concurrency is 80; allowed: 1 with cpu 500m/,
    );
  });

  test("one serverless group with a name that others can tell", async () => {
    const graph = await declare();
    expect(graph.only("gcp:compute/regionNetworkEndpointGroup:RegionNetworkEndpointGroup").inputs).toEqual({
      name: "kiro-cloud-run",
      project: "my-project",
      region: "us-central1",
      networkEndpointType: "SERVERLESS",
      cloudRun: { service: "kiro-agent" },
    });
    expect(await settle(graph.built.endpointGroupName)).toBe("kiro-cloud-run");
  });

  test("own variables come after the component's", async () => {
    const { inputs } = (await declare({ environment: { KIRO_LOG_LEVEL: "DEBUG" } })).only(serviceType);
    expect(at(inputs, "template.containers.0.envs")).toEqual([
      { name: "KIRO_PLATFORM", value: "cloud-run" },
      { name: "KIRO_LOG_LEVEL", value: "DEBUG" },
    ]);
  });

  const failBack = {
    url: "http://127.0.0.1:20001/fail-back/kiro/cloud-run",
    routeUrl: "http://127.0.0.1:20000",
    routeHost: "dark.agent.local",
  };

  test("an agent that may hand requests back knows the flag and the way; a variable of one's own wins", async () => {
    const { inputs } = (
      await declare({ failBack, environment: { KIRO_FAIL_BACK_ROUTE_HOST: "dark.other.local" } })
    ).only(serviceType);
    expect(at(inputs, "template.containers.0.envs")).toEqual([
      { name: "KIRO_PLATFORM", value: "cloud-run" },
      { name: "KIRO_FAIL_BACK_URL", value: failBack.url },
      { name: "KIRO_FAIL_BACK_ROUTE_URL", value: failBack.routeUrl },
      { name: "KIRO_FAIL_BACK_ROUTE_HOST", value: "dark.other.local" },
    ]);
  });

  test("a flag that is no URL is refused", async () => {
    await expect(
      declare({ failBack: { ...failBack, url: "gs://bucket/flag", routeHost: "Dark host" } }),
    ).rejects.toThrow(/failBack\.url is "gs:.*\n.*failBack\.routeHost is "Dark host"/);
  });

  const key = "projects/vault/secrets/api-key/versions/3";

  test("a secret is a name in the state: its value is read by the instances' own account", async () => {
    const graph = await declare({
      secrets: { API_KEY: key, API_KEY_OLD: "projects/vault/secrets/api-key/versions/2" },
    });
    expectWellFormed(graph, "agent");
    expect(at(graph.only(serviceType).inputs, "template.containers.0.envs")).toEqual([
      { name: "KIRO_PLATFORM", value: "cloud-run" },
      ...[
        ["API_KEY", "3"],
        ["API_KEY_OLD", "2"],
      ].map(([name, version]) => ({
        name,
        valueSource: { secretKeyRef: { secret: "projects/vault/secrets/api-key", version } },
      })),
    ]);
    expect(graph.only("gcp:secretmanager/secretIamMember:SecretIamMember").inputs).toEqual({
      project: "vault",
      secretId: "api-key",
      role: "roles/secretmanager.secretAccessor",
      member: "serviceAccount:kiro-cloud-run-sa@my-project.iam.gserviceaccount.com",
    });
  });

  test("what is no reference may be the secret itself, and is not repeated", async () => {
    const declared = declare({ secrets: { API_KEY: "hunter2", TWICE: key }, environment: { TWICE: "x" } });
    await expect(declared).rejects.toThrow(/secrets\.API_KEY is not accepted.*\n.*only one of environment\.TWICE/);
    await expect(declared).rejects.not.toThrow(/hunter2/);
  });
});
