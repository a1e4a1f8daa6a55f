import type { Properties } from "../compute/resources.ts";
import type { Backend } from "../router/backend.ts";

/** projects/P/locations/L/services/S */
export type CloudRunServiceName = string;

/** What the v2 API reports of a service beside its settings. */
export interface CloudRunServiceStatus {
  readonly name: CloudRunServiceName;
  readonly uri: string;
  readonly latestCreatedRevision: string;
  readonly latestReadyRevision: string;
  readonly generation: number;
  readonly etag: string;
}

/** Cloud Run services over local instances; settings in the shape of gcp.cloudrunv2.Service's inputs. */
export interface CloudRun {
  /**
   * Creates or updates. A changed template makes a revision; resolves when it is ready and serves.
   * Errors: CloudRunError with Google's text; a failed revision leaves the traffic where it was.
   */
  deploy(name: CloudRunServiceName, settings: Properties, signal: AbortSignal): Promise<CloudRunServiceStatus>;
  get(name: CloudRunServiceName): { readonly settings: Properties; readonly status: CloudRunServiceStatus } | undefined;
  /** Requests in flight finish; instances end with SIGTERM, 10 s, SIGKILL. */
  delete(name: CloudRunServiceName): Promise<void>;
  /** The data path of a service for the router; the same object for the service's life. */
  backend(name: CloudRunServiceName): Backend | undefined;
  close(): Promise<void>;
}
