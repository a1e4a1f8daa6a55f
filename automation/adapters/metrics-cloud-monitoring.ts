/** Metrics of Google Cloud Monitoring, in PromQL: its own query language is deprecated. */
import { SwitchyardError } from "../errors.ts";
import type { Clock } from "../ports/clock.ts";
import type { MetricSource } from "../ports/metric-source.ts";
import { createGoogleClient, type GoogleApi, type GoogleReply, googleErrorText } from "./google-client.ts";
import { unreadable, waitForTurn } from "./metric-request.ts";
import { prometheusErrorText, rangeParameters, readMatrix, readNames } from "./prometheus-replies.ts";

const monitoringApi: GoogleApi = Object.freeze({
  name: "monitoring",
  endpoint: "https://monitoring.googleapis.com/v1/",
  overrideVariable: "CLOUDSDK_API_ENDPOINT_OVERRIDES_MONITORING",
  unreachable: "metric-unreadable",
});

export interface CloudMonitoringMetricsOptions {
  /** The project whose metrics scope is asked. */
  readonly project: string;
  /** Reads CLOUDSDK_API_ENDPOINT_OVERRIDES_MONITORING and GOOGLE_OAUTH_ACCESS_TOKEN. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly clock: Pick<Clock, "wall" | "sleep">;
  /** Time for one reply, ms; default 30,000. */
  readonly timeoutMs?: number;
}

/** Errors: invalid-config, credentials-over-http; a query may also end with credentials-missing. */
export function createCloudMonitoringMetrics(options: CloudMonitoringMetricsOptions): MetricSource {
  const { project, env, clock } = options;
  const description = `Cloud Monitoring of project ${project}`;
  const client = createGoogleClient({ env, api: monitoringApi });
  const timeout = options.timeoutMs === undefined ? {} : { timeoutMs: options.timeoutMs };

  const ask = async (
    path: string,
    query: Readonly<Record<string, string>>,
    signal: AbortSignal | undefined,
  ): Promise<GoogleReply> => {
    try {
      return await client.request({
        method: "GET",
        path: `projects/${project}/location/global/prometheus/api/v1/${path}`,
        query,
        signal,
        returnBusy: true,
        ...timeout,
      });
    } catch (error) {
      if (!(error instanceof SwitchyardError) || error.code !== "metric-unreadable") throw error;
      throw unreadable(description, error.message);
    }
  };

  const get = async (
    path: string,
    query: Readonly<Record<string, string>>,
    signal: AbortSignal | undefined,
  ): Promise<unknown> => {
    const first = await ask(path, query, signal);
    const again = first.status === 429 && (await waitForTurn((name) => first.header(name), clock, signal));
    const reply = again ? await ask(path, query, signal) : first;
    if (reply.status === 200) return reply.body;
    const why = prometheusErrorText(reply.body) ?? googleErrorText(reply);
    throw unreadable(description, `it answered ${reply.status}: ${why}`);
  };

  return {
    description,
    async query(query, signal) {
      return readMatrix(await get("query_range", rangeParameters(query), signal), query, description);
    },
    async names(signal) {
      return readNames(await get("label/__name__/values", {}, signal), description);
    },
  };
}
