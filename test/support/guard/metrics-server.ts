/** A Prometheus server whose values are those of a simulated fleet. */
import { createServer } from "node:http";
import { z } from "zod";
import type { FleetMetrics } from "../../../automation/drill/guard/fleet-metrics.ts";

export interface FleetMetricsServer {
  readonly url: string;
  close(): Promise<void>;
}

const seconds = z.coerce.number();

export async function serveFleetMetrics(metrics: FleetMetrics): Promise<FleetMetricsServer> {
  const answer = async (url: URL): Promise<unknown> => {
    switch (url.pathname) {
      case "/api/v1/query_range": {
        const of = (name: string): number => seconds.parse(url.searchParams.get(name)) * 1_000;
        const [fromMs, lastMs, stepMs] = [of("start"), of("end"), of("step")];
        const query = url.searchParams.get("query") ?? "";
        const values = await metrics.source.query({ query, fromMs, toMs: lastMs + stepMs, stepMs });
        const points = values.map((value, index) => [(fromMs + index * stepMs) / 1_000, String(value)]);
        return { resultType: "matrix", result: points.length === 0 ? [] : [{ metric: {}, values: points }] };
      }
      case "/api/v1/label/__name__/values":
        return ["istio_requests_total", "pilot_xds_pushes", "process_cpu_seconds_total"];
      case "/api/v1/rules":
        return { groups: [] };
      default:
        return undefined;
    }
  };
  const server = createServer((request, response) => {
    answer(new URL(request.url ?? "/", "http://server")).then(
      (data) => {
        const body =
          data === undefined
            ? { status: "error", errorType: "not_found", error: "no such path" }
            : { status: "success", data };
        response.writeHead(data === undefined ? 404 : 200, { "content-type": "application/json" });
        response.end(JSON.stringify(body));
      },
      (error: unknown) => response.writeHead(500).end(String(error)),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = z.object({ port: z.number() }).parse(server.address());
  return {
    url: `http://127.0.0.1:${port}`,
    close() {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}
