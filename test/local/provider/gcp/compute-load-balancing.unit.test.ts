import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Properties } from "../../../../local/compute/resources.ts";
import { tokens } from "../../../../local/compute/tokens.ts";
import type { Cloud } from "../../../../local/daemon/cloud.ts";
import { loadBalancingFunctions, loadBalancingTypes } from "../../../../local/provider/gcp/compute-load-balancing.ts";
import type { OperationContext, ResourceState, ResourceType } from "../../../../local/provider/resource-type.ts";
import { readSchema } from "../../../../local/provider/schema.ts";
import { type ComputeFixture, computeFixture, openComputeFixture } from "../../compute/compute-fixture.ts";

const settings = { project: "p1", region: "r1", zone: "r1-a", cluster: undefined };
const global = "projects/p1/global";
const runGroup = "projects/p1/regions/r1/networkEndpointGroups/run";
const zonalGroup = "projects/p1/zones/r1-a/networkEndpointGroups/kiro-gke";
let fixture: ComputeFixture;
let context: OperationContext;

beforeEach(async () => {
  fixture = await openComputeFixture(computeFixture());
  const { compute, resources, clock } = fixture;
  const absent = (): never => {
    throw new Error("These types use neither runtime, Cloud Run nor clusters.");
  };
  const cloud: Cloud = {
    clock,
    resources,
    compute,
    get runtime() {
      return absent();
    },
    get cloudRun() {
      return absent();
    },
    get clusters() {
      return absent();
    },
  };
  context = { cloud, settings, signal: new AbortController().signal };
});
afterEach(() => fixture.close());

function typeOf(token: string): ResourceType {
  const type = loadBalancingTypes.find((candidate) => candidate.token === token);
  if (type === undefined) throw new Error(`There is no type ${token}.`);
  return type;
}

function stateOf(token: string, inputs: Properties): ResourceState {
  const type = typeOf(token);
  const filled = { ...type.defaults?.(inputs, settings), ...inputs };
  const id = type.id(filled, settings);
  return { id, inputs: filled, outputs: type.outputs(filled, id, settings) };
}

/** Creates as the server does, and declares. */
async function create(token: string, inputs: Properties): Promise<ResourceState> {
  const state = stateOf(token, inputs);
  const outputs = { ...state.outputs, ...(await typeOf(token).create?.(state, context)) };
  await fixture.resources.put({ provider: "gcp", type: token, ...state, outputs });
  return { ...state, outputs };
}

describe("every load-balancing type", () => {
  it.each(loadBalancingTypes.map((type) => [type.token, type] as const))(
    "%s knows only what the SDK knows",
    (token, type) => {
      const schema = readSchema("gcp").resource(token);
      const inputs = [...(schema?.inputs.keys() ?? [])];
      expect(inputs.length).toBeGreaterThan(0);
      expect(inputs).toEqual(expect.arrayContaining(type.replaceOn.map((path) => path.split(".")[0])));
      const state = stateOf(token, { name: "n", region: "r1" });
      const outputs = [...Object.keys(state.outputs), ...type.unknownAtPreview].filter((name) => name !== "region");
      expect([...(schema?.outputs ?? [])]).toEqual(expect.arrayContaining(outputs));
      expect(inputs).toEqual(expect.arrayContaining(Object.keys(type.defaults?.({}, settings) ?? {})));
    },
  );

  it("have functions that the SDK has", () => {
    for (const { token } of loadBalancingFunctions) expect(readSchema("gcp").function(token)).toBeDefined();
  });
});

describe("BackendService", () => {
  const serverless = { name: "run", loadBalancingScheme: "EXTERNAL_MANAGED", backends: [{ group: runGroup }] };

  beforeEach(async () => {
    await create(tokens.endpointGroup, { name: "run", region: "r1", cloudRun: { service: "kiro" } });
    fixture.setGroups([{ name: "kiro-gke", zone: "r1-a", project: "p1", endpoints: [] }]);
  });

  it("over a serverless group takes what the API takes", async () => {
    const { outputs } = await create(tokens.backendService, {
      ...serverless,
      logConfig: { enable: true, sampleRate: 1 },
    });
    expect(outputs).toMatchObject({
      selfLink: `https://www.googleapis.com/compute/v1/${global}/backendServices/run`,
      generatedId: expect.any(Number),
      fingerprint: expect.any(String),
      creationTimestamp: expect.any(String),
    });
  });

  it.each([
    [
      { timeoutSec: 120 },
      "Invalid value for field 'resource.timeoutSec': '120'. Timeout sec is not supported for a backend service with Serverless network endpoint groups., invalid",
    ],
    [{ portName: "http" }, "Port name is not supported"],
    [{ sessionAffinity: "CLIENT_IP" }, "Session affinity is not supported"],
    [{ localityLbPolicy: "LEAST_REQUEST" }, "Locality LB policy is not supported"],
    [
      { healthChecks: `${global}/healthChecks/hc` },
      "A backend service cannot have a healthcheck with Serverless network endpoint group backends., invalid",
    ],
    [
      { backends: [{ group: runGroup, maxUtilization: 1 }] },
      "Invalid value for field 'resource.backends[0].maxUtilization': '1'. Max utilization is not supported for Serverless network endpoint groups., invalid",
    ],
    [{ backends: [{ group: runGroup, balancingMode: "RATE" }] }, "Balancing mode is not supported"],
    [{ backends: [{ group: runGroup }, { group: zonalGroup }] }, "cannot mix Serverless"],
    [{ backends: [{ group: runGroup }, { group: runGroup }] }, "Duplicate group"],
    [{ loadBalancingScheme: "INTERNAL_SELF_MANAGED" }, "simulates EXTERNAL_MANAGED"],
  ])("over a serverless group refuses %j", async (extra, text) => {
    const attempt = create(tokens.backendService, { ...serverless, ...extra });
    await expect(attempt).rejects.toThrow("Error creating BackendService: googleapi: Error 400: ");
    await expect(attempt).rejects.toThrow(text);
  });

  it("over zonal groups needs groups and a health check that exist", async () => {
    const zonal = { name: "gke", backends: [{ group: zonalGroup, balancingMode: "RATE", maxRatePerEndpoint: 10 }] };
    await expect(create(tokens.backendService, zonal)).rejects.toThrow("A health check must be specified");
    const withCheck = { ...zonal, healthChecks: `${global}/healthChecks/hc` };
    await expect(create(tokens.backendService, withCheck)).rejects.toThrow(
      `Error creating BackendService: googleapi: Error 404: The resource '${global}/healthChecks/hc' was not found, notFound`,
    );
    await create(tokens.healthCheck, { name: "hc", httpHealthCheck: { requestPath: "/ready" } });
    await create(tokens.backendService, withCheck);
    const elsewhere = { ...withCheck, name: "other", backends: [{ group: zonalGroup.replace("r1-a", "r1-b") }] };
    await expect(create(tokens.backendService, elsewhere)).rejects.toThrow("Error 404");
    await expect(
      typeOf(tokens.healthCheck).delete?.(stateOf(tokens.healthCheck, { name: "hc" }), context),
    ).rejects.toThrow(
      `Error 400: The health_check resource '${global}/healthChecks/hc' is already being used by '${global}/backendServices/gke', resourceInUseByAnotherResource`,
    );
  });

  it("cannot lose its group, and cannot go while a map names it, at weight 0 too", async () => {
    await create(tokens.backendService, serverless);
    const group = stateOf(tokens.endpointGroup, { name: "run", region: "r1" });
    await expect(typeOf(tokens.endpointGroup).delete?.(group, context)).rejects.toThrow(
      "resourceInUseByAnotherResource",
    );
    await create(tokens.backendService, { ...serverless, name: "other" });
    await create(tokens.urlMap, {
      name: "m",
      defaultRouteAction: {
        weightedBackendServices: [
          { backendService: `${global}/backendServices/other`, weight: 100 },
          { backendService: `${global}/backendServices/run`, weight: 0 },
        ],
      },
    });
    const service = stateOf(tokens.backendService, serverless);
    await expect(typeOf(tokens.backendService).delete?.(service, context)).rejects.toThrow(
      `The backend_service resource '${global}/backendServices/run' is already being used by '${global}/urlMaps/m'`,
    );
  });
});

describe("URLMap", () => {
  const inputs = { name: "m", defaultService: `${global}/backendServices/a` };
  const { update, read, delete: remove } = typeOf(tokens.urlMap);
  beforeEach(() => fixture.declareServices("a", "b"));

  it("reads live values back as inputs, in the program's spelling", async () => {
    const created = await create(tokens.urlMap, inputs);
    expect(await read?.(created, context)).toEqual(created);
    const fingerprint = String(created.outputs["fingerprint"]);
    await fixture.compute.urlMaps.patch("p1", "m", { description: "by somebody else" }, fingerprint);
    const live = await read?.(created, context);
    expect(live?.inputs).toEqual({ ...created.inputs, description: "by somebody else" });
    expect(live?.outputs["fingerprint"]).not.toBe(fingerprint);
  });

  it("updates with the fingerprint that the engine holds, and fails when that is stale", async () => {
    const created = await create(tokens.urlMap, inputs);
    const next = { ...created, inputs: { ...created.inputs, description: "new" } };
    const outputs = await update?.(next, created, context);
    expect(outputs).toMatchObject({ fingerprint: expect.any(String) });
    const stale = { ...created, inputs: { ...created.inputs, description: "newer" } };
    await expect(update?.(stale, created, context)).rejects.toThrow(
      `Error updating UrlMap "${global}/urlMaps/m": googleapi: Error 412: Invalid fingerprint., conditionNotMet`,
    );
    expect(fixture.compute.urlMaps.get("p1", "m")).toMatchObject({ description: "new" });
  });

  it("can be imported by its id", async () => {
    await create(tokens.urlMap, inputs);
    const imported = await read?.({ id: `${global}/urlMaps/m`, inputs: {}, outputs: {} }, context);
    expect(imported?.inputs).toEqual({ ...inputs, project: "p1" });
  });

  it("is gone when it is gone", async () => {
    const created = await create(tokens.urlMap, inputs);
    await remove?.(created, context);
    expect(await read?.(created, context)).toBeUndefined();
  });

  it("takes the place of what a failed create left", async () => {
    await fixture.compute.urlMaps.insert("p1", { name: "m", defaultService: `${global}/backendServices/b` });
    const created = await create(tokens.urlMap, inputs);
    expect((await read?.(created, context))?.inputs["defaultService"]).toBe(inputs.defaultService);
  });

  it("names a backend service that does not exist", async () => {
    await expect(create(tokens.urlMap, { ...inputs, defaultService: "global/backendServices/none" })).rejects.toThrow(
      "Error creating UrlMap: googleapi: Error 404: The resource 'projects/p1/global/backendServices/none' was not found, notFound",
    );
  });
});

describe("forwarding rules and proxies", () => {
  beforeEach(async () => {
    await fixture.declareServices("a");
    await create(tokens.urlMap, { name: "m", defaultService: `${global}/backendServices/a` });
    await create(tokens.httpsProxy, {
      name: "t",
      urlMap: `https://www.googleapis.com/compute/v1/${global}/urlMaps/m`,
      certificateMap: "//certificatemanager.googleapis.com/projects/p1/locations/global/certificateMaps/c",
    });
  });

  it("open a listener by the rule's name and close it", async () => {
    const rule = await create(tokens.forwardingRule, {
      name: "https",
      portRange: "443-443",
      target: `${global}/targetHttpsProxies/t`,
    });
    expect(rule.outputs).toMatchObject({ ipAddress: "127.0.0.1", forwardingRuleId: expect.any(Number) });
    expect(fixture.compute.listeners.list().map(({ name }) => name)).toEqual(["https"]);
    await typeOf(tokens.forwardingRule).delete?.(rule, context);
    expect(fixture.compute.listeners.list()).toEqual([]);
  });

  it.each(["", "80-90", "http"])("refuse port range '%s'", async (portRange) => {
    const inputs = { name: "https", portRange, target: `${global}/targetHttpsProxies/t` };
    await expect(create(tokens.forwardingRule, inputs)).rejects.toThrow("exactly one port");
  });

  it("refuse what does not exist", async () => {
    await expect(
      create(tokens.forwardingRule, { name: "x", portRange: "80", target: `${global}/targetHttpProxies/none` }),
    ).rejects.toThrow("Error 404");
    await expect(create(tokens.httpProxy, { name: "x", urlMap: `${global}/urlMaps/none` })).rejects.toThrow(
      "Error creating TargetHttpProxy: googleapi: Error 404",
    );
  });

  it("are kept while they are in use", async () => {
    await create(tokens.address, { name: "ip" });
    const ipAddress = `${global}/addresses/ip`;
    await create(tokens.forwardingRule, {
      name: "https",
      portRange: "443",
      ipAddress,
      target: `${global}/targetHttpsProxies/t`,
    });
    for (const [token, name] of [
      [tokens.urlMap, "m"],
      [tokens.httpsProxy, "t"],
      [tokens.address, "ip"],
    ] as const) {
      await expect(typeOf(token).delete?.(stateOf(token, { name }), context), token).rejects.toThrow(
        "resourceInUseByAnotherResource",
      );
    }
  });
});

describe("inputs that are refused before anything happens", () => {
  it.each([
    [tokens.healthCheck, {}, "httpHealthCheck"],
    [tokens.healthCheck, { httpHealthCheck: {}, tcpHealthCheck: {} }, "tcpHealthCheck"],
    [tokens.healthCheck, { grpcHealthCheck: {} }, "grpcHealthCheck"],
    [tokens.healthCheck, { httpHealthCheck: {}, timeoutSec: 6, checkIntervalSec: 5 }, "timeoutSec"],
    [tokens.healthCheck, { httpHealthCheck: {}, healthyThreshold: 11 }, "healthyThreshold"],
    [tokens.httpsProxy, { urlMap: "m" }, "certificateMap"],
    [tokens.httpsProxy, { urlMap: "m", certificateMap: "c" }, "certificateMap"],
    [tokens.endpointGroup, { networkEndpointType: "INTERNET_FQDN_PORT", cloudRun: {} }, "networkEndpointType"],
    [tokens.endpointGroup, { networkEndpointType: "SERVERLESS" }, "cloudRun"],
    [tokens.endpointGroup, { networkEndpointType: "SERVERLESS", cloudRun: { service: "a", tag: "t" } }, "cloudRun.tag"],
    [tokens.firewall, { network: "n" }, "allows"],
    [tokens.firewall, { network: "n", allows: [], priority: 70_000 }, "priority"],
  ])("%s %j: %s", (token, inputs, property) => {
    expect(
      typeOf(token)
        .validate?.(inputs)
        ?.map((failure) => failure.property),
    ).toEqual([property]);
  });
});

describe("getNetworkEndpointGroup", () => {
  const [one, many] = loadBalancingFunctions;

  it("finds a zonal group by name and zone or by link", async () => {
    fixture.setGroups([
      { name: "kiro-gke", zone: "r1-a", project: "p1", endpoints: [{ pod: "p", origin: "http://127.0.0.1:1" }] },
    ]);
    const expected = { result: { id: zonalGroup, size: 1, networkEndpointType: "GCE_VM_IP_PORT" } };
    expect(await one?.invoke({ name: "kiro-gke", zone: "r1-a" }, context)).toMatchObject(expected);
    expect(
      await one?.invoke({ selfLink: `https://www.googleapis.com/compute/v1/${zonalGroup}` }, context),
    ).toMatchObject(expected);
    expect(await many?.invoke({ zone: "r1-a", filter: "name=kiro-gke" }, context)).toMatchObject({
      result: { networkEndpointGroups: [{ name: "kiro-gke" }] },
    });
  });

  it("says what is missing", async () => {
    await expect(one?.invoke({ name: "none" }, context)).rejects.toThrow(
      `googleapi: Error 404: The resource 'projects/p1/zones/r1-a/networkEndpointGroups/none' was not found, notFound`,
    );
    expect(await one?.invoke({}, context)).toMatchObject({ failures: [{ property: "name" }] });
  });
});
