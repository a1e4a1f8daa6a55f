/** The tracer that OpenTelemetry's variables ask for. Loaded only where they do. */
import { createOpenTelemetryTracer } from "../adapters/opentelemetry-tracer.ts";
import { OtlpRefusedError } from "../adapters/otlp-endpoint.ts";
import { noTracer, type Tracer } from "../ports/tracer.ts";

/** What makes tracing impossible is a warning, never a failure. */
export function composeTracer(env: NodeJS.ProcessEnv, version: string, warn: (text: string) => void): Tracer {
  try {
    return createOpenTelemetryTracer({ env, version });
  } catch (error) {
    if (!(error instanceof OtlpRefusedError)) throw error;
    warn(error.message);
    return noTracer;
  }
}
