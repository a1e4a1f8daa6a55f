/** The signals that guard knows by name. Pure. */

/** How a signal is judged. */
export type SignalKind =
  /** Milliseconds of a quantile; sequential, against the baseline and other clusters. */
  | "latency"
  /** Share of 5xx; sequential likewise. */
  | "error-share"
  /** Requests in a step; against the same hour last week. */
  | "requests"
  /** Mean against the baseline, after warm-up. */
  | "resource"
  /** Mean against the baseline. */
  | "relative"
  /** Sum over the window. */
  | "count"
  /** Mean over the window, at most a share. */
  | "share"
  /** By its own threshold and relative limit; with neither it is recorded and not judged. */
  | "custom";

/** Which soak looks at it: control plane (A) or traffic (B). */
export type SignalGate = "a" | "b";

export interface Known {
  readonly kind: SignalKind;
  readonly gate: SignalGate;
  /** Asked for each judged service too. */
  readonly perService: boolean;
  /** Has values only when something happens, so that few are enough. */
  readonly sparse: boolean;
  readonly unit: string;
}

const controlPlane = { gate: "a", perService: false } as const;
const traffic = { gate: "b", perService: true, sparse: false } as const;

export const knownSignals = {
  p95: { ...traffic, kind: "latency", unit: "ms" },
  p99: { ...traffic, kind: "latency", unit: "ms" },
  error_share: { ...traffic, kind: "error-share", unit: "" },
  requests: { ...traffic, kind: "requests", unit: "requests" },
  istiod_cpu: { ...controlPlane, kind: "resource", sparse: false, unit: "" },
  istiod_memory: { ...controlPlane, kind: "resource", sparse: false, unit: "" },
  proxy_cpu: { ...traffic, kind: "resource", perService: false, unit: "" },
  proxy_memory: { ...traffic, kind: "resource", perService: false, unit: "" },
  xds_rejects: { ...controlPlane, kind: "count", sparse: false, unit: "rejects" },
  push_errors: { ...controlPlane, kind: "share", sparse: true, unit: "" },
  convergence_p99: { ...controlPlane, kind: "relative", sparse: true, unit: "" },
} as const satisfies Record<string, Known>;

export type KnownSignal = keyof typeof knownSignals;
export const knownSignalNames = Object.keys(knownSignals).filter((name): name is KnownSignal => name in knownSignals);
