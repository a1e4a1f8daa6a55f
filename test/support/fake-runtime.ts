import { ImageNotFoundError } from "../../local/registry/image-error.ts";
import type { Clock } from "../../local/runtime/clock.ts";
import type { Instance, InstanceExit, InstanceSpec, Runtime } from "../../local/runtime/runtime.ts";
import { SecretUnavailableError } from "../../local/secrets/secret-file.ts";

export interface FakeInstance extends Instance {
  readonly spec: InstanceSpec;
  /** Ends it without being asked. */
  crash(code: number, output?: string): void;
}

export interface StopRequest {
  readonly name: string;
  readonly graceMs: number;
  readonly at: number;
  readonly fault: string | undefined;
}

/** Runs nothing; instances live until they are stopped or crashed by the test. */
export interface FakeRuntime extends Runtime {
  /** Every spec that was started, oldest first. */
  readonly started: readonly InstanceSpec[];
  readonly stops: readonly StopRequest[];
  /** Images that are not there. */
  readonly missingImages: Set<string>;
  /** Versions of secrets that are not there. */
  readonly missingSecrets: Set<string>;
  /** How an instance takes SIGTERM: ms until it exits; beyond the grace it is killed. Default 0. */
  exitAfterMs: number;
  /** What `usage` answers, by instance; one that is not in it cannot be read. */
  readonly usageOf: Map<string, { cpuMs: number; memoryBytes: number }>;
  instance(name: string): FakeInstance;
}

export function createFakeRuntime(clock: Clock): FakeRuntime {
  const running = new Map<string, FakeInstance>();
  const started: InstanceSpec[] = [];
  const stops: StopRequest[] = [];
  const exits: InstanceExit[] = [];
  const listeners = new Set<(exit: InstanceExit) => void>();
  const missingImages = new Set<string>();
  const missingSecrets = new Set<string>();

  function launch(spec: InstanceSpec, pid: number): FakeInstance {
    const { promise, resolve } = Promise.withResolvers<InstanceExit>();
    let ended = false;
    let fault: string | undefined;
    let asked = false;
    const end = (code: number | null, signal: string | null, lastOutput: string) => {
      if (ended) return;
      ended = true;
      running.delete(spec.name);
      const exit = {
        name: spec.name,
        platform: spec.platform,
        pid,
        at: clock.now(),
        code,
        signal,
        expected: asked && fault === undefined,
        ...(fault === undefined ? {} : { reason: fault }),
        lastOutput,
      };
      exits.push(exit);
      for (const listener of listeners) listener(exit);
      resolve(exit);
    };
    return {
      spec,
      name: spec.name,
      platform: spec.platform,
      image: spec.image,
      pid,
      port: 20_000 + pid,
      origin: `http://127.0.0.1:${20_000 + pid}`,
      startedAt: clock.now(),
      exited: promise,
      get hasExited() {
        return ended;
      },
      crash: (code, output = "") => end(code, null, output),
      stop(graceMs, why) {
        stops.push({ name: spec.name, graceMs, at: clock.now(), fault: why });
        if (!asked) fault = why;
        asked = true;
        const killed = runtime.exitAfterMs > graceMs;
        const wait = Math.min(runtime.exitAfterMs, graceMs);
        const finish = () => (killed ? end(null, "SIGKILL", "") : end(0, null, ""));
        if (wait <= 0) finish();
        else clock.setTimeout(finish, wait);
        return promise;
      },
    };
  }

  const runtime: FakeRuntime = {
    started,
    stops,
    missingImages,
    missingSecrets,
    exitAfterMs: 0,
    usageOf: new Map(),
    async start(spec) {
      started.push(spec);
      if (missingImages.has(spec.image)) throw new ImageNotFoundError(spec.image, "the registry does not have it");
      const secrets = Object.values(spec.secretFolders ?? {}).flatMap((files) => Object.values(files));
      const missing = secrets.find((version) => missingSecrets.has(version));
      if (missing !== undefined) throw new SecretUnavailableError(`Secret ${missing} was not found.`);
      if (running.has(spec.name)) throw new Error(`Instance ${spec.name} runs already.`);
      const instance = launch(spec, started.length);
      running.set(spec.name, instance);
      return instance;
    },
    instance(name) {
      const found = running.get(name);
      if (found === undefined) throw new Error(`No instance ${name} runs.`);
      return found;
    },
    instances: () => [...running.values()],
    onExit(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    exits: () => exits,
    usage: async () =>
      runtime.instances().flatMap(({ name, platform, pid }) => {
        const used = runtime.usageOf.get(name);
        return used === undefined ? [] : [{ name, platform, pid, cpuPercent: 0, ...used }];
      }),
    async close(graceMs) {
      await Promise.all([...running.values()].map((instance) => instance.stop(graceMs)));
    },
  };
  return runtime;
}
