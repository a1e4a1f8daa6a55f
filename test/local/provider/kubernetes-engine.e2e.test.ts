import { Cluster } from "@pulumi/gcp/container/cluster.js";
import { Deployment } from "@pulumi/kubernetes/apps/v1/deployment.js";
import { ConfigMap } from "@pulumi/kubernetes/core/v1/configMap.js";
import { Namespace } from "@pulumi/kubernetes/core/v1/namespace.js";
import { Pod } from "@pulumi/kubernetes/core/v1/pod.js";
import { Secret } from "@pulumi/kubernetes/core/v1/secret.js";
import { Service } from "@pulumi/kubernetes/core/v1/service.js";
import { Provider } from "@pulumi/kubernetes/provider.js";
import { all, type Input } from "@pulumi/pulumi";
import type { PulumiFn, Stack } from "@pulumi/pulumi/automation/index.js";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { startEngine, type TestEngine } from "../../support/engine.ts";
import { createFakeCloud } from "../../support/fake-cloud.ts";

const fake = createFakeCloud();
const { resources, clusters } = fake.cloud;
const endpoint = "c.us-central1.switchyard-local.gke.localhost";
const inCluster = { name: "c", endpoint, project: "switchyard-local", location: "us-central1" };
let engine: TestEngine;
let stackCount = 0;

beforeAll(async () => {
  engine = await startEngine(fake.cloud);
});
afterAll(() => engine.close());
beforeEach(async () => {
  fake.faults.ready = undefined;
  for (const resource of resources.list()) await resources.delete(resource.type, resource.id, resource.cluster);
});

const newStack = (program: PulumiFn): Promise<Stack> => engine.stack(`k8s${++stackCount}`, program);

function kubeconfig(server: string): string {
  return JSON.stringify({
    apiVersion: "v1",
    kind: "Config",
    "current-context": "c",
    clusters: [{ name: "c", cluster: { server } }],
    contexts: [{ name: "c", context: { cluster: "c", user: "u" } }],
    users: [],
  });
}

function deploymentSpec(image: Input<string>, app = "agent"): ConstructorParameters<typeof Deployment>[1] & object {
  return {
    spec: {
      replicas: 2,
      selector: { matchLabels: { app } },
      template: { metadata: { labels: { app } }, spec: { containers: [{ name: "agent", image }] } },
    },
  };
}

test("a cluster and what is in it, in one program: unknown at preview, up, no change, destroy", async () => {
  const stack = await newStack(async () => {
    const cluster = new Cluster("c", {
      name: "c",
      location: "us-central1",
      enableAutopilot: true,
      deletionProtection: false,
    });
    const config = all([cluster.endpoint, cluster.masterAuth.clusterCaCertificate]).apply(([host]) =>
      kubeconfig(`https://${host}`),
    );
    const provider = new Provider("k", { kubeconfig: config });
    const space = new Namespace("space", {}, { provider });
    const namespace = space.metadata.name;
    const deployment = new Deployment(
      "agent",
      { ...deploymentSpec("i"), metadata: { namespace, name: "agent" } },
      { provider },
    );
    const service = new Service("agent", { metadata: { namespace }, spec: { ports: [{ port: 80 }] } }, { provider });
    return {
      id: deployment.id,
      status: deployment.status,
      space: namespace,
      service: service.id,
      zones: cluster.nodeLocations,
    };
  });
  const preview = await stack.preview();
  expect(preview.changeSummary).toEqual({ create: 6 });
  expect(resources.list()).toEqual([]);

  const { outputs } = await stack.up();
  expect(outputs["space"]?.value).toMatch(/^space-[0-9a-f]{8}$/);
  expect(outputs["id"]?.value).toBe(`${outputs["space"]?.value}/agent`);
  expect(outputs["status"]?.value).toEqual({ seen: true });
  expect(outputs["zones"]?.value).toEqual(["us-central1-a", "us-central1-b", "us-central1-c"]);
  expect(resources.list("kubernetes:core/v1:Namespace")[0]?.cluster).toBe(endpoint);

  expect((await stack.up({ refresh: true })).summary.resourceChanges).toEqual({ same: 6 });
  await stack.destroy();
  expect(resources.list()).toEqual([]);
  expect(clusters.get(endpoint)).toBeUndefined();
});

test("update in place, replacement of a named object, what another controller changed", async () => {
  await clusters.create(inCluster);
  let spec = deploymentSpec("one");
  let data: Record<string, string> = { a: "1" };
  const stack = await newStack(async () => {
    const provider = new Provider("k", { kubeconfig: kubeconfig(`https://${endpoint}/`), namespace: "agents" });
    const made = new Deployment(
      "agent",
      { ...spec, metadata: { name: "agent" } },
      { provider, ignoreChanges: ["spec.replicas"] },
    );
    const config = new ConfigMap("config", { data }, { provider });
    return { uid: made.metadata.uid, id: made.id, config: config.id };
  });
  const first = await stack.up();
  expect(first.outputs["id"]?.value).toBe("agents/agent");

  spec = deploymentSpec("two");
  const updated = await stack.up();
  expect(updated.summary.resourceChanges).toMatchObject({ update: 1 });
  expect(updated.outputs["uid"]).toEqual(first.outputs["uid"]);

  const which = { apiVersion: "apps/v1", kind: "Deployment", namespace: "agents", name: "agent" };
  const live = clusters.get(endpoint)?.get(which);
  if (live === undefined) throw new Error("The deployment is not there.");
  await clusters.get(endpoint)?.apply({ ...live, spec: { ...(live["spec"] as object), replicas: 7 } });
  await stack.up({ refresh: true });
  expect(clusters.get(endpoint)?.get(which)).toMatchObject({ spec: { replicas: 7 } });

  spec = deploymentSpec("two", "other");
  data = { a: "2" };
  const replaced = await stack.up();
  expect(replaced.summary.resourceChanges).toMatchObject({ replace: 2 });
  expect(replaced.outputs["uid"]).not.toEqual(first.outputs["uid"]);
  expect(replaced.outputs["config"]).not.toEqual(first.outputs["config"]);
  expect(clusters.get(endpoint)?.list("v1", "ConfigMap")).toHaveLength(1);
  await stack.destroy();
});

test("the data of a Secret is secret although no input was", async () => {
  await clusters.create(inCluster);
  const stack = await newStack(async () => {
    const provider = new Provider("k", { kubeconfig: kubeconfig(endpoint) });
    return { data: new Secret("s", { stringData: { key: "swordfish" } }, { provider }).stringData };
  });
  const { outputs } = await stack.up();
  expect(outputs["data"]).toEqual({ value: { key: "swordfish" }, secret: true });
  await stack.destroy();
});

test("an object that does not become ready is kept and tried again; skipAwait does not wait", async () => {
  await clusters.create(inCluster);
  let annotations: Record<string, string> = {};
  const stack = await newStack(async () => {
    const provider = new Provider("k", { kubeconfig: kubeconfig(endpoint) });
    new Deployment("agent", { ...deploymentSpec("i"), metadata: { name: "agent", annotations } }, { provider });
  });
  fake.faults.ready = "0 of 2 pods are ready: the image was not found";
  await expect(stack.up()).rejects.toThrow(/did not become ready: 0 of 2 pods/);
  expect(clusters.get(endpoint)?.list("apps/v1", "Deployment")).toHaveLength(1);
  annotations = { "pulumi.com/skipAwait": "true" };
  expect((await stack.up()).summary.resourceChanges).toMatchObject({ update: 1 });
  await stack.destroy();
});

test("a custom timeout ends the wait", async () => {
  await clusters.create(inCluster);
  const stack = await newStack(async () => {
    const provider = new Provider("k", { kubeconfig: kubeconfig(endpoint) });
    new Deployment("agent", deploymentSpec("i"), { provider, customTimeouts: { create: "1s" } });
  });
  fake.faults.ready = "hang";
  await expect(stack.up()).rejects.toThrow(/did not become ready: Timed out after 1 s/);
  fake.faults.ready = undefined;
  await stack.destroy();
});

test("Cancel aborts what runs", async () => {
  await clusters.create(inCluster);
  const stack = await newStack(async () => {
    const provider = new Provider("k", { kubeconfig: kubeconfig(endpoint) });
    new Deployment("agent", deploymentSpec("i"), { provider });
  });
  fake.faults.ready = "hang";
  const controller = new AbortController();
  const watching = resources.onChange(() => undefined);
  const running = stack.up({
    signal: controller.signal,
    onEvent: (event) => {
      if (event.resourcePreEvent?.metadata.type === "kubernetes:apps/v1:Deployment") controller.abort();
    },
  });
  await expect(running).rejects.toThrow(/cancel/i);
  watching();
  fake.faults.ready = undefined;
  await stack.destroy();
});

test("no kubeconfig, one that is none, and one of an unknown cluster are refused with what is known", async () => {
  await clusters.create(inCluster);
  const missing = await newStack(async () => {
    new Namespace("n", {});
  });
  await expect(missing.up()).rejects.toThrow(/no kubeconfig.*It has no cluster/s);
  const broken = await newStack(async () => {
    new Namespace("n", {}, { provider: new Provider("k", { kubeconfig: "{}" }) });
  });
  await expect(broken.up()).rejects.toThrow(/kubeconfig has no context/);
  const unknown = await newStack(async () => {
    new Namespace("n", {}, { provider: new Provider("k", { kubeconfig: kubeconfig("https://nowhere") }) });
  });
  await expect(unknown.up()).rejects.toThrow(/no cluster at nowhere/);
  const kind = await newStack(async () => {
    const provider = new Provider("k", { kubeconfig: kubeconfig(endpoint) });
    new Pod("p", { spec: { containers: [] } }, { provider });
  });
  await expect(kind.up()).rejects.toThrow(/does not simulate the resource kubernetes:core\/v1:Pod/);
});
