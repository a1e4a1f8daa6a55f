import { expect, test } from "vitest";
import { cloudRunService } from "../../../local/provider/gcp/cloudrunv2-service.ts";
import { containerCluster, endpointOf } from "../../../local/provider/gcp/container-cluster.ts";
import { kubernetesTypes } from "../../../local/provider/kubernetes/index.ts";
import { create, read, remove } from "../../../local/provider/operations.ts";
import type { OperationContext, Properties, ResourceType } from "../../../local/provider/resource-type.ts";
import { restoreResources } from "../../../local/provider/restore.ts";
import { readSchema } from "../../../local/provider/schema.ts";
import { createFakeCloud, type FakeCloud } from "../../support/fake-cloud.ts";

const defaults = { project: "p", region: "r", zone: "r-a" };
const endpoint = endpointOf("projects/p/locations/r/clusters/c");
const namespace = kubernetesTypes.find((type) => type.token === "kubernetes:core/v1:Namespace");
if (namespace === undefined) throw new Error("No Namespace.");

function operation(type: ResourceType, { cloud }: FakeCloud, cluster?: string) {
  const context: OperationContext = { cloud, settings: { ...defaults, cluster }, signal: new AbortController().signal };
  const provider = cluster === undefined ? ("gcp" as const) : ("kubernetes" as const);
  return { provider, type, schema: readSchema(provider), context };
}

const declared = (values: Properties) => ({ values, secrets: [] });

async function declareAll(fake: FakeCloud): Promise<void> {
  if (namespace === undefined) return;
  const cluster = { name: "c", location: "r", project: "p", enableAutopilot: true, deletionProtection: false };
  await create(operation(containerCluster, fake), declared(cluster));
  await create(operation(namespace, fake, endpoint), declared({ metadata: { name: "agents" } }));
  const service = { name: "s", location: "r", project: "p", template: { containers: [{ image: "i" }] } };
  await create(operation(cloudRunService, fake), declared(service));
}

test("after a restart everything declared is back, in order, and one failure does not stop the rest", async () => {
  const before = createFakeCloud();
  await declareAll(before);

  const after = createFakeCloud();
  for (const resource of before.cloud.resources.list()) await after.cloud.resources.put(resource);
  await after.cloud.resources.put({
    provider: "kubernetes",
    type: "kubernetes:core/v1:Namespace",
    id: "lost",
    cluster: "gone",
    inputs: {},
    outputs: {},
  });
  const signal = new AbortController().signal;
  const failures = await restoreResources(
    after.cloud,
    [containerCluster, ...kubernetesTypes, cloudRunService],
    defaults,
    signal,
  );

  expect(after.calls).toEqual(["cluster create c", "restore projects/p/locations/r/services/s"]);
  expect(after.cloud.clusters.get(endpoint)?.list("v1", "Namespace")).toHaveLength(1);
  const name = "projects/p/locations/r/services/s";
  expect(after.cloud.cloudRun.get(name)).toEqual(before.cloud.cloudRun.get(name));
  expect(failures).toMatchObject([{ id: "lost", error: { message: expect.stringContaining("no cluster at gone") } }]);
});

test("what was declared in a cluster goes with the cluster", async () => {
  const fake = createFakeCloud();
  await declareAll(fake);
  await remove(operation(containerCluster, fake), "projects/p/locations/r/clusters/c");
  expect(fake.cloud.resources.list().map((resource) => resource.type)).toEqual([cloudRunService.token]);
});

test("a resource with deletionPolicy PREVENT stays, one with ABANDON stays and is nobody's", async () => {
  const fake = createFakeCloud();
  const service = { name: "s", location: "r", project: "p", template: { containers: [{ image: "i" }] } };
  const id = "projects/p/locations/r/services/s";
  await create(operation(cloudRunService, fake), declared({ ...service, deletionPolicy: "PREVENT" }));
  await expect(remove(operation(cloudRunService, fake), id)).rejects.toThrow("PREVENT");
  const stored = fake.cloud.resources.get(cloudRunService.token, id);
  if (stored === undefined) throw new Error("It is gone.");
  await fake.cloud.resources.put({ ...stored, inputs: { ...stored.inputs, deletionPolicy: "ABANDON" } });
  await remove(operation(cloudRunService, fake), id);
  expect(fake.cloud.cloudRun.get(id)).toBeDefined();
});

test("what was never there cannot be read", async () => {
  const fake = createFakeCloud();
  const known = { id: "nope", inputs: declared({}), outputs: declared({}) };
  expect(await read(operation(cloudRunService, fake), known)).toBeUndefined();
});
