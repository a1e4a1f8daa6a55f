/** Where other systems are told of every change, in a form that machines read. */

export interface BusEvent {
  /** The same when it is sent again: receivers may get an event twice. */
  readonly id: string;
  /** What happened, in words that rules match: `Guard State Changed`. */
  readonly type: string;
  /** When it happened, ms since the epoch. */
  readonly at: number;
  /** Never holds a secret. */
  readonly detail: Readonly<Record<string, unknown>>;
}

export interface Published {
  readonly sent: number;
  /** Events that the bus did not take, each with one line that says why; without secrets. */
  readonly failed: readonly { readonly id: string; readonly why: string }[];
}

export interface EventBus {
  /** `EventBridge bus guard in eu-central-1` */
  readonly description: string;
  /** In their order as far as one reply goes. A bus that is down is events that failed. Rejects only with the signal's reason. */
  publish(events: readonly BusEvent[], signal?: AbortSignal): Promise<Published>;
}
