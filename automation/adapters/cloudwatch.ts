/** Metrics and alarms of Amazon CloudWatch. The only importer of its client. */
import type { CloudWatchClient, MetricAlarm, MetricDataResult } from "@aws-sdk/client-cloudwatch";
import { SwitchyardError } from "../errors.ts";
import type { MetricQuery, MetricSource } from "../ports/metric-source.ts";
import type { Monitor, Monitors } from "../ports/monitors.ts";
import {
  type AwsPlace,
  awsEndpoint,
  awsLogin,
  confidentialOnly,
  confidentialStep,
  isCredentialsError,
  isNamed,
  secretsOf,
} from "./aws-client.ts";
import { type MetricPoint, onGrid } from "./metric-grid.ts";
import { type RequestTurn, unreadable } from "./metric-request.ts";
import { severalSeries } from "./prometheus-replies.ts";
import { errorWithoutSecrets } from "./without-secrets.ts";

const place: AwsPlace = Object.freeze({
  service: "CloudWatch",
  setting: "metrics.cloudwatch.endpoint",
  variable: "AWS_ENDPOINT_URL_CLOUDWATCH",
});

export interface CloudWatchOptions {
  readonly region: string;
  /** Namespace whose names are listed. */
  readonly namespace: string;
  /** Another server than AWS's; plain HTTP only on this machine. */
  readonly endpoint?: string | undefined;
  /** Time for one reply, ms; default 20,000. */
  readonly timeoutMs?: number;
  readonly turn?: RequestTurn | undefined;
}

export interface CloudWatch {
  readonly metrics: MetricSource;
  readonly monitors: Monitors;
  close(): Promise<void>;
}

interface Connection {
  readonly client: CloudWatchClient;
  readonly sdk: typeof import("@aws-sdk/client-cloudwatch");
}

/** Written into the description of an alarm that has to have data. */
const requiredMark = "guard:required";

/** The client is loaded with the first question. Errors of all: metric-unreadable, credentials-missing, credentials-over-http, invalid-config. */
export function createCloudWatch(options: CloudWatchOptions): CloudWatch {
  const description = `CloudWatch in ${options.region}`;
  let connecting: Promise<Connection> | undefined;
  const connect = (): Promise<Connection> => {
    connecting ??= open(options).catch((error: unknown) => {
      // The next call tries again.
      connecting = undefined;
      throw error;
    });
    return connecting;
  };

  async function ask<Result>(
    signal: AbortSignal | undefined,
    work: (connection: Connection, options: { abortSignal?: AbortSignal }) => Promise<Result>,
  ): Promise<Result> {
    signal?.throwIfAborted();
    const heard = await options.turn?.(signal);
    try {
      const result = await work(await connect(), signal === undefined ? {} : { abortSignal: signal });
      // AWS says nothing of what is left.
      heard?.(() => undefined);
      return result;
    } catch (error) {
      heard?.(undefined);
      if (signal?.aborted) throw signal.reason;
      throw await asMetricError(error, description, connecting);
    }
  }

  async function results(query: MetricQuery, signal: AbortSignal | undefined): Promise<readonly MetricDataResult[]> {
    const found: MetricDataResult[] = [];
    let token: string | undefined;
    do {
      const page = await ask(signal, ({ client, sdk }, sending) =>
        client.send(
          new sdk.GetMetricDataCommand({
            MetricDataQueries: expressionsOf(query),
            StartTime: new Date(query.fromMs),
            EndTime: new Date(query.toMs),
            ScanBy: "TimestampAscending",
            ...(token === undefined ? {} : { NextToken: token }),
          }),
          sending,
        ),
      );
      found.push(...(page.MetricDataResults ?? []));
      token = page.NextToken;
    } while (token !== undefined);
    return found;
  }

  return {
    metrics: {
      description,
      async query(query, signal) {
        const byLabel = new Map<string, MetricPoint[]>();
        for (const { Label, Id, StatusCode, Timestamps = [], Values = [], Messages } of await results(query, signal)) {
          if (StatusCode === "InternalError" || StatusCode === "Forbidden")
            throw unreadable(
              description,
              `the query ${query.query} ended with ${StatusCode}: ${Messages?.map(({ Value }) => Value).join("; ") ?? "no reason"}`,
            );
          const label = Label ?? Id ?? "?";
          const points = byLabel.get(label) ?? [];
          for (const [index, at] of Timestamps.entries()) points.push([at.getTime(), Values[index] ?? Number.NaN]);
          byLabel.set(label, points);
        }
        // A query that finds nothing answers with an empty series.
        const filled = [...byLabel].filter(([, points]) => points.length > 0);
        const [only] = filled;
        if (only === undefined) return [];
        if (filled.length > 1)
          throw severalSeries(
            filled.map(([label]) => label),
            query.query,
            description,
            "leave out GROUP BY, or put SUM() around SEARCH()",
          );
        return onGrid(only[1], query);
      },
      async names(signal) {
        const names = new Set<string>();
        let token: string | undefined;
        do {
          const page = await ask(signal, ({ client, sdk }, sending) =>
            client.send(
              new sdk.ListMetricsCommand({
                Namespace: options.namespace,
                ...(token === undefined ? {} : { NextToken: token }),
              }),
              sending,
            ),
          );
          for (const { MetricName } of page.Metrics ?? []) if (MetricName !== undefined) names.add(MetricName);
          token = page.NextToken;
        } while (token !== undefined);
        return [...names];
      },
    },
    monitors: {
      description: `alarms of ${description}`,
      async inScope({ clusterName }, signal) {
        const found: Monitor[] = [];
        let token: string | undefined;
        do {
          const page = await ask(signal, ({ client, sdk }, sending) =>
            client.send(
              new sdk.DescribeAlarmsCommand({
                AlarmTypes: ["MetricAlarm", "CompositeAlarm"],
                ...(token === undefined ? {} : { NextToken: token }),
              }),
              sending,
            ),
          );
          for (const alarm of [...(page.MetricAlarms ?? []), ...(page.CompositeAlarms ?? [])])
            if (isAbout(alarm, clusterName)) found.push(monitorOf(alarm));
          token = page.NextToken;
        } while (token !== undefined);
        return found;
      },
    },
    async close() {
      if (connecting !== undefined) (await connecting).client.destroy();
    },
  };
}

/** One expression a line, `name = expression`; the last is the answer. Metric math, SEARCH() or SQL. */
function expressionsOf({ query, stepMs }: MetricQuery) {
  const lines = query
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "");
  return lines.map((line, index) => {
    const last = index === lines.length - 1;
    const [, name, expression] = (last ? null : /^([a-z][A-Za-z0-9_]*)\s*=\s*(.+)$/.exec(line)) ?? [];
    return {
      Id: name ?? `line${index + 1}`,
      Expression: expression ?? line,
      Period: Math.max(1, Math.round(stepMs / 1_000)),
      ReturnData: last,
    };
  });
}

type Alarm = Pick<
  MetricAlarm,
  "AlarmName" | "AlarmDescription" | "StateValue" | "ActionsEnabled" | "Dimensions" | "Metrics"
>;

/** By the dimension ClusterName, or by its name as one word of the alarm's. */
function isAbout({ AlarmName = "", Dimensions = [], Metrics = [] }: Alarm, clusterName: string): boolean {
  const dimensions = [...Dimensions, ...Metrics.flatMap(({ MetricStat }) => MetricStat?.Metric?.Dimensions ?? [])];
  if (dimensions.some(({ Name, Value }) => Name === "ClusterName" && Value === clusterName)) return true;
  return AlarmName.split(/[^A-Za-z0-9-]+/).includes(clusterName);
}

function monitorOf({ AlarmName = "?", AlarmDescription = "", StateValue, ActionsEnabled }: Alarm): Monitor {
  const state = StateValue === "ALARM" ? "Alert" : StateValue === "OK" ? "OK" : "No Data";
  return { name: AlarmName, state, required: AlarmDescription.includes(requiredMark), muted: ActionsEnabled === false };
}

async function open({ region, endpoint, timeoutMs = 20_000 }: CloudWatchOptions): Promise<Connection> {
  const sdk = await import("@aws-sdk/client-cloudwatch");
  const client = new sdk.CloudWatchClient({
    region,
    maxAttempts: 3,
    requestHandler: { connectionTimeout: 2_000, requestTimeout: timeoutMs },
    ...awsEndpoint(endpoint, place),
  });
  client.middlewareStack.add(confidentialOnly(place), confidentialStep);
  return { client, sdk };
}

async function asMetricError(
  thrown: unknown,
  description: string,
  connecting: Promise<Connection> | undefined,
): Promise<unknown> {
  if (thrown instanceof SwitchyardError || !(thrown instanceof Error)) return thrown;
  // Where there are none, they are not looked for once more, which can take seconds.
  const apart = isNamed(thrown, "CredentialsProviderError");
  const secrets = apart ? [] : await secretsOf(async () => (await connecting)?.client.config.credentials() ?? nobody);
  const error = errorWithoutSecrets(thrown, secrets);
  if (isCredentialsError(error))
    return new SwitchyardError("credentials-missing", {
      message: `${description} got no valid credentials: ${error.message}`,
      next: awsLogin,
      cause: error,
    });
  return unreadable(description, `${error.name}: ${error.message || "no answer"}`, error);
}

const nobody = { accessKeyId: "", secretAccessKey: "" };
