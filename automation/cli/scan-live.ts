/** What runs in an environment, by the stateless rules: one look, or one after the other. */
import { SwitchyardError } from "../errors.ts";
import type { Clock } from "../ports/clock.ts";
import type { LiveResources } from "../ports/live-resources.ts";
import type { StackEngine } from "../ports/stack-engine.ts";
import { reportOf, type StatelessReport, scan } from "../stateless/scan.ts";

export interface LiveScanPorts {
  readonly name: string;
  readonly live: LiveResources;
  readonly engine: Pick<StackEngine, "list">;
}

/** All platforms of the environment that are up. Errors: not-deployed, compliance-unreadable. */
export async function scanLive(
  { name, live, engine }: LiveScanPorts,
  platforms: readonly string[],
  signal: AbortSignal,
): Promise<StatelessReport> {
  const stacks = await engine.list();
  const up = platforms.filter((one) =>
    stacks.some(({ stack, resources }) => stack === `${one}.${name}` && resources > 0),
  );
  if (up.length === 0) {
    throw new SwitchyardError("not-deployed", {
      message: `No platform of environment ${name} is up, so nothing runs that could be looked at`,
      next: `To bring one up:   npx switchyard up cloud-run.${name}`,
    });
  }
  const reports: StatelessReport[] = [];
  // What stands in one stack stands or falls for itself.
  for (const platform of up) reports.push(scan(await live.read(platform, signal)));
  return reportOf(
    reports.flatMap(({ findings }) => findings),
    reports.reduce((sum, { scanned }) => sum + scanned, 0),
  );
}

export interface RepeatedScan {
  readonly look: () => Promise<StatelessReport>;
  readonly everyMs: number;
  readonly clock: Pick<Clock, "sleep">;
  readonly signal: AbortSignal;
  /** Told of every look, also of one that could not be had. */
  readonly onLook: (seen: StatelessReport | SwitchyardError) => void;
}

/**
 * Looks until the signal is aborted; the last look. What cannot be read now may be readable next time. Errors: the last
 * look's, where it could not be had.
 */
export async function scanRepeatedly({ look, everyMs, clock, signal, onLook }: RepeatedScan): Promise<StatelessReport> {
  for (let last: StatelessReport | SwitchyardError | undefined; ; ) {
    try {
      last = await look();
      onLook(last);
    } catch (error) {
      if (!(error instanceof SwitchyardError)) throw error;
      // Ctrl-C in the middle of a look: the one before it counts.
      if (!signal.aborted || last === undefined) last = error;
      if (!signal.aborted) onLook(error);
    }
    if (!signal.aborted) await clock.sleep(everyMs, signal).catch(() => undefined);
    if (!signal.aborted) continue;
    if (last instanceof SwitchyardError) throw last;
    return last;
  }
}
