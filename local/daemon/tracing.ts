import { collectorOf, createSpanExporter } from "../../services/kiro/otlp.ts";
import type { RouterTracing } from "../router/server-span.ts";
import { version } from "./version.ts";

export interface Tracing {
  /** Undefined where the daemon's variables name no collector. */
  readonly router: RouterTracing | undefined;
  /** For instances, so that agents tell the same collector. Headers are not among them: they may be credentials. */
  readonly environment: Readonly<Record<string, string>>;
  close(deadlineMs: number): Promise<void>;
}

const handedOn = ["OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"] as const;

/** As OpenTelemetry's variables say, those that the daemon was started with. */
export function openTracing(env: Readonly<Record<string, string | undefined>>, warn: (why: string) => void): Tracing {
  const collector = collectorOf(env);
  if (typeof collector === "string") warn(collector);
  if (typeof collector !== "object") return { router: undefined, environment: {}, close: async () => undefined };
  const exporter = createSpanExporter({
    collector,
    serviceName: "switchyard-router",
    resource: { "service.version": version },
    onFailure: (why) => warn(`The collector does not take the router's traces: ${why}.`),
  });
  const pairs = handedOn.flatMap((name) => {
    const value = env[name];
    return value === undefined || value === "" ? [] : [[name, value] as const];
  });
  return {
    router: { exporter },
    environment: Object.fromEntries(pairs),
    close: (deadlineMs) => exporter.close(deadlineMs),
  };
}
