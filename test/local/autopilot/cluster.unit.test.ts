import { describe, expect, it } from "vitest";
import { isPodReady, ZONE_LABEL } from "../../../local/autopilot/objects/pod.ts";
import {
  createClusterFixture,
  DEPLOYMENT,
  deploymentObject,
  NEG,
  reference,
  serviceObject,
  ZONES,
} from "./cluster-fixture.ts";

const never = new AbortController().signal;

describe("a Deployment", () => {
  it("becomes a ReplicaSet and ready pods in different zones", async () => {
    const { cluster, clock, pods, deployment } = createClusterFixture();
    const object = deploymentObject();
    await cluster.apply(object);
    const ready = cluster.ready(reference(object), never);
    await clock.advance(1_000);
    await ready;
    expect(pods().map((pod) => pod.metadata.labels[ZONE_LABEL])).toEqual([ZONES[0], ZONES[1]]);
    expect(pods().every(isPodReady)).toBe(true);
    expect(pods()[0]?.metadata.name).toMatch(/^kiro-[b-z2-9]+-[b-z2-9]{5}$/);
    expect(deployment().status).toMatchObject({
      observedGeneration: 1,
      replicas: 2,
      updatedReplicas: 2,
      readyReplicas: 2,
      availableReplicas: 2,
      unavailableReplicas: 0,
    });
    expect(deployment().status.conditions.map(({ type, status, reason }) => [type, status, reason])).toEqual([
      ["Available", "True", "MinimumReplicasAvailable"],
      ["Progressing", "True", "NewReplicaSetAvailable"],
    ]);
    expect(deployment().metadata.annotations["deployment.kubernetes.io/revision"]).toBe("1");
  });

  it("is at rest once it is ready: nothing but the probes is scheduled, and their results change no object", async () => {
    const { cluster, clock } = createClusterFixture();
    await cluster.apply(deploymentObject());
    await clock.advance(2_000);
    const before = cluster.list("apps/v1", "Deployment");
    await clock.advance(60_000);
    expect(cluster.list("apps/v1", "Deployment")).toEqual(before);
    expect(clock.pending()).toHaveLength(2);
  });

  it("scales up and down; the youngest pods go first", async () => {
    const { cluster, clock, pods } = createClusterFixture();
    await cluster.apply(deploymentObject());
    await clock.advance(2_000);
    const first = pods().map((pod) => pod.metadata.name);
    await cluster.apply(deploymentObject({ spec: { replicas: 5 } }));
    await clock.advance(2_000);
    expect(pods().filter(isPodReady)).toHaveLength(5);
    expect(cluster.list("apps/v1", "ReplicaSet")).toHaveLength(1);
    await cluster.apply(deploymentObject({ spec: { replicas: 2 } }));
    await clock.advance(2_000);
    expect(pods().map((pod) => pod.metadata.name)).toEqual(first);
  });

  it("keeps its size when an update does not name one, and an autoscaler holds it within its bounds", async () => {
    const { cluster, clock, deployment } = createClusterFixture();
    await cluster.apply(deploymentObject({ spec: { replicas: 4 } }));
    await clock.advance(1_000);
    await cluster.apply(deploymentObject({ spec: { replicas: null, minReadySeconds: 1 } }));
    await clock.advance(5_000);
    expect(deployment().spec.replicas).toBe(4);
    await cluster.apply({
      apiVersion: "autoscaling/v2",
      kind: "HorizontalPodAutoscaler",
      metadata: { name: "kiro" },
      spec: { scaleTargetRef: { ...DEPLOYMENT, name: "kiro" }, minReplicas: 1, maxReplicas: 3 },
    });
    await clock.advance(5_000);
    expect(deployment().status.readyReplicas).toBe(3);
  });

  it("replaces a pod that is deleted at once", async () => {
    const { cluster, clock, pods } = createClusterFixture();
    await cluster.apply(deploymentObject());
    await clock.advance(1_000);
    const name = pods()[0]?.metadata.name ?? "";
    const deleted = cluster.delete({ apiVersion: "v1", kind: "Pod", namespace: "default", name });
    await clock.advance(2_000);
    await deleted;
    expect(pods().filter(isPodReady)).toHaveLength(2);
    expect(pods().some((pod) => pod.metadata.name === name)).toBe(false);
  });

  it("recreates: all old pods are gone before the first new one starts", async () => {
    const { cluster, clock, runtime, pods } = createClusterFixture();
    runtime.exitAfterMs = 3_000;
    const spec = { strategy: { type: "Recreate" } };
    await cluster.apply(deploymentObject({ spec }));
    await clock.advance(1_000);
    await cluster.apply(deploymentObject({ spec, container: { env: [{ name: "A", value: "2" }] } }));
    await clock.advance(2_000);
    expect(runtime.started).toHaveLength(2);
    await clock.advance(2_000);
    expect(runtime.started).toHaveLength(4);
    expect(pods().filter(isPodReady)).toHaveLength(2);
  });

  it("comes back to an earlier template with the earlier ReplicaSet and a new revision", async () => {
    const { cluster, clock, deployment } = createClusterFixture();
    const changed = deploymentObject({ container: { env: [{ name: "A", value: "2" }] } });
    for (const object of [deploymentObject(), changed, deploymentObject()]) {
      await cluster.apply(object);
      await clock.advance(10_000);
    }
    expect(cluster.list("apps/v1", "ReplicaSet")).toHaveLength(2);
    expect(deployment().metadata.annotations["deployment.kubernetes.io/revision"]).toBe("3");
    expect(deployment().status).toMatchObject({ replicas: 2, updatedReplicas: 2, availableReplicas: 2 });
  });

  it("goes with everything it owns, after the pods' grace", async () => {
    const { cluster, clock, runtime } = createClusterFixture();
    runtime.exitAfterMs = 4_000;
    const object = deploymentObject();
    await cluster.apply(object);
    await clock.advance(1_000);
    let gone = false;
    const deleted = cluster.delete(reference(object)).then(() => {
      gone = true;
    });
    await clock.advance(3_900);
    expect(gone).toBe(false);
    await clock.advance(200);
    await deleted;
    expect(cluster.list("apps/v1", "ReplicaSet")).toEqual([]);
    expect(cluster.list("v1", "Pod")).toEqual([]);
    expect(runtime.instances()).toEqual([]);
  });
});

describe("a rolling update", () => {
  it("never has fewer ready endpoints than replicas minus maxUnavailable, nor more pods than the surge allows", async () => {
    const fixture = createClusterFixture();
    const { cluster, clock, runtime, pods } = fixture;
    fixture.negDelayMs = 0;
    runtime.exitAfterMs = 2_000;
    await cluster.apply(serviceObject(NEG));
    const readinessProbe = { tcpSocket: { port: 8080 }, initialDelaySeconds: 1, periodSeconds: 1 };
    const object = (value: string) =>
      deploymentObject({ spec: { replicas: 4 }, container: { readinessProbe, env: [{ name: "A", value }] } });
    await cluster.apply(object("1"));
    await clock.advance(2_000);
    const counts: number[] = [];
    cluster.onEndpointsChange(() => counts.push(cluster.endpointGroups().flatMap(({ endpoints }) => endpoints).length));
    await cluster.apply(object("2"));
    let most = 0;
    for (let step = 0; step < 40; step += 1) {
      await clock.advance(500);
      most = Math.max(most, pods().filter((pod) => pod.metadata.deletionTimestamp === undefined).length);
    }
    expect(Math.min(...counts)).toBeGreaterThanOrEqual(3);
    expect(most).toBe(5);
    expect(pods().map((pod) => pod.spec.containers[0]?.env?.[0]?.value)).toEqual(["2", "2", "2", "2"]);
  });

  it("stays with the old pods when the new ones never become ready, and reports the progress deadline", async () => {
    const fixture = createClusterFixture();
    const { cluster, clock, runtime, pods } = fixture;
    const old = deploymentObject({ spec: { progressDeadlineSeconds: 30 } });
    await cluster.apply(old);
    await clock.advance(2_000);
    const before = pods().map((pod) => pod.metadata.name);
    fixture.probe = ({ origin }) =>
      runtime.instances().some((instance) => instance.origin === origin && before.includes(instance.name))
        ? { ok: true }
        : { ok: false, message: "HTTP probe failed with statuscode: 503" };
    await cluster.apply(
      deploymentObject({ spec: { progressDeadlineSeconds: 30 }, container: { env: [{ name: "A", value: "2" }] } }),
    );
    const ready = cluster.ready(reference(old), never);
    const failed = expect(ready).rejects.toThrow(
      /ProgressDeadlineExceeded.*timed out progressing[\s\S]*Pod default\/kiro-\S+ \(us-central1-.\): containers with unready status: \[agent\]; Readiness probe failed: HTTP probe failed with statuscode: 503/,
    );
    await clock.advance(40_000);
    await failed;
    expect(
      pods()
        .filter(isPodReady)
        .map((pod) => pod.metadata.name),
    ).toEqual(before);
  });
});

describe("a Service with the NEG annotation", () => {
  it("has one group per zone after the delay, the annotation says so, and endpoints follow readiness", async () => {
    const fixture = createClusterFixture();
    const { cluster, clock } = fixture;
    await cluster.apply(deploymentObject());
    await cluster.apply(serviceObject(NEG));
    await clock.advance(4_900);
    expect(cluster.endpointGroups()).toEqual([]);
    await clock.advance(200);
    expect(cluster.endpointGroups().map(({ name, zone, endpoints }) => [name, zone, endpoints.length])).toEqual([
      ["kiro-gke", ZONES[0], 1],
      ["kiro-gke", ZONES[1], 1],
      ["kiro-gke", ZONES[2], 0],
    ]);
    const service = cluster.get(reference(serviceObject()));
    expect(service?.metadata["annotations"]).toMatchObject({
      "cloud.google.com/neg-status": JSON.stringify({ network_endpoint_groups: { "80": "kiro-gke" }, zones: ZONES }),
    });
    fixture.probe = () => ({ ok: false, message: "HTTP probe failed with statuscode: 503" });
    await clock.advance(5_000);
    expect(cluster.endpointGroups().flatMap(({ endpoints }) => endpoints)).toEqual([]);
    await cluster.delete(reference(serviceObject()));
    await clock.advance(0);
    expect(cluster.endpointGroups()).toEqual([]);
  });

  it("has its groups at once when it says that it had them, as after a restart of the local cloud", async () => {
    const { cluster, clock } = createClusterFixture();
    const status = JSON.stringify({ network_endpoint_groups: { "80": "kiro-gke" }, zones: ZONES });
    await cluster.apply(serviceObject({ ...NEG, "cloud.google.com/neg-status": status }));
    await clock.advance(0);
    expect(cluster.endpointGroups()).toHaveLength(3);
    const other = createClusterFixture();
    await other.cluster.apply(serviceObject(NEG), { existing: true });
    await other.clock.advance(0);
    expect(other.cluster.endpointGroups()).toHaveLength(3);
  });

  it("takes a pod out before its container is asked to stop", async () => {
    const fixture = createClusterFixture();
    const { cluster, clock, runtime } = fixture;
    fixture.negDelayMs = 0;
    const object = deploymentObject({
      spec: { replicas: 1 },
      container: { lifecycle: { preStop: { sleep: { seconds: 5 } } } },
    });
    await cluster.apply(serviceObject(NEG));
    await cluster.apply(object);
    await clock.advance(1_000);
    expect(cluster.endpointGroups()[0]?.endpoints).toHaveLength(1);
    const deleted = cluster.delete(reference(object));
    await clock.advance(0);
    expect(cluster.endpointGroups().flatMap(({ endpoints }) => endpoints)).toEqual([]);
    expect(runtime.stops).toEqual([]);
    await clock.advance(5_000);
    await deleted;
    expect(runtime.stops.map(({ graceMs }) => graceMs)).toEqual([25_000]);
  });

  it("gets the same cluster IP again and keeps it over updates", async () => {
    const addresses = await Promise.all(
      [1, 2].map(async () => {
        const { cluster } = createClusterFixture();
        await cluster.apply(serviceObject());
        return (await cluster.apply(serviceObject({ note: "changed" })))["spec"];
      }),
    );
    expect(addresses[0]).toEqual(addresses[1]);
    expect(addresses[0]).toMatchObject({ clusterIP: expect.stringMatching(/^10\.96\.\d+\.\d+$/) });
  });

  it("is awaited until it has an endpoint, and says why it has none", async () => {
    const fixture = createClusterFixture();
    const { cluster, clock } = fixture;
    fixture.probe = () => ({ ok: false, message: "connect ECONNREFUSED" });
    await cluster.apply(serviceObject());
    await cluster.apply(deploymentObject());
    await clock.advance(3_000);
    const abort = new AbortController();
    const ready = cluster.ready(reference(serviceObject()), abort.signal);
    const failed = expect(ready).rejects.toThrow(/timed out[\s\S]*does not target any Pods[\s\S]*ECONNREFUSED/);
    abort.abort(new Error("deadline"));
    await failed;
    const second = cluster.ready(reference(serviceObject()), never);
    fixture.probe = () => ({ ok: true });
    await clock.advance(2_000);
    await second;
  });
});
