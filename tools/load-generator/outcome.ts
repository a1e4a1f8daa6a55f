/** What became of one request, and who is to blame where it failed. Pure. */
import type { PlannedRequest } from "./plan.ts";

/**
 * What was wrong. refused: no connection. reset: broken off before the response began. truncated: broken off within it. timeout: not complete in time.
 * malformed: not HTTP. status: a complete response of another status than 200. body: complete and 200, but not the answer to the request. client: this machine's own fault.
 */
export type ProblemKind = "refused" | "reset" | "truncated" | "timeout" | "malformed" | "status" | "body" | "client";

export interface Observation {
  readonly request: PlannedRequest;
  /** ms since the epoch, from the plan. */
  readonly intendedAt: number;
  readonly sentAt: number;
  readonly endedAt: number;
  /** 0 when no response began. */
  readonly status: number;
  /** Value of x-switchyard-side, "" when absent. */
  readonly side: string;
  /** Value of x-kiro-instance, `<platform>/<instance>`, "" when absent. */
  readonly marker: string;
  /** The response came to its proper end. */
  readonly complete: boolean;
  /** The platform and request id that the body names; absent where there is no such body. */
  readonly body: { readonly platform: string; readonly requestId: string } | undefined;
  /** Undefined: all is well. */
  readonly problem: { readonly kind: ProblemKind; readonly detail: string } | undefined;
  /** The longest wait beyond the plan, ms. */
  readonly stallMs: number;
}

/** An instance that ended without being asked to. */
export interface Crash {
  readonly instance: string;
  readonly platform: string;
  /** ms since the epoch. */
  readonly at: number;
}

export type Attribution = "swap" | "client" | "agent" | "crash";

/** A failure that a crash explains is seen at most this much later (or earlier: two clocks' reading), ms. */
const crashSlackMs = 500;

/** The platform that a marker names, "" when it has not the form `<platform>/<instance>`. */
function platformOf(marker: string): string {
  const slash = marker.indexOf("/");
  return slash > 0 && slash < marker.length - 1 ? marker.slice(0, slash) : "";
}

/** Side header and the agent's marker name the same platform, and the response is whole. */
function provenByAgent(observation: Observation): boolean {
  return observation.complete && observation.side !== "" && platformOf(observation.marker) === observation.side;
}

function crashed(observation: Observation, crash: Crash): boolean {
  const inTime = crash.at >= observation.sentAt - crashSlackMs && crash.at <= observation.endedAt + crashSlackMs;
  if (!inTime) return false;
  // With a marker the instance is known; without one the side that was chosen has to do.
  return observation.marker === ""
    ? crash.platform === observation.side
    : observation.marker === `${crash.platform}/${crash.instance}`;
}

/** Undefined when the request did not fail. In doubt it is the swap. */
export function attribute(observation: Observation, crashes: readonly Crash[]): Attribution | undefined {
  const { problem } = observation;
  if (problem === undefined) return undefined;
  switch (problem.kind) {
    case "client":
      return "client";
    case "status":
      if (provenByAgent(observation)) return "agent";
      break;
    case "body":
      // A wrong answer is the agent's only if the body itself says so too; otherwise somebody between may have mixed it up.
      if (
        provenByAgent(observation) &&
        observation.body?.platform === observation.side &&
        observation.body.requestId === requestIdOf(observation.request)
      ) {
        return "agent";
      }
      // A whole answer with a wrong content is nothing that a crash explains.
      return "swap";
    case "refused":
    case "reset":
    case "truncated":
    case "timeout":
    case "malformed":
      break;
  }
  return crashes.some((crash) => crashed(observation, crash)) ? "crash" : "swap";
}

/** The request_id that the client sends. */
export function requestIdOf(request: PlannedRequest): string {
  return `load-${request.index}`;
}
