export interface NetworkEndpointGroup {
  readonly name: string;
  /** us-central1-a */
  readonly zone: string;
}

/** The endpoint groups that a platform makes by itself, some time after its workload was declared. */
export interface NetworkEndpointGroups {
  /** Groups of that name in all zones; empty when there is none yet. Errors: traffic-unreachable. */
  find(name: string, signal?: AbortSignal): Promise<readonly NetworkEndpointGroup[]>;
}
