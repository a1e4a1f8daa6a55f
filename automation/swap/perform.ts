/** Carries effects out. The only place of a swap that changes the world. */
import { HotSwapError, StatelessViolationError, SwitchyardError } from "../errors.ts";
import type { KiroAgent } from "../ports/agent.ts";
import type { Clock } from "../ports/clock.ts";
import type { FailBack } from "../ports/fail-back.ts";
import type { Platform } from "../ports/platform.ts";
import type { ProbeResult } from "../ports/prober.ts";
import type { ConfigValues, StackEngine, StackName, StackProgress, StackResult } from "../ports/stack-engine.ts";
import type { TrafficRouter, TrafficState, Weights } from "../ports/traffic-router.ts";
import { findingText } from "../stateless/finding-text.ts";
import { awaitReady, isElsewhere, runAcceptance } from "./acceptance.ts";
import type { Effect } from "./effects.ts";
import type { Lease } from "./lease.ts";
import { type SwapState, sameWeights } from "./state.ts";
import { standingOf } from "./stateless-settings.ts";

export interface PerformPorts {
  readonly engine: StackEngine;
  readonly router: TrafficRouter;
  /** Held while this process may change anything. */
  readonly lease: Pick<Lease, "token" | "assertHeld" | "lost">;
  /** Absent where the agents have no such lever. */
  readonly failBack?: FailBack;
  /** Asks through the rehearsal host: all platforms by equal weights, no user. Absent where there is none. */
  readonly rehearse?: (count: number, signal: AbortSignal) => Promise<readonly ProbeResult[]>;
  readonly platforms: Readonly<Record<string, Platform>>;
  /** Settings of a stack beside image and platforms: sizes and names from the environment's configuration. */
  readonly platformSettings: (program: string) => ConfigValues | Promise<ConfigValues>;
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
  ports.lease.assertHeld();
  const options = { signal, ...(ports.onProgress === undefined ? {} : { onProgress: ports.onProgress }) };
  const stack = (program: string): StackName => `${program}.${state.environment}`;
  const upPlatform = async (platform: string, own: ConfigValues): Promise<StackResult> => {
    const config = { ...(await ports.platformSettings(platform)), ...own };
    return ports.engine.up(stack(platform), { ...options, config });
  };
  switch (effect.kind) {
    case "deploy": {
      const image = { "switchyard:image": effect.image };
      const result = await upPlatform(effect.platform, { ...image, ...holding(effect.instances) });
      return { found: false, facts: { ...factsOf(result), ...leastOf(result), ...assertMovable(result, state) } };
    }
    case "hold": {
      const result = await upPlatform(effect.platform, holding(effect.instances));
      return { found: false, facts: { ...factsOf(result), ...leastOf(result) } };
    }
    case "release": {
      for (const platform of effect.platforms) await upPlatform(platform, holding(0));
      return { found: false, facts: { platforms: effect.platforms.join(", ") } };
    }
    case "attach":
    case "detach": {
      const config = await trafficConfig(effect.platforms, state, ports, signal);
      const result = await ports.engine.up(stack("traffic"), { ...options, config });
      return {
        found: false,
        facts: { ...factsOf(result), ...(effect.kind === "attach" && assertMovable(result, state)) },
      };
    }
    case "remove": {
      return { found: false, facts: factsOf(await ports.engine.destroy(stack(effect.platform), options)) };
    }
    case "write-weights": {
      if (state.phase !== "returning" || !state.settings.failBack)
        return writeWeights(effect.weights, state, ports, signal);
      // Side by side: the lever must not make the weight wait, nor the other way round.
      const [result, handedBack] = await Promise.all([
        writeWeights(effect.weights, state, ports, signal),
        handBack(state, ports, signal),
      ]);
      return { ...result, facts: { ...result.facts, handedBack } };
    }
    case "accept": {
      const agent = platformOf(effect.platform, ports).agent();
      // A lever that an earlier rollback pulled would send the candidate's requests back.
      await pushLeverBack(effect.platform, state, ports, signal);
      return { found: false, facts: await accept(agent, state, ports, signal) };
    }
  }
}

function factsOf({ changes, durationMs }: StackResult): PerformResult["facts"] {
  return { ...changes, durationMs: Math.round(durationMs) };
}

/**
 * What was brought up may be moved, by the rules' verdict on all that was declared or by a person's say. Where the rules were
 * not asked that is not known. Errors: stateless-violation.
 */
function assertMovable({ stack, stateless }: StackResult, { settings, to }: SwapState): PerformResult["facts"] {
  const verdict = stateless?.verdict ?? "cannot-tell";
  const findings = stateless?.findings ?? [];
  if (standingOf(verdict, settings.stateless) === "good") return { stateless: verdict };
  const drawn = findings.slice(0, 5).map(findingText);
  throw new StatelessViolationError("stateless-violation", {
    platform: to,
    message: `Stack ${stack} is not stateless (${verdict}): ${drawn.join("; ") || "the rules did not see it"}${findings.length > drawn.length ? `; and ${findings.length - drawn.length} more` : ""}`,
    violations: findings.map(findingText),
    data: { stack, verdict, violations: findings },
  });
}

/**
 * Readiness, the rehearsal host, then the four operations; all of them as often as it takes while a part of the data plane
 * still has the map of before. Errors: candidate-not-ready, acceptance-failed, the agent's own.
 */
async function accept(
  agent: KiroAgent,
  state: SwapState,
  ports: PerformPorts,
  signal: AbortSignal,
): Promise<PerformResult["facts"]> {
  const { clock } = ports;
  const { healthCheckTimeoutMs, stepDeadlineMs } = state.settings;
  const routeUntil = clock.now() + stepDeadlineMs;
  const looks = await awaitReady(
    agent,
    clock,
    { timeoutMs: healthCheckTimeoutMs, routeTimeoutMs: stepDeadlineMs },
    signal,
  );
  // A failing side would make half of the rehearsal slow, just when users wait.
  const rehearsed = state.mode === "failover" ? {} : await rehearse(agent.platform, routeUntil, state, ports, signal);
  for (;;) {
    const request = {
      data: { operation: "echo", message: "acceptance" },
      headers: {},
      method: "POST",
      path: "/process",
      queryParams: {},
      timestamp: new Date(clock.wall()).toISOString(),
      requestId: ports.newRequestId(),
    };
    try {
      return { operations: await runAcceptance(agent, request, signal), looks, ...rehearsed };
    } catch (error) {
      if (!isElsewhere(error) || clock.now() >= routeUntil) throw error;
      await clock.sleep(rehearsalPauseMs, signal);
    }
  }
}

/** What the platform keeps by itself, where its stack says so. */
function leastOf({ outputs }: StackResult): PerformResult["facts"] {
  const least = outputs["leastInstances"];
  return typeof least === "number" ? { least } : {};
}

/** The setting of a platform's stack that holds it at a number of instances; nothing where the swap does not hold any. */
function holding(instances: number | undefined): ConfigValues {
  return instances === undefined ? {} : { "switchyard:heldInstances": instances };
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
  let config: ConfigValues = { ...(await ports.platformSettings("traffic")), "switchyard:platforms": names };
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
  { router, lease }: PerformPorts,
  signal: AbortSignal,
): Promise<PerformResult> {
  for (let conflicts = 0; ; conflicts += 1) {
    const current = await router.read(signal);
    assertNotFenced(current, lease.token);
    // A write of other weights whose outcome was never known may still be under way: one more makes its fingerprint void.
    const found = sameWeights(current.weights, wanted);
    if (found && !state.strayWrite) return { found, facts: { conflicts } };
    if (!found) assertExpected(current, state);
    lease.assertHeld();
    try {
      await router.write(wanted, current.fingerprint, lease.token, signal);
      return { found, facts: { conflicts } };
    } catch (error) {
      const lostRace = error instanceof Error && "code" in error && error.code === "fingerprint-conflict";
      if (!lostRace || conflicts >= conflictsTolerated) throw error;
    }
  }
}

/** Somebody who got the lease after this process has been at the balancer: nothing may be written any more. Errors: lease-lost. */
export function assertNotFenced(current: TrafficState, token: number): void {
  if (current.fence <= token) return;
  throw new SwitchyardError("lease-lost", {
    message: `The balancer's map was written under a later lease (${current.fence}; this process has ${token}), so this process changes nothing any more`,
  });
}

/**
 * Stamps the map with this process's token, so that whoever read it before can write no more. Does nothing when there is no
 * map that could be reached: the next write stamps it. Errors: lease-lost.
 */
export async function claimMap(
  { router, lease }: PerformPorts,
  signal: AbortSignal,
): Promise<TrafficState | undefined> {
  try {
    const current = await router.read(signal);
    assertNotFenced(current, lease.token);
    if (current.fence === lease.token) return current;
    return await router.write(current.weights, current.fingerprint, lease.token, signal);
  } catch (error) {
    if (signal.aborted) throw signal.reason;
    if (!(error instanceof SwitchyardError) || error.code === "lease-lost") throw error;
    return undefined;
  }
}

/** Errors: fail-back-unreachable, where this swap would need the lever. */
async function pushLeverBack(
  platform: string,
  { settings }: SwapState,
  { failBack }: PerformPorts,
  signal: AbortSignal,
): Promise<void> {
  try {
    if ((await failBack?.read(platform, signal)) !== undefined) await failBack?.set(platform, undefined, signal);
  } catch (error) {
    if (!(error instanceof SwitchyardError) || settings.failBack || signal.aborted) throw error;
  }
}

/** Most time that the lever may take, ms: the balancer is on its way meanwhile. */
const handBackMs = 2_000;

/** Whether the candidate was told; a lever that fails is no reason to stop going back. */
async function handBack(state: SwapState, { failBack, clock }: PerformPorts, signal: AbortSignal): Promise<string> {
  if (failBack === undefined) return "there is no lever here";
  const over = new AbortController();
  const done = new AbortController();
  const late = clock.sleep(handBackMs, done.signal).then(
    () => over.abort(new Error(`no answer within ${handBackMs} ms`)),
    () => undefined,
  );
  try {
    await failBack.set(state.to, state.from, AbortSignal.any([signal, over.signal]));
    return "yes";
  } catch (error) {
    if (signal.aborted) throw error;
    return error instanceof Error ? `no: ${error.message}` : "no";
  } finally {
    done.abort();
    await late;
  }
}

/** Requests to the rehearsal host in one look: 3 sigma of an equal split are 11 points. */
const rehearsals = 200;
const rehearsalTolerance = 0.11;
const rehearsalPauseMs = 1_000;

/**
 * The split is tried where no user is before a user's request meets it: the rehearsal host spreads over all platforms alike.
 * Looks again while the data plane has not followed everywhere. Errors: acceptance-failed.
 */
async function rehearse(
  platform: string,
  until: number,
  { settings }: SwapState,
  { rehearse: ask, clock }: PerformPorts,
  signal: AbortSignal,
): Promise<{ readonly rehearsed?: number }> {
  if (ask === undefined) return {};
  for (;;) {
    const results = await ask(rehearsals, signal);
    const own = results.filter(({ side }) => side === platform);
    const failed = own.filter(({ status }) => status === 0 || status >= 500);
    // One that fails now and then is for the gates.
    const fails = failed.length > Math.max(1, own.length * settings.rollbackThreshold);
    const even = Math.abs(own.length / Math.max(1, results.length) - 0.5) <= rehearsalTolerance;
    if (even && !fails) return { rehearsed: own.length };
    if (fails || clock.now() >= until) {
      throw new HotSwapError("acceptance-failed", {
        platform,
        message: fails
          ? `${failed.length} of ${own.length} requests to the rehearsal host that went to ${platform} failed (${failed[0]?.status ?? 0})`
          : `${own.length} of ${results.length} requests to the rehearsal host went to ${platform}; it should be half of them`,
      });
    }
    await clock.sleep(rehearsalPauseMs, signal);
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

export function describeWeights(weights: Weights): string {
  return Object.entries(weights)
    .map(([platform, share]) => `${platform} ${share} %`)
    .join(", ");
}
