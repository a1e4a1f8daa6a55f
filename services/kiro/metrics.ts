/** The instance's counts, for Prometheus and for KiroMetrics. The only state that the process keeps. */
import { monitorEventLoopDelay } from "node:perf_hooks";
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from "prom-client";

const windowMs = 5_000;

export interface Usage {
  readonly requestCount: number;
  readonly errorCount: number;
  /** ms */
  readonly avgResponseTime: number;
  readonly inFlight: number;
  readonly memoryBytes: number;
  /** Percent of one core over the last complete window. */
  readonly cpuPercent: number;
  /** The longest delay of the event loop in the last complete window, ms. */
  readonly eventLoopDelayMs: number;
}

export interface Metrics {
  /** Call it when a request starts; the returned function when it has ended, with the status (499: the client went away first). */
  start(operation: string): (status: number) => void;
  /** A request that this instance handed to another platform, with the status that its client got. */
  handedBack(target: string, status: number): void;
  usage(): Usage;
  /** Prometheus text. */
  expose(): Promise<{ readonly contentType: string; readonly body: string }>;
  close(): void;
}

/** `now` is a monotonic clock, ms. */
export function createMetrics(options: {
  readonly labels: Readonly<Record<string, string>>;
  readonly now: () => number;
  readonly ready: () => boolean;
}): Metrics {
  const registry = new Registry();
  registry.setDefaultLabels({ ...options.labels });
  collectDefaultMetrics({ register: registry, eventLoopMonitoringPrecision: 50 });
  const requests = new Counter({
    name: "kiro_requests_total",
    help: "Requests to POST /process that have ended, by status code; 499 means that the client went away first.",
    labelNames: ["code"],
    registers: [registry],
  });
  const durations = new Histogram({
    name: "kiro_request_duration_seconds",
    help: "Time from the arrival of a request to the end of its response.",
    labelNames: ["operation"],
    buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60],
    registers: [registry],
  });
  const handedBack = new Counter({
    name: "kiro_handed_back_total",
    help: "Requests that were handed to another platform while the fail-back flag said so, by its name and status code.",
    labelNames: ["target", "code"],
    registers: [registry],
  });
  let inFlight = 0;
  let requestCount = 0;
  let errorCount = 0;
  let totalMs = 0;
  new Gauge({
    name: "kiro_requests_in_flight",
    help: "Requests to POST /process that are being served.",
    registers: [registry],
    collect() {
      this.set(inFlight);
    },
  });
  new Gauge({
    name: "kiro_ready",
    help: "1 while the instance wants new requests, 0 from SIGTERM on.",
    registers: [registry],
    collect() {
      this.set(options.ready() ? 1 : 0);
    },
  });

  const delay = monitorEventLoopDelay({ resolution: 50 });
  delay.enable();
  let before = { at: options.now(), cpu: process.cpuUsage() };
  let last: { cpuPercent: number; eventLoopDelayMs: number } | undefined;
  const measure = (): { cpuPercent: number; eventLoopDelayMs: number } => {
    const used = process.cpuUsage(before.cpu);
    const elapsed = Math.max(1, options.now() - before.at);
    return {
      cpuPercent: (used.user + used.system) / 10 / elapsed,
      // The monitor's own 50 ms are part of what it reports; without a sample it says 0.
      eventLoopDelayMs: Math.max(0, delay.max / 1e6 - 50),
    };
  };
  const timer = setInterval(() => {
    last = measure();
    before = { at: options.now(), cpu: process.cpuUsage() };
    delay.reset();
  }, windowMs);
  timer.unref();

  return {
    start(operation) {
      const startedAt = options.now();
      inFlight += 1;
      return (status) => {
        const elapsed = options.now() - startedAt;
        inFlight -= 1;
        requestCount += 1;
        totalMs += elapsed;
        if (status >= 500) errorCount += 1;
        requests.inc({ code: String(status) });
        durations.observe({ operation }, elapsed / 1_000);
      };
    },
    handedBack: (target, status) => handedBack.inc({ target, code: String(status) }),
    usage: () => ({
      requestCount,
      errorCount,
      avgResponseTime: requestCount === 0 ? 0 : totalMs / requestCount,
      inFlight,
      memoryBytes: process.memoryUsage.rss(),
      ...(last ?? measure()),
    }),
    expose: async () => ({ contentType: registry.contentType, body: await registry.metrics() }),
    close() {
      clearInterval(timer);
      delay.disable();
      registry.clear();
    },
  };
}
