/**
 * The suite that a candidate must pass on the dark route before any user's request: readiness, then all four operations of
 * the agent's interface, each with a reply that fits the contract and comes from the candidate.
 */
import type { KiroRequest } from "../../services/kiro/contract.ts";
import { HotSwapError, SwitchyardError } from "../errors.ts";
import type { KiroAgent } from "../ports/agent.ts";
import type { Clock } from "../ports/clock.ts";

const pollMs = 250;
/** Looks between two that must both find the candidate ready: one lucky instance is not a platform. */
const goodLooks = 2;

export interface ReadyOptions {
  /** From the first answer of the platform, or of the balancer in its place, ms. */
  readonly timeoutMs: number;
  /** The dark route is a change of the balancer's map, which its data plane follows late: so long it may lead elsewhere, ms. */
  readonly routeTimeoutMs: number;
}

/** Resolves with the number of looks. Errors: candidate-not-ready after the deadline, with the last reason. */
export async function awaitReady(
  agent: KiroAgent,
  clock: Clock,
  options: ReadyOptions,
  signal?: AbortSignal,
): Promise<number> {
  const beganAt = clock.now();
  let deadline: number | undefined;
  let good = 0;
  let last = "it was not asked";
  for (let looks = 1; ; looks += 1) {
    try {
      const report = await agent.healthCheck(signal);
      deadline ??= clock.now() + options.timeoutMs;
      good = report.ready ? good + 1 : 0;
      last = `it reports status ${report.status}, ready ${report.ready}`;
    } catch (error) {
      if (!(error instanceof SwitchyardError)) throw error;
      if (!isElsewhere(error)) deadline ??= clock.now() + options.timeoutMs;
      good = 0;
      last = error.message;
    }
    if (good >= goodLooks) return looks;
    if (clock.now() >= (deadline ?? beganAt + options.routeTimeoutMs)) {
      throw new HotSwapError("candidate-not-ready", {
        platform: agent.platform,
        message: `${agent.platform} was not ready within ${(clock.now() - beganAt) / 1_000} s: ${last}`,
      });
    }
    await clock.sleep(pollMs, signal);
  }
}

/** Whether another platform answered: part of the data plane has not followed the map yet. */
export function isElsewhere(error: unknown): boolean {
  return (
    error instanceof SwitchyardError && error.code === "agent-reply-invalid" && error.data["answered"] !== undefined
  );
}

/** Errors: acceptance-failed with the operation; the agent's own error codes. */
export async function runAcceptance(agent: KiroAgent, request: KiroRequest, signal?: AbortSignal): Promise<number> {
  const refuse = (operation: string, what: string): never => {
    throw new HotSwapError("acceptance-failed", {
      platform: agent.platform,
      message: `${operation} on ${agent.platform} ${what}`,
    });
  };
  const response = await agent.processRequest(request, signal);
  if (response.statusCode !== 200) refuse("process_request", `answered ${response.statusCode}`);
  if (response.platform !== agent.platform) refuse("process_request", `was answered by ${response.platform}`);
  if (response.requestId !== request.requestId) refuse("process_request", "answered another request's id");
  const health = await agent.healthCheck(signal);
  if (health.status !== "healthy") refuse("health_check", `reports ${health.status}`);
  const metrics = await agent.getMetrics(signal);
  if (metrics.platform !== agent.platform) refuse("get_metrics", `was answered by ${metrics.platform}`);
  const info = await agent.getPlatformInfo(signal);
  if (info.platform !== agent.platform) refuse("get_platform_info", `was answered by ${info.platform}`);
  return 4;
}
