import { randomBytes } from "node:crypto";
import type { Reservation } from "../router/backend.ts";
import type { Clock } from "../runtime/clock.ts";
import type { InstanceUsage, Runtime } from "../runtime/runtime.ts";
import { instanceEnvironment } from "./instance-environment.ts";
import type { ProbeAttempt } from "./probe.ts";
import { ServiceInstance, type StartFailure } from "./service-instance.ts";
import type { ServiceSettings } from "./settings.ts";

export interface PoolSurroundings {
  readonly runtime: Runtime;
  readonly clock: Clock;
  readonly attempt: ProbeAttempt;
  /** Asked at each start. */
  readonly coldStartDelayMs: () => number;
  /** A slot, an instance or its state has changed. */
  readonly onChange: (pool: RevisionPool) => void;
  /** An instance became ready (undefined) or failed to. */
  readonly onStarted: (pool: RevisionPool, failure: StartFailure | undefined, durationMs: number) => void;
  /** An instance that was ready ended although nobody asked it to. */
  readonly onCrash: (pool: RevisionPool, instance: ServiceInstance) => void;
}

/** The instances of one revision. */
export class RevisionPool {
  readonly revision: string;
  /** Minimum and maximum may change while it serves; what the instances run with never does. */
  settings: ServiceSettings;
  readonly #service: string;
  readonly #around: PoolSurroundings;
  readonly #instances = new Set<ServiceInstance>();
  #isRetired = false;
  #coldStarts = 0;

  constructor(service: string, revision: string, settings: ServiceSettings, around: PoolSurroundings) {
    this.#service = service;
    this.revision = revision;
    this.settings = settings;
    this.#around = around;
  }

  get instances(): readonly ServiceInstance[] {
    return [...this.#instances];
  }

  /** Instances started so far. */
  get coldStarts(): number {
    return this.#coldStarts;
  }

  count(state: "starting" | "ready"): number {
    let count = 0;
    for (const instance of this.#instances) if (instance.state === state) count += 1;
    return count;
  }

  /** Those that take requests, or will. */
  get present(): number {
    return this.count("ready") + this.count("starting");
  }

  /** Requests in the instances, probes not counted. */
  get inFlight(): number {
    let sum = 0;
    for (const instance of this.#instances) sum += instance.inFlight;
    return sum;
  }

  /** A slot of the least loaded instance; undefined when all are full or none is ready. */
  take(probe: boolean): Reservation | undefined {
    let best: ServiceInstance | undefined;
    for (const instance of this.#instances) {
      if (instance.hasFreeSlot && (best === undefined || instance.load < best.load)) best = instance;
    }
    return best?.reserve(probe);
  }

  start(): ServiceInstance {
    const { settings } = this;
    this.#coldStarts += 1;
    const instance = new ServiceInstance(
      {
        spec: {
          name: `${this.revision}-${randomBytes(4).toString("hex")}`,
          platform: "cloud-run",
          image: settings.image,
          env: instanceEnvironment(this.#service, this.revision, settings),
          secretEnv: settings.secretEnv,
          ...(settings.command === undefined ? {} : { command: settings.command }),
          memoryLimitBytes: settings.memoryBytes,
        },
        concurrency: settings.concurrency,
        timeoutMs: settings.timeoutMs,
        startupProbe: settings.startupProbe,
        livenessProbe: settings.livenessProbe,
        readinessProbe: settings.readinessProbe,
      },
      {
        runtime: this.#around.runtime,
        clock: this.#around.clock,
        attempt: this.#around.attempt,
        coldStartDelayMs: this.#around.coldStartDelayMs(),
        onStarted: ({ createdAt }, failure) => {
          if (!this.#isRetired) this.#around.onStarted(this, failure, this.#around.clock.now() - createdAt);
        },
        onChange: (changed) => this.#changed(changed),
      },
    );
    this.#instances.add(instance);
    return instance;
  }

  /** Ends the named instances after their requests (statement 12). */
  scaleIn(names: readonly string[]): void {
    for (const instance of this.#instances) if (names.includes(instance.name)) void instance.drain();
  }

  /** Takes no more requests; resolves when all instances have finished theirs and ended. */
  async retire(): Promise<void> {
    this.#isRetired = true;
    await Promise.all(this.instances.map((instance) => instance.drain()));
  }

  /** Ends all instances within the grace. */
  async stop(graceMs: number): Promise<void> {
    this.#isRetired = true;
    await Promise.all(this.instances.map((instance) => instance.stop(graceMs)));
  }

  /** Kills what uses more memory than its limit (statement 14). Returns the vCPU that the pool uses. */
  observe(usage: ReadonlyMap<string, InstanceUsage>): number {
    const limit = this.settings.memoryBytes;
    let cpu = 0;
    for (const instance of this.#instances) {
      const used = usage.get(instance.name);
      if (used === undefined) continue;
      cpu += used.cpuPercent / 100;
      if (used.memoryBytes > limit) {
        instance.kill(
          `Memory limit of ${toMebibytes(limit)} MiB exceeded with ${toMebibytes(used.memoryBytes)} MiB used.`,
        );
      }
    }
    return cpu;
  }

  #changed(instance: ServiceInstance): void {
    if (instance.state === "ended" && this.#instances.delete(instance)) {
      if (instance.readyAt !== undefined && instance.exit?.expected === false && !this.#isRetired) {
        this.#around.onCrash(this, instance);
      }
    }
    this.#around.onChange(this);
  }
}

function toMebibytes(bytes: number): number {
  return Math.round(bytes / (1024 * 1024));
}
