/** A small server that answers timeSeries.list (v3) as Google documents it, from facts. */
import { createServer } from "node:http";
import { z } from "zod";
import { historyStart, minuteMs, type PlatformFacts } from "./fake-platform-metrics.ts";

export interface MonitoringServer {
  /** http://127.0.0.1:PORT */
  readonly url: string;
  readonly facts: Map<string, PlatformFacts>;
  /** Path and query of every request. */
  readonly requests: readonly URL[];
  /** Metrics whose type contains this are refused. */
  refused: string | undefined;
  /** Series of one page; default all of them. */
  pageSize: number;
  close(): Promise<void>;
}

type Point = { readonly interval: { readonly endTime: string }; readonly value: object };
type Series = {
  readonly metric: { readonly type: string; readonly labels: object };
  readonly points: readonly Point[];
};

const point = (minute: number, value: object): Point => ({
  interval: { endTime: new Date(historyStart + minute * minuteMs).toISOString() },
  value,
});

/** Exponential buckets as the balancer has them: 1.4^n ms. */
function distribution(count: number): object {
  const bucketCounts = Array.from({ length: 12 }, () => "0");
  bucketCounts[8] = String(count);
  return {
    count: String(count),
    mean: 12,
    bucketOptions: { exponentialBuckets: { numFiniteBuckets: 66, growthFactor: 1.4, scale: 1 } },
    bucketCounts,
  };
}

function seriesOf(type: string, { requests, errors, history }: PlatformFacts): readonly Series[] {
  const one = (labels: object, points: readonly Point[]): Series => ({ metric: { type, labels }, points });
  // Newest first, as Google gives them.
  const overTime = (value: (instances: number) => object): readonly Point[] =>
    history.map((instances, minute) => point(minute, value(instances))).toReversed();
  switch (type) {
    case "loadbalancing.googleapis.com/https/request_count": {
      // Two periods of each class: what was counted in an hour is the sum.
      const split = (count: number): readonly Point[] => [
        point(1, { int64Value: String(count - Math.floor(count / 3)) }),
        point(0, { int64Value: String(Math.floor(count / 3)) }),
      ];
      return [
        one({ response_code_class: "200" }, split(requests - errors)),
        one({ response_code_class: "500" }, split(errors)),
      ];
    }
    case "loadbalancing.googleapis.com/https/total_latencies":
      return [
        one({}, [
          point(1, { distributionValue: distribution(requests - 1) }),
          point(0, { distributionValue: distribution(1) }),
        ]),
      ];
    case "run.googleapis.com/container/instance_count":
      return [
        one(
          {},
          overTime((instances) => ({ doubleValue: instances })),
        ),
      ];
    case "kubernetes.io/container/uptime":
      // One series per pod, each with a point in every minute in which it lived.
      return Array.from({ length: Math.max(...history) }, (_, pod) =>
        one(
          {},
          history.flatMap((instances, minute) =>
            instances > pod ? [point(minute, { doubleValue: 60 * (minute + 1) })] : [],
          ),
        ),
      );
    case "kubernetes.io/container/restart_count":
      return [one({}, [point(0, { int64Value: "2" }), point(1, { int64Value: "0" })])];
    case "run.googleapis.com/container/cpu/utilizations":
    case "run.googleapis.com/container/memory/utilizations":
      return [
        one({}, [
          point(0, {
            distributionValue: {
              count: "3",
              mean: 0.4,
              bucketOptions: { linearBuckets: { numFiniteBuckets: 100, width: 0.01 } },
              bucketCounts: [...Array.from({ length: 40 }, () => "0"), "3"],
            },
          }),
        ]),
      ];
    default:
      return [one({}, [point(1, { doubleValue: 0.25 }), point(0, { doubleValue: 0.5 })])];
  }
}

export async function startMonitoringServer(): Promise<MonitoringServer> {
  const facts = new Map<string, PlatformFacts>();
  const requests: URL[] = [];
  const listener = createServer((request, response) => {
    const url = new URL(request.url ?? "/", "http://server");
    requests.push(url);
    const reply = (status: number, body: object): void => {
      response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
    };
    if (url.pathname !== "/v3/projects/p/timeSeries") return reply(404, { error: { message: "not here" } });
    const filter = url.searchParams.get("filter") ?? "";
    const type = /metric\.type = "([^"]+)"/.exec(filter)?.[1] ?? "";
    if (server.refused !== undefined && type.includes(server.refused)) {
      return reply(403, { error: { message: `Permission denied on ${type}` } });
    }
    const isCloudRun = filter.includes('"kiro-agent"') || filter.includes('"kiro-cloud-run"');
    const found = facts.get(isCloudRun ? "cloud-run" : "gke");
    const all = found === undefined ? [] : seriesOf(type, found);
    const from = Number(url.searchParams.get("pageToken") ?? "0");
    const to = from + server.pageSize;
    reply(200, {
      timeSeries: all.slice(from, to),
      ...(to < all.length && { nextPageToken: String(to) }),
    });
  });
  await new Promise<void>((resolve) => listener.listen(0, "127.0.0.1", resolve));
  const { port } = z.object({ port: z.number() }).parse(listener.address());
  const server: MonitoringServer = {
    url: `http://127.0.0.1:${port}`,
    facts,
    requests,
    refused: undefined,
    pageSize: 100,
    close: () =>
      new Promise((resolve) => {
        listener.close(() => resolve());
        listener.closeAllConnections();
      }),
  };
  return server;
}
