import { describe, expect, it } from "vitest";
import { adjustResources, RESOURCE_ADJUSTMENT } from "../../../local/autopilot/admission/autopilot-resources.ts";
import type { KubernetesObject } from "../../../local/autopilot/cluster.ts";
import { KubernetesError } from "../../../local/autopilot/kubernetes-error.ts";
import { podSpec } from "../../../local/autopilot/objects/pod.ts";
import type { Properties } from "../../../local/compute/resources.ts";
import {
  createClusterFixture,
  DEPLOYMENT,
  deploymentObject,
  NEG,
  reference,
  serviceObject,
} from "./cluster-fixture.ts";

const { cluster } = createClusterFixture();

async function refusal(object: KubernetesObject, target = cluster): Promise<KubernetesError> {
  try {
    await target.apply(object);
  } catch (error) {
    if (error instanceof KubernetesError) return error;
    throw error;
  }
  throw new Error("It was accepted.");
}

const container = (fields: Properties) => deploymentObject({ container: fields });

describe("apply refuses", () => {
  it.each<[string, KubernetesObject, number, string | RegExp]>([
    [
      "an unknown kind",
      { apiVersion: "apps/v1", kind: "StatefulSet", metadata: { name: "a" } },
      404,
      'no matches for kind "StatefulSet" in version "apps/v1"',
    ],
    [
      "a namespace that is not there",
      { ...deploymentObject(), metadata: { name: "kiro", namespace: "agents" } },
      404,
      'namespaces "agents" not found',
    ],
    [
      "a name with capitals",
      { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "Bad" } },
      422,
      /^ConfigMap "Bad" is invalid: metadata\.name: Invalid value: "Bad": a lowercase RFC 1123 subdomain must consist/,
    ],
    [
      "a wrong type",
      deploymentObject({ spec: { replicas: "two" } }),
      400,
      'Deployment in version "v1" cannot be handled as a Deployment: json: cannot unmarshal string into Go struct field Deployment.spec.replicas of type int32',
    ],
    [
      "a missing selector",
      deploymentObject({ spec: { selector: null } }),
      422,
      'Deployment.apps "kiro" is invalid: spec.selector: Required value',
    ],
    [
      "a selector that does not match",
      deploymentObject({ spec: { selector: { matchLabels: { app: "other" } } } }),
      422,
      'Deployment.apps "kiro" is invalid: spec.template.metadata.labels: Invalid value: {"app":"kiro"}: `selector` does not match template `labels`',
    ],
    [
      "several fields at once",
      deploymentObject({ spec: { replicas: -1 }, container: { image: "" } }),
      422,
      'Deployment.apps "kiro" is invalid: [spec.replicas: Invalid value: -1: must be greater than or equal to 0, spec.template.spec.containers[0].image: Required value]',
    ],
    [
      "a rollout that could not move",
      deploymentObject({ spec: { strategy: { rollingUpdate: { maxSurge: 0, maxUnavailable: 0 } } } }),
      422,
      'Deployment.apps "kiro" is invalid: spec.strategy.rollingUpdate.maxUnavailable: Invalid value: 0: may not be 0 when `maxSurge` is 0',
    ],
    [
      "an unknown strategy",
      deploymentObject({ spec: { strategy: { type: "Canary" } } }),
      422,
      'Deployment.apps "kiro" is invalid: spec.strategy.type: Unsupported value: "Canary": supported values: "RollingUpdate", "Recreate"',
    ],
    [
      "a probe that runs a command",
      container({ readinessProbe: { exec: { command: ["true"] } } }),
      422,
      'Deployment.apps "kiro" is invalid: spec.template.spec.containers[0].readinessProbe.exec: not simulated by the local cluster; use httpGet or tcpSocket',
    ],
    [
      "a probe of a port without such a name",
      container({ livenessProbe: { httpGet: { port: "web" } } }),
      422,
      /livenessProbe\.httpGet\.port: Invalid value: "web": no port of the container has that name/,
    ],
    [
      "a hook that does more than sleep",
      container({ lifecycle: { preStop: { exec: { command: ["sh", "-c", "sleep 5; rm x"] } } } }),
      422,
      /lifecycle\.preStop\.exec\.command: not simulated by the local cluster; use sleep, httpGet/,
    ],
    [
      "a sleep that is longer than the grace",
      container({ lifecycle: { preStop: { sleep: { seconds: 31 } } } }),
      422,
      /lifecycle\.preStop\.sleep: Invalid value: 31: must be non-negative and less than terminationGracePeriodSeconds \(30\)/,
    ],
    [
      "a second container",
      deploymentObject({
        pod: {
          containers: [
            { name: "a", image: "a" },
            { name: "b", image: "b" },
          ],
        },
      }),
      422,
      /containers\[1\]: not simulated/,
    ],
    [
      "a mounted Secret",
      deploymentObject({ pod: { volumes: [{ name: "s", secret: { secretName: "s" } }] } }),
      422,
      /volumes\[0\]: not simulated/,
    ],
    [
      "a Service of another type",
      {
        apiVersion: "v1",
        kind: "Service",
        metadata: { name: "a" },
        spec: { type: "LoadBalancer", ports: [{ port: 80 }] },
      },
      422,
      /^Service "a" is invalid: spec\.type: not simulated by the local cluster; use ClusterIP/,
    ],
    [
      "a NEG annotation that is not JSON",
      serviceObject({ "cloud.google.com/neg": "{" }),
      422,
      /cloud\.google\.com\/neg\]: Invalid value: "\{": must be JSON/,
    ],
    [
      "a NEG of a port that the Service does not have",
      serviceObject({ "cloud.google.com/neg": '{"exposed_ports":{"81":{}}}' }),
      422,
      /"81": port not found in the Service/,
    ],
    [
      "an autoscaler with crossed bounds",
      {
        apiVersion: "autoscaling/v2",
        kind: "HorizontalPodAutoscaler",
        metadata: { name: "a" },
        spec: { scaleTargetRef: { ...DEPLOYMENT, name: "kiro" }, minReplicas: 3, maxReplicas: 2 },
      },
      422,
      'HorizontalPodAutoscaler.autoscaling "a" is invalid: spec.maxReplicas: Invalid value: 2: must be greater than or equal to `minReplicas`',
    ],
    [
      "a budget of both kinds",
      {
        apiVersion: "policy/v1",
        kind: "PodDisruptionBudget",
        metadata: { name: "a" },
        spec: { minAvailable: 1, maxUnavailable: 1 },
      },
      422,
      /minAvailable and maxUnavailable cannot be both set/,
    ],
    [
      "more than Autopilot has",
      container({ resources: { requests: { cpu: "31", memory: "40Gi" } } }),
      400,
      /GKE Warden rejected[\s\S]*Total cpu requested by containers for workload 'kiro' is higher than the Autopilot maximum of '30'\./,
    ],
  ])("%s", async (_name, object, status, message) => {
    const error = await refusal(object);
    expect(error.message).toMatch(message);
    if (typeof message === "string") expect(error.message).toBe(message);
    expect(error.status).toBe(status);
    expect(cluster.list("apps/v1", "Deployment")).toEqual([]);
  });

  it("another selector for a Deployment that exists", async () => {
    const { cluster: own } = createClusterFixture();
    await own.apply(deploymentObject());
    const template = { metadata: { labels: { app: "b" } }, spec: { containers: [{ name: "a", image: "a" }] } };
    const error = await refusal(deploymentObject({ spec: { selector: { matchLabels: { app: "b" } }, template } }), own);
    expect(error.message).toBe(
      'Deployment.apps "kiro" is invalid: spec.selector: Invalid value: {"matchLabels":{"app":"b"}}: field is immutable',
    );
    expect(error.reason).toBe("Invalid");
  });

  it("a group's name that another Service has", async () => {
    const { cluster: own } = createClusterFixture();
    await own.apply(serviceObject(NEG));
    const other = { ...serviceObject(NEG), metadata: { name: "other", annotations: NEG } };
    expect((await refusal(other, own)).message).toContain(
      "network endpoint group kiro-gke belongs to Service default/kiro",
    );
    expect(own.get(reference(other))).toBeUndefined();
  });
});

describe("pods of a missing service account", () => {
  it("are made when it appears, and the Deployment says what is missing", async () => {
    const { cluster: own, clock, pods, deployment } = createClusterFixture();
    await own.apply(deploymentObject({ pod: { serviceAccountName: "agent" } }));
    await clock.advance(1_000);
    expect(pods()).toEqual([]);
    expect(deployment().status.conditions.find(({ type }) => type === "ReplicaFailure")?.message).toMatch(
      /^pods "kiro-\S+" is forbidden: error looking up service account default\/agent: serviceaccount "agent" not found$/,
    );
    await own.apply({ apiVersion: "v1", kind: "ServiceAccount", metadata: { name: "agent" } });
    await clock.advance(1_000);
    expect(pods()).toHaveLength(2);
    expect(deployment().status.conditions.map(({ type }) => type)).toEqual(["Available", "Progressing"]);
  });
});

describe("namespaces", () => {
  it("hold objects and take them with them; the system's stay", async () => {
    const { cluster: own, clock } = createClusterFixture();
    const namespace = { apiVersion: "v1", kind: "Namespace", metadata: { name: "agents" } };
    await own.apply(namespace);
    await own.apply({ ...deploymentObject(), metadata: { name: "kiro", namespace: "agents" } });
    await own.apply({ apiVersion: "v1", kind: "ConfigMap", metadata: { name: "m", namespace: "agents" }, data: {} });
    await clock.advance(2_000);
    const deleted = own.delete(reference(namespace));
    await clock.advance(0);
    await deleted;
    expect(own.list("v1", "Pod")).toEqual([]);
    expect(own.list("v1", "ConfigMap")).toEqual([]);
    expect(own.list("v1", "Namespace").map(({ metadata }) => metadata.name)).toEqual(["default", "kube-system"]);
    await expect(own.delete({ ...namespace, namespace: undefined, name: "default" })).rejects.toThrow(
      'namespaces "default" is forbidden: this namespace may not be deleted',
    );
    await expect(own.delete({ ...DEPLOYMENT, namespace: undefined, name: "none" })).rejects.toThrow(
      'deployments.apps "none" not found',
    );
  });
});

describe("stored objects", () => {
  it("have identity and defaults; an unchanged apply changes nothing, a new spec counts the generation", async () => {
    const { cluster: own, clock } = createClusterFixture();
    const first = await own.apply(deploymentObject());
    expect(first.metadata).toMatchObject({
      namespace: "default",
      generation: 1,
      creationTimestamp: "2030-01-01T00:00:00Z",
      uid: expect.stringMatching(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/),
    });
    expect(first["spec"]).toMatchObject({
      progressDeadlineSeconds: 600,
      strategy: { type: "RollingUpdate", rollingUpdate: { maxSurge: "25%", maxUnavailable: "25%" } },
      template: { spec: { terminationGracePeriodSeconds: 30, restartPolicy: "Always" } },
    });
    await clock.advance(2_000);
    const settled = own.get(reference(first));
    expect(await own.apply(deploymentObject())).toEqual(settled);
    // What was read is accepted again, as after a restart of the local cloud or a read-modify-write.
    expect(await own.apply(settled ?? first)).toEqual(settled);
    const next = await own.apply(deploymentObject({ spec: { replicas: 3 } }));
    expect(next.metadata).toMatchObject({ generation: 2, uid: first.metadata["uid"] ?? "" });
  });

  it("come back in an empty cluster", async () => {
    const before = createClusterFixture();
    before.negDelayMs = 0;
    await before.cluster.apply(deploymentObject());
    await before.cluster.apply(serviceObject(NEG));
    await before.clock.advance(2_000);
    const stored = [before.cluster.get(reference(deploymentObject())), before.cluster.get(reference(serviceObject()))];
    const after = createClusterFixture();
    for (const object of stored) if (object !== undefined) await after.cluster.apply(object);
    await after.clock.advance(1_000);
    expect(after.cluster.endpointGroups().flatMap(({ endpoints }) => endpoints)).toHaveLength(2);
    expect(after.cluster.get(reference(serviceObject()))?.["spec"]).toEqual(stored[1]?.["spec"]);
  });

  it("of a Secret keep text as base64", async () => {
    const secret = { apiVersion: "v1", kind: "Secret", metadata: { name: "keys" }, stringData: { a: "b" } };
    const stored = await createClusterFixture().cluster.apply(secret);
    expect(stored["data"]).toEqual({ a: "Yg==" });
    expect(stored["stringData"]).toBeUndefined();
  });
});

describe("Autopilot's resources", () => {
  const adjusted = (resources: Properties, nodeSelector: { [key: string]: string } = {}) => {
    const spec = podSpec.parse({ nodeSelector, containers: [{ name: "a", image: "a", resources }] });
    return adjustResources(spec, "kiro", {});
  };
  const requests = (resources: Properties, nodeSelector?: { [key: string]: string }) => {
    const { cpu, memory } = adjusted(resources, nodeSelector).spec.containers[0]?.resources.requests ?? {};
    return [cpu, memory];
  };

  it.each<[string, Properties, string[]]>([
    ["defaults", {}, ["500m", "2Gi"]],
    ["memory after CPU", { requests: { cpu: "1" } }, ["1", "4Gi"]],
    ["CPU after memory", { requests: { memory: "4Gi" } }, ["1", "4Gi"]],
    ["too much memory for the CPU", { requests: { cpu: "200m", memory: "2Gi" } }, ["308m", "2Gi"]],
    ["too little memory for the CPU", { requests: { cpu: "500m", memory: "256Mi" } }, ["500m", "512Mi"]],
    ["the minimum", { requests: { cpu: "1m", memory: "1Mi" } }, ["50m", "52Mi"]],
    ["limits stand in for requests", { limits: { cpu: "2", memory: "4Gi" } }, ["2", "4Gi"]],
    ["what fits stays as it is written", { requests: { cpu: "0.5", memory: "2048Mi" } }, ["0.5", "2048Mi"]],
  ])("%s", (_name, resources, expected) => {
    expect(requests(resources)).toEqual(expected);
  });

  it("follow the compute class", () => {
    expect(
      requests({ requests: { cpu: "100m", memory: "100Mi" } }, { "cloud.google.com/compute-class": "Balanced" }),
    ).toEqual(["250m", "512Mi"]);
    expect(
      requests({ requests: { cpu: "1", memory: "1Gi" } }, { "cloud.google.com/compute-class": "Scale-Out" }),
    ).toEqual(["1", "4Gi"]);
    expect(requests({ requests: { cpu: "1m" } }, { "cloud.google.com/compute-class": "Performance" })).toEqual([
      "1m",
      undefined,
    ]);
  });

  it("are noted on the object only when something was changed", () => {
    const whole = { cpu: "500m", memory: "2Gi", "ephemeral-storage": "1Gi" };
    expect(adjusted({ requests: whole, limits: whole }).annotations).toEqual({});
    const { annotations } = adjusted({ requests: { cpu: "200m", memory: "2Gi" } });
    expect(JSON.parse(annotations[RESOURCE_ADJUSTMENT] ?? "")).toMatchObject({
      input: { containers: [{ name: "a", requests: { cpu: "200m" } }] },
      output: { containers: [{ name: "a", requests: { cpu: "308m", "ephemeral-storage": "1Gi" } }] },
      modified: true,
    });
  });
});

describe("a PodDisruptionBudget", () => {
  it("reports what it allows", async () => {
    const { cluster: own, clock } = createClusterFixture();
    const budget = {
      apiVersion: "policy/v1",
      kind: "PodDisruptionBudget",
      metadata: { name: "kiro" },
      spec: { minAvailable: "50%", selector: { matchLabels: { app: "kiro" } } },
    };
    await own.apply(budget);
    await own.apply(deploymentObject({ spec: { replicas: 3 } }));
    await clock.advance(2_000);
    expect(own.get(reference(budget))?.["status"]).toEqual({
      observedGeneration: 1,
      expectedPods: 3,
      currentHealthy: 3,
      desiredHealthy: 2,
      disruptionsAllowed: 1,
    });
  });
});
