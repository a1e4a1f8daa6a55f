/** A command as a span. */
import { SwitchyardError } from "../errors.ts";
import { type TraceScope, untraced } from "../ports/tracer.ts";

const endpoints = ["OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"] as const;

/** What a command is traced as; its arguments may hold secrets and are left out. */
export interface TracedCommand {
  /** `swap start` */
  readonly name: string;
  readonly version: string;
  readonly env: NodeJS.ProcessEnv;
  readonly warn: (text: string) => void;
}

/** Runs the work in a span of the command, where OpenTelemetry's variables name a place for traces. */
export async function traced<Result>(
  command: TracedCommand,
  work: (scope: TraceScope) => Promise<Result>,
): Promise<Result> {
  const { env, name, version, warn } = command;
  if (env["OTEL_SDK_DISABLED"] === "true" || !endpoints.some((variable) => env[variable])) return work(untraced);
  const { composeTracer } = await import("./compose-tracer.ts");
  const tracer = composeTracer(env, version, warn);
  const span = tracer.startSpan({
    name: `switchyard ${name}`,
    attributes: { "switchyard.command": name, "process.pid": process.pid },
  });
  try {
    const result = await work({ tracer, command: span, current: span.context });
    span.end();
    return result;
  } catch (error) {
    span.end({ error: describe(error) });
    throw error;
  } finally {
    const undelivered = await tracer.close();
    if (undelivered !== undefined) warn(undelivered);
  }
}

function describe(error: unknown): { code: string; message: string } {
  if (error instanceof SwitchyardError) return { code: error.code, message: error.message };
  return { code: "internal-error", message: error instanceof Error ? error.name : "unknown" };
}
