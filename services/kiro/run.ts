/** The agent as a process: reads the environment, serves, and ends well on SIGTERM. */
import { randomBytes } from "node:crypto";
import { totalmem } from "node:os";
import { createAgent } from "./agent.ts";
import { watchFailBackFlag } from "./fail-back-flag.ts";
import { createHandBack } from "./hand-back.ts";
import { createLog, type Log } from "./log.ts";
import { createMetrics } from "./metrics.ts";
import { collectorOf, createSpanExporter } from "./otlp.ts";
import { detectPlatform, fetchInstanceId } from "./platform.ts";
import { createRequestSpans, type RequestSpans } from "./request-span.ts";
import { readSecrets } from "./secrets.ts";
import { startServer } from "./server.ts";
import { readSettings, SettingsError } from "./settings.ts";
import type { Process } from "./work.ts";

/** For the last spans, after the last response. */
const lastSpansMs = 1_000;

const metadataServer = "metadata.google.internal";

/** The limit of the container, undefined where the process may use the whole machine. */
function memoryLimit(): number | undefined {
  const limit = process.constrainedMemory();
  return limit > 0 && limit < totalmem() ? limit : undefined;
}

/** Undefined where OpenTelemetry's variables name no collector, or none that may be used. */
function traceRequests(options: {
  readonly log: Log;
  readonly platform: string;
  readonly instance: string;
  readonly version: string;
}): RequestSpans | undefined {
  const { log, platform, instance, version } = options;
  const collector = collectorOf(process.env);
  if (typeof collector === "string") log("WARNING", collector);
  if (typeof collector !== "object") return undefined;
  const exporter = createSpanExporter({
    collector,
    serviceName: process.env["OTEL_SERVICE_NAME"] || "kiro",
    resource: { "service.version": version, "service.instance.id": instance, "kiro.platform": platform },
    onFailure: (why) => log("WARNING", `The collector does not take the traces: ${why}.`),
  });
  const paths = new Set(["/process", "/health", "/ready", "/info", "/kiro-metrics", "/metrics"]);
  return createRequestSpans(exporter, { paths, instance, now: Date.now });
}

async function serve(work: Process): Promise<void> {
  Object.assign(process.env, readSecrets(process.env));
  const settings = readSettings(process.env);
  const platform = detectPlatform(process.env);
  if (settings.drainMs > platform.longestDrainMs) {
    throw new SettingsError([
      `KIRO_DRAIN_SECONDS is ${settings.drainMs / 1_000}; ${platform.name} ends an instance before that, so at most ${platform.longestDrainMs / 1_000} is allowed`,
    ]);
  }
  const found = platform.instanceId ?? (await fetchInstanceId(process.env["GCE_METADATA_HOST"] ?? metadataServer));
  const instanceId = found ?? `${process.env["K_REVISION"] ?? platform.name}-${randomBytes(4).toString("hex")}`;
  const log = createLog({
    write: (line) => process.stdout.write(line),
    now: Date.now,
    minimum: settings.logLevel,
    project: settings.project,
    labels: { platform: platform.name, instance: instanceId },
  });
  if (found === undefined) log("WARNING", "The platform gives no instance id; a random one is used.");

  const spans = traceRequests({ log, platform: platform.name, instance: instanceId, version: settings.version });
  const now = () => performance.now();
  const metrics = createMetrics({
    labels: { platform: platform.name, instance: instanceId },
    now,
    ready: () => agent.ready,
  });
  const agent = createAgent({
    platform: platform.name,
    instanceId,
    version: settings.version,
    platformSpecific: platform.specific,
    process: work,
    metrics,
    now: Date.now,
    memoryLimitBytes: memoryLimit(),
    handingBackTo: () => flag?.target,
  });
  const { failBack, host, port } = settings;
  const flag =
    failBack &&
    watchFailBackFlag({
      url: failBack.url,
      platform: platform.name,
      now,
      onChange: (target) =>
        log("WARNING", target === undefined ? "Serving requests again." : `Handing requests back to ${target}.`),
      onFailure: (why) => log("WARNING", `The fail-back flag cannot be read: ${why}.`),
    });
  const handBack =
    failBack &&
    createHandBack({
      ...failBack,
      target: () => flag?.target,
      marker: agent.marker,
      closing: () => !agent.ready,
      onHandedBack: metrics.handedBack,
    });
  const server = await startServer({ agent, metrics, log, now, host, port, handBack, spans });

  let draining = false;
  const end = (signal: NodeJS.Signals): void => {
    if (draining) return;
    draining = true;
    const begun = now();
    log("INFO", `${signal}: no longer ready, serving until idle.`, { drain_ms: settings.drainMs });
    const lameDuckMs = Math.min(settings.lameDuckMs ?? platform.lameDuckMs, settings.drainMs);
    server.drain({ deadlineMs: settings.drainMs, lameDuckMs }).then(
      async (cut) => {
        const elapsed = Math.round(now() - begun);
        if (cut === 0) log("INFO", `Drained in ${elapsed} ms.`);
        else log("WARNING", `Ended after ${elapsed} ms with ${cut} requests cut off.`, { cut });
        await spans?.close(lastSpansMs);
        process.exit(0);
      },
      (error: unknown) => {
        log("CRITICAL", "The drain failed.", { stack_trace: error instanceof Error ? error.stack : String(error) });
        process.exit(1);
      },
    );
  };
  process.on("SIGTERM", end);
  process.on("SIGINT", end);
  // Only now: whoever reads this line may send the signal at once.
  log("INFO", `Listening on ${server.url}.`, { port: server.port, version: settings.version });
}

/** Runs the agent with the given work until it is told to end. A bad environment or a taken port ends it with exit code 1 and one line that says why. */
export async function runAgent(work: Process): Promise<void> {
  try {
    await serve(work);
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    const known = error instanceof SettingsError || "code" in error;
    const fields = known ? {} : { stack_trace: error.stack };
    process.stderr.write(`${JSON.stringify({ severity: "CRITICAL", message: error.message, ...fields })}\n`);
    process.exitCode = 1;
  }
}
