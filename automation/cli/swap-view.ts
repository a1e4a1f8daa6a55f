/** How a swap is drawn: the live table of experience.md, one line per step, and a line in work on a terminal. */
import type { Observation } from "../swap/decide.ts";
import { quantile } from "../swap/gates/window.ts";
import { reasons } from "../swap/reasons.ts";
import type { RunListener } from "../swap/run.ts";
import type { SwapEvent, SwapState } from "../swap/state.ts";
import type { ProgressLines } from "./progress.ts";
import { duration } from "./text.ts";

const widths = { step: 10, weight: 7, seen: 8, requests: 7, errors: 6, latency: 6 } as const;

export const swapTableHead: readonly string[] = [
  `${"step".padEnd(widths.step)}${"weight".padStart(widths.weight)}${"seen".padStart(widths.seen)}  ${"requests".padStart(widths.requests * 2)}  ${"errors".padStart(widths.errors * 2)}  ${"p95 ms".padStart(widths.latency * 2)}  verdict`,
  `${" ".repeat(widths.step + widths.weight + widths.seen)}  ${"old".padStart(widths.requests)}${"new".padStart(widths.requests)}  ${"old".padStart(widths.errors)}${"new".padStart(widths.errors)}  ${"old".padStart(widths.latency)}${"new".padStart(widths.latency)}`,
];

/** One row; what is not known is a dash, never a zero. */
export function swapRow(name: string, state: SwapState, seen: Observation, verdict: string): string {
  const shifting = state.accepted !== undefined && state.phase !== "adding-entry";
  const share = state.accepted?.[state.to] ?? 0;
  const p95 = (values: readonly number[]): string => quantile(values, 0.95)?.toFixed(0) ?? "-";
  const { candidate, old } = seen.gates;
  const onCandidate = seen.probes.filter((side) => side === state.to).length;
  const seenText = seen.probes.length === 0 ? "-" : `${((onCandidate / seen.probes.length) * 100).toFixed(1)} %`;
  return [
    name.padEnd(widths.step),
    (shifting ? `${share} %` : "-").padStart(widths.weight),
    seenText.padStart(widths.seen),
    "  ",
    String(old.requests).padStart(widths.requests),
    String(candidate.requests).padStart(widths.requests),
    "  ",
    String(old.errors).padStart(widths.errors),
    String(candidate.errors).padStart(widths.errors),
    "  ",
    p95(old.latenciesMs).padStart(widths.latency),
    p95(candidate.latenciesMs).padStart(widths.latency),
    `  ${verdict}`,
  ].join("");
}

function stepName(state: SwapState): string {
  return state.phase === "shifting" ? `${state.settings.ramp[state.step] ?? 0} %` : phaseNames[state.phase];
}

const phaseNames: Readonly<Record<SwapState["phase"], string>> = {
  deploying: "deploy",
  attaching: "attach",
  "adding-entry": "entry",
  accepting: "dark",
  shifting: "shift",
  baking: "bake",
  draining: "drain",
  "removing-entry": "entry",
  detaching: "detach",
  removing: "remove",
  returning: "rollback",
  "draining-candidate": "drain",
  "withdrawing-entry": "entry",
  "detaching-candidate": "detach",
  "removing-candidate": "remove",
  ended: "done",
};

/** Draws a swap while it runs. */
export function swapListener(lines: ProgressLines): RunListener {
  let phaseStartedAt: number | undefined;
  let last: { state: SwapState; seen: Observation } | undefined;
  const took = (at: number): string => duration(at - (phaseStartedAt ?? at));
  return {
    onEvent(event: SwapEvent, state: SwapState, seen: Observation) {
      const previous = last ?? { state, seen };
      switch (event.kind) {
        case "entered": {
          phaseStartedAt ??= state.startedAt;
          const row = eventRow(previous.state, previous.seen, event, took(event.at));
          if (row !== undefined) lines.line(row);
          phaseStartedAt = event.at;
          break;
        }
        case "outcome":
          if (!event.ok)
            lines.line(`${stepName(state).padEnd(widths.step)}failed: ${event.failure?.message ?? "unknown reason"}`);
          break;
        case "paused":
          lines.line(`${"paused".padEnd(widths.step)}${reasons[event.reason]}${evidenceText(event.evidence)}`);
          break;
        case "requested":
          lines.line(`${event.verb.padEnd(widths.step)}asked for by ${event.by}`);
          break;
        case "ended":
          lines.line(swapRow("done", previous.state, previous.seen, `${event.as}: ${reasons[event.reason]}`));
          break;
        case "verified":
          if (state.phase === "returning" && state.rollback !== undefined)
            lines.line(`${"rollback".padEnd(widths.step)}${rollbackText(state)}`);
          break;
        default:
          break;
      }
      last = { state, seen };
    },
    onTick(state: SwapState, seen: Observation, why: string) {
      lines.draw(swapRow(stepName(state), state, seen, why));
      last = { state, seen };
    },
  };
}

/** The row that closes a phase, when the next one begins. */
function eventRow(
  before: SwapState,
  seen: Observation,
  event: Extract<SwapEvent, { kind: "entered" }>,
  took: string,
): string | undefined {
  const name = stepName(before);
  if (event.phase === "returning")
    return swapRow(name, before, seen, `failed: ${reasons[event.reason]}${evidenceText(event.evidence)}`);
  if (before.phase === "shifting") return swapRow(name, before, seen, `successful, ${took}`);
  return `${name.padEnd(widths.step)}${reasons[event.reason]}, ${took}`;
}

function evidenceText(evidence: Readonly<Record<string, number | string | boolean>>): string {
  const entries = Object.entries(evidence);
  return entries.length === 0 ? "" : ` (${entries.map(([name, value]) => `${name} ${value}`).join(", ")})`;
}

/** decided, accepted, verified */
export function rollbackText(state: SwapState): string {
  const { rollback } = state;
  if (rollback === undefined) return "";
  const since = (at: number | undefined): string => (at === undefined ? "not yet" : duration(at - rollback.decidedAt));
  return `accepted after ${since(rollback.acceptedAt)}, verified on the data plane after ${since(rollback.verifiedAt)}`;
}
