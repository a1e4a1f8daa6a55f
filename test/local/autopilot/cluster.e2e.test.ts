import { mkdtemp, readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, expect, it } from "vitest";
import { z } from "zod";
import type { Cluster } from "../../../local/autopilot/cluster.ts";
import { createCluster } from "../../../local/autopilot/create-cluster.ts";
import { buildImage } from "../../../local/registry/image.ts";
import { openRegistry } from "../../../local/registry/registry.ts";
import { createProcessRuntime } from "../../../local/runtime/process-runtime.ts";
import type { Runtime } from "../../../local/runtime/runtime.ts";
import { systemClock } from "../../../local/runtime/system-clock.ts";
import { removeFolder } from "../../support/remove-folder.ts";
import { deploymentObject, NEG, reference, serviceObject, ZONES } from "./cluster-fixture.ts";

let root: string;
let image: string;
let runtime: Runtime;
let cluster: Cluster;
let negDelayMs = 0;

beforeEach(async () => {
  root = await mkdtemp(path.join(tmpdir(), "autopilot-"));
  const imagesDirectory = path.join(root, "images");
  const folder = fileURLToPath(new URL("../../fixtures/images/echo", import.meta.url));
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
    negDelayMs: () => negDelayMs,
  });
});

afterEach(async () => {
  await cluster.close();
  await runtime.close(0);
  await removeFolder(root);
});

const echoed = z.object({ env: z.object({ VERSION: z.string() }) });
const deadline = () => AbortSignal.timeout(30_000);
const origins = () => cluster.endpointGroups().flatMap(({ endpoints }) => endpoints.map(({ origin }) => origin));

/** Resolves when `test` holds for the endpoint groups. */
function groupsBecome(test: () => boolean): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const signal = deadline();
  signal.addEventListener("abort", () => reject(new Error("The endpoint groups did not become what was expected.")));
  const stop = cluster.onEndpointsChange(look);
  function look(): void {
    if (test()) resolve();
  }
  look();
  return promise.finally(stop);
}

function workload(version: string) {
  return deploymentObject({
    container: {
      image,
      env: [{ name: "VERSION", value: version }],
      lifecycle: { preStop: { sleep: { seconds: 1 } } },
    },
    pod: { terminationGracePeriodSeconds: 5 },
  });
}

it("runs a Deployment as processes behind endpoint groups, updates it without a gap, and ends it with grace", async () => {
  // Given a Service with the annotation and no pods
  negDelayMs = 300;
  await cluster.apply(serviceObject(NEG));
  expect(cluster.endpointGroups()).toEqual([]);

  // When the groups appear, they are empty and there is one per zone
  await groupsBecome(() => cluster.endpointGroups().length === ZONES.length);
  expect(origins()).toEqual([]);

  // When the Deployment is ready, both pods answer with their environment
  await cluster.apply(workload("1"));
  await cluster.ready(reference(workload("1")), deadline());
  await cluster.ready(reference(serviceObject()), deadline());
  await groupsBecome(() => origins().length === 2);
  const versions = () =>
    Promise.all(origins().map(async (origin) => echoed.parse(await (await fetch(origin)).json()).env.VERSION));
  expect(await versions()).toEqual(["1", "1"]);

  // When the template changes, there is never a moment without an endpoint, and every published endpoint answers
  let fewest = Number.POSITIVE_INFINITY;
  const answers: Promise<number>[] = [];
  const stop = cluster.onEndpointsChange(() => {
    fewest = Math.min(fewest, origins().length);
    answers.push(...origins().map(async (origin) => (await fetch(origin)).status));
  });
  await cluster.apply(workload("2"));
  await cluster.ready(reference(workload("2")), deadline());
  stop();
  expect(fewest).toBeGreaterThanOrEqual(2);
  expect(new Set(await Promise.all(answers))).toEqual(new Set([200]));
  expect(await versions()).toEqual(["2", "2"]);

  // When it is deleted, the endpoints leave at once and the processes end by SIGTERM after the hook
  const deleted = cluster.delete(reference(workload("2")));
  await groupsBecome(() => origins().length === 0);
  expect(runtime.instances().length).toBeGreaterThanOrEqual(2);
  await deleted;
  expect(runtime.instances()).toEqual([]);
  expect(runtime.exits().map(({ code, expected }) => [code, expected])).toEqual(Array(4).fill([0, true]));
});

it("says why a Deployment does not come up, with the process' own words", async () => {
  const object = deploymentObject({
    spec: { replicas: 1, progressDeadlineSeconds: 4 },
    container: { image, env: [{ name: "FAIL_START", value: "1" }] },
  });
  await cluster.apply(object);
  await expect(cluster.ready(reference(object), deadline())).rejects.toThrow(
    /Deployment 'kiro' failed to become Ready[\s\S]*exit code 3 \(Error\)[\s\S]*cannot reach its configuration/,
  );
  const logs = path.join(root, "local", "logs", `${cluster.list("v1", "Pod")[0]?.metadata.name}.log`);
  expect(await readFile(logs, "utf8")).toContain("cannot reach its configuration");
});
