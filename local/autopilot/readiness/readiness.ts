import type { Pod } from "../objects/pod.ts";
import { isPodReady, ZONE_LABEL } from "../objects/pod.ts";
import type { Service } from "../objects/service.ts";
import type { Deployment, ReplicaSet } from "../objects/workloads.ts";
import { FAILED_MOUNT, type PodDiagnosis } from "../pods/pod-worker.ts";

/** Whether an object is what its author waits for. */
export type Readiness =
  | { readonly state: "ready" }
  /** `reasons`: what is missing now, one line each, for the message of a timeout. */
  | { readonly state: "waiting"; readonly reasons: readonly string[] }
  /** Waiting longer will not help. */
  | { readonly state: "failed"; readonly reasons: readonly string[] };

export interface ObservedPod {
  readonly pod: Pod;
  readonly diagnosis: PodDiagnosis | undefined;
}

/** What only a change of something else cures. */
const HOPELESS_REASONS: readonly string[] = ["ErrImagePull", "ImagePullBackOff", "InvalidImageName", FAILED_MOUNT];
/** A container that ended that often without its pod ever being ready will not come up: a few seconds tell instead of ten minutes. */
const CRASHES_THAT_FAIL = 3;
/** Lines of a crashed container's output in a message. */
const OUTPUT_LINES = 10;

/** As pulumi-kubernetes waits: this generation observed, the newest ReplicaSet available, minimum availability. */
export function deploymentReadiness(
  deployment: Deployment,
  newest: ReplicaSet | undefined,
  pods: readonly ObservedPod[],
): Readiness {
  const { status, spec, metadata } = deployment;
  const observed = status.observedGeneration >= metadata.generation;
  const progressing = status.conditions.find((entry) => entry.type === "Progressing");
  const available = status.conditions.find((entry) => entry.type === "Available");
  if (observed && spec.paused === true) {
    return { state: "ready" };
  }
  if (observed && progressing?.reason === "NewReplicaSetAvailable" && available?.status === "True") {
    return { state: "ready" };
  }
  const rollout = `${status.updatedReplicas} of ${spec.replicas} replicas updated, ${newest?.status.readyReplicas ?? 0} of them ready, ${status.availableReplicas} available in all`;
  const failures = status.conditions.filter((entry) => entry.type === "ReplicaFailure").map(({ message }) => message);
  const reasons = [rollout, ...failures, ...pods.filter(({ pod }) => !isPodReady(pod)).map(describePod)];
  if (!observed) {
    return { state: "waiting", reasons };
  }
  if (progressing?.reason === "ProgressDeadlineExceeded") {
    return { state: "failed", reasons: [`[ProgressDeadlineExceeded] ${progressing.message}`, ...reasons] };
  }
  return { state: pods.some(isHopeless) ? "failed" : "waiting", reasons };
}

export function podReadiness(observed: ObservedPod): Readiness {
  const { pod } = observed;
  if (isPodReady(pod) || pod.status.phase === "Succeeded") {
    return { state: "ready" };
  }
  const failed = pod.status.phase === "Failed" || isHopeless(observed);
  return { state: failed ? "failed" : "waiting", reasons: [describePod(observed)] };
}

/** A Service is awaited until a pod answers for it; one without selector, or headless, has nothing to wait for. */
export function serviceReadiness(
  service: Service,
  endpoints: readonly Pod[],
  selected: readonly ObservedPod[],
): Readiness {
  const { selector, clusterIP } = service.spec;
  if (clusterIP === "None" || Object.keys(selector ?? {}).length === 0 || endpoints.length > 0) {
    return { state: "ready" };
  }
  const labels = Object.entries(selector ?? {}).map(([key, value]) => `${key}=${value}`);
  return {
    state: "waiting",
    reasons: [
      `Service does not target any Pods. Selected Pods may not be ready, or field '.spec.selector' (${labels.join(",")}) may not match labels on any Pods`,
      ...selected.map(describePod),
    ],
  };
}

function isHopeless({ pod }: ObservedPod): boolean {
  const status = pod.status.containerStatuses[0];
  const waiting = status?.state.waiting?.reason;
  if (status === undefined || waiting === undefined) {
    return false;
  }
  return (
    HOPELESS_REASONS.includes(waiting) ||
    (waiting === "CrashLoopBackOff" && status.restartCount + 1 >= CRASHES_THAT_FAIL)
  );
}

/** One paragraph about a pod that is not ready: where it is, what the kubelet says, and its last words. */
export function describePod({ pod, diagnosis }: ObservedPod): string {
  const status = pod.status.containerStatuses[0];
  const zone = pod.metadata.labels[ZONE_LABEL];
  const head = `Pod ${pod.metadata.namespace}/${pod.metadata.name}${zone === undefined ? "" : ` (${zone})`}`;
  const waiting = status?.state.waiting;
  const terminated = status?.state.terminated ?? status?.lastState.terminated;
  const parts = [
    waiting === undefined
      ? isPodReady(pod)
        ? "ready"
        : `containers with unready status: [${pod.spec.containers[0]?.name ?? ""}]`
      : `[${waiting.reason}]${waiting.message === undefined ? "" : ` ${waiting.message}`}`,
    ...(terminated === undefined
      ? []
      : [`last ended with exit code ${terminated.exitCode} (${terminated.message ?? terminated.reason})`]),
    ...(diagnosis?.probe === undefined ? [] : [diagnosis.probe]),
  ];
  const output = terminated === undefined ? "" : (diagnosis?.lastOutput ?? "").trim();
  const lines = output === "" ? [] : output.split("\n").slice(-OUTPUT_LINES);
  return [`${head}: ${parts.join("; ")}`, ...lines.map((line) => `    | ${line}`)].join("\n");
}
