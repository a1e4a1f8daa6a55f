import { describe, expect, test } from "vitest";
import { platformBackends } from "../../../components/traffic/backends/registry.ts";
import { TrafficEdge, type TrafficEdgeArgs } from "../../../components/traffic/traffic-edge.ts";
import { engineOwnedPaths } from "../../../components/traffic/url-map.ts";
import { declareGraph } from "../declared-graph.ts";
import { at, expectWellFormed, settle } from "../graph-rules.ts";

const base: TrafficEdgeArgs = {
  prefix: "kiro",
  project: "my-project",
  region: "us-central1",
  domain: "agent.example.com",
  platforms: ["cloud-run", "gke"],
  zones: { gke: ["us-central1-a", "us-central1-c"] },
};

function declare(args: Partial<TrafficEdgeArgs> = {}) {
  return declareGraph((options) => new TrafficEdge("edge", { ...base, ...args }, options));
}

const compute = "https://www.googleapis.com/compute/v1";
const backendType = "gcp:compute/backendService:BackendService";
const mapType = "gcp:compute/uRLMap:URLMap";

async function declareMap(args: Partial<TrafficEdgeArgs> = {}) {
  const graph = await declare(args);
  const map = graph.all(mapType).find((resource) => resource.name === "edge-map");
  if (map === undefined) throw new Error("edge-map was not declared");
  return { graph, map };
}

describe("TrafficEdge", () => {
  test("declares a well-formed graph, also with the longest prefix and one platform", async () => {
    expectWellFormed(await declare(), "edge");
    expectWellFormed(await declare({ prefix: "a2345678901234567890", platforms: ["gke"] }), "edge");
  });

  test("at the start the first platform has all the weight, the others an entry with none", async () => {
    for (const platforms of [["cloud-run", "gke"], ["gke", "cloud-run"], ["gke"]]) {
      const { map } = await declareMap({ platforms });
      const entries = at(map.inputs, engineOwnedPaths[0]) as Record<string, unknown>[];
      expect(entries.map((entry) => entry["weight"])).toEqual(platforms.map((_, index) => (index === 0 ? 100 : 0)));
      expect(entries.map((entry) => String(entry["backendService"]).split("/").at(-1))).toEqual(
        platforms.map((platform) => `kiro-${platform}`),
      );
      expect(entries.map((entry) => at(entry, "headerAction.responseHeadersToAdds"))).toEqual(
        platforms.map((platform) => [{ headerName: "x-switchyard-side", headerValue: platform, replace: true }]),
      );
      // The API refuses a default service beside weights.
      expect(map.inputs["defaultService"]).toBeUndefined();
    }
  });

  test("the whole array and the description are left to the engine, and nothing else", async () => {
    const { map } = await declareMap();
    expect(map.options.ignoreChanges).toEqual(["defaultRouteAction.weightedBackendServices", "description"]);
    expect(map.inputs["description"]).toMatch(/ switchyard fence=0$/);
    expect(map.inputs["name"]).toBe("kiro");
  });

  test("the main host has no host rule, which would hide the weights; the dark one picks the platform by header", async () => {
    const { map } = await declareMap();
    expect(map.inputs["hostRules"]).toEqual([
      { hosts: ["dark.agent.example.com"], pathMatcher: "dark" },
      { hosts: ["rehearsal.agent.example.com"], pathMatcher: "rehearsal" },
    ]);
    const matchers = map.inputs["pathMatchers"] as unknown[];
    expect(matchers).toHaveLength(2);
    expect(String(at(matchers, "0.defaultService"))).toMatch(/kiro-cloud-run$/);
    const rules = at(matchers, "0.routeRules") as Record<string, unknown>[];
    expect(rules.map((rule) => at(rule, "matchRules.0.headerMatches.0"))).toEqual([
      { headerName: "x-switchyard-platform", exactMatch: "cloud-run" },
      { headerName: "x-switchyard-platform", exactMatch: "gke" },
    ]);
    expect(rules.map((rule) => at(rule, "matchRules.0.prefixMatch"))).toEqual(["/", "/"]);
    expect(rules.map((rule) => at(rule, "headerAction.responseHeadersToAdds.0.headerValue"))).toEqual([
      "cloud-run",
      "gke",
    ]);
    expect(new Set(rules.map((rule) => rule["priority"])).size).toBe(2);
  });

  test("the rehearsal host goes evenly to all platforms, each of which stamps its answers", async () => {
    for (const platforms of [["cloud-run", "gke"], ["gke"]]) {
      const { map } = await declareMap({ platforms });
      const entries = at(map.inputs, "pathMatchers.1.defaultRouteAction.weightedBackendServices") as Record<
        string,
        unknown
      >[];
      expect(at(map.inputs, "pathMatchers.1.name")).toBe("rehearsal");
      expect(entries.map((entry) => [String(entry["backendService"]).split("/").at(-1), entry["weight"]])).toEqual(
        platforms.map((platform) => [`kiro-${platform}`, 100]),
      );
      expect(entries.map((entry) => at(entry, "headerAction.responseHeadersToAdds.0.headerValue"))).toEqual(platforms);
    }
  });

  test("the serverless backend has nothing that the API refuses", async () => {
    const graph = await declare();
    const backend = graph.all(backendType).find((resource) => resource.name === "edge-cloud-run");
    const forbidden = [
      "healthChecks",
      "timeoutSec",
      "portName",
      "sessionAffinity",
      "localityLbPolicy",
      "localityLbPolicies",
      "connectionDrainingTimeoutSec",
      "outlierDetection",
    ];
    for (const field of forbidden) expect(backend?.inputs, field).not.toHaveProperty(field);
    expect(backend?.inputs["backends"]).toEqual([
      { group: `${compute}/projects/my-project/regions/us-central1/networkEndpointGroups/kiro-cloud-run` },
    ]);
    expect(backend?.inputs["logConfig"]).toEqual({ enable: true, sampleRate: 1 });
    expect(backend?.inputs["loadBalancingScheme"]).toBe("EXTERNAL_MANAGED");
  });

  test("the zonal backend has one group per zone, by rate, checked, timed and drained", async () => {
    const graph = await declare({ requestTimeoutSeconds: 120, drainSeconds: 150, maxRatePerEndpoint: 50 });
    const backend = graph.all(backendType).find((resource) => resource.name === "edge-gke");
    expect(backend?.inputs).toMatchObject({
      loadBalancingScheme: "EXTERNAL_MANAGED",
      protocol: "HTTP",
      timeoutSec: 120,
      connectionDrainingTimeoutSec: 150,
      logConfig: { enable: true, sampleRate: 1 },
      backends: ["us-central1-a", "us-central1-c"].map((zone) => ({
        group: `${compute}/projects/my-project/zones/${zone}/networkEndpointGroups/kiro-gke`,
        balancingMode: "RATE",
        maxRatePerEndpoint: 50,
        capacityScaler: 1,
      })),
    });
    const check = graph.only("gcp:compute/healthCheck:HealthCheck");
    expect(String(backend?.inputs["healthChecks"])).toContain("kiro-gke-ready");
    expect(check.inputs["httpHealthCheck"]).toEqual({ portSpecification: "USE_SERVING_PORT", requestPath: "/ready" });
    expect(Number(check.inputs["timeoutSec"])).toBeLessThanOrEqual(Number(check.inputs["checkIntervalSec"]));
  });

  test("the firewall opens the agent's port to the balancer's ranges, only where there is a network", async () => {
    const firewall = (await declare()).only("gcp:compute/firewall:Firewall").inputs;
    expect(firewall).toMatchObject({
      network: "kiro-network",
      sourceRanges: ["35.191.0.0/16", "130.211.0.0/22"],
      targetTags: ["kiro-gke-node"],
      allows: [{ protocol: "tcp", ports: ["8080"] }],
    });
    expect((await declare({ platforms: ["cloud-run"] })).all("gcp:compute/firewall:Firewall")).toEqual([]);
  });

  test("443 serves by the map, 80 redirects, both on one address", async () => {
    const graph = await declare();
    const rules = graph.all("gcp:compute/globalForwardingRule:GlobalForwardingRule").map((rule) => rule.inputs);
    expect(
      rules.map((rule) => [rule["name"], rule["portRange"], rule["ipAddress"], rule["loadBalancingScheme"]]),
    ).toEqual([
      ["kiro-https", "443", "203.0.113.8", "EXTERNAL_MANAGED"],
      ["kiro-http", "80", "203.0.113.8", "EXTERNAL_MANAGED"],
    ]);
    expect(String(graph.only("gcp:compute/targetHttpsProxy:TargetHttpsProxy").inputs["urlMap"])).toMatch(/\/kiro$/);
    expect(String(graph.only("gcp:compute/targetHttpProxy:TargetHttpProxy").inputs["urlMap"])).toMatch(
      /\/kiro-redirect$/,
    );
    const redirect = graph.all(mapType).find((map) => map.name === "edge-redirect");
    expect(redirect?.inputs["defaultUrlRedirect"]).toMatchObject({ httpsRedirect: true, stripQuery: false });
  });

  test("the longest domain leaves room for the hosts beside it", async () => {
    const domain = `${"a".repeat(60)}.${"b".repeat(60)}.${"c".repeat(60)}.${"d".repeat(53)}.example`;
    expect(domain).toHaveLength(243 + 1);
    await expect(declare({ domain })).rejects.toThrow(/domain is /);
    const graph = await declare({ domain: domain.slice(1) });
    expect(graph.built.rehearsalHost).toHaveLength(253);
  });

  test("all hosts have a certificate that DNS proves", async () => {
    const graph = await declare();
    const entries = graph.all("gcp:certificatemanager/certificateMapEntry:CertificateMapEntry");
    expect(entries.map((entry) => entry.inputs["hostname"])).toEqual([
      "agent.example.com",
      "dark.agent.example.com",
      "rehearsal.agent.example.com",
    ]);
    const certificates = graph.all("gcp:certificatemanager/certificate:Certificate");
    expect(certificates.map((certificate) => at(certificate.inputs, "managed.domains"))).toEqual([
      ["agent.example.com"],
      ["dark.agent.example.com"],
      ["rehearsal.agent.example.com"],
    ]);
    expect(String(graph.only("gcp:compute/targetHttpsProxy:TargetHttpsProxy").inputs["certificateMap"])).toBe(
      "//certificatemanager.googleapis.com/edge-certificates-map-id",
    );
    const record = graph.built.dnsRecords["agent.example.com"];
    if (record === undefined) throw new Error("no record for the main host");
    expect(await settle(record)).toMatchObject({ type: "CNAME" });
  });

  test("the address is protected unless that is off", async () => {
    const type = "gcp:compute/globalAddress:GlobalAddress";
    expect((await declare()).only(type).options.protect).toBe(true);
    expect((await declare({ deletionProtection: false })).only(type).options.protect).toBe(false);
  });

  test("a platform is one registration: every registered one plans a backend of its own name", () => {
    for (const [platform, backend] of platformBackends) {
      const plan = backend.plan({
        prefix: "kiro",
        project: "my-project",
        region: "us-central1",
        zones: { gke: ["us-central1-a"] },
        requestTimeoutSeconds: 300,
        drainSeconds: 300,
        maxRatePerEndpoint: 100,
      });
      expect(plan.backendService.name).toBe(`kiro-${platform}`);
      expect(plan.backendService.loadBalancingScheme).toBe("EXTERNAL_MANAGED");
    }
  });

  test("bad args are reported together", async () => {
    await expect(
      declare({ domain: "agent", platforms: ["gek", "gke"], zones: { gke: ["europe-west1-b"] }, drainSeconds: -1 }),
    ).rejects.toThrow(
      /4 problems[\s\S]*domain is "agent"[\s\S]*platforms\[0\] is "gek"; allowed: cloud-run or gke; did you mean gke\?[\s\S]*zones\.gke\[0\][\s\S]*drainSeconds is -1/,
    );
    await expect(declare({ zones: {} })).rejects.toThrow(/zones\.gke is \[\]; allowed: 1 or more/);
    await expect(declare({ platforms: [] })).rejects.toThrow(/platforms is \[\]/);
    await expect(declare({ platforms: ["gke", "gke"] })).rejects.toThrow(/none twice/);
  });
});
