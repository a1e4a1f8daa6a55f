/** How single objects are read. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { injectedBy } from "../../../../automation/guard/facts/injection.ts";
import { kubernetesSection } from "../../../../automation/guard/facts/nodes.ts";
import { imageVersion, selects, Unreadable } from "../../../../automation/guard/facts/objects.ts";
import { readPods } from "../../../../automation/guard/facts/pods.ts";
import { quantity } from "../../../../automation/guard/facts/quantity.ts";
import { webhookSection } from "../../../../automation/guard/facts/webhooks.ts";
import { formatVersion } from "../../../../automation/guard/plan/versions.ts";
import type { KubernetesObject } from "../../../../automation/ports/kubernetes-api.ts";

const at = Date.parse("2026-11-30T10:00:00Z");

const pod = (spec: object, metadata: object = {}, status: object = {}): KubernetesObject => ({
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name: "cart-7d9f8b5c4-x2x4q", namespace: "shop", ...metadata },
  spec,
  status: { phase: "Running", conditions: [{ type: "Ready", status: "True" }], ...status },
});
const proxy = { name: "istio-proxy", image: "docker.io/istio/proxyv2:1.30.5-distroless" };
const one = (object: KubernetesObject) => {
  const [found] = readPods([object]);
  if (found === undefined) throw new Error("no pod");
  return found;
};

describe("a pod", () => {
  test.each<[string, object, string | undefined]>([
    ["a sidecar", { containers: [{ name: "app", image: "x:1" }, proxy] }, "1.30.5"],
    [
      "a native sidecar",
      { containers: [{ name: "app" }], initContainers: [{ ...proxy, restartPolicy: "Always" }] },
      "1.30.5",
    ],
    [
      "a digest after the tag",
      { containers: [{ ...proxy, image: `r:5000/proxyv2:1.31.1@sha256:${"a".repeat(64)}` }] },
      "1.31.1",
    ],
    ["a digest alone", { containers: [{ ...proxy, image: `r:5000/proxyv2@sha256:${"a".repeat(64)}` }] }, undefined],
    ["latest", { containers: [{ ...proxy, image: "proxyv2:latest" }] }, undefined],
  ])("with %s", (_, spec, version) => {
    const found = one(pod(spec)).proxy;
    expect(found).toBeDefined();
    expect(found?.version === undefined ? undefined : formatVersion(found.version)).toBe(version);
  });

  test("without a sidecar, and ztunnel, has no proxy", () => {
    expect(one(pod({ containers: [{ name: "app" }] })).proxy).toBeUndefined();
    const ztunnel = { ...proxy, image: "docker.io/istio/ztunnel:1.30.5" };
    expect(one(pod({ containers: [ztunnel] }, { labels: { app: "ztunnel" } })).proxy).toBeUndefined();
  });

  test.each<[string, object, string]>([
    ["annotation", { annotations: { "istio.io/rev": "1-31-1" } }, "1-31-1"],
    ["status of the injector", { annotations: { "sidecar.istio.io/status": '{"revision":"canary"}' } }, "canary"],
    ["label", { labels: { "istio.io/rev": "blue" } }, "blue"],
    ["default", { annotations: { "istio.io/rev": "default" } }, ""],
    ["status that is no JSON", { annotations: { "sidecar.istio.io/status": "{" } }, ""],
  ])("has its revision from %s", (_, metadata, revision) => {
    expect(one(pod({ containers: [proxy] }, metadata)).proxy?.revision).toBe(revision);
  });

  const owner = (kind: string, name: string, labels = {}) => ({
    labels,
    ownerReferences: [{ kind, name, controller: true }],
  });
  test.each<[object, string]>([
    [owner("ReplicaSet", "cart-7d9f8b5c4", { "pod-template-hash": "7d9f8b5c4" }), "Deployment cart"],
    [owner("ReplicaSet", "cart-7d9f8b5c4"), "Pod cart-7d9f8b5c4-x2x4q"],
    [owner("StatefulSet", "queue"), "StatefulSet queue"],
    [owner("Job", "report-28"), "Job report-28"],
    [owner("Rollout", "cart"), "Pod cart-7d9f8b5c4-x2x4q"],
    [{}, "Pod cart-7d9f8b5c4-x2x4q"],
  ])("%j belongs to %s", (metadata, expected) => {
    const { kind, name } = one(pod({ containers: [] }, metadata)).owner;
    expect(`${kind} ${name}`).toBe(expected);
  });

  test("that has ended or is being ended is gone", () => {
    expect(one(pod({}, { deletionTimestamp: "2026-11-30T10:00:00Z" })).gone).toBe(true);
    expect(one(pod({}, {}, { phase: "Succeeded" })).gone).toBe(true);
    expect(one(pod({})).gone).toBe(false);
  });

  test("that is not as a server sends it is said with its name and the field", () => {
    expect(() => readPods([pod({ containers: "none" })])).toThrow(
      /^Pod shop\/cart-7d9f8b5c4-x2x4q is not as expected: spec\.containers/,
    );
    expect(() => readPods([pod({ containers: "none" })])).toThrow(Unreadable);
  });
});

describe("a quantity", () => {
  test.each([
    ["500m", 0.5],
    ["2", 2],
    [3, 3],
    ["1.5Gi", 1.5 * 1024 ** 3],
    ["128974848", 128_974_848],
    ["1e3", 1_000],
    ["12E", 12e18],
    ["100k", 100_000],
    [".5", 0.5],
    ["2 cores", undefined],
    ["", undefined],
  ])("%s is %s", (text, value) => {
    expect(quantity(text)).toBe(value);
  });

  test("of any number and unit is the number times the unit", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 1e6 }), fc.constantFrom("Ki", "Mi", "Gi"), (count, unit) => {
        const factor = { Ki: 1024, Mi: 1024 ** 2, Gi: 1024 ** 3 }[unit];
        expect(quantity(`${count}${unit}`)).toBe(count * factor);
      }),
    );
  });
});

describe("free capacity", () => {
  const node = (name: string, change: object = {}, spec: object = {}): KubernetesObject => ({
    apiVersion: "v1",
    kind: "Node",
    metadata: { name },
    spec,
    status: { allocatable: { cpu: "2", memory: "4Gi" }, conditions: [{ type: "Ready", status: "True" }], ...change },
  });
  const on = (nodeName: string, spec: object) => pod({ nodeName, ...spec });
  const section = (nodes: readonly KubernetesObject[], pods: readonly KubernetesObject[] = []) =>
    kubernetesSection({
      version: "v1.33.4-eks-99b2f6a",
      failingChecks: [],
      nodes,
      pods: readPods(pods),
      meshNamespaces: ["istio-system"],
      now: at,
      windowMinutes: 60,
    });
  const requests = (cpu: string, memory: string) => ({ resources: { requests: { cpu, memory } } });

  test("is what allocatable leaves after requests, sidecars and init containers as the scheduler counts them", () => {
    const found = section(
      [node("a")],
      [
        on("a", {
          containers: [{ name: "app", ...requests("300m", "1Gi") }],
          initContainers: [
            { name: "istio-proxy", restartPolicy: "Always", ...requests("100m", "128Mi") },
            { name: "migrate", ...requests("1", "256Mi") },
          ],
        }),
      ],
    );
    // The init container asks for more CPU than all that stays; the memory of what stays is more.
    expect(found).toMatchObject({ freeCpuMillis: 1_000, freeMemoryMi: 4_096 - 1_152 });
  });

  test("counts no node that takes nothing: cordoned, tainted, not ready", () => {
    const nodes = [
      node("a"),
      node("b", {}, { unschedulable: true }),
      node("c", {}, { taints: [{ key: "gpu", effect: "NoSchedule" }] }),
      node("d", { conditions: [{ type: "Ready", status: "Unknown" }] }),
    ];
    expect(section(nodes)).toMatchObject({ freeCpuMillis: 2_000, freeMemoryMi: 4_096, minor: "1.33" });
    expect(
      section(nodes)
        .nodes.filter(({ ready }) => !ready)
        .map(({ name }) => name),
    ).toEqual(["d"]);
  });

  test("is never negative, and a pod that has ended takes nothing", () => {
    const greedy = on("a", { containers: [{ name: "app", ...requests("8", "64Gi") }] });
    expect(section([node("a")], [greedy])).toMatchObject({ freeCpuMillis: 0, freeMemoryMi: 0 });
    expect(section([node("a")], [{ ...greedy, status: { phase: "Failed" } }])).toMatchObject({ freeCpuMillis: 2_000 });
  });

  test.each([
    ["an hour and a half ago", 5_400, 0, 86_400],
    ["ten minutes ago, of an old pod", 600, 1, 86_400],
    ["ten minutes ago, of a pod that is younger than the window", 600, 7, 1_200],
  ])("restarts that ended %s count as they can", (_, ago, restarts, age) => {
    const restarted = pod(
      { containers: [] },
      { namespace: "kube-system", creationTimestamp: new Date(at - age * 1_000).toISOString() },
      {
        containerStatuses: [
          {
            name: "c",
            ready: true,
            restartCount: 7,
            lastState: { terminated: { finishedAt: new Date(at - ago * 1_000).toISOString() } },
          },
        ],
      },
    );
    expect(section([node("a")], [restarted]).criticalPods).toMatchObject([{ ready: true, restarts }]);
  });

  test("of no node cannot be told", () => {
    expect(() => section([])).toThrow(Unreadable);
    expect(() => section([node("a", { allocatable: { cpu: "two" } })])).toThrow(/"two" is no quantity/);
  });
});

describe("injection", () => {
  const injection = {
    namespaces: [
      { name: "plain", injection: "unset" as const, revision: "" },
      { name: "on", injection: "enabled" as const, revision: "" },
      { name: "off", injection: "disabled" as const, revision: "" },
      { name: "tagged", injection: "unset" as const, revision: "stable" },
      { name: "raw", injection: "unset" as const, revision: "1-31-1" },
      { name: "both", injection: "enabled" as const, revision: "stable" },
      { name: "gone", injection: "unset" as const, revision: "1-20-0" },
      { name: "kube-system", injection: "enabled" as const, revision: "" },
    ],
    tags: [{ tag: "stable", revision: "1-30-5" }],
  };
  const revisions = ["", "1-30-5", "1-31-1"];
  test.each<[string, Readonly<Record<string, string>>, string | undefined]>([
    ["plain", {}, undefined],
    ["plain", { "sidecar.istio.io/inject": "true" }, ""],
    ["plain", { "sidecar.istio.io/inject": "true", "istio.io/rev": "1-31-1" }, "1-31-1"],
    ["on", {}, ""],
    ["on", { "sidecar.istio.io/inject": "false" }, undefined],
    ["off", { "sidecar.istio.io/inject": "true" }, undefined],
    ["tagged", {}, "1-30-5"],
    ["raw", {}, "1-31-1"],
    ["both", {}, ""],
    ["gone", {}, undefined],
    ["kube-system", {}, undefined],
  ])("of a pod in %s with %j is by %s", (place, labels, expected) => {
    expect(injectedBy(injection, revisions, place, labels)).toBe(expected);
  });

  test("by a default tag goes to its revision", () => {
    const tagged = { ...injection, tags: [{ tag: "default", revision: "1-31-1" }] };
    expect(injectedBy(tagged, revisions, "on", {})).toBe("1-31-1");
  });
});

describe("small readings", () => {
  test.each([
    ["docker.io/istio/pilot:1.30.5", "1.30.5"],
    ["registry:5000/istio/pilot:1.31.0-rc.1-distroless", "1.31.0-rc.1"],
    ["registry:5000/istio/pilot", undefined],
  ])("the version of %s is %s", (image, version) => {
    const found = imageVersion(image);
    expect(found === undefined ? undefined : formatVersion(found)).toBe(version);
  });

  test("selectors are Kubernetes': none selects nothing, an empty one everything", () => {
    const labels = { app: "cart", tier: "web" };
    const expression = (key: string, operator: string, values: string[] = []) => ({
      matchLabels: {},
      matchExpressions: [{ key, operator, values }],
    });
    expect(selects(undefined, labels)).toBe(false);
    expect(selects({ matchLabels: {}, matchExpressions: [] }, labels)).toBe(true);
    expect(selects({ matchLabels: { app: "cart", tier: "db" }, matchExpressions: [] }, labels)).toBe(false);
    expect(selects(expression("tier", "In", ["web", "db"]), labels)).toBe(true);
    expect(selects(expression("tier", "NotIn", ["web"]), labels)).toBe(false);
    expect(selects(expression("zone", "NotIn", ["a"]), labels)).toBe(true);
    expect(selects(expression("zone", "Exists"), labels)).toBe(false);
    expect(selects(expression("zone", "DoesNotExist"), labels)).toBe(true);
    expect(() => selects(expression("zone", "Gt", ["1"]), labels)).toThrow(Unreadable);
  });

  test("a webhook's endpoints are those of its own service that are not said to be unready", () => {
    const configuration: KubernetesObject = {
      apiVersion: "admissionregistration.k8s.io/v1",
      kind: "ValidatingWebhookConfiguration",
      metadata: { name: "istio-validator-istio-system" },
      webhooks: [
        { name: "a", clientConfig: { caBundle: "LS0t", service: { name: "istiod", namespace: "istio-system" } } },
        { name: "b", clientConfig: { service: { name: "istiod", namespace: "istio-system" } } },
      ],
    };
    const slice = (namespace: string, ready: readonly (boolean | undefined)[]): KubernetesObject => ({
      apiVersion: "discovery.k8s.io/v1",
      kind: "EndpointSlice",
      metadata: { name: "istiod-x", namespace, labels: { "kubernetes.io/service-name": "istiod" } },
      endpoints: ready.map((value) => ({ conditions: value === undefined ? {} : { ready: value } })),
    });
    const foreign: KubernetesObject = {
      ...configuration,
      metadata: { name: "vault" },
      webhooks: [{ name: "v", clientConfig: { service: { name: "vault", namespace: "v" } } }],
    };
    const found = webhookSection({
      validating: [configuration, foreign],
      mutating: [],
      services: [{ apiVersion: "v1", kind: "Service", metadata: { name: "istiod", namespace: "istio-system" } }],
      endpointSlices: [slice("istio-system", [true, false, undefined]), slice("other", [true])],
    });
    expect(found).toEqual([
      {
        name: "istio-validator-istio-system",
        kind: "validating",
        service: "istiod",
        serviceExists: true,
        readyEndpoints: 2,
        caBundle: false,
      },
    ]);
  });
});
