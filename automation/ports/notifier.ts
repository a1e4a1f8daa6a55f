export const severities = ["info", "warning", "critical"] as const;

/** info: good to know. warning: somebody should look today. critical: somebody has to look now. */
export type Severity = (typeof severities)[number];

/** What people are told of. Never holds a secret. */
export interface Alert {
  /** Reason of a swap or a failover, or code of an error. */
  readonly code: string;
  readonly severity: Severity;
  readonly environment: string;
  readonly platform?: string | undefined;
  /** Number of the swap. */
  readonly swap?: string | undefined;
  /** One line. */
  readonly title: string;
  /** Numbers and messages; may be empty. */
  readonly detail: string;
  /** What to do, each line a sentence or `label: command`. */
  readonly next: readonly string[];
  /** When it happened, ms since the epoch. */
  readonly at: number;
  /** The same for everything that is one and the same matter: receivers make one incident of it. */
  readonly dedupKey: string;
}

/** raise: it is new, or back. repeat: it still holds. escalate: nobody has ended it, or it became worse. resolve: it is over. */
export type NoticeKind = "raise" | "repeat" | "escalate" | "resolve";

export interface Notice {
  /** The same when the notice is sent again. */
  readonly id: string;
  readonly kind: NoticeKind;
  /** Why it is told now, in words. */
  readonly why: string;
  readonly alert: Alert;
  /** Nothing that stays open: a test, or something that is over as soon as it is said. */
  readonly momentary: boolean;
}

export type Delivery =
  | { readonly delivered: true }
  | {
      readonly delivered: false;
      /** One line, without secrets. */
      readonly why: string;
      /** The target does not take this notice, whenever it is sent; false: it is down or busy. */
      readonly refused: boolean;
      /** When the target wants to be asked again, ms from now; undefined: it did not say. */
      readonly retryAfterMs: number | undefined;
    };

/** A place where people are told: a webhook, Slack, PagerDuty. */
export interface Notifier {
  /** `Slack at hooks.slack.com`, never an address that is a secret. */
  readonly description: string;
  /** A target that is down is a delivery that failed, not an error. Rejects only with the signal's reason. */
  notify(notice: Notice, signal?: AbortSignal): Promise<Delivery>;
}
