/** What decided, in sentences with the numbers. Pure. */
import type { Reason } from "./reasons.ts";
import type { SwapSettings } from "./settings.ts";

type Evidence = Readonly<Record<string, number | string | boolean>>;

function numberOf(evidence: Evidence, name: string): number {
  const value = evidence[name];
  return typeof value === "number" ? value : 0;
}

function requests(count: number): string {
  return `${count.toLocaleString("en-US")} ${count === 1 ? "request" : "requests"}`;
}

function errors(count: number): string {
  return `${count} ${count === 1 ? "error" : "errors"}`;
}

/** The sentences behind a decision; none where the reason says it all. */
export function explain(reason: Reason, evidence: Evidence, settings: SwapSettings): readonly string[] {
  const lines: string[] = [];
  if ("candidateRequests" in evidence) {
    const of = (name: string): number => numberOf(evidence, name);
    lines.push(
      `In the window: old side ${requests(of("oldRequests"))}, ${errors(of("oldErrors"))}; new side ${requests(of("candidateRequests"))}, ${errors(of("candidateErrors"))}.`,
    );
  }
  switch (reason) {
    case "candidate-errors":
      lines.push(
        `In the whole swap ${errors(numberOf(evidence, "candidateErrorsInSwap"))} fell on the new side and ${numberOf(evidence, "oldErrorsInSwap")} on the old.`,
        `The evidence against the new side is ${numberOf(evidence, "eValue")} to 1; the limit is ${numberOf(evidence, "limit")} to 1, which a healthy new side passes in at most ${settings.errorAlpha * 1_000} of 1,000 swaps.`,
      );
      break;
    case "candidate-error-ceiling":
      lines.push(
        `A failing share above ${settings.rollbackThreshold * 100} % is ${numberOf(evidence, "ceilingValue")} times likelier than one at it; the limit is ${numberOf(evidence, "ceilingLimit")}.`,
      );
      break;
    case "candidate-gateway-errors":
      lines.push(
        `${numberOf(evidence, "inARow")} requests in a row got no complete reply from the new side; the limit is ${settings.consecutiveGatewayErrors}.`,
      );
      break;
    default:
      break;
  }
  for (const name of ["looks", "message"]) {
    const text = evidence[name];
    if (typeof text === "string" && text !== "") lines.push(`${text}.`);
  }
  return lines;
}
