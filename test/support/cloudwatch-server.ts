/** A small server that answers as CloudWatch documents GetMetricData, ListMetrics and DescribeAlarms (JSON 1.0). */
import { z } from "zod";
import type { FakePoint } from "./fake-metric-source.ts";
import { type MetricServer, serveMetrics } from "./metric-servers.ts";

const dataRequest = z.object({
  MetricDataQueries: z
    .array(
      z.object({
        Id: z.string().regex(/^[a-z][A-Za-z0-9_]*$/),
        Expression: z.string(),
        Period: z.number(),
        ReturnData: z.boolean(),
      }),
    )
    .min(1),
  StartTime: z.number(),
  EndTime: z.number(),
  NextToken: z.string().optional(),
});

export interface CloudWatchServer extends MetricServer {
  /** Pages of DescribeAlarms. */
  alarmPages: readonly unknown[][];
  /** Expressions of the newest GetMetricData. */
  expressions: readonly { readonly Id: string; readonly Expression: string; readonly ReturnData: boolean }[];
  /** Points per page of GetMetricData. */
  pageSize: number;
}

export async function serveCloudWatch(region: string): Promise<CloudWatchServer> {
  const more: Pick<CloudWatchServer, "alarmPages" | "expressions" | "pageSize"> = {
    alarmPages: [],
    expressions: [],
    pageSize: 1_000,
  };
  const server = await serveMetrics(
    () => ({ status: 404, body: { __type: "UnknownOperationException" } }),
    (_, headers, body, metrics) => {
      if (!headers.authorization?.includes(`/${region}/monitoring/aws4_request`))
        return { status: 403, body: { __type: "UnrecognizedClientException", message: "not signed for this region" } };
      const operation = String(headers["x-amz-target"] ?? "").split(".")[1];
      if (operation === "ListMetrics") {
        // One name a page.
        const { Namespace, NextToken } = z
          .object({ Namespace: z.string(), NextToken: z.string().optional() })
          .parse(body);
        const at = Number(NextToken ?? 0);
        const Metrics = metrics.names.slice(at, at + 1).map((MetricName) => ({ Namespace, MetricName }));
        return {
          status: 200,
          body: { Metrics, ...(at + 1 < metrics.names.length ? { NextToken: String(at + 1) } : {}) },
        };
      }
      if (operation === "DescribeAlarms") {
        const { NextToken } = z.object({ NextToken: z.string().optional() }).parse(body);
        const at = Number(NextToken ?? 0);
        const MetricAlarms = more.alarmPages[at] ?? [];
        return {
          status: 200,
          body: { MetricAlarms, ...(at + 1 < more.alarmPages.length ? { NextToken: String(at + 1) } : {}) },
        };
      }
      if (operation !== "GetMetricData") return { status: 400, body: { __type: "UnknownOperationException" } };
      const { MetricDataQueries, StartTime, EndTime, NextToken } = dataRequest.parse(body);
      more.expressions = MetricDataQueries.map(({ Id, Expression, ReturnData }) => ({ Id, Expression, ReturnData }));
      const at = Number(NextToken ?? 0);
      const answers = MetricDataQueries.filter(({ ReturnData }) => ReturnData).flatMap(({ Id, Expression }) => {
        const found = [...(metrics.series.get(Expression) ?? new Map<string, readonly FakePoint[]>())];
        // What finds nothing is one empty series.
        const series = found.length > 0 ? found : [[Id, []] as const];
        return series.map(([Label, points]) => {
          const inside = points.filter(
            ([ms, value]) => ms >= StartTime * 1_000 && ms < EndTime * 1_000 && Number.isFinite(value),
          );
          const page = inside.slice(at, at + more.pageSize);
          return {
            whole: at + more.pageSize >= inside.length,
            result: {
              Id,
              Label,
              StatusCode: at + more.pageSize >= inside.length ? "Complete" : "PartialData",
              Timestamps: page.map(([ms]) => ms / 1_000),
              Values: page.map(([, value]) => value),
            },
          };
        });
      });
      const rest = answers.some(({ whole }) => !whole) ? { NextToken: String(at + more.pageSize) } : {};
      return { status: 200, body: { MetricDataResults: answers.map(({ result }) => result), ...rest } };
    },
  );
  return Object.assign(more, server);
}
