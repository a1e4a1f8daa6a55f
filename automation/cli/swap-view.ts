/** How a swap is drawn: the live table of experience.md, one line per step, and a line in work on a terminal. */
import type { Observation } from "../swap/decision.ts";
import { histogramQuantile, type LatencyHistogram } from "../swap/gates/latency-histogram.ts";
import type { ProbeWindow } from "../swap/gates/weight.ts";
import { reasons } from "../swap/reasons.ts";
import type { RunListener } from "../swap/run.ts";
import type { SwapEvent, SwapState } from "../swap/state.ts";
import type { ProgressLines } from "./progress.ts";
import { duration } from "./text.ts";

/** A row with the verdict of a step that passed fits into 80 columns; each width has room for the blank before it. */
const widths = { step: 9, weight: 7, seen: 8, requests: 7, errors: 5, latency: 6 } as const;

const pair = (old: string, candidate: string, width: number): string => old.padStart(width) + candidate.padStart(width);

export const swapTableHead: readonly string[] = [
  [
    "step".padEnd(widths.step),
    "weight".padStart(widths.weight),
    "seen".padStart(widths.seen),
    "requests".padStart(widths.requests * 2),
    "errors".padStart(widths.errors * 2),
    "p95 ms".padStart(widths.latency * 2),
    "  verdict",
  ].join(""),
  [
    " ".repeat(widths.step + widths.weight + widths.seen),
    pair("old", "new", widths.requests),
    pair("old", "new", widths.errors),
    pair("old", "new", widths.latency),
  ].join(""),
];

/** One row; what is not known is a dash, never a zero. */
export function swapRow(name: string, state: SwapState, seen: Observation, verdict: string): string {
  const shifting = state.accepted !== undefined && state.phase !== "adding-entry";
  const share = state.accepted?.[state.to] ?? 0;
  const p95 = (latencies: LatencyHistogram): string => histogramQuantile(latencies, 0.95)?.toFixed(0) ?? "-";
  const { candidate, old, latency } = seen.gates;
  const seenText = seenShare(seen.probes, state.to);
  return [
    name.padEnd(widths.step),
    (shifting ? `${share} %` : "-").padStart(widths.weight),
    seenText.padStart(widths.seen),
    pair(String(old.requests), String(candidate.requests), widths.requests),
    pair(String(old.errors), String(candidate.errors), widths.errors),
    pair(p95(latency.old), p95(latency.candidate), widths.latency),
    `  ${verdict}`,
  ].join("");
}

/** The candidate's share in the last probes, as many as are judged. */
function seenShare({ sides, counts, judged, total }: ProbeWindow, candidate: string): string {
  const number = sides.get(candidate);
  const onCandidate = number === undefined ? 0 : (counts[number] ?? 0);
  return total === 0 ? "-" : `${((onCandidate / Math.min(judged, total)) * 100).toFixed(1)} %`;
}

/** The first column of a line; a longer name pushes the rest. */
function label(name: string): string {
  return `${name.padEnd(widths.step - 1)} `;
}

function stepName(state: SwapState): string {
  return state.phase === "shifting" ? `${state.settings.ramp[state.step] ?? 0} %` : phaseNames[state.phase];
}

const phaseNames: Readonly<Record<SwapState["phase"], string>> = {
  deploying: "deploy",
  attaching: "attach",
  "adding-entry": "entry",
  holding: "hold",
  accepting: "dark",
  shifting: "shift",
  baking: "bake",
  retaining: "window",
  draining: "drain",
  "removing-entry": "entry",
  detaching: "detach",
  removing: "remove",
  returning: "rollback",
  "draining-candidate": "drain",
  "withdrawing-entry": "entry",
  "detaching-candidate": "detach",
  "removing-candidate": "remove",
  releasing: "release",
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
          const row = eventRow(previous.state, seen, event, took(event.at));
          if (row !== undefined) lines.line(row);
          phaseStartedAt = event.at;
          break;
        }
        case "outcome":
          if (!event.ok) lines.line(`${label(stepName(state))}failed: ${event.failure?.message ?? "unknown reason"}`);
          break;
        case "paused":
          lines.line(`${label("paused")}${reasons[event.reason]}${evidenceText(event.evidence)}`);
          break;
        case "requested":
          lines.line(`${label(event.verb)}asked for by ${event.by}${amountText(event.amountMs)}`);
          break;
        case "noticed":
          lines.line(`${label("notice")}${reasons[event.reason]}${evidenceText(event.evidence)}`);
          break;
        case "measured":
          if (event.verdict !== "successful")
            lines.line(`${label("metrics")}${event.verdict}: ${String(event.evidence["reason"] ?? "judged")}`);
          break;
        case "ended":
          lines.line(`${label("done")}${event.as}: ${reasons[event.reason]}`);
          break;
        case "verified":
          if (state.phase === "returning" && state.rollback !== undefined)
            lines.line(`${label("rollback")}${rollbackText(state)}`);
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
  return `${label(name)}${reasons[event.reason]}, ${took}`;
}

function amountText(amountMs: number | undefined): string {
  return amountMs === undefined ? "" : `, ${duration(amountMs)}`;
}

/** The counts of both sides where there are any; `swap why` has all of it. */
function evidenceText(evidence: Readonly<Record<string, number | string | boolean>>): string {
  const { candidateRequests, candidateErrors, oldRequests, oldErrors } = evidence;
  if (candidateRequests !== undefined && oldRequests !== undefined)
    return ` (${candidateErrors} of ${candidateRequests} on the new side, ${oldErrors} of ${oldRequests} on the old one)`;
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
