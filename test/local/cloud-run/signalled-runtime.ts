import type { Clock, Timer } from "../../../local/runtime/clock.ts";
import type { Instance, InstanceExit, InstanceSpec, InstanceUsage, Runtime } from "../../../local/runtime/runtime.ts";

/** An instance without a process; the test decides when it ends. */
export interface SignalledInstance extends Instance {
  readonly spec: InstanceSpec;
  /** Signals that it was sent, in order. */
  readonly signals: readonly ("SIGTERM" | "SIGKILL")[];
  /** Ends it by itself. */
  crash(code: number, lastOutput?: string): void;
}

export interface SignalledRuntime extends Runtime {
  /** All that were ever started, in order. */
  readonly started: readonly SignalledInstance[];
  instances(): readonly SignalledInstance[];
  /** While set, starts fail with it. */
  startError: Error | undefined;
  /** Whether instances end at SIGTERM; default true. */
  endsOnSigterm: boolean;
  /** What `usage` answers, by instance name. */
  readonly usageOf: Map<string, { cpuPercent: number; memoryBytes: number }>;
}

/** A runtime without processes that records the signals its instances are sent. */
export function createSignalledRuntime(clock: Clock): SignalledRuntime {
  const listeners = new Set<(exit: InstanceExit) => void>();
  const exits: InstanceExit[] = [];
  const started: SignalledInstance[] = [];
  const usageOf = new Map<string, { cpuPercent: number; memoryBytes: number }>();

  function create(spec: InstanceSpec, pid: number): SignalledInstance {
    const { promise, resolve } = Promise.withResolvers<InstanceExit>();
    const signals: ("SIGTERM" | "SIGKILL")[] = [];
    let hasExited = false;
    let isStopping = false;
    let reason: string | undefined;
    let timer: Timer | undefined;

    function end(code: number | null, signal: string | null, lastOutput = ""): void {
      if (hasExited) return;
      hasExited = true;
      timer?.cancel();
      const exit: InstanceExit = {
        name: spec.name,
        platform: spec.platform,
        pid,
        at: clock.now(),
        code,
        signal,
        expected: isStopping && reason === undefined,
        ...(reason === undefined ? {} : { reason }),
        lastOutput,
      };
      exits.push(exit);
      for (const listener of listeners) listener(exit);
      resolve(exit);
    }

    function kill(): void {
      signals.push("SIGKILL");
      end(null, "SIGKILL");
    }

    return {
      name: spec.name,
      platform: spec.platform,
      image: spec.image,
      spec,
      pid,
      port: 10_000 + pid,
      origin: `http://127.0.0.1:${10_000 + pid}`,
      startedAt: clock.now(),
      exited: promise,
      signals,
      get hasExited() {
        return hasExited;
      },
      crash: (code, lastOutput) => end(code, null, lastOutput),
      stop(graceMs, fault) {
        if (hasExited) return promise;
        if (!isStopping) reason = fault;
        isStopping = true;
        if (graceMs <= 0) kill();
        else {
          signals.push("SIGTERM");
          if (runtime.endsOnSigterm) end(0, null);
          else timer ??= clock.setTimeout(kill, graceMs);
        }
        return promise;
      },
    };
  }

  const runtime: SignalledRuntime = {
    started,
    startError: undefined,
    endsOnSigterm: true,
    usageOf,
    async start(spec) {
      if (runtime.startError !== undefined) throw runtime.startError;
      const instance = create(spec, started.length + 1);
      started.push(instance);
      return instance;
    },
    instances: () => started.filter((instance) => !instance.hasExited),
    onExit(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    exits: () => exits,
    async usage(): Promise<readonly InstanceUsage[]> {
      return runtime.instances().flatMap(({ name, platform, pid }) => {
        const used = usageOf.get(name);
        return used === undefined ? [] : [{ name, platform, pid, cpuMs: 0, ...used }];
      });
    },
    async close(graceMs) {
      await Promise.all(runtime.instances().map((instance) => instance.stop(graceMs)));
    },
  };
  return runtime;
}
