/** Longest terminationGracePeriodSeconds that Autopilot takes for an ordinary pod, in seconds. */
export const graceLimitSeconds = 600;

/** Time for the process to close its sockets and exit after the last request, in seconds. */
export const graceMarginSeconds = 10;

export interface PodTiming {
  /** Time the pod keeps serving after its deletion began, until the balancer has stopped sending to it, in seconds. */
  readonly preStopSeconds: number;
  /** Time that the requests in flight then have to finish, in seconds. */
  readonly drainSeconds: number;
}

/**
 * terminationGracePeriodSeconds: the kubelet counts the preStop hook in, so it must outlast hook and drain.
 * Worked example: 40 s + 300 s + 10 s = 350 s.
 */
export function terminationGraceSeconds(timing: PodTiming): number {
  return timing.preStopSeconds + timing.drainSeconds + graceMarginSeconds;
}
