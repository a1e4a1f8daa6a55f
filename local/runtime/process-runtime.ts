import { randomUUID } from "node:crypto";
import { mkdirSync } from "node:fs";
import { rm } from "node:fs/promises";
import path from "node:path";
import type { Registry } from "../registry/registry.ts";
import type { AccessSecret } from "../secrets/secret-file.ts";
import type { Clock } from "./clock.ts";
import { findFreePort } from "./free-port.ts";
import { giveSecrets } from "./instance-secrets.ts";
import { homesDirectory, secretsDirectory } from "./orphans.ts";
import { processStartTime } from "./process-identity.ts";
import { InstanceStartError, ProcessInstance } from "./process-instance.ts";
import { type RecordedProcess, writeProcessRecord } from "./process-record.ts";
import { createUsageSampler } from "./process-usage.ts";
import type { InstanceExit, InstanceSpec, Runtime } from "./runtime.ts";
import { startWatchdog, type Watchdog } from "./watchdog-process.ts";

export interface ProcessRuntimeOptions {
  readonly registry: Registry;
  /** Instances' output goes to `<instance>.log` here; the record of running processes lies in the folder above. */
  readonly logsDirectory: string;
  readonly clock: Clock;
  /** What `node` is for the instances; default: the Node that runs this. */
  readonly nodePath?: string;
  /** Variables that every instance has unless its own say otherwise. Default none. */
  readonly environment?: Readonly<Record<string, string>>;
  /** Numbers in [0, 1), for ports; default Math.random. */
  readonly random?: () => number;
  /** Where secrets come from; default: from nowhere. */
  readonly accessSecret?: AccessSecret;
}

/** Exits that are kept. */
const keptExits = 1000;
const namePattern = /^[a-z0-9](?:[a-z0-9.-]{0,250}[a-z0-9])?$/;

/**
 * Runs instances as processes on loopback. Each has a process group, a HOME and TMPDIR of its own (removed when it ends), an environment
 * that holds nothing of the daemon's but PATH, and its start command in the image's root. A watchdog process ends them within moments
 * should this process die; `endOrphans` does the same at the next start.
 */
export function createProcessRuntime(options: ProcessRuntimeOptions): Runtime {
  const { registry, clock, logsDirectory } = options;
  const nodePath = options.nodePath ?? process.execPath;
  const random = options.random ?? Math.random;
  const stateDirectory = path.dirname(path.resolve(logsDirectory));
  const owner = randomUUID();
  const startTime = processStartTime(process.pid);
  if (startTime === undefined) throw new Error("The start time of the own process cannot be read.");
  const daemon = { pid: process.pid, startTime };

  const instances = new Map<string, ProcessInstance>();
  const starting = new Set<string>();
  const ports = new Set<number>();
  const recorded = new Map<string, RecordedProcess>();
  const listeners = new Set<(exit: InstanceExit) => void>();
  const exits: InstanceExit[] = [];
  const usage = createUsageSampler(clock);
  let watchdog: Watchdog | undefined;
  let closing = false;

  function record(name: string, pid: number | undefined): void {
    const started = pid === undefined ? undefined : processStartTime(pid);
    if (pid === undefined || started === undefined) recorded.delete(name);
    else recorded.set(name, { name, pid, startTime: started });
    writeProcessRecord(stateDirectory, { version: 1, owner, daemon, processes: [...recorded.values()] });
  }

  async function promisePort(previous: number | undefined): Promise<number> {
    const port = await findFreePort(random, (candidate) => ports.has(candidate));
    if (previous !== undefined) ports.delete(previous);
    ports.add(port);
    return port;
  }

  function ended(instance: ProcessInstance, exit: InstanceExit): void {
    instances.delete(instance.name);
    ports.delete(instance.port);
    exits.push(exit);
    if (exits.length > keptExits) exits.shift();
    for (const listener of [...listeners]) listener(exit);
  }

  async function begin(spec: InstanceSpec): Promise<ProcessInstance> {
    const { rootfs, start } = await registry.resolve(spec.image);
    const secrets = giveSecrets(spec, options.accessSecret, secretsDirectory(owner));
    const instance = new ProcessInstance(secrets.spec, {
      clock,
      nodePath,
      rootfs,
      command: spec.command ?? start,
      owner,
      environment: options.environment ?? {},
      stateDirectory,
      logsDirectory: path.resolve(logsDirectory),
      promisePort,
      record: (pid) => record(spec.name, pid),
      removeSecrets: secrets.remove,
    });
    try {
      await instance.start();
    } catch (error) {
      ports.delete(instance.port);
      throw error;
    }
    return instance;
  }

  return {
    async start(spec) {
      if (closing) throw new InstanceStartError(spec.name, "the local cloud is stopping");
      if (!namePattern.test(spec.name))
        throw new InstanceStartError(spec.name, "the name has other characters than a-z, 0-9, - and .");
      if (instances.has(spec.name) || starting.has(spec.name))
        throw new InstanceStartError(spec.name, "one of that name runs already");
      starting.add(spec.name);
      try {
        if (watchdog === undefined) {
          mkdirSync(logsDirectory, { recursive: true });
          writeProcessRecord(stateDirectory, { version: 1, owner, daemon, processes: [] });
          watchdog = startWatchdog(stateDirectory, owner);
        }
        const instance = await begin(spec);
        instances.set(spec.name, instance);
        void instance.exited.then((exit) => ended(instance, exit));
        if (closing) {
          await instance.stop(0);
          throw new InstanceStartError(spec.name, "the local cloud is stopping");
        }
        return instance;
      } finally {
        starting.delete(spec.name);
      }
    },
    instances: () => [...instances.values()],
    onExit(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    exits: () => [...exits],
    usage: () => usage([...instances.values()]),
    async close(graceMs) {
      closing = true;
      await Promise.all([...instances.values()].map((instance) => instance.stop(graceMs)));
      await watchdog?.release();
      watchdog = undefined;
      for (const folder of [homesDirectory(stateDirectory, owner), secretsDirectory(owner)])
        await rm(folder, { recursive: true, force: true, maxRetries: 3 });
    },
  };
}
