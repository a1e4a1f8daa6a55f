import { PodBuilder } from "@pulumi/kubernetesx";
import type { Input } from "@pulumi/pulumi";
import { agentContainer, agentPodLabels, agentPort } from "./agent-constants.ts";
import { type PodTiming, terminationGraceSeconds } from "./pod-timing.ts";

const secretsVolume = "secrets";
/** One file for each variable. */
const secretsFolder = "/var/run/kiro-secrets";

export interface AgentPodArgs extends PodTiming {
  /** Image with tag or digest. */
  readonly image: Input<string>;
  /** Kubernetes service account of the pods. */
  readonly serviceAccountName: Input<string>;
  /** vCPU and memory as Kubernetes quantities. Requests and limits are equal, else Autopilot would change them. */
  readonly cpu: string;
  readonly memory: string;
  /** Name of the cluster, for the agent's own account of itself. */
  readonly clusterName: Input<string>;
  /** Further environment variables; they win over the ones set here. */
  readonly environment: Readonly<Record<string, Input<string>>>;
  /** Name of the SecretProviderClass whose secrets the agent finds as files; undefined: it has none. */
  readonly secretClass: Input<string> | undefined;
}

/**
 * The agent's pod: unprivileged, spread over zones, ready only when `/ready` says so, and serving for
 * `preStopSeconds` after its end was decided, so that the balancer has stopped sending before it stops listening.
 */
export function agentPod(args: AgentPodArgs): PodBuilder {
  // Autopilot fills in what is absent, which would show as a change: say its own default for the disk.
  const resources = { cpu: args.cpu, memory: args.memory, "ephemeral-storage": "1Gi" };
  return new PodBuilder({
    serviceAccountName: args.serviceAccountName,
    // The agent calls no Kubernetes API; workload identity needs no mounted token.
    automountServiceAccountToken: false,
    terminationGracePeriodSeconds: terminationGraceSeconds(args),
    securityContext: {
      runAsNonRoot: true,
      runAsUser: 65_532,
      runAsGroup: 65_532,
      seccompProfile: { type: "RuntimeDefault" },
    },
    topologySpreadConstraints: [
      {
        maxSkew: 1,
        topologyKey: "topology.kubernetes.io/zone",
        // A zone without room must not hold up the swap.
        whenUnsatisfiable: "ScheduleAnyway",
        labelSelector: { matchLabels: agentPodLabels },
      },
    ],
    ...(args.secretClass !== undefined && { volumes: [secretVolume(args.secretClass)] }),
    containers: [
      {
        name: agentContainer,
        image: args.image,
        env: {
          PORT: String(agentPort),
          KIRO_PLATFORM: "gke",
          KIRO_DRAIN_SECONDS: String(args.drainSeconds),
          CLUSTER_NAME: args.clusterName,
          POD_NAME: { fieldRef: { fieldPath: "metadata.name" } },
          POD_NAMESPACE: { fieldRef: { fieldPath: "metadata.namespace" } },
          NODE_NAME: { fieldRef: { fieldPath: "spec.nodeName" } },
          ...(args.secretClass !== undefined && { KIRO_SECRETS_DIR: secretsFolder }),
          ...args.environment,
        },
        ports: { http: agentPort },
        resources: { requests: resources, limits: resources },
        securityContext: {
          allowPrivilegeEscalation: false,
          readOnlyRootFilesystem: true,
          capabilities: { drop: ["ALL"] },
        },
        // Up to 120 s to start; liveness and readiness wait for it.
        startupProbe: probe("/health", { periodSeconds: 1, failureThreshold: 120 }),
        readinessProbe: probe("/ready", { periodSeconds: 2, failureThreshold: 2 }),
        livenessProbe: probe("/health", { periodSeconds: 10, failureThreshold: 3 }),
        ...(args.secretClass !== undefined && {
          volumeMounts: [{ name: secretsVolume, mountPath: secretsFolder, readOnly: true }],
        }),
        ...(args.preStopSeconds > 0 && { lifecycle: { preStop: { sleep: { seconds: args.preStopSeconds } } } }),
      },
    ],
  });
}

/** In memory on the node, filled when the pod starts; nothing of it is kept in the cluster. */
function secretVolume(secretProviderClass: Input<string>) {
  return {
    name: secretsVolume,
    csi: { driver: "secrets-store-gke.csi.k8s.io", readOnly: true, volumeAttributes: { secretProviderClass } },
  };
}

function probe(path: string, timing: { periodSeconds: number; failureThreshold: number }) {
  return { httpGet: { path, port: "http" }, timeoutSeconds: 1, ...timing };
}
