/** Metrics and records that OpenTelemetry's variables ask for: a part of the wiring (compose.ts). The library is loaded only where they do. */
import { noTelemetry, type Telemetry } from "../ports/telemetry.ts";

const endpoints = [
  "OTEL_EXPORTER_OTLP_ENDPOINT",
  "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT",
  "OTEL_EXPORTER_OTLP_LOGS_ENDPOINT",
] as const;

/** What makes it impossible is a warning, never a failure. */
export async function openTelemetry(
  env: Readonly<Record<string, string | undefined>>,
  version: string,
  warn: (text: string) => void,
): Promise<Telemetry> {
  if (env["OTEL_SDK_DISABLED"] === "true" || !endpoints.some((name) => env[name])) return noTelemetry;
  const [{ createOpenTelemetryTelemetry }, { OtlpRefusedError }] = await Promise.all([
    import("../adapters/opentelemetry-telemetry.ts"),
    import("../adapters/otlp-endpoint.ts"),
  ]);
  try {
    return createOpenTelemetryTelemetry({ env, version });
  } catch (error) {
    if (!(error instanceof OtlpRefusedError)) throw error;
    warn(error.message);
    return noTelemetry;
  }
}
