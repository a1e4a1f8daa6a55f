import type { Properties } from "../compute/resources.ts";
import type { Backend } from "../router/backend.ts";
import type { Clock, Timer } from "../runtime/clock.ts";
import type { Runtime } from "../runtime/runtime.ts";
import { CloudRunError } from "./cloud-run-error.ts";
import { createProbeAttempt, type ProbeAttempt } from "./probe.ts";
import { evaluationIntervalMs } from "./scaling.ts";
import { CloudRunService } from "./service.ts";
import type { ServiceMetrics } from "./service-metrics.ts";
import type { CloudRunServiceName, CloudRunServiceStatus } from "./service-status.ts";

/** Cloud Run services over local instances; settings in the shape of gcp.cloudrunv2.Service's inputs. */
export interface CloudRun {
  /**
   * Creates or updates. A changed template makes a revision; resolves when it is ready and serves.
   * Errors: CloudRunError with Google's text; a failed revision leaves the traffic where it was.
   */
  deploy(name: CloudRunServiceName, settings: Properties, signal: AbortSignal): Promise<CloudRunServiceStatus>;
  /**
   * Brings a service back after a restart of the daemon under its former revision and generation. Its instances start on demand or,
   * up to the minimum, in the background. Errors: CloudRunError when it exists already or the settings are not acceptable.
   */
  restore(name: CloudRunServiceName, settings: Properties, previous: CloudRunServiceStatus): CloudRunServiceStatus;
  get(name: CloudRunServiceName): { readonly settings: Properties; readonly status: CloudRunServiceStatus } | undefined;
  /** Requests in flight finish; instances end with SIGTERM, 10 s, SIGKILL. */
  delete(name: CloudRunServiceName): Promise<void>;
  /** The data path of a service for the router; the same object for the service's life. */
  backend(name: CloudRunServiceName): Backend | undefined;
  /** What each service does now. */
  metrics(): readonly ServiceMetrics[];
  /** Ends all instances with SIGTERM, 10 s, SIGKILL; closing the runtime at the same time may shorten that. */
  close(): Promise<void>;
}

export interface CloudRunOptions {
  readonly runtime: Runtime;
  readonly clock: Clock;
  /** Simulated time before a new instance's process is started, ms; asked at each start. */
  readonly coldStartDelayMs: () => number;
  /** Numbers in [0, 1), for revision names. */
  readonly random: () => number;
  /**
   * Called when CPU and memory cannot be read: scaling then goes by requests alone and memory limits are not watched.
   * Default: a warning of the process.
   */
  readonly onUsageError?: (error: unknown) => void;
  /** Probes; default: over loopback. */
  readonly attempt?: ProbeAttempt;
}

/** Between two samples of CPU and memory, ms; the autoscaler looks at every fifth. */
const sampleIntervalMs = 1000;

export function createCloudRun(options: CloudRunOptions): CloudRun {
  const { runtime, clock, coldStartDelayMs, random } = options;
  const around = { runtime, clock, coldStartDelayMs, random, attempt: options.attempt ?? createProbeAttempt(clock) };
  const onUsageError =
    options.onUsageError ??
    ((error: unknown) => process.emitWarning(`CPU and memory of instances cannot be read: ${String(error)}`));
  const services = new Map<CloudRunServiceName, CloudRunService>();
  const operations = new Map<CloudRunServiceName, Promise<unknown>>();
  let timer: Timer | undefined;
  let evaluatedAt = clock.now();
  let isSampling = false;
  let isClosed = false;

  function tick(): void {
    timer = clock.setTimeout(tick, sampleIntervalMs);
    if (!isSampling) void sample();
    if (clock.now() - evaluatedAt < evaluationIntervalMs) return;
    evaluatedAt = clock.now();
    for (const service of services.values()) service.evaluate();
  }

  async function sample(): Promise<void> {
    isSampling = true;
    try {
      const usage = new Map((await runtime.usage()).map((one) => [one.name, one]));
      for (const service of services.values()) service.observe(usage);
    } catch (error) {
      onUsageError(error);
    } finally {
      isSampling = false;
    }
  }

  /** One change of a service at a time, in the order of the calls. */
  async function inTurn<Result>(name: CloudRunServiceName, operation: () => Promise<Result>): Promise<Result> {
    const before = operations.get(name);
    const current = (async () => {
      // Its caller hears of its failure; here only its end counts.
      await Promise.allSettled([before]);
      return operation();
    })();
    operations.set(name, current);
    try {
      return await current;
    } finally {
      if (operations.get(name) === current) operations.delete(name);
    }
  }

  function add(name: CloudRunServiceName): CloudRunService {
    if (isClosed) throw new CloudRunError(503, "The local cloud is stopping.");
    const service = new CloudRunService(name, around);
    services.set(name, service);
    if (timer === undefined) timer = clock.setTimeout(tick, sampleIntervalMs);
    return service;
  }

  return {
    deploy: (name, settings, signal) =>
      inTurn(name, async () => {
        const service = services.get(name) ?? add(name);
        try {
          return await service.deploy(settings, signal);
        } finally {
          // Refused before anything was made: there is no such service then.
          if (service.status.generation === 0) services.delete(name);
        }
      }),
    restore(name, settings, previous) {
      if (services.has(name)) throw new CloudRunError(409, `Service '${name}' already exists.`);
      return add(name).restore(settings, previous);
    },
    get(name) {
      const service = services.get(name);
      return service === undefined ? undefined : { settings: service.settings, status: service.status };
    },
    delete: (name) =>
      inTurn(name, async () => {
        await services.get(name)?.delete();
        services.delete(name);
      }),
    backend: (name) => services.get(name),
    metrics: () => [...services.values()].map((service) => service.metrics),
    async close() {
      isClosed = true;
      timer?.cancel();
      await Promise.all([...services.values()].map((service) => service.close()));
    },
  };
}
