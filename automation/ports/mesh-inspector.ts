/** What `istioctl` says of one cluster. */

/** Older ones start programs that a secret of the cluster names. Minors after the last have the fix, minors before the first never got it. */
export const safeIstioctlVersions = Object.freeze(["1.29.8", "1.30.5", "1.31.1"] as const);

export interface AnalysisMessage {
  readonly code: string;
  readonly level: "Info" | "Warning" | "Error";
  /** `Kind namespace/name`, `Kind name` where there is no namespace. */
  readonly origin: string;
  readonly message: string;
}

export interface ProxyStatus {
  /** `pod.namespace` */
  readonly id: string;
  readonly version: string;
  /** Of the control plane that it is connected to. */
  readonly controlPlane: string;
  /** Worst of its configurations: NOT_SENT counts as synced. */
  readonly state: "synced" | "stale" | "unknown";
}

export interface MeshVersions {
  readonly client: string;
  readonly controlPlanes: readonly { readonly revision: string; readonly version: string }[];
  readonly proxies: readonly { readonly id: string; readonly version: string }[];
}

/**
 * Every call has a deadline, an emptied environment and an explicit context. Errors of all: istioctl-missing, istioctl-failed (exit
 * status, deadline, output that is not understood), istioctl-unsafe (below the pinned safe versions).
 */
export interface MeshInspector {
  readonly description: string;
  /** All namespaces. */
  analyze(revision: string | undefined, signal?: AbortSignal): Promise<readonly AnalysisMessage[]>;
  precheck(signal?: AbortSignal): Promise<readonly AnalysisMessage[]>;
  versions(signal?: AbortSignal): Promise<MeshVersions>;
  proxyStatus(signal?: AbortSignal): Promise<readonly ProxyStatus[]>;
}
