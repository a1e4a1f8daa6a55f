/** From looks to a verdict, with hysteresis: n of m bad looks make a check unhealthy, k good ones in a row healthy. Pure. */
import type { HealthSettings } from "./settings.ts";

export const checkKinds = ["endpoint", "response-time", "resources", "platform"] as const;
export type CheckKind = (typeof checkKinds)[number];

/** One look. unreadable: it could not be seen, which is neither good nor bad. */
export interface Look {
  /** ms since the epoch. */
  readonly at: number;
  readonly found: "good" | "strained" | "bad" | "unreadable";
  /** For people, with the value. */
  readonly detail: string;
}

export type HealthVerdict = "healthy" | "degraded" | "unhealthy" | "unknown";

export interface Judgement {
  readonly check: CheckKind;
  readonly verdict: HealthVerdict;
  /** When the verdict began; the last look's time while it is unknown. */
  readonly since: number;
  readonly detail: string;
}

type Hysteresis = Pick<HealthSettings, "window" | "bad" | "good" | "intervalMs">;

/** A newest look that is older than so many intervals says nothing of now. */
const staleIntervals = 4;

/**
 * The verdict now. `looks` are of one check, oldest first; what came before a verdict is held until the looks say otherwise.
 * A check that nobody has looked at for four intervals, or whose last looks could not be read, is unknown.
 */
export function judge(check: CheckKind, looks: readonly Look[], settings: Hysteresis, now: number): Judgement {
  const newest = looks.at(-1);
  if (newest === undefined) return { check, verdict: "unknown", since: now, detail: "nobody has looked yet" };
  if (now - newest.at > staleIntervals * settings.intervalMs) {
    return { check, verdict: "unknown", since: newest.at, detail: "nobody has looked for too long" };
  }
  let verdict: HealthVerdict = "unknown";
  let since = newest.at;
  for (const index of looks.keys()) {
    const next = step(
      verdict,
      looks.slice(Math.max(0, index + 1 - settings.window), index + 1),
      looks,
      index,
      settings,
    );
    if (next !== verdict) since = looks[index]?.at ?? since;
    verdict = next;
  }
  return { check, verdict, since, detail: newest.detail };
}

/** `last`: the looks that count, the newest one last. */
function step(
  held: HealthVerdict,
  last: readonly Look[],
  all: readonly Look[],
  index: number,
  { window, bad, good }: Hysteresis,
): HealthVerdict {
  const count = (...kinds: readonly Look["found"][]): number =>
    last.filter(({ found }) => kinds.includes(found)).length;
  if (count("bad") >= bad) return "unhealthy";
  if (count("unreadable") >= bad) return "unknown";
  const tail = all.slice(Math.max(0, index + 1 - good), index + 1);
  if (tail.length >= good && tail.every(({ found }) => found === "good")) return "healthy";
  if (count("bad", "strained") >= bad) return "degraded";
  // It goes to and fro: neither the one nor the other is proven.
  if (held === "unknown" && last.length >= window) return count("unreadable") > 0 ? "unknown" : "degraded";
  return held;
}

const order: readonly HealthVerdict[] = ["healthy", "unknown", "degraded", "unhealthy"];

/** The worst of several; what is known to be bad says more than what is not known. Without one: unknown. */
export function worst(verdicts: readonly HealthVerdict[]): HealthVerdict {
  return order.findLast((one) => verdicts.includes(one)) ?? "unknown";
}
