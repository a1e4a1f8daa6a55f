import { timestamp } from "../objects/metadata.ts";
import type { Condition, ContainerState, Pod, PodStatus } from "../objects/pod.ts";
import { podCondition } from "../objects/pod.ts";
import { POD_IP } from "./environment.ts";

/** What the kubelet knows of a pod's container. */
export interface ContainerView {
  readonly state: ContainerState;
  readonly lastState: ContainerState;
  /** The startup probe has passed, or there is none. */
  readonly started: boolean;
  readonly ready: boolean;
  readonly restartCount: number;
}

/** The pod's status after what is known. `now` in ms since the epoch. */
export function podStatus(pod: Pod, view: ContainerView, now: number): PodStatus {
  const container = pod.spec.containers[0];
  const names = pod.spec.containers.map(({ name }) => name).join(" ");
  const phase = phaseOf(pod, view);
  const unready = { reason: "ContainersNotReady", message: `containers with unready status: [${names}]` };
  const ended = phase === "Succeeded" || phase === "Failed";
  const ready = view.ready && !ended;
  const conditions = [
    ...pod.status.conditions.filter((entry) => entry.type === "PodScheduled"),
    condition(pod, "Initialized", true, now, {}),
    condition(pod, "ContainersReady", ready, now, ready ? {} : unready),
    condition(pod, "Ready", ready, now, ready ? {} : phase === "Succeeded" ? { reason: "PodCompleted" } : unready),
  ];
  const image = container?.image ?? "";
  return {
    ...pod.status,
    phase,
    conditions,
    podIP: POD_IP,
    hostIP: POD_IP,
    startTime: pod.status.startTime ?? timestamp(now),
    containerStatuses: [
      {
        name: container?.name ?? "",
        image,
        imageID: view.state.running === undefined ? (pod.status.containerStatuses[0]?.imageID ?? "") : image,
        ready,
        started: view.started,
        restartCount: view.restartCount,
        state: view.state,
        lastState: view.lastState,
      },
    ],
  };
}

function phaseOf(pod: Pod, view: ContainerView): PodStatus["phase"] {
  const { terminated, running } = view.state;
  if (terminated !== undefined && !restarts(pod, terminated.exitCode)) {
    return terminated.exitCode === 0 ? "Succeeded" : "Failed";
  }
  const hasRun = running !== undefined || terminated !== undefined || view.lastState.terminated !== undefined;
  return hasRun ? "Running" : "Pending";
}

/** Whether the container is started again after it ended with that code. */
export function restarts(pod: Pod, exitCode: number): boolean {
  const { restartPolicy } = pod.spec;
  return restartPolicy === "Always" || (restartPolicy === "OnFailure" && exitCode !== 0);
}

function condition(
  pod: Pod,
  type: string,
  holds: boolean,
  now: number,
  why: { readonly reason?: string; readonly message?: string },
): Condition {
  const status = holds ? "True" : "False";
  const before = podCondition(pod, type);
  return {
    type,
    status,
    ...why,
    lastTransitionTime: before?.status === status ? before.lastTransitionTime : timestamp(now),
  };
}
