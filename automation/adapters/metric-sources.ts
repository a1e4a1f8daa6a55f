/** The sources of metrics that a configuration names. */
import { SwitchyardError } from "../errors.ts";
import type { Clock } from "../ports/clock.ts";
import type { MetricSource } from "../ports/metric-source.ts";
import { createCloudMonitoringMetrics } from "./metrics-cloud-monitoring.ts";
import { createDatadogMetrics } from "./metrics-datadog.ts";
import { createPrometheusMetrics } from "./metrics-prometheus.ts";

/** `swap.metrics.sources` of switchyard.yaml. */
export interface MetricSourcesConfig {
  readonly prometheus?: { readonly url: string; readonly token_variable?: string | undefined } | undefined;
  readonly "cloud-monitoring"?: { readonly project: string } | undefined;
  readonly datadog?:
    | { readonly site: string; readonly api_key_variable: string; readonly application_key_variable: string }
    | undefined;
}

export interface MetricSourcesOptions {
  readonly config: MetricSourcesConfig;
  /**
   * Holds the secrets that the configuration names; also CLOUDSDK_API_ENDPOINT_OVERRIDES_MONITORING and DATADOG_HOST (which
   * Datadog's Terraform provider reads too), other addresses of the two clouds.
   */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly clock: Pick<Clock, "wall" | "sleep">;
}

/** By name of the source. Nothing is asked yet. Errors: credentials-missing, credentials-over-http, invalid-config. */
export function createMetricSources(options: MetricSourcesOptions): Readonly<Record<string, MetricSource>> {
  const { config, env, clock } = options;
  const { prometheus, datadog } = config;
  const monitoring = config["cloud-monitoring"];
  return {
    ...(prometheus === undefined
      ? {}
      : {
          prometheus: createPrometheusMetrics({
            url: prometheus.url,
            token: prometheus.token_variable === undefined ? undefined : secret(prometheus.token_variable, env),
            clock,
          }),
        }),
    ...(monitoring === undefined
      ? {}
      : { "cloud-monitoring": createCloudMonitoringMetrics({ project: monitoring.project, env, clock }) }),
    ...(datadog === undefined
      ? {}
      : {
          datadog: createDatadogMetrics({
            site: datadog.site,
            apiKey: secret(datadog.api_key_variable, env),
            applicationKey: secret(datadog.application_key_variable, env),
            endpoint: env["DATADOG_HOST"] === "" ? undefined : env["DATADOG_HOST"],
            clock,
          }),
        }),
  };
}

function secret(variable: string, env: Readonly<Record<string, string | undefined>>): string {
  const value = env[variable]?.trim();
  if (value !== undefined && value !== "") return value;
  throw new SwitchyardError("credentials-missing", {
    message: `the environment variable ${variable}, which swap.metrics.sources names, is not set`,
    next: `Set it, for example: export ${variable}=…`,
  });
}
