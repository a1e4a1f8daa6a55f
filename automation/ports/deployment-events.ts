/** Where people look at graphs: what was done, and when. */

export interface DeploymentEvent {
  readonly kind: "started" | "merged" | "verdict";
  readonly title: string;
  readonly text: string;
  readonly level: "info" | "warning" | "error" | "success";
  /** Events of one run have one. */
  readonly run: string;
  /** `cluster_name:prod-1`, `batch:wave-1` … */
  readonly tags: readonly string[];
  /** ms since the epoch. */
  readonly at: number;
}

export interface DeploymentEvents {
  readonly description: string;
  /** Errors: deployment-event-lost; an abort's reason. */
  say(event: DeploymentEvent, signal?: AbortSignal): Promise<void>;
}
