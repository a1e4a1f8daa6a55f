import { describe, expect, test } from "vitest";
import { AgentPlatform, type AgentPlatformArgs } from "../../../components/gke/agent-platform.ts";
import { InvalidArgsError } from "../../../components/shared/validation.ts";
import { declareGraph } from "../declared-graph.ts";
import { at, expectWellFormed, settle } from "../graph-rules.ts";

const image = `kiro@sha256:${"a".repeat(64)}`;
const base: AgentPlatformArgs = { prefix: "kiro", project: "my-project", region: "us-central1", image };

function declare(args: Partial<AgentPlatformArgs> = {}, preview = false) {
  return declareGraph((options) => new AgentPlatform("agent", { ...base, ...args }, options), { preview });
}

const deploymentType = "kubernetes:apps/v1:Deployment";

describe("gke AgentPlatform", () => {
  test("declares a well-formed graph, also with the longest prefix", async () => {
    expectWellFormed(await declare(), "agent");
    expectWellFormed(await declare({ prefix: "a2345678901234567890" }), "agent");
  });

  test("every Kubernetes object goes to the cluster that the program makes", async () => {
    const graph = await declare();
    const objects = graph.resources.filter((resource) => resource.type.startsWith("kubernetes:"));
    expect(objects.map((object) => object.type.split(":").at(-1)).toSorted()).toEqual([
      "Deployment",
      "HorizontalPodAutoscaler",
      "Namespace",
      "NetworkPolicy",
      "PodDisruptionBudget",
      "Service",
      "ServiceAccount",
    ]);
    for (const object of objects) expect(object.provider, object.name).toContain("agent-kubernetes");
    const kubeconfig: unknown = JSON.parse(String(graph.only("pulumi:providers:kubernetes").inputs["kubeconfig"]));
    expect(at(kubeconfig, "clusters.0.cluster.server")).toBe("https://203.0.113.7");
    expect(at(kubeconfig, "users.0.user.exec.command")).toBe("gke-gcloud-auth-plugin");
  });

  test("the cluster is Autopilot, VPC-native, with private nodes and a workload pool", async () => {
    const { inputs } = (await declare()).only("gcp:container/cluster:Cluster");
    expect(inputs).toMatchObject({
      enableAutopilot: true,
      location: "us-central1",
      networkingMode: "VPC_NATIVE",
      ipAllocationPolicy: { clusterSecondaryRangeName: "pods", servicesSecondaryRangeName: "services" },
      privateClusterConfig: { enablePrivateNodes: true },
      workloadIdentityConfig: { workloadPool: "my-project.svc.id.goog" },
      deletionProtection: true,
    });
  });

  test("private nodes have a NAT, public ones none", async () => {
    expect((await declare()).all("gcp:compute/routerNat:RouterNat")).toHaveLength(1);
    const open = await declare({ privateNodes: false });
    expect(open.all("gcp:compute/routerNat:RouterNat")).toHaveLength(0);
    expect(open.only("gcp:container/cluster:Cluster").inputs["privateClusterConfig"]).toMatchObject({
      enablePrivateNodes: false,
    });
  });

  test("the Kubernetes account may act as the Google account", async () => {
    const graph = await declare();
    const account = graph.only("kubernetes:core/v1:ServiceAccount").inputs;
    const email = "kiro-gke-sa@my-project.iam.gserviceaccount.com";
    expect(at(account, "metadata.annotations")).toEqual({ "iam.gke.io/gcp-service-account": email });
    const name = String(at(account, "metadata.name"));
    expect(graph.only("gcp:serviceaccount/iAMMember:IAMMember").inputs).toMatchObject({
      role: "roles/iam.workloadIdentityUser",
      member: `serviceAccount:my-project.svc.id.goog[kiro/${name}]`,
    });
    expect(at(graph.only(deploymentType).inputs, "spec.template.spec.serviceAccountName")).toBe(name);
  });

  test("the Service names the endpoint groups, selects the pods, and is there before them", async () => {
    const graph = await declare();
    const service = graph.only("kubernetes:core/v1:Service");
    const annotation: unknown = JSON.parse(
      String((at(service.inputs, "metadata.annotations") as Record<string, string>)["cloud.google.com/neg"]),
    );
    expect(annotation).toEqual({ exposed_ports: { "80": { name: "kiro-gke" } } });
    expect(graph.built.endpointGroupName).toBe("kiro-gke");

    const deployment = graph.only(deploymentType);
    expect(at(deployment.inputs, "spec.template.metadata.labels")).toEqual(at(service.inputs, "spec.selector"));
    expect(at(deployment.inputs, "spec.selector.matchLabels")).toEqual(at(service.inputs, "spec.selector"));
    const before = deployment.options.dependsOn;
    expect(Array.isArray(before) && before.length).toBe(2);
    // Awaiting its endpoints would wait for pods that wait for it.
    expect(at(service.inputs, "metadata.annotations")).toMatchObject({ "pulumi.com/skipAwait": "true" });
    expect(at(service.inputs, "spec.ports.0.targetPort")).toBe(
      at(deployment.inputs, "spec.template.spec.containers.0.ports.0.name"),
    );
  });

  test("a pod outlasts hook and drain, and says its drain to the agent", async () => {
    for (const timing of [
      {},
      { requestTimeoutSeconds: 20, drainSeconds: 25, preStopSeconds: 2 },
      { requestTimeoutSeconds: 550, preStopSeconds: 40 },
    ]) {
      const spec = at((await declare(timing)).only(deploymentType).inputs, "spec.template.spec");
      const grace = Number(at(spec, "terminationGracePeriodSeconds"));
      const hook = Number(at(spec, "containers.0.lifecycle.preStop.sleep.seconds"));
      const env = at(spec, "containers.0.env") as { name: string; value?: string }[];
      const drain = Number(env.find((variable) => variable.name === "KIRO_DRAIN_SECONDS")?.value);
      expect(drain).toBeGreaterThanOrEqual(timing.requestTimeoutSeconds ?? 300);
      expect(hook).toBe(timing.preStopSeconds ?? 40);
      expect(hook + drain).toBeLessThan(grace);
      expect(grace).toBeLessThanOrEqual(600);
    }
  });

  test("the pod is unprivileged, spread over zones, and probed where the agent answers", async () => {
    const spec = at((await declare()).only(deploymentType).inputs, "spec.template.spec");
    expect(spec).toMatchObject({
      securityContext: { runAsNonRoot: true, seccompProfile: { type: "RuntimeDefault" } },
      automountServiceAccountToken: false,
      topologySpreadConstraints: [{ topologyKey: "topology.kubernetes.io/zone", maxSkew: 1 }],
    });
    const container = at(spec, "containers.0");
    expect(container).toMatchObject({
      image,
      securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ["ALL"] } },
      readinessProbe: { httpGet: { path: "/ready" } },
      livenessProbe: { httpGet: { path: "/health" } },
      startupProbe: { httpGet: { path: "/health" } },
    });
    expect(at(container, "resources.requests")).toEqual(at(container, "resources.limits"));
    expect(at(container, "env")).toContainEqual({ name: "KIRO_PLATFORM", value: "gke" });
  });

  test("the autoscaler owns the number of pods after the start", async () => {
    const graph = await declare({ replicas: 3, maxReplicas: 7 });
    const deployment = graph.only(deploymentType);
    expect(at(deployment.inputs, "spec.replicas")).toBe(3);
    expect(deployment.options.ignoreChanges).toEqual(["spec.replicas"]);
    expect(graph.only("kubernetes:autoscaling/v2:HorizontalPodAutoscaler").inputs["spec"]).toMatchObject({
      minReplicas: 3,
      maxReplicas: 7,
      scaleTargetRef: { kind: "Deployment", name: at(deployment.inputs, "metadata.name") },
    });
    expect(at(deployment.inputs, "spec.strategy.rollingUpdate")).toEqual({ maxUnavailable: 0, maxSurge: "25%" });
    expect(graph.only("kubernetes:policy/v1:PodDisruptionBudget").inputs["spec"]).toMatchObject({ maxUnavailable: 1 });
  });

  test("only the balancer gets in", async () => {
    const { inputs } = (await declare()).only("kubernetes:networking.k8s.io/v1:NetworkPolicy");
    expect(at(inputs, "spec.ingress")).toEqual([
      {
        from: [{ ipBlock: { cidr: "35.191.0.0/16" } }, { ipBlock: { cidr: "130.211.0.0/22" } }],
        ports: [{ protocol: "TCP", port: 8080 }],
      },
    ]);
    // Both types with a list each: what is not listed is closed.
    expect(at(inputs, "spec.policyTypes")).toEqual(["Ingress", "Egress"]);
  });

  test("out go DNS, HTTPS and the metadata server, and nothing else", async () => {
    const { inputs } = (await declare()).only("kubernetes:networking.k8s.io/v1:NetworkPolicy");
    const egress = at(inputs, "spec.egress");
    if (!Array.isArray(egress)) throw new Error("there is no list");
    expect(egress.map((rule) => at(rule, "ports"))).toEqual([
      [
        { protocol: "UDP", port: 53 },
        { protocol: "TCP", port: 53 },
      ],
      [{ protocol: "TCP", port: 443 }],
      [{ protocol: "TCP", port: 80 }],
    ]);
    expect(at(egress[2], "to")).toEqual([{ ipBlock: { cidr: "169.254.169.254/32" } }]);
    const agents = at((await declare()).only("kubernetes:apps/v1:Deployment").inputs, "spec.template.metadata.labels");
    expect(agents).toMatchObject(at(inputs, "spec.podSelector.matchLabels") as object);
  });

  test("outputs are what the swap needs", async () => {
    const { built } = await declare();
    expect(await settle(built.zones)).toEqual(["us-central1-a", "us-central1-b"]);
    expect(await settle(built.deploymentName)).toBe("agent");
    expect(built.namespace).toBe("kiro");
  });

  test("a transform reaches what the args do not offer", async () => {
    const graph = await declare({
      transform: {
        cluster: { cluster: { description: "the agent's" } },
        workload: {
          service: (args, childName) => ({ ...args, metadata: { ...args.metadata, labels: { made: childName } } }),
        },
      },
    });
    expect(graph.only("gcp:container/cluster:Cluster").inputs).toMatchObject({
      description: "the agent's",
      enableAutopilot: true,
    });
    expect(at(graph.only("kubernetes:core/v1:Service").inputs, "metadata.labels")).toEqual({
      made: "agent-workload-service",
    });
  });

  test("bad args are reported together and nothing is declared", async () => {
    let caught: unknown;
    const graph = await declareGraph((options) => {
      try {
        return new AgentPlatform(
          "agent",
          { ...base, prefix: "Kiro", image: "kiro", replicas: 0, cpu: "1", memory: "9Gi", preStopSeconds: 0.5 },
          options,
        );
      } catch (error) {
        caught = error;
        return undefined;
      }
    });
    if (!(caught instanceof InvalidArgsError)) throw new Error("expected InvalidArgsError", { cause: caught });
    expect(caught.problems.map((problem) => problem.path)).toEqual([
      "prefix",
      "image",
      "replicas",
      "preStopSeconds",
      "memory",
    ]);
    expect(graph.resources).toEqual([]);
  });

  test("pods that may hand requests back know the flag and the way", async () => {
    const url = "http://127.0.0.1:20001/fail-back/kiro/gke";
    const failBack = { url, routeUrl: "http://127.0.0.1:20000", routeHost: "dark.agent.local" };
    const { inputs } = (await declare({ failBack })).only(deploymentType);
    const variables = at(inputs, "spec.template.spec.containers.0.env");
    expect(variables).toEqual(
      expect.arrayContaining([
        { name: "KIRO_FAIL_BACK_URL", value: url },
        { name: "KIRO_FAIL_BACK_ROUTE_URL", value: "http://127.0.0.1:20000" },
        { name: "KIRO_FAIL_BACK_ROUTE_HOST", value: "dark.agent.local" },
      ]),
    );
    const without = at((await declare()).only(deploymentType).inputs, "spec.template.spec.containers.0.env");
    expect(JSON.stringify(without)).not.toContain("FAIL_BACK");
  });
});

describe("secrets of the agent on GKE", () => {
  const key = "projects/vault/secrets/api-key/versions/3";
  const secrets = { API_KEY: key, API_KEY_OLD: "projects/vault/secrets/api-key/versions/2" };
  const classType = "kubernetes:secrets-store.csi.x-k8s.io/v1:SecretProviderClass";

  test("are files that the add-on mounts: by name in the state, read by the pods' own account, and by no other", async () => {
    const graph = await declare({ secrets });
    expectWellFormed(graph, "agent");
    expect(graph.only("gcp:container/cluster:Cluster").inputs["secretManagerConfig"]).toEqual({ enabled: true });
    const { inputs } = graph.only(classType);
    expect(at(inputs, "metadata.namespace")).toBe("kiro");
    expect(at(inputs, "spec.provider")).toBe("gke");
    expect(JSON.parse(String(at(inputs, "spec.parameters.secrets")))).toEqual([
      { resourceName: key, path: "API_KEY" },
      { resourceName: secrets.API_KEY_OLD, path: "API_KEY_OLD" },
    ]);
    const spec = at(graph.only(deploymentType).inputs, "spec.template.spec");
    const [volume] = at(spec, "volumes") as { name: string; csi: unknown }[];
    expect(volume?.csi).toEqual({
      driver: "secrets-store-gke.csi.k8s.io",
      readOnly: true,
      volumeAttributes: { secretProviderClass: at(inputs, "metadata.name") },
    });
    const [mount] = at(spec, "containers.0.volumeMounts") as { name: string; mountPath: string; readOnly: boolean }[];
    expect(mount).toMatchObject({ name: volume?.name, readOnly: true });
    expect(at(spec, "containers.0.env")).toContainEqual({ name: "KIRO_SECRETS_DIR", value: mount?.mountPath });
    expect(graph.only("gcp:secretmanager/secretIamMember:SecretIamMember").inputs).toEqual({
      project: "vault",
      secretId: "api-key",
      role: "roles/secretmanager.secretAccessor",
      member: "serviceAccount:kiro-gke-sa@my-project.iam.gserviceaccount.com",
    });
    expect(graph.all("kubernetes:core/v1:Secret")).toEqual([]);
  });

  test("roll the pods when they change, whatever their order says", async () => {
    const nameOf = async (given: Record<string, string>) =>
      at((await declare({ secrets: given })).only(classType).inputs, "metadata.name");
    const before = await nameOf(secrets);
    expect(await nameOf({ API_KEY_OLD: secrets.API_KEY_OLD, API_KEY: key })).toBe(before);
    expect(await nameOf({ ...secrets, API_KEY: "projects/vault/secrets/api-key/versions/4" })).not.toBe(before);
  });

  test("are nowhere where there are none", async () => {
    const declared = JSON.stringify((await declare({ secrets: {} })).resources.map(({ inputs }) => inputs));
    expect(declared).not.toMatch(/secret/i);
    expect(declared).not.toMatch(/volumeMounts":\[\{/);
  });

  test("what is no reference may be the secret itself, and is not repeated", async () => {
    const declared = declare({ secrets: { API_KEY: "hunter2", TWICE: key }, environment: { TWICE: "x" } });
    await expect(declared).rejects.toThrow(/secrets\.API_KEY is not accepted.*\n.*only one of environment\.TWICE/);
    await expect(declared).rejects.not.toThrow(/hunter2/);
  });
});
