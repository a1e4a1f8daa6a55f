import { describe, expect, it } from "vitest";
import type { KubernetesObject } from "../../../local/autopilot/cluster.ts";
import { type AutoscalerStatus, autoscalerSchema } from "../../../local/autopilot/objects/autoscaler.ts";
import type { Properties } from "../../../local/compute/resources.ts";
import { type ClusterFixture, createClusterFixture, DEPLOYMENT, deploymentObject } from "./cluster-fixture.ts";

const AUTOSCALER = { apiVersion: "autoscaling/v2", kind: "HorizontalPodAutoscaler" } as const;

function autoscalerObject(spec: Properties = {}): KubernetesObject {
  return {
    ...AUTOSCALER,
    metadata: { name: "kiro" },
    spec: {
      scaleTargetRef: { ...DEPLOYMENT, name: "kiro" },
      minReplicas: 1,
      maxReplicas: 8,
      metrics: [
        { type: "Resource", resource: { name: "cpu", target: { type: "Utilization", averageUtilization: 50 } } },
      ],
      ...spec,
    },
  };
}

function statusOf({ cluster }: ClusterFixture): AutoscalerStatus {
  return autoscalerSchema.parse(cluster.get({ ...AUTOSCALER, namespace: "default", name: "kiro" })).status;
}

/** Time passes while every pod uses that many cores. */
async function pass(fixture: ClusterFixture, seconds: number, cores: number): Promise<void> {
  for (let second = 0; second < seconds; second += 1) {
    for (const { name } of fixture.runtime.instances()) {
      const cpuMs = (fixture.runtime.usageOf.get(name)?.cpuMs ?? 0) + cores * 1000;
      fixture.runtime.usageOf.set(name, { cpuMs, memoryBytes: 100 });
    }
    await fixture.clock.advance(1000);
  }
}

/** A Deployment of one pod that requests half a core, with an autoscaler at 50 % of it, past the pods' first minutes. */
async function running(spec: Properties = {}): Promise<ClusterFixture> {
  const fixture = createClusterFixture();
  await fixture.cluster.apply(deploymentObject({ spec: { replicas: 1 } }));
  await fixture.clock.advance(2000);
  await fixture.cluster.apply(autoscalerObject(spec));
  await pass(fixture, 45, 0.25);
  expect(fixture.deployment().spec.replicas).toBe(1);
  return fixture;
}

describe("a HorizontalPodAutoscaler", () => {
  it("given pods above the target, scales up at its next look, and says what it saw", async () => {
    const fixture = await running();
    await pass(fixture, 30, 0.5);
    expect(fixture.deployment().status.readyReplicas).toBe(2);
    const { conditions, ...status } = statusOf(fixture);
    expect(status).toMatchObject({
      currentReplicas: 2,
      desiredReplicas: 2,
      currentMetrics: [
        { type: "Resource", resource: { name: "cpu", current: { averageUtilization: 100, averageValue: "500m" } } },
      ],
    });
    expect(status.lastScaleTime).toBeDefined();
    expect(conditions.map(({ type, status: is }) => `${type}=${is}`)).toEqual([
      "AbleToScale=True",
      "ScalingActive=True",
      "ScalingLimited=False",
    ]);
  });

  it("remembers what it changed, when and why", async () => {
    const fixture = await running();
    await pass(fixture, 30, 0.5);
    const { events, dropped } = fixture.cluster.observe().scaling;
    expect(events).toEqual([
      {
        at: expect.any(Number),
        target: "default/kiro",
        from: 1,
        to: 2,
        reason: "cpu resource utilization (percentage of request) above target",
      },
    ]);
    expect(dropped).toBe(0);
  });

  it("given idle pods, scales down only after 300 s, and at once where its behavior says so", async () => {
    const fixture = await running();
    await pass(fixture, 30, 0.5);
    expect(fixture.deployment().spec.replicas).toBe(2);
    await pass(fixture, 270, 0);
    expect(fixture.deployment().spec.replicas).toBe(2);
    await pass(fixture, 60, 0);
    expect(fixture.deployment().spec.replicas).toBe(1);

    const eager = await running({ behavior: { scaleDown: { stabilizationWindowSeconds: 0 } } });
    await pass(eager, 30, 0.5);
    expect(eager.deployment().spec.replicas).toBe(2);
    await pass(eager, 60, 0);
    expect(eager.deployment().spec.replicas).toBe(1);
  });

  it("given an update that names another size, the autoscaler's size stays; 0 switches both off", async () => {
    const fixture = await running();
    await pass(fixture, 30, 0.5);
    await fixture.cluster.apply(deploymentObject({ spec: { replicas: 1, minReadySeconds: 1 } }));
    expect(fixture.deployment().spec).toMatchObject({ replicas: 2, minReadySeconds: 1 });

    await fixture.cluster.apply(deploymentObject({ spec: { replicas: 0 } }));
    await pass(fixture, 30, 0.5);
    expect(fixture.deployment().spec.replicas).toBe(0);
    expect(statusOf(fixture).conditions).toMatchObject([{}, { reason: "ScalingDisabled" }]);
    await fixture.cluster.apply(deploymentObject({ spec: { replicas: 3 } }));
    expect(fixture.deployment().spec.replicas).toBe(3);
  });

  it("given pods whose use cannot be read, keeps the size and says so", async () => {
    const fixture = await running();
    fixture.runtime.usageOf.clear();
    await fixture.clock.advance(60_000);
    expect(fixture.deployment().spec.replicas).toBe(1);
    expect(statusOf(fixture)).toMatchObject({
      currentMetrics: [],
      conditions: [
        { type: "AbleToScale", status: "True" },
        { type: "ScalingActive", status: "False", reason: "FailedGetResourceMetric" },
      ],
    });
  });

  it("given no autoscaler any more, looks no more", async () => {
    const fixture = await running();
    const { pending } = fixture.clock;
    const before = pending().length;
    await fixture.cluster.delete({ ...AUTOSCALER, namespace: "default", name: "kiro" });
    await fixture.clock.advance(20_000);
    expect(pending()).toHaveLength(before - 1);
  });

  it("given an object that Kubernetes refuses, names each field", async () => {
    const { cluster } = createClusterFixture();
    const policies = [{ type: "Pods", value: 0, periodSeconds: 1801 }];
    const behavior = { scaleUp: { stabilizationWindowSeconds: 3601, policies }, scaleDown: { policies: [] } };
    const metrics = [
      { type: "Resource", resource: { name: "cpu", target: { type: "Utilization", averageUtilization: 0 } } },
    ];
    const refused = cluster.apply(autoscalerObject({ minReplicas: 9, behavior, metrics }));
    await expect(refused).rejects.toThrow(/maxReplicas/);
    await expect(refused).rejects.toThrow(
      /averageUtilization[\s\S]*scaleUp\.stabilizationWindowSeconds[\s\S]*policies\[0\]\.value[\s\S]*policies\[0\]\.periodSeconds[\s\S]*scaleDown\.policies/,
    );
  });
});
