/** The same situations in Datadog, Prometheus and CloudWatch, through one port. */
import { describe, expect, onTestFinished, test } from "vitest";
import { createCloudWatch } from "../../../automation/adapters/cloudwatch.ts";
import { createDatadogMonitors } from "../../../automation/adapters/monitors-datadog.ts";
import { createPrometheusMonitors } from "../../../automation/adapters/monitors-prometheus.ts";
import { evidenceFile } from "../../../automation/guard/rules/evidence.ts";
import type { Monitors } from "../../../automation/ports/monitors.ts";
import { serveCloudWatch } from "../../support/cloudwatch-server.ts";
import { type MetricServer, serveMetrics } from "../../support/metric-servers.ts";
import { createVirtualClock } from "../../support/virtual-clock.ts";

const clock = createVirtualClock();
const scope = { clusterName: "prod-1", tags: {} };

interface Situation {
  readonly name: string;
  readonly cluster: string;
  readonly state: "quiet" | "alerts" | "warns" | "no data";
  readonly required: boolean;
}

interface System {
  readonly monitors: Monitors;
  readonly server: MetricServer;
}

type Start = (situations: readonly Situation[]) => Promise<System>;

const datadogStates = { quiet: "OK", alerts: "Alert", warns: "Warn", "no data": "No Data" } as const;

const datadogMonitor = ({ name, cluster, state, required }: Situation, more: object = {}) => ({
  id: 1,
  name,
  type: "query alert",
  query: "avg(last_5m):avg:istio.mesh.request.count{*} by {cluster_name} > 3",
  overall_state: "Alert",
  tags: required ? ["guard:required"] : [],
  options: { silenced: {} },
  state: { groups: { [`cluster_name:${cluster},service:x`]: { status: datadogStates[state] } } },
  matching_downtimes: [],
  ...more,
});

async function datadog(all: readonly object[]): Promise<System> {
  const server = await serveMetrics((url, headers) => {
    if (headers["dd-api-key"] !== "api") return { status: 403, body: { errors: ["Forbidden"] } };
    const [page, size] = ["page", "page_size"].map((name) => Number(url.searchParams.get(name)));
    if (url.pathname !== "/api/v1/monitor" || page === undefined || size === undefined)
      return { status: 404, body: { errors: ["not found"] } };
    return { status: 200, body: all.slice(page * size, (page + 1) * size) };
  });
  const keys = { apiKey: "api", applicationKey: "application", site: "datadoghq.eu" };
  return { server, monitors: createDatadogMonitors({ ...keys, endpoint: server.url, clock }) };
}

const prometheus: Start = async (situations) => {
  const rules = situations.map(({ name, cluster, state, required }) => ({
    name,
    type: "alerting",
    query: "up == 0",
    health: state === "no data" ? "err" : "ok",
    state: state === "alerts" ? "firing" : state === "warns" ? "pending" : "inactive",
    labels: { ...(required ? { guard: "required" } : {}), cluster },
    alerts:
      state === "alerts" || state === "warns"
        ? [{ labels: { cluster }, state: state === "alerts" ? "firing" : "pending", value: "1" }]
        : [],
  }));
  const server = await serveMetrics((url) =>
    url.pathname === "/api/v1/rules" && url.searchParams.get("type") === "alert"
      ? { status: 200, body: { status: "success", data: { groups: [{ name: "mesh", rules }] } } }
      : { status: 404, body: { status: "error", errorType: "not_found", error: "no" } },
  );
  return { server, monitors: createPrometheusMonitors({ url: server.url, clock }) };
};

const cloudWatch: Start = async (situations) => {
  const server = await serveCloudWatch("eu-west-1");
  // One alarm a page.
  server.alarmPages = situations.map(({ name, cluster, state, required }) => [
    {
      AlarmName: name,
      AlarmDescription: required ? "pages the team guard:required" : "",
      StateValue: state === "alerts" ? "ALARM" : state === "no data" ? "INSUFFICIENT_DATA" : "OK",
      ActionsEnabled: true,
      Dimensions: [{ Name: "ClusterName", Value: cluster }],
    },
  ]);
  const source = createCloudWatch({ region: "eu-west-1", namespace: "Istio", endpoint: server.url });
  onTestFinished(() => source.close());
  return { server, monitors: source.monitors };
};

describe.each<[string, Start, boolean]>([
  ["Datadog", (situations) => datadog(situations.map((one) => datadogMonitor(one))), true],
  ["Prometheus", prometheus, true],
  ["CloudWatch", cloudWatch, false],
])("monitors of %s", (_system, start, warns) => {
  const given = async (situations: readonly Situation[]): Promise<System> => {
    const system = await start(situations);
    onTestFinished(() => system.server.close());
    return system;
  };
  const one = (more: Partial<Situation> = {}): Situation => ({
    ...{ name: "errors", cluster: "prod-1", state: "quiet", required: true },
    ...more,
  });

  test("each has its state for the cluster, and the evidence takes it", async () => {
    const { monitors } = await given([
      one({ name: "a" }),
      one({ name: "b", state: "alerts" }),
      one({ name: "c", state: "no data" }),
    ]);
    const found = await monitors.inScope(scope);
    expect(found.map(({ name, state }) => [name, state])).toEqual([
      ["a", "OK"],
      ["b", "Alert"],
      ["c", "No Data"],
    ]);
    expect(found.every(({ required, muted }) => required && !muted)).toBe(true);
    expect(evidenceFile.parse({ alerts: found }).alerts).toEqual(found);
  });

  test("those of another cluster are not in scope", async () => {
    const { monitors } = await given([one({ cluster: "prod-2", state: "alerts" }), one({ cluster: "prod-10" })]);
    expect(await monitors.inScope(scope)).toEqual([]);
  });

  test("an alert that nobody marked is in scope and not required", async () => {
    const { monitors } = await given([one({ required: false, state: "alerts" })]);
    expect(await monitors.inScope(scope)).toMatchObject([{ state: "Alert", required: false }]);
  });

  test.runIf(warns)("a warning is one", async () => {
    const { monitors } = await given([one({ state: "warns" })]);
    expect(await monitors.inScope(scope)).toMatchObject([{ state: "Warn" }]);
  });

  test("a server that refuses, and one that is gone, are errors and never an empty list", async () => {
    const { monitors, server } = await given([one()]);
    server.answerNext(400, JSON.stringify({ errors: ["broken"], status: "error", errorType: "x", error: "broken" }));
    await expect(monitors.inScope(scope)).rejects.toEqual(expect.objectContaining({ code: "metric-unreadable" }));
    await server.close();
    await expect(monitors.inScope(scope)).rejects.toEqual(expect.objectContaining({ code: "metric-unreadable" }));
  });
});

describe("Datadog's monitors", () => {
  test("an answer that is not understood is an error", async () => {
    const { monitors, server } = await datadog([{ name: "no query" }]);
    onTestFinished(() => server.close());
    await expect(monitors.inScope(scope)).rejects.toEqual(expect.objectContaining({ code: "metric-unreadable" }));
  });

  const only = async (more: object, tags: Readonly<Record<string, string>> = {}) => {
    const situation: Situation = { name: "errors", cluster: "prod-1", state: "quiet", required: true };
    const { monitors, server } = await datadog([datadogMonitor(situation, more)]);
    onTestFinished(() => server.close());
    return (await monitors.inScope({ clusterName: "prod-1", tags }))[0];
  };

  test("a monitor without groups is about the cluster that its query or its tags name", async () => {
    const query = "avg(last_5m):avg:x{cluster_name:prod-1,env:prod} > 3";
    const plain = { state: { groups: {} }, overall_state: "Warn" };
    expect((await only({ ...plain, query }))?.state).toBe("Warn");
    expect((await only({ ...plain, tags: ["cluster_name:prod-1"] }))?.state).toBe("Warn");
    expect(await only({ ...plain, query: "avg(last_5m):avg:x{cluster_name:prod-10} > 3" })).toBeUndefined();
    expect(await only(plain)).toBeUndefined();
  });

  test("the worst of its groups counts, and one that is not known is no OK", async () => {
    const groups = {
      "cluster_name:prod-1,service:a": { status: "OK" },
      "cluster_name:prod-1,service:b": { status: "No Data" },
      "cluster_name:prod-2,service:b": { status: "Alert" },
    };
    expect((await only({ state: { groups } }))?.state).toBe("No Data");
    const odd = { "cluster_name:prod-1": { status: "Something new" } };
    expect((await only({ state: { groups: odd } }))?.state).toBe("Unknown");
  });

  test("it is muted by a silence for all or for its group, or by a downtime, and not by one that is over", async () => {
    const silenced = (scopes: object) => only({ options: { silenced: scopes } });
    expect((await silenced({ "*": null }))?.muted).toBe(true);
    expect((await silenced({ "cluster_name:prod-1": null }))?.muted).toBe(true);
    expect((await silenced({ "cluster_name:prod-2": null }))?.muted).toBe(false);
    expect((await silenced({ "*": Math.floor(clock.wall() / 1_000) - 60 }))?.muted).toBe(false);
    expect((await only({ matching_downtimes: [{ id: 3, active: true, groups: [] }] }))?.muted).toBe(true);
    expect((await only({ matching_downtimes: [{ id: 3, active: false, groups: [] }] }))?.muted).toBe(false);
  });

  test("a cluster's own tags select", async () => {
    const state = { groups: { "kube_cluster_name:eu,env:prod": { status: "Alert" } } };
    expect((await only({ state }, { kube_cluster_name: "eu", env: "prod" }))?.state).toBe("Alert");
    expect(await only({ state }, { kube_cluster_name: "eu", env: "test" })).toBeUndefined();
  });

  test("all pages are read", async () => {
    const many = Array.from({ length: 230 }, (_, index) =>
      datadogMonitor({ name: `m${index}`, cluster: "prod-1", state: "quiet", required: false }),
    );
    const { monitors, server } = await datadog(many);
    onTestFinished(() => server.close());
    expect(await monitors.inScope(scope)).toHaveLength(230);
    expect(server.requests).toHaveLength(3);
  });
});
