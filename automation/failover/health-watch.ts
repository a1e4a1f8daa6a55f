/** Asks every platform's agent again and again whether it is ready, and knows since when it has been, or has not. */
import { SwitchyardError } from "../errors.ts";
import type { Clock } from "../ports/clock.ts";
import type { Platform } from "../ports/platform.ts";

/** Between two checks of a platform, ms. */
const intervalMs = 1_000;
/** A check that has no answer by then counts as failed, ms. */
const patienceMs = 3_000;

interface Health {
  readySince: number | undefined;
  unreadySince: number | undefined;
  /** When the check that is under way began; undefined between two. */
  askedAt: number | undefined;
}

/** Begins at once. A platform that was never asked, or whose check hangs, is neither ready nor known to be well. */
export class HealthWatch {
  readonly #health = new Map<string, Health>();
  readonly #ended = new AbortController();
  readonly #clock: Clock;
  #fault: { readonly error: unknown } | undefined;

  constructor(platforms: Readonly<Record<string, Pick<Platform, "agent">>>, clock: Clock, signal: AbortSignal) {
    this.#clock = clock;
    const ends = AbortSignal.any([signal, this.#ended.signal]);
    for (const [name, platform] of Object.entries(platforms)) {
      const health: Health = { readySince: undefined, unreadySince: undefined, askedAt: undefined };
      this.#health.set(name, health);
      this.#watch(platform, health, ends).catch((error: unknown) => {
        if (!ends.aborted) this.#fault ??= { error };
      });
    }
  }

  /** Since when each of its checks was answered as ready, ms; undefined: the last one was not, or it hangs. Errors: what a check met that is no answer of the outside world. */
  readySince(platform: string, now: number): number | undefined {
    const health = this.#look(platform);
    return health === undefined || hangs(health, now) ? undefined : health.readySince;
  }

  /** Since when none was, ms; undefined: the last one was, or there has been none. */
  unreadySince(platform: string, now: number): number | undefined {
    const health = this.#look(platform);
    if (health === undefined) return undefined;
    return hangs(health, now) ? (health.unreadySince ?? health.askedAt) : health.unreadySince;
  }

  close(): void {
    this.#ended.abort();
  }

  #look(platform: string): Health | undefined {
    if (this.#fault !== undefined) throw this.#fault.error;
    return this.#health.get(platform);
  }

  async #watch(platform: Pick<Platform, "agent">, health: Health, signal: AbortSignal): Promise<void> {
    const clock = this.#clock;
    for (;;) {
      const askedAt = clock.now();
      health.askedAt = askedAt;
      const ready = await isReady(platform, signal);
      health.askedAt = undefined;
      const answeredAt = clock.now();
      const well = ready && answeredAt - askedAt < patienceMs;
      health.readySince = well ? (health.readySince ?? answeredAt) : undefined;
      health.unreadySince = well ? undefined : (health.unreadySince ?? askedAt);
      await clock.sleep(intervalMs, signal);
    }
  }
}

function hangs({ askedAt }: Health, now: number): boolean {
  return askedAt !== undefined && now - askedAt >= patienceMs;
}

async function isReady(platform: Pick<Platform, "agent">, signal: AbortSignal): Promise<boolean> {
  try {
    return (await platform.agent().healthCheck(signal)).ready;
  } catch (error) {
    if (!(error instanceof SwitchyardError) || signal.aborted) throw error;
    return false;
  }
}
