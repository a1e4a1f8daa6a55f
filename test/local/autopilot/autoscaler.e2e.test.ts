import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, expect, it } from "vitest";
import type { Cluster } from "../../../local/autopilot/cluster.ts";
import { createCluster } from "../../../local/autopilot/create-cluster.ts";
import { deploymentSchema } from "../../../local/autopilot/objects/workloads.ts";
import { buildImage } from "../../../local/registry/image.ts";
import { openRegistry } from "../../../local/registry/registry.ts";
import { createProcessRuntime } from "../../../local/runtime/process-runtime.ts";
import type { Runtime } from "../../../local/runtime/runtime.ts";
import { systemClock } from "../../../local/runtime/system-clock.ts";
import { removeFolder } from "../../support/remove-folder.ts";
import { until } from "../daemon/daemon-process.ts";
import { DEPLOYMENT, deploymentObject, reference, ZONES } from "./cluster-fixture.ts";

let root: string;
let image: string;
let runtime: Runtime;
let cluster: Cluster;

beforeEach(async () => {
  root = await mkdtemp(path.join(tmpdir(), "autoscaler-"));
  const imagesDirectory = path.join(root, "images");
  const folder = fileURLToPath(new URL("../../fixtures/images/cpu-burner", import.meta.url));
  image = (await buildImage({ folder, imagesDirectory })).image;
  const logsDirectory = path.join(root, "local", "logs");
  runtime = createProcessRuntime({ registry: openRegistry(imagesDirectory), logsDirectory, clock: systemClock });
  cluster = createCluster({
    name: "agents",
    endpoint: "https://10.0.0.1",
    project: "switchyard-local",
    zones: ZONES,
    runtime,
    clock: systemClock,
    negDelayMs: () => 0,
    autoscalerSyncMs: () => 1000,
  });
});

afterEach(async () => {
  await cluster.close();
  await runtime.close(0);
  await removeFolder(root);
});

const ready = (): number =>
  deploymentSchema.parse(cluster.get({ ...DEPLOYMENT, namespace: "default", name: "kiro" })).status.readyReplicas;

/** Tells all pods that listen by now; one that does not yet burns nothing. */
async function burn(share: number): Promise<void> {
  const told = runtime.instances().map(async ({ origin }) => (await fetch(`${origin}/burn?share=${share}`)).text());
  await Promise.allSettled(told);
}

it("given pods that burn CPU, more pods run; given pods that idle again, they go", async () => {
  const deployment = deploymentObject({
    spec: { replicas: 1 },
    container: { image, resources: { requests: { cpu: "250m", memory: "512Mi" } } },
  });
  await cluster.apply(deployment);
  await cluster.ready(reference(deployment), AbortSignal.timeout(30_000));
  await cluster.apply({
    apiVersion: "autoscaling/v2",
    kind: "HorizontalPodAutoscaler",
    metadata: { name: "kiro" },
    spec: {
      scaleTargetRef: { ...DEPLOYMENT, name: "kiro" },
      minReplicas: 1,
      maxReplicas: 3,
      metrics: [
        { type: "Resource", resource: { name: "cpu", target: { type: "Utilization", averageUtilization: 50 } } },
      ],
      behavior: {
        scaleUp: { policies: [{ type: "Pods", value: 1, periodSeconds: 1 }] },
        scaleDown: { stabilizationWindowSeconds: 2 },
      },
    },
  });

  // Half of a quarter core is the target: also on a busy machine each pod gets more than that.
  await burn(0.9);
  await until("a second pod is ready", async () => ready() >= 2, 40_000);
  expect(runtime.instances().length).toBeGreaterThanOrEqual(2);

  const isAlone = async (): Promise<boolean> => {
    await burn(0);
    return ready() === 1 && runtime.instances().length === 1;
  };
  await until("one pod is left", isAlone, 40_000);
});
