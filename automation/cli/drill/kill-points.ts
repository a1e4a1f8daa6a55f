/** When a process that drives a swap is killed. Pure, but for what a plan remembers of itself. */
import type { Effect } from "../../swap/effects.ts";
import type { SwapEvent } from "../../swap/state.ts";

/** What is known at the moment when a plan is asked. */
export interface KillMoment {
  /** The swap's journal so far; its last line was written just now, or so long ago: */
  readonly events: readonly SwapEvent[];
  readonly sinceLineMs: number;
  /** Since the first line of the process that may be killed. */
  readonly sinceFirstLineMs: number;
}

export interface KillPlan {
  /** Whether the process has to die now. */
  wants(moment: KillMoment): boolean;
  /** It is dead, and this is the journal that it left: the name of the place, which may be a line further than was wanted. */
  killed(moment: KillMoment): string;
  /** What is left to do after the swaps with these journals; empty: nothing. */
  missing(journals: readonly (readonly SwapEvent[])[]): readonly string[];
}

/** So long after its intent an effect on a stack is under way, with Pulumi's engine at work, ms. */
const middleMs = 700;
const onStacks: readonly Effect["kind"][] = ["deploy", "attach", "detach", "remove"];

/**
 * The kind of the journal's last line: with its effect if it is an intent or an outcome, with its phase if it is the entry of
 * one; undefined without a line.
 */
export function pointOf(events: readonly SwapEvent[]): string | undefined {
  const last = events.at(-1);
  if (last === undefined) return undefined;
  switch (last.kind) {
    case "intent":
      return `intent ${last.effect.kind}`;
    case "outcome": {
      const begun = events.findLast((event) => event.kind === "intent");
      return `outcome ${begun?.kind === "intent" ? begun.effect.kind : "unknown"}`;
    }
    case "entered":
      return `entered ${last.phase}`;
    default:
      return last.kind;
  }
}

/** All kinds of lines in a journal, in order. */
export function pointsOf(events: readonly SwapEvent[]): readonly string[] {
  return [...new Set(events.map((_, index) => pointOf(events.slice(0, index + 1)) ?? ""))];
}

/** The effect whose intent has no outcome yet. */
function underWay(events: readonly SwapEvent[]): Effect["kind"] | undefined {
  const settled = events.findLast(
    (event) => event.kind === "intent" || event.kind === "outcome" || event.kind === "entered",
  );
  return settled?.kind === "intent" ? settled.effect.kind : undefined;
}

function placeOf({ events, sinceLineMs }: KillMoment): string {
  const effect = underWay(events);
  const middle = effect !== undefined && onStacks.includes(effect) && sinceLineMs >= middleMs;
  return middle ? `the middle of ${effect}` : (pointOf(events) ?? "no line");
}

/** Once behind every kind of line, and once in the middle of every operation on a stack. */
export function atEveryPoint(): KillPlan {
  const done = new Set<string>();
  return {
    wants: (moment) => !done.has(placeOf(moment)),
    killed(moment) {
      const name = placeOf(moment);
      done.add(name);
      return name;
    },
    missing: (journals) => [...new Set(journals.flatMap(pointsOf))].filter((point) => !done.has(point)),
  };
}

/** So long after a process's first line it dies, ms. */
const randomFromMs = 100;
const randomToMs = 4_100;

/** At random moments, so often. The same seed gives the same moments. */
export function atRandom(times: number, seed: number): KillPlan {
  let state = (seed + 1) >>> 0;
  const draw = (): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return randomFromMs + (state / 2 ** 32) * (randomToMs - randomFromMs);
  };
  let left = times;
  let next = draw();
  return {
    wants: ({ sinceFirstLineMs }) => left > 0 && sinceFirstLineMs >= next,
    killed({ events, sinceFirstLineMs }) {
      left -= 1;
      next = draw();
      return `${pointOf(events) ?? "no line"}, ${Math.round(sinceFirstLineMs)} ms after its first line`;
    },
    missing: () => (left === 0 ? [] : [`${left} of ${times} kills`]),
  };
}
