import type { ScalingLog } from "../runtime/scaling-log.ts";
import type { CloudRunServiceName } from "./service-status.ts";

/** What a service does now, and what it did since it was made. */
export interface ServiceMetrics {
  readonly name: CloudRunServiceName;
  /** Revision that gets the requests; empty when there is none. */
  readonly revision: string;
  /** Instances that are ready, of the serving revision. */
  readonly instanceCount: number;
  readonly startingInstances: number;
  /** Instances of former revisions that finish their requests. */
  readonly retiringInstances: number;
  /** Requests that wait for an instance. */
  readonly pending: number;
  readonly inFlight: number;
  /** Most requests that an instance takes at once. */
  readonly concurrency: number;
  /** Instances that the autoscaler asked for when it last looked. */
  readonly recommendedInstances: number;
  readonly coldStarts: number;
  readonly averageStartMs: number;
  /** Bounds of the serving revision. */
  readonly minInstances: number;
  readonly maxInstances: number;
  /** Of one instance. */
  readonly cpu: number;
  readonly memoryBytes: number;
  /** Names of the serving revision's instances, those that start too. */
  readonly instances: readonly string[];
  /** Since the service was made: instances that ended unasked, and those that did not become ready. */
  readonly crashes: number;
  readonly startFailures: number;
  /** What changed the number of instances, oldest first. */
  readonly scaling: ReturnType<ScalingLog["list"]>;
}
