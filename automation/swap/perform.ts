/** Carries effects out. The only place of a swap that changes the world. */
import { HotSwapError } from "../errors.ts";
import type { Clock } from "../ports/clock.ts";
import type { Platform } from "../ports/platform.ts";
import type { ConfigValues, StackEngine, StackName, StackProgress } from "../ports/stack-engine.ts";
import type { TrafficRouter, TrafficState, Weights } from "../ports/traffic-router.ts";
import { awaitReady, runAcceptance } from "./acceptance.ts";
import type { Effect } from "./effects.ts";
import type { SwapState } from "./state.ts";

export interface PerformPorts {
  readonly engine: StackEngine;
  readonly router: TrafficRouter;
  readonly platforms: Readonly<Record<string, Platform>>;
  /** Settings of a stack beside image and platforms: sizes and names from the environment's configuration. */
  readonly platformSettings: (program: string) => ConfigValues;
  readonly clock: Clock;
  readonly newRequestId: () => string;
  readonly onProgress?: (progress: StackProgress) => void;
}

export interface PerformResult {
  /** The world was found as the effect would have left it: nothing was done. */
  readonly found: boolean;
  readonly facts: Readonly<Record<string, number | string | boolean>>;
}

/** Does it once, or finds it done. Errors: whatever the ports say; the caller writes them into the journal. */
export async function performEffect(
  effect: Effect,
  state: SwapState,
  ports: PerformPorts,
  signal: AbortSignal,
): Promise<PerformResult> {
  const options = { signal, ...(ports.onProgress === undefined ? {} : { onProgress: ports.onProgress }) };
  const stack = (program: string): StackName => `${program}.${state.environment}`;
  switch (effect.kind) {
    case "deploy": {
      const config = { ...ports.platformSettings(effect.platform), "switchyard:image": effect.image };
      const result = await ports.engine.up(stack(effect.platform), { ...options, config });
      return { found: false, facts: { ...result.changes, durationMs: Math.round(result.durationMs) } };
    }
    case "attach":
    case "detach": {
      const config = await trafficConfig(effect.platforms, state, ports, signal);
      const result = await ports.engine.up(stack("traffic"), { ...options, config });
      return { found: false, facts: { ...result.changes, durationMs: Math.round(result.durationMs) } };
    }
    case "remove": {
      const result = await ports.engine.destroy(stack(effect.platform), options);
      return { found: false, facts: { ...result.changes, durationMs: Math.round(result.durationMs) } };
    }
    case "write-weights":
      return writeWeights(effect.weights, state, ports.router, signal);
    case "accept": {
      const agent = platformOf(effect.platform, ports).agent();
      const looks = await awaitReady(agent, ports.clock, state.settings.healthCheckTimeoutMs, signal);
      const request = {
        data: { operation: "echo", message: "acceptance" },
        headers: {},
        method: "POST",
        path: "/process",
        queryParams: {},
        timestamp: new Date(ports.clock.now()).toISOString(),
        requestId: ports.newRequestId(),
      };
      return { found: false, facts: { operations: await runAcceptance(agent, request, signal), looks } };
    }
  }
}

function platformOf(name: string, ports: PerformPorts): Platform {
  const platform = ports.platforms[name];
  if (platform === undefined) {
    throw new HotSwapError("unknown-platform", { platform: name, message: `There is no platform ${name}` });
  }
  return platform;
}

/** The traffic stack's settings for these platforms; waits for what each needs to be reached. */
async function trafficConfig(
  names: readonly string[],
  state: SwapState,
  ports: PerformPorts,
  signal: AbortSignal,
): Promise<ConfigValues> {
  let config: ConfigValues = { ...ports.platformSettings("traffic"), "switchyard:platforms": names };
  for (const name of names) {
    const outputs = await ports.engine.outputs(`${name}.${state.environment}`);
    config = { ...config, ...(await platformOf(name, ports).trafficConfig(outputs, signal)) };
  }
  return config;
}

/** Writes that may lose against other writers before it counts as a failure. A lost race is a re-read, not an attempt. */
const conflictsTolerated = 10;

async function writeWeights(
  wanted: Weights,
  state: SwapState,
  router: TrafficRouter,
  signal: AbortSignal,
): Promise<PerformResult> {
  for (let conflicts = 0; ; conflicts += 1) {
    const current = await router.read(signal);
    if (sameWeights(current.weights, wanted)) return { found: true, facts: { conflicts } };
    assertExpected(current, state);
    try {
      await router.write(wanted, current.fingerprint, signal);
      return { found: false, facts: { conflicts } };
    } catch (error) {
      const lostRace = error instanceof Error && "code" in error && error.code === "fingerprint-conflict";
      if (!lostRace || conflicts >= conflictsTolerated) throw error;
    }
  }
}

/**
 * A step forward starts from the weights that this swap wrote last. Where somebody else moved them, going on would undo
 * their change or jump more than one step; going back to the old side is right whatever the weights are.
 */
function assertExpected(current: TrafficState, state: SwapState): void {
  if (state.phase === "returning") return;
  // Before its first write a swap has left nothing; all the traffic must still be on the side that it found serving.
  if (state.accepted === undefined ? current.weights[state.from] === 100 : sameWeights(current.weights, state.accepted))
    return;
  const left = state.accepted === undefined ? `found ${state.from} 100 %` : `left ${describeWeights(state.accepted)}`;
  throw new HotSwapError("weights-moved-elsewhere", {
    platform: state.to,
    message: `The balancer has ${describeWeights(current.weights)}, but this swap ${left}: somebody else changed them`,
    next: [
      `To go back to ${state.from}:   npx switchyard swap rollback --env ${state.environment}`,
      `To see the weights:   npx switchyard traffic show --env ${state.environment}`,
    ],
  });
}

export function sameWeights(a: Weights, b: Weights): boolean {
  const names = Object.keys(a);
  return names.length === Object.keys(b).length && names.every((name) => a[name] === b[name]);
}

export function describeWeights(weights: Weights): string {
  return Object.entries(weights)
    .map(([platform, share]) => `${platform} ${share} %`)
    .join(", ");
}
