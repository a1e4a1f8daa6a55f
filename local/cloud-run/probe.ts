import { request } from "node:http";
import { connect } from "node:net";
import type { Clock } from "../runtime/clock.ts";
import { sleep } from "../runtime/sleep.ts";
import type { Probe } from "./probe-settings.ts";

/** Between two looks at a port that does not listen yet, ms. */
const connectIntervalMs = 10;

export interface ProbeTarget {
  /** Read anew at each attempt: a start may have moved the instance to another port. */
  readonly port: number;
}

/**
 * One attempt of a probe; undefined is success, else the reason. Within its timeout an attempt waits for the port to accept connections,
 * which is what makes Cloud Run's default of a single attempt of 240 s work.
 */
export type ProbeAttempt = (target: ProbeTarget, probe: Probe, signal: AbortSignal) => Promise<string | undefined>;

/** Probes over loopback. */
export function createProbeAttempt(clock: Clock): ProbeAttempt {
  return async (target, probe, signal) => {
    const timeout = new AbortController();
    const timer = clock.setTimeout(() => timeout.abort(), probe.timeoutMs);
    const both = AbortSignal.any([signal, timeout.signal]);
    try {
      for (;;) {
        const outcome = probe.check.kind === "tcp" ? await tcp(target, both) : await http(target, probe.check, both);
        if (outcome !== "refused") return outcome;
        if (!(await sleep(clock, connectIntervalMs, both))) {
          return `port ${target.port} did not accept connections within ${probe.timeoutMs / 1000} s`;
        }
      }
    } finally {
      timer.cancel();
    }
  };
}

type Outcome = string | undefined | "refused";

function tcp({ port }: ProbeTarget, signal: AbortSignal): Promise<Outcome> {
  return new Promise((resolve) => {
    const socket = connect({ host: "127.0.0.1", port, signal });
    socket.once("connect", () => {
      socket.destroy();
      resolve(undefined);
    });
    // An attempt that is ended while it connects met a port that accepts no connections.
    socket.once("error", (error) => resolve(isAbort(error) ? "refused" : connectionFault(error)));
  });
}

/** HTTP/1 GET; 200 up to below 400 is success (statement 9). */
function http(
  { port }: ProbeTarget,
  { path, headers }: { readonly path: string; readonly headers: Readonly<Record<string, string>> },
  signal: AbortSignal,
): Promise<Outcome> {
  return new Promise<Outcome>((resolve) => {
    let connected = false;
    const outgoing = request({ host: "127.0.0.1", port, path, headers, signal, agent: false }, (response) => {
      const status = response.statusCode ?? 0;
      response.resume();
      resolve(status >= 200 && status < 400 ? undefined : `GET ${path} answered ${status}`);
    });
    outgoing.once("socket", (socket) => socket.once("connect", () => (connected = true)));
    outgoing.once("error", (error) => resolve(isAbort(error) && !connected ? "refused" : connectionFault(error)));
    outgoing.end();
    // Thrown for a path or header that cannot be sent.
  }).catch((error: unknown) => `GET ${path} cannot be sent: ${error instanceof Error ? error.message : String(error)}`);
}

function connectionFault(error: Error): Outcome {
  if ("code" in error && error.code === "ECONNREFUSED") return "refused";
  return isAbort(error) ? "no answer within the timeout" : error.message;
}

function isAbort(error: Error): boolean {
  return "code" in error && error.code === "ABORT_ERR";
}

/** Repeats a startup probe until it passes (undefined) or its threshold is reached (the last reason). */
export async function awaitStartup(
  target: ProbeTarget,
  probe: Probe,
  attempt: ProbeAttempt,
  clock: Clock,
  signal: AbortSignal,
): Promise<string | undefined> {
  await sleep(clock, probe.initialDelayMs, signal);
  for (let failures = 1; ; failures += 1) {
    const began = clock.now();
    const reason = await attempt(target, probe, signal);
    if (reason === undefined || failures >= probe.failureThreshold || signal.aborted) return reason;
    await sleep(clock, began + probe.periodMs - clock.now(), signal);
  }
}

/** Repeats a probe until the signal aborts and tells when it turns good or bad; it is taken to be good at first. */
export async function watchProbe(
  target: ProbeTarget,
  probe: Probe,
  attempt: ProbeAttempt,
  clock: Clock,
  signal: AbortSignal,
  onTurn: (reason: string | undefined) => void,
): Promise<void> {
  let good = true;
  let streak = 0;
  await sleep(clock, probe.initialDelayMs, signal);
  while (!signal.aborted) {
    const began = clock.now();
    const reason = await attempt(target, probe, signal);
    if (signal.aborted) return;
    streak = (reason === undefined) === good ? 0 : streak + 1;
    if (streak >= (good ? probe.failureThreshold : probe.successThreshold)) {
      good = !good;
      streak = 0;
      onTurn(reason);
    }
    await sleep(clock, began + probe.periodMs - clock.now(), signal);
  }
}
