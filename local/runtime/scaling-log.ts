/** What an autoscaler did: the last changes of a number of instances, with their reason. */

export interface ScalingEvent {
  /** ms since the epoch. */
  readonly at: number;
  /** Cloud Run service, or namespace/name of the autoscaler. */
  readonly target: string;
  readonly from: number;
  readonly to: number;
  readonly reason: string;
}

/** Events kept; older ones are dropped and counted. */
const capacity = 500;

export class ScalingLog {
  readonly #events: ScalingEvent[] = [];
  #dropped = 0;

  /** Nothing is kept of a change that changes nothing. */
  add(event: ScalingEvent): void {
    if (event.from === event.to) return;
    this.#events.push(event);
    if (this.#events.length <= capacity) return;
    this.#events.shift();
    this.#dropped += 1;
  }

  /** Oldest first. */
  list(): { readonly events: readonly ScalingEvent[]; readonly dropped: number } {
    return { events: [...this.#events], dropped: this.#dropped };
  }
}
