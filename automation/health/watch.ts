/** Looks at platforms again and again and judges what it sees. */
import { SwitchyardError } from "../errors.ts";
import type { KiroAgent } from "../ports/agent.ts";
import type { Clock } from "../ports/clock.ts";
import type { PlatformMetrics, PlatformSnapshot } from "../ports/platform-metrics.ts";
import { type Answer, look } from "./checks.ts";
import { type CheckKind, checkKinds, type HealthVerdict, type Judgement, judge, type Look, worst } from "./judge.ts";
import type { HealthSettings } from "./settings.ts";

export interface PlatformHealth {
  readonly platform: string;
  readonly verdict: HealthVerdict;
  readonly checks: readonly Judgement[];
}

export interface HealthTarget {
  readonly agent: Pick<KiroAgent, "healthCheck">;
  readonly settings: HealthSettings;
}

export interface HealthPorts {
  readonly targets: Readonly<Record<string, HealthTarget>>;
  readonly metrics: PlatformMetrics;
  readonly clock: Clock;
}

/** Looks that are kept per check. */
const kept = 200;

/** One platform's looks so far. */
export class HealthChecker {
  readonly #ports: HealthPorts;
  readonly #looks = new Map<string, Map<CheckKind, Look[]>>();
  readonly #earlier = new Map<string, PlatformSnapshot>();
  readonly #since: number;

  constructor(ports: HealthPorts) {
    this.#ports = ports;
    this.#since = ports.clock.wall();
  }

  /** Looks once at every platform. Errors: what a look meets that is no answer of the outside world. */
  async look(signal: AbortSignal): Promise<readonly PlatformHealth[]> {
    const names = Object.entries(this.#ports.targets);
    await Promise.all(names.map(([platform, target]) => this.#lookAt(platform, target, signal)));
    return this.judged();
  }

  /** The verdicts now. */
  judged(): readonly PlatformHealth[] {
    const now = this.#ports.clock.wall();
    return Object.entries(this.#ports.targets).map(([platform, { settings }]) => {
      const looks = this.#looks.get(platform);
      const checks = checkKinds.map((check) => judge(check, looks?.get(check) ?? [], settings, now));
      return { platform, verdict: worst(checks.map(({ verdict }) => verdict)), checks };
    });
  }

  async #lookAt(platform: string, { agent, settings }: HealthTarget, signal: AbortSignal): Promise<void> {
    const { clock, metrics } = this.#ports;
    const [answer, snapshot] = await Promise.all([
      ask(agent, settings, clock, signal),
      this.#measure(metrics, platform, signal),
    ]);
    const seen = { at: clock.wall(), answer, snapshot, earlier: this.#earlier.get(platform) };
    const looks = this.#looks.get(platform) ?? new Map<CheckKind, Look[]>();
    this.#looks.set(platform, looks);
    for (const check of checkKinds) {
      looks.set(check, [...(looks.get(check) ?? []), look(check, seen, settings)].slice(-kept));
    }
    if (snapshot !== undefined) this.#earlier.set(platform, snapshot);
  }

  async #measure(
    metrics: PlatformMetrics,
    platform: string,
    signal: AbortSignal,
  ): Promise<PlatformSnapshot | undefined> {
    try {
      return await metrics.read(platform, this.#since, signal);
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof SwitchyardError) return undefined;
      throw error;
    }
  }
}

async function ask(
  agent: Pick<KiroAgent, "healthCheck">,
  { timeoutMs }: HealthSettings,
  clock: Clock,
  signal: AbortSignal,
): Promise<Answer> {
  const askedAt = clock.now();
  const late = AbortSignal.timeout(timeoutMs);
  try {
    const { ready, status } = await agent.healthCheck(AbortSignal.any([signal, late]));
    const tookMs = clock.now() - askedAt;
    return ready ? { kind: "ready", degraded: status === "degraded", tookMs } : { kind: "not-ready", tookMs };
  } catch (error) {
    signal.throwIfAborted();
    if (late.aborted) return { kind: "none", why: `no answer within ${timeoutMs} ms` };
    if (error instanceof SwitchyardError) return { kind: "none", why: error.message };
    throw error;
  }
}
