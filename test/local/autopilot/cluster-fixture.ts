import type { Cluster, KubernetesObject, ObjectReference } from "../../../local/autopilot/cluster.ts";
import { createCluster } from "../../../local/autopilot/create-cluster.ts";
import type { Pod } from "../../../local/autopilot/objects/pod.ts";
import { podSchema } from "../../../local/autopilot/objects/pod.ts";
import type { Deployment } from "../../../local/autopilot/objects/workloads.ts";
import { deploymentSchema } from "../../../local/autopilot/objects/workloads.ts";
import type { ProbeCheck, ProbeOutcome } from "../../../local/autopilot/pods/probe-transport.ts";
import type { Properties } from "../../../local/compute/resources.ts";
import type { FakeClock } from "../../support/fake-clock.ts";
import { createFakeClock } from "../../support/fake-clock.ts";
import type { FakeRuntime } from "../../support/fake-runtime.ts";
import { createFakeRuntime } from "../../support/fake-runtime.ts";

export const ZONES = ["us-central1-a", "us-central1-b", "us-central1-c"] as const;
export const IMAGE = `echo@sha256:${"0".repeat(64)}`;

/** A cluster over a fake runtime, clock and probes, with numbers that repeat. */
export interface ClusterFixture {
  readonly cluster: Cluster;
  readonly clock: FakeClock;
  readonly runtime: FakeRuntime;
  /** Requests of probes and hooks, oldest first. */
  readonly checks: ProbeCheck[];
  /** Answers probes; replace it to make containers unwell. */
  probe: (check: ProbeCheck) => ProbeOutcome;
  negDelayMs: number;
  pods(): readonly Pod[];
  deployment(name?: string): Deployment;
}

export function createClusterFixture(): ClusterFixture {
  const clock = createFakeClock(Date.parse("2030-01-01T00:00:00Z"));
  const runtime = createFakeRuntime(clock);
  let seed = 1;
  const random = () => {
    seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648;
    return seed / 2_147_483_648;
  };
  const checks: ProbeCheck[] = [];
  const fixture: ClusterFixture = {
    clock,
    runtime,
    checks,
    probe: () => ({ ok: true }),
    negDelayMs: 5_000,
    cluster: createCluster({
      name: "agents",
      endpoint: "https://10.0.0.1",
      project: "switchyard-local",
      zones: ZONES,
      runtime,
      clock,
      random,
      negDelayMs: () => fixture.negDelayMs,
      probeTransport: async (check) => {
        checks.push(check);
        return fixture.probe(check);
      },
    }),
    pods: () => fixture.cluster.list("v1", "Pod").map((pod) => podSchema.parse(pod)),
    deployment: (name = "kiro") =>
      deploymentSchema.parse(fixture.cluster.get({ ...DEPLOYMENT, namespace: "default", name })),
  };
  return fixture;
}

export const DEPLOYMENT = { apiVersion: "apps/v1", kind: "Deployment" } as const;

export function reference(object: KubernetesObject): ObjectReference {
  const { apiVersion, kind, metadata } = object;
  return { apiVersion, kind, namespace: metadata.namespace, name: metadata.name };
}

/** `spec`, `container` and `pod` are laid over a Deployment of two replicas with a readiness probe every second. */
export function deploymentObject(
  settings: { readonly spec?: Properties; readonly container?: Properties; readonly pod?: Properties } = {},
): KubernetesObject {
  return {
    ...DEPLOYMENT,
    metadata: { name: "kiro" },
    spec: {
      replicas: 2,
      selector: { matchLabels: { app: "kiro" } },
      template: {
        metadata: { labels: { app: "kiro" } },
        spec: {
          containers: [
            {
              name: "agent",
              image: IMAGE,
              ports: [{ name: "http", containerPort: 8080 }],
              resources: { requests: { cpu: "500m", memory: "2Gi", "ephemeral-storage": "1Gi" } },
              readinessProbe: { httpGet: { path: "/ready", port: "http" }, periodSeconds: 1 },
              ...settings.container,
            },
          ],
          ...settings.pod,
        },
      },
      ...settings.spec,
    },
  };
}

export function serviceObject(annotations: { [key: string]: string } = {}): KubernetesObject {
  return {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name: "kiro", annotations },
    spec: { selector: { app: "kiro" }, ports: [{ port: 80, targetPort: "http" }] },
  };
}

export const NEG = { "cloud.google.com/neg": '{"exposed_ports":{"80":{"name":"kiro-gke"}}}' };
