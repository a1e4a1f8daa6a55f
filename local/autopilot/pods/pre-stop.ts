import type { Clock } from "../../runtime/clock.ts";
import type { LifecycleHandler } from "../objects/pod.ts";
import type { ProbeTransport } from "./probe-transport.ts";

const SLEEP_COMMAND = /^(?:exec\s+)?(?:(?:\/usr)?\/bin\/)?sleep\s+(\d+(?:\.\d+)?)s?$/;
const SHELL = /^(?:(?:\/usr)?\/bin\/)?(?:ba|da)?sh$/;

/**
 * Seconds that a preStop hook waits: `sleep`, or a command that does nothing but sleep, alone or through a shell. Undefined for
 * everything else.
 */
export function sleepSeconds(handler: LifecycleHandler): number | undefined {
  if (handler.sleep !== undefined) {
    return handler.sleep.seconds;
  }
  const command = handler.exec?.command ?? [];
  const [shell, flag, script] = command;
  const throughShell = command.length === 3 && flag === "-c" && SHELL.test(shell ?? "");
  const match = SLEEP_COMMAND.exec(throughShell ? (script ?? "").trim() : command.join(" "));
  return match === null ? undefined : Number(match[1]);
}

export interface PreStopSurroundings {
  readonly clock: Clock;
  readonly transport: ProbeTransport;
  /** Of the container. */
  readonly origin: string;
  /** The hook ends with the grace. */
  readonly graceMs: number;
  /** Settles when the container ends by itself; there is nothing to wait for then. */
  readonly ended: Promise<unknown>;
}

/** Resolves when the hook is done. A failed request does not keep the container: Kubernetes goes on as well. */
export async function runPreStop(handler: LifecycleHandler, surroundings: PreStopSurroundings): Promise<void> {
  const { clock, transport, origin, graceMs, ended } = surroundings;
  const seconds = sleepSeconds(handler);
  const limit = seconds === undefined ? graceMs : Math.min(graceMs, seconds * 1000);
  const { promise: over, resolve } = Promise.withResolvers<void>();
  const timer = clock.setTimeout(resolve, limit);
  const abort = new AbortController();
  const waits: Promise<unknown>[] = [over, ended];
  if (handler.httpGet !== undefined) {
    const { path, httpHeaders } = handler.httpGet;
    const headers = Object.fromEntries(httpHeaders.map(({ name, value }) => [name, value]));
    waits.push(transport({ origin, http: { path, headers }, signal: abort.signal }));
  }
  await Promise.race(waits);
  timer.cancel();
  abort.abort();
}
