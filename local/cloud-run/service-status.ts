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
