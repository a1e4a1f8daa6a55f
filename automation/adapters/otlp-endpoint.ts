/** Where a collector is, by OpenTelemetry's own variables, and what of them is a secret. */
import { isConfidential } from "./loopback.ts";

/** The endpoint is not usable; what is said instead of sending. */
export class OtlpRefusedError extends Error {}

type Environment = Readonly<Record<string, string | undefined>>;

/** `path`: v1/traces. `nothing`: nothing is traced. Errors: OtlpRefusedError. */
export function otlpEndpoint(
  env: Environment,
  signal: "TRACES" | "METRICS" | "LOGS",
  { path, nothing }: { readonly path: string; readonly nothing: string },
): URL {
  const ownName = `OTEL_EXPORTER_OTLP_${signal}_ENDPOINT`;
  const own = env[ownName];
  const text = own || `${env["OTEL_EXPORTER_OTLP_ENDPOINT"]?.replace(/\/+$/, "")}/${path}`;
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol)) {
    const name = own ? ownName : "OTEL_EXPORTER_OTLP_ENDPOINT";
    throw new OtlpRefusedError(`${name} is not a URL with http or https; ${nothing}`);
  }
  const secret =
    url.username !== "" || env["OTEL_EXPORTER_OTLP_HEADERS"] || env[`OTEL_EXPORTER_OTLP_${signal}_HEADERS`];
  if (secret && !isConfidential(url)) {
    throw new OtlpRefusedError(
      `the headers for ${url.host} would go over plain HTTP; ${nothing}. Use https, or a collector on this machine`,
    );
  }
  return url;
}

/** `key=value` with commas between, encoded as in a URL. A collector may repeat them in its status line. */
export function otlpSecrets(env: Environment, signals: readonly ("TRACES" | "METRICS" | "LOGS")[]): readonly string[] {
  const names = ["OTEL_EXPORTER_OTLP_HEADERS", ...signals.map((signal) => `OTEL_EXPORTER_OTLP_${signal}_HEADERS`)];
  const pairs = names
    .map((name) => env[name])
    .join(",")
    .split(",");
  const values = pairs.map((pair) => pair.slice(pair.indexOf("=") + 1).trim());
  return values.flatMap((value) => [value, value.replaceAll(/(?:%[0-9a-f]{2})+/gi, decoded)]).filter(isLong);
}

const isLong = (value: string): boolean => value.length >= 6;

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
