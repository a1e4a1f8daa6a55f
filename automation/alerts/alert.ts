/** What comes in: something to tell people of, and what ends it. */
import type { Alert } from "../ports/notifier.ts";

/**
 * What ends an alert by itself. retried: the same effect succeeded. entered: the swap's next step or phase. driven: a process
 * drives the swap again. resumed: the swap goes on after a pause. returned: traffic is verified on the old side. ended: the
 * swap has ended. completed: a swap of the environment was completed. cleared: whoever raised it says so.
 */
export const endings = [
  "retried",
  "entered",
  "driven",
  "resumed",
  "returned",
  "ended",
  "completed",
  "cleared",
] as const;

export type Ending = (typeof endings)[number];

export interface Raise {
  readonly kind: "raise";
  readonly alert: Alert;
  /** momentary: it is over as soon as it is said. */
  readonly until: Ending | "momentary";
}

export interface Resolve {
  readonly kind: "resolve";
  /** When what ends them happened; alerts that were raised later stay. */
  readonly at: number;
  /** One of these ends them. */
  readonly until?: readonly Ending[];
  /** Only of this swap. */
  readonly swap?: string;
  /** Only those whose key begins with it. */
  readonly keyPrefix?: string;
  /** Only the one with this key. */
  readonly key?: string;
}

export type AlertInput = Raise | Resolve;

export function raise(alert: Alert, until: Raise["until"]): Raise {
  return { kind: "raise", alert, until };
}

/** Parts of a key are joined by slashes; the environment comes first. */
export function dedupKey(...parts: readonly (string | number)[]): string {
  return parts.join("/");
}

/** A text that a target can take whole: longer ones are cut. */
export function clipped(text: string, most: number): string {
  return text.length <= most ? text : `${text.slice(0, most - 1)}…`;
}
