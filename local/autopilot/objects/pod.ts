import { z } from "zod";
import { known, objectMeta, stringMap } from "./metadata.ts";

const port = z.union([z.int(), z.string()]);

const httpGet = known({
  path: z.string().default("/"),
  port,
  host: z.string().optional(),
  scheme: z.string().default("HTTP"),
  httpHeaders: z.array(known({ name: z.string(), value: z.string() })).default([]),
});

const tcpSocket = known({ port, host: z.string().optional() });
const exec = known({ command: z.array(z.string()).default([]) });

const probe = known({
  httpGet: httpGet.optional(),
  tcpSocket: tcpSocket.optional(),
  exec: exec.optional(),
  grpc: known({ port: z.int() }).optional(),
  initialDelaySeconds: z.int().default(0),
  periodSeconds: z.int().default(10),
  timeoutSeconds: z.int().default(1),
  successThreshold: z.int().default(1),
  failureThreshold: z.int().default(3),
  terminationGracePeriodSeconds: z.int().optional(),
});

const keyRef = known({ name: z.string().default(""), key: z.string(), optional: z.boolean().default(false) });

const environmentVariable = known({
  name: z.string(),
  value: z.string().optional(),
  valueFrom: known({
    fieldRef: known({ apiVersion: z.string().default("v1"), fieldPath: z.string() }).optional(),
    configMapKeyRef: keyRef.optional(),
    secretKeyRef: keyRef.optional(),
    resourceFieldRef: known({ resource: z.string() }).optional(),
  }).optional(),
});

const environmentSource = known({
  prefix: z.string().default(""),
  configMapRef: known({ name: z.string().default(""), optional: z.boolean().default(false) }).optional(),
  secretRef: known({ name: z.string().default(""), optional: z.boolean().default(false) }).optional(),
});

const lifecycleHandler = known({
  sleep: known({ seconds: z.int() }).optional(),
  exec: exec.optional(),
  httpGet: httpGet.optional(),
  tcpSocket: tcpSocket.optional(),
});

const quantity = z.union([z.string(), z.number()]).transform(String);
const quantities = z.record(z.string(), quantity);

const container = known({
  name: z.string(),
  image: z.string().default(""),
  command: z.array(z.string()).optional(),
  args: z.array(z.string()).optional(),
  env: z.array(environmentVariable).optional(),
  envFrom: z.array(environmentSource).optional(),
  ports: z
    .array(known({ name: z.string().optional(), containerPort: z.int(), protocol: z.string().default("TCP") }))
    .optional(),
  resources: known({ requests: quantities.optional(), limits: quantities.optional() }).default({}),
  startupProbe: probe.optional(),
  livenessProbe: probe.optional(),
  readinessProbe: probe.optional(),
  volumeMounts: z
    .array(known({ name: z.string(), mountPath: z.string(), readOnly: z.boolean().default(false) }))
    .optional(),
  lifecycle: known({ preStop: lifecycleHandler.optional(), postStart: lifecycleHandler.optional() }).optional(),
  terminationMessagePath: z.string().default("/dev/termination-log"),
  terminationMessagePolicy: z.string().default("File"),
  imagePullPolicy: z.string().default("IfNotPresent"),
});

export const podSpec = known({
  containers: z.array(container).default([]),
  initContainers: z.array(known({ name: z.string() })).optional(),
  volumes: z
    .array(
      known({
        name: z.string(),
        emptyDir: known({}).optional(),
        csi: known({
          driver: z.string(),
          readOnly: z.boolean().default(false),
          volumeAttributes: stringMap.default({}),
        }).optional(),
      }),
    )
    .optional(),
  restartPolicy: z.string().default("Always"),
  terminationGracePeriodSeconds: z.int().default(30),
  dnsPolicy: z.string().default("ClusterFirst"),
  schedulerName: z.string().default("gke.io/optimize-utilization-scheduler"),
  serviceAccountName: z.string().default("default"),
  securityContext: known({}).default({}),
  nodeSelector: stringMap.optional(),
  nodeName: z.string().optional(),
});

export const podTemplate = known({
  metadata: known({ labels: stringMap.default({}), annotations: stringMap.optional() }).default({ labels: {} }),
  spec: podSpec,
});

const condition = known({
  type: z.string(),
  status: z.enum(["True", "False"]),
  lastTransitionTime: z.string(),
  reason: z.string().optional(),
  message: z.string().optional(),
});

const containerState = known({
  waiting: known({ reason: z.string(), message: z.string().optional() }).optional(),
  running: known({ startedAt: z.string() }).optional(),
  terminated: known({
    exitCode: z.int(),
    signal: z.int().optional(),
    reason: z.string(),
    message: z.string().optional(),
    startedAt: z.string(),
    finishedAt: z.string(),
  }).optional(),
});

const containerStatus = known({
  name: z.string(),
  image: z.string(),
  imageID: z.string(),
  ready: z.boolean(),
  started: z.boolean(),
  restartCount: z.int(),
  state: containerState,
  lastState: containerState,
});

const podStatus = known({
  phase: z.enum(["Pending", "Running", "Succeeded", "Failed"]).default("Pending"),
  conditions: z.array(condition).default([]),
  containerStatuses: z.array(containerStatus).default([]),
  podIP: z.string().optional(),
  hostIP: z.string().optional(),
  startTime: z.string().optional(),
});

export const podSchema = known({
  apiVersion: z.literal("v1"),
  kind: z.literal("Pod"),
  metadata: objectMeta,
  spec: podSpec,
  status: podStatus.default({ phase: "Pending", conditions: [], containerStatuses: [] }),
});

export type Pod = z.infer<typeof podSchema>;
export type PodSpec = z.infer<typeof podSpec>;
export type PodTemplate = z.infer<typeof podTemplate>;
export type PodStatus = z.infer<typeof podStatus>;
export type Volume = NonNullable<PodSpec["volumes"]>[number];
export type Container = z.infer<typeof container>;
export type ContainerState = z.infer<typeof containerState>;
export type Condition = z.infer<typeof condition>;
export type Probe = z.infer<typeof probe>;
export type LifecycleHandler = z.infer<typeof lifecycleHandler>;

/** The condition of that type, if it was ever set. */
export function podCondition(pod: Pod, type: string): Condition | undefined {
  return pod.status.conditions.find((entry) => entry.type === type);
}

export function isPodReady(pod: Pod): boolean {
  return podCondition(pod, "Ready")?.status === "True";
}

/** Counts towards its ReplicaSet: not ended and not on its way out. */
export function isPodActive(pod: Pod): boolean {
  return (
    pod.metadata.deletionTimestamp === undefined && pod.status.phase !== "Succeeded" && pod.status.phase !== "Failed"
  );
}

/** When the pod will have been ready for `minReadySeconds`, ms; undefined while it is not ready. */
export function availableAt(pod: Pod, minReadySeconds: number): number | undefined {
  const ready = podCondition(pod, "Ready");
  return ready?.status === "True" ? Date.parse(ready.lastTransitionTime) + minReadySeconds * 1000 : undefined;
}

export const ZONE_LABEL = "topology.kubernetes.io/zone";
