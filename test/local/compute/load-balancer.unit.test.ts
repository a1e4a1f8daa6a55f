import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Properties } from "../../../local/compute/resources.ts";
import { tokens } from "../../../local/compute/tokens.ts";
import type { Selection } from "../../../local/router/routing-table.ts";
import { type ComputeFixture, computeFixture, openComputeFixture } from "./compute-fixture.ts";

const global = "projects/p1/global";
let fixture: ComputeFixture;

beforeEach(async () => {
  fixture = await openComputeFixture(computeFixture());
});
afterEach(() => fixture.close());

function weights(gke: number, run: number): Properties {
  const entry = (name: string, weight: number): Properties => ({
    backendService: `${global}/backendServices/${name}`,
    weight,
    headerAction: { responseHeadersToAdd: [{ headerName: "x-switchyard-side", headerValue: name, replace: true }] },
  });
  return { defaultRouteAction: { weightedBackendServices: [entry("gke", gke), entry("cloud-run", run)] } };
}

async function declareAll(): Promise<void> {
  const { declare, compute } = fixture;
  await declare(tokens.healthCheck, `${global}/healthChecks/hc`, {
    name: "hc",
    httpHealthCheck: { requestPath: "/ready" },
  });
  await declare(tokens.endpointGroup, "projects/p1/regions/r1/networkEndpointGroups/run", {
    cloudRun: { service: "kiro" },
  });
  await declare(tokens.backendService, `${global}/backendServices/gke`, {
    healthChecks: `${global}/healthChecks/hc`,
    timeoutSec: 40,
    backends: [{ group: "https://www.googleapis.com/compute/v1/projects/p1/zones/z1/networkEndpointGroups/kiro-gke" }],
  });
  await declare(tokens.backendService, `${global}/backendServices/cloud-run`, {
    backends: [{ group: "projects/p1/regions/r1/networkEndpointGroups/run" }],
  });
  await compute.urlMaps.insert("p1", { name: "m", ...weights(100, 0) });
  await declare(tokens.urlMap, `${global}/urlMaps/m`, { name: "m" });
  await declare(tokens.httpsProxy, `${global}/targetHttpsProxies/t`, { urlMap: `${global}/urlMaps/m` });
  await compute.listeners.open({
    path: `${global}/forwardingRules/https`,
    project: "p1",
    scheme: "https",
    target: `${global}/targetHttpsProxies/t`,
  });
}

function select(random: number, worker = 0): Selection {
  const routes = fixture.listening.get("https")?.[worker];
  if (routes === undefined) throw new Error("There is no listener.");
  return routes.select({ method: "GET", host: "agent.local", path: "/", headers: {} }, random);
}

function sideOf(selection: Selection): string {
  return selection.kind === "backend" ? selection.side : selection.kind;
}

async function move(gke: number, run: number): Promise<void> {
  const map = fixture.compute.urlMaps.get("p1", "m");
  await fixture.compute.urlMaps.patch("p1", "m", weights(gke, run), map?.fingerprint);
}

describe("the load balancer", () => {
  it("turns declared resources into routes", async () => {
    await declareAll();
    const selection = select(0.5);
    expect(sideOf(selection)).toBe("gke");
    expect(selection.kind === "backend" && selection.backend.timeoutMs).toBe(40_000);
    expect(fixture.compute.listeners.list()).toEqual([{ name: "https", url: "http://127.0.0.1:25000", port: 25_000 }]);
    expect(fixture.compute.weights()).toEqual({ gke: 100, "cloud-run": 0 });
  });

  it("follows the endpoints of a cluster's groups", async () => {
    await declareAll();
    const selection = select(0);
    const reserve = (): unknown =>
      selection.kind === "backend" &&
      selection.backend.reserve({ method: "GET", path: "/", host: "h", probe: false, signal: undefined });
    expect(reserve()).toMatchObject({ kind: "refusal", status: 503 });
    const endpoints = [{ pod: "pod-1", origin: "http://127.0.0.1:1" }];
    fixture.setGroups([{ name: "kiro-gke", zone: "z1", project: "p1", endpoints }]);
    await new Promise((resolve) => setImmediate(resolve));
    expect(reserve()).toMatchObject({ kind: "reservation", instance: "pod-1" });
    fixture.setGroups([]);
    expect(reserve()).toMatchObject({ kind: "refusal", status: 503 });
  });

  it("finds the Cloud Run service behind a serverless group whenever it comes", async () => {
    await declareAll();
    await move(0, 100);
    const selection = select(0);
    const reserve = (): unknown =>
      selection.kind === "backend" &&
      selection.backend.reserve({ method: "GET", path: "/", host: "h", probe: false, signal: undefined });
    expect(reserve()).toMatchObject({ kind: "refusal", status: 404 });
    fixture.runServices.set("projects/p1/locations/r1/services/kiro", {
      name: "kiro",
      timeoutMs: 5000,
      reserve: () => ({ kind: "refusal", status: 429, headers: [], body: "" }),
    });
    expect(reserve()).toMatchObject({ status: 429 });
    expect(selection.kind === "backend" && selection.backend.timeoutMs).toBe(5000);
  });

  it("says done at once and follows after the propagation delay", async () => {
    await declareAll();
    fixture.setPropagationDelay(30_000);
    await move(0, 100);
    expect(fixture.compute.urlMaps.get("p1", "m")).toMatchObject({
      defaultRouteAction: { weightedBackendServices: [{ weight: 0 }, { weight: 100 }] },
    });
    expect(sideOf(select(0.5))).toBe("gke");
    fixture.clock.advance(29_999);
    expect(sideOf(select(0.5))).toBe("gke");
    expect(fixture.compute.weights()).toEqual({ gke: 100, "cloud-run": 0 });
    fixture.clock.advance(1);
    expect(sideOf(select(0.5))).toBe("cloud-run");
    expect(fixture.compute.weights()).toEqual({ gke: 0, "cloud-run": 100 });
  });

  it("with several workers, has each follow for itself, the delays spread evenly", async () => {
    fixture.setFollowing({ workers: 3, spreadMs: 10_000 });
    await declareAll();
    fixture.setPropagationDelay(30_000);
    await move(0, 100);
    const sides = (): string[] => [0, 1, 2].map((worker) => sideOf(select(0.5, worker)));
    fixture.clock.advance(29_999);
    expect(sides()).toEqual(["gke", "gke", "gke"]);
    fixture.clock.advance(1);
    expect(sides()).toEqual(["cloud-run", "gke", "gke"]);
    expect(fixture.compute.weights("https")).toEqual({ gke: 66.7, "cloud-run": 33.3 });
    fixture.clock.advance(5_000);
    expect(sides()).toEqual(["cloud-run", "cloud-run", "gke"]);
    fixture.clock.advance(5_000);
    expect(sides()).toEqual(["cloud-run", "cloud-run", "cloud-run"]);
    expect(fixture.compute.weights("https")).toEqual({ gke: 0, "cloud-run": 100 });
  });

  it("out of order, falls back to the older weights once before it has the new ones for good", async () => {
    await declareAll();
    fixture.setFollowing({ inOrder: false });
    fixture.setPropagationDelay(30_000);
    await move(0, 100);
    const seen: string[] = [];
    for (let second = 0; second <= 40; second += 5) {
      seen.push(sideOf(select(0.5)));
      fixture.clock.advance(5_000);
    }
    expect(seen.map((side) => side[0]).join("")).toBe("ggccggccc");
  });

  it("hands nothing on when only the description changes, as with a new fencing token", async () => {
    await declareAll();
    fixture.setPropagationDelay(30_000);
    const before = fixture.listening.get("https")?.[0];
    const map = fixture.compute.urlMaps.get("p1", "m");
    const patched = await fixture.compute.urlMaps.patch(
      "p1",
      "m",
      { ...weights(100, 0), description: "switchyard fence=2" },
      map?.fingerprint,
    );
    expect(patched.fingerprint).not.toBe(map?.fingerprint);
    fixture.clock.advance(60_000);
    expect(fixture.listening.get("https")?.[0]).toBe(before);
    await move(0, 100);
    fixture.clock.advance(30_000);
    expect(fixture.listening.get("https")?.[0]).not.toBe(before);
  });

  it("gives a listener that is opened in the middle of a change what each worker has by then", async () => {
    fixture.setFollowing({ workers: 2, spreadMs: 10_000 });
    await declareAll();
    fixture.setPropagationDelay(30_000);
    await move(0, 100);
    fixture.clock.advance(35_000);
    await fixture.compute.listeners.open({
      path: `${global}/forwardingRules/second`,
      project: "p1",
      scheme: "https",
      target: `${global}/targetHttpsProxies/t`,
    });
    const sides = fixture.listening
      .get("second")
      ?.map((routes) => sideOf(routes.select({ method: "GET", host: "h", path: "/", headers: {} }, 0.5)));
    expect(sides).toEqual(["cloud-run", "gke"]);
  });

  it("tells the weights of two listeners apart", async () => {
    await declareAll();
    await fixture.compute.urlMaps.insert("p1", { name: "m2", ...weights(20, 80) });
    await fixture.declare(tokens.urlMap, `${global}/urlMaps/m2`, { name: "m2" });
    await fixture.declare(tokens.httpsProxy, `${global}/targetHttpsProxies/t2`, { urlMap: `${global}/urlMaps/m2` });
    const rule = { project: "p1", scheme: "https" as const, target: `${global}/targetHttpsProxies/t2` };
    await fixture.compute.listeners.open({ ...rule, path: `${global}/forwardingRules/other-https` });
    expect(fixture.compute.weights("https")).toEqual({ gke: 100, "cloud-run": 0 });
    expect(fixture.compute.weights("other-https")).toEqual({ gke: 20, "cloud-run": 80 });
    expect(fixture.compute.weights("none")).toEqual({});
  });

  it("knows who uses what", async () => {
    await declareAll();
    const { compute } = fixture;
    expect(compute.userOf(`${global}/backendServices/cloud-run`)).toBe(`${global}/urlMaps/m`);
    expect(compute.userOf(`${global}/urlMaps/m`)).toBe(`${global}/targetHttpsProxies/t`);
    expect(compute.userOf(`${global}/healthChecks/hc`)).toBe(`${global}/backendServices/gke`);
    expect(compute.userOf("projects/p1/regions/r1/networkEndpointGroups/run")).toBe(
      `${global}/backendServices/cloud-run`,
    );
    expect(compute.userOf(`${global}/healthChecks/other`)).toBeUndefined();
  });

  it("closes a rule's listener, and opens no second one for the same rule", async () => {
    await declareAll();
    const rule = { path: `${global}/forwardingRules/https`, project: "p1", scheme: "https" as const };
    const again = await fixture.compute.listeners.open({ ...rule, target: `${global}/targetHttpsProxies/none` });
    expect(again.port).toBe(25_000);
    expect(sideOf(select(0))).toBe("answer");
    await fixture.compute.listeners.close(rule.path);
    expect(fixture.listening.size).toBe(0);
  });
});
