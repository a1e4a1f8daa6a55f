import { SwitchyardError } from "../../errors.ts";
import type { KiroAgent } from "../../ports/agent.ts";
import type { Clock } from "../../ports/clock.ts";
import type { SimulatedProcess } from "./process.ts";

export interface SimulatedAgentParts {
  readonly platform: string;
  /** Who asks. */
  readonly process: SimulatedProcess;
  readonly clock: Clock;
  /** Whether there is an instance, and a way to it. */
  readonly reachable: () => boolean;
  readonly behaviour: () => { readonly ready: boolean; readonly status: number };
  /** An operation was answered well. */
  readonly passed: (operation: string) => void;
}

/** The agent of one platform, by the dark route. */
export function simulatedAgent(parts: SimulatedAgentParts): KiroAgent {
  const { platform, process, clock } = parts;
  const bornAt = clock.now();
  const about = () => ({ platform, instanceId: `${platform}-1`, timestamp: new Date(clock.wall()).toISOString() });
  const answer = <Reply>(operation: string, reply: () => Reply): Promise<Reply> =>
    process.through(async () => {
      if (!parts.reachable())
        throw new SwitchyardError("agent-unreachable", { message: `No instance of ${platform} answers` });
      await clock.sleep(5);
      if (parts.behaviour().status === 200) parts.passed(operation);
      return reply();
    });
  return {
    platform,
    processRequest: ({ requestId }) =>
      answer("process", () => ({ ...about(), statusCode: parts.behaviour().status, data: {}, headers: {}, requestId })),
    healthCheck: () =>
      answer("health", () => {
        const { ready } = parts.behaviour();
        return {
          ...about(),
          status: "healthy" as const,
          ready,
          uptimeSeconds: Math.floor((clock.now() - bornAt) / 1_000),
          checks: {},
        };
      }),
    getMetrics: () =>
      answer("metrics", () => ({
        ...about(),
        requestCount: 0,
        errorCount: 0,
        avgResponseTime: 0,
        memoryUsage: 0,
        cpuUsage: 0,
        platformSpecific: {},
      })),
    getPlatformInfo: () =>
      answer("info", () => ({
        ...about(),
        version: "1",
        runtime: "simulation",
        startedAt: new Date(bornAt).toISOString(),
        operations: [],
        platformSpecific: {},
      })),
  };
}
