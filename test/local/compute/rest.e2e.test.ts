import { request as httpRequest } from "node:http";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { z } from "zod";
import { FingerprintConflictError } from "../../../local/compute/compute.ts";
import { type RestServer, serveRest } from "../../../local/compute/rest.ts";
import { createRequestLog } from "../../../local/router/request-log.ts";
import { type ComputeFixture, computeFixture, openComputeFixture } from "./compute-fixture.ts";

const token = "a-token";
let fixture: ComputeFixture;
let rest: RestServer;

beforeEach(async () => {
  fixture = await openComputeFixture(computeFixture());
  await fixture.declareServices("a", "b");
  await fixture.compute.urlMaps.insert("p1", { name: "m", ...weights(100, 0) });
  rest = await serveRest({
    compute: fixture.compute,
    token,
    zones: ["us-central1-a", "us-central1-b"],
    clock: fixture.clock,
    log: createRequestLog({ delayMs: () => 0 }),
  });
});
afterEach(async () => {
  await rest.close();
  await fixture.close();
});

function weights(a: number, b: number): object {
  return {
    defaultRouteAction: {
      weightedBackendServices: [
        { backendService: "projects/p1/global/backendServices/a", weight: a },
        { backendService: "projects/p1/global/backendServices/b", weight: b },
      ],
    },
  };
}

interface Reply {
  readonly status: number;
  readonly body: Record<string, unknown>;
}

const objectSchema = z.record(z.string(), z.unknown());

async function call(
  method: string,
  path: string,
  body?: unknown,
  headers: Record<string, string> = {},
): Promise<Reply> {
  const response = await fetch(`${rest.endpoint}projects/p1/${path}`, {
    method,
    headers: { authorization: `Bearer ${token}`, ...headers },
    ...(body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) }),
  });
  return { status: response.status, body: objectSchema.parse(await response.json()) };
}

function failure(code: number, reason: string, message: unknown = expect.any(String)): Reply {
  return { status: code, body: { error: { code, message, errors: [{ message, domain: "global", reason }] } } };
}

async function fingerprint(): Promise<unknown> {
  return (await call("GET", "global/urlMaps/m")).body["fingerprint"];
}

describe("the compute REST API", () => {
  it("has its endpoint in gcloud's form", () => {
    expect(rest.endpoint).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/compute\/v1\/$/);
  });

  it("moves weights with the fingerprint, and gives the operation by name and by number", async () => {
    const read = await call("GET", "global/urlMaps/m");
    expect(read.body).toMatchObject({ kind: "compute#urlMap", name: "m" });
    const changed = await call("PATCH", "global/urlMaps/m", {
      ...weights(95, 5),
      fingerprint: read.body["fingerprint"],
    });
    expect(changed).toMatchObject({
      status: 200,
      body: { kind: "compute#operation", operationType: "patch", status: "RUNNING" },
    });
    for (const key of [changed.body["name"], changed.body["id"]]) {
      for (const [method, tail] of [
        ["GET", ""],
        ["POST", "/wait"],
      ] as const) {
        const operation = await call(method, `global/operations/${key}${tail}`);
        expect(operation).toMatchObject({
          status: 200,
          body: { status: "DONE", progress: 100, name: changed.body["name"] },
        });
      }
    }
    const after = await call("GET", "global/urlMaps/m");
    expect(after.body["fingerprint"]).not.toBe(read.body["fingerprint"]);
    expect(after.body).toMatchObject({
      defaultRouteAction: { weightedBackendServices: [{ weight: 95 }, { weight: 5 }] },
    });
  });

  it("replaces the map with PUT, output fields of an earlier read included", async () => {
    const read = await call("GET", "global/urlMaps/m");
    const put = await call("PUT", "global/urlMaps/m", { ...read.body, description: "new" });
    expect(put).toMatchObject({ status: 200, body: { operationType: "update" } });
    expect((await call("GET", "global/urlMaps/m")).body).toMatchObject({ description: "new" });
  });

  it.each(["PATCH", "PUT"])(
    "answers 412 to %s with a stale or missing fingerprint and changes nothing",
    async (method) => {
      const old = await fingerprint();
      await call("PATCH", "global/urlMaps/m", { ...weights(50, 50), fingerprint: old });
      const before = await call("GET", "global/urlMaps/m");
      for (const stale of [{ fingerprint: old }, {}]) {
        const refused = await call(method, "global/urlMaps/m", { name: "m", ...weights(1, 99), ...stale });
        expect(refused).toEqual(failure(412, "conditionNotMet", new FingerprintConflictError().message));
      }
      expect(await call("GET", "global/urlMaps/m")).toEqual(before);
    },
  );

  it("gives the same operation to a request id that it has seen, and changes nothing again", async () => {
    const body = { ...weights(50, 50), fingerprint: await fingerprint() };
    const path = "global/urlMaps/m?requestId=6a0c1b1e-0000-4000-8000-000000000001";
    const first = await call("PATCH", path, body);
    expect(await call("PATCH", path, body)).toEqual(first);
  });

  it("lists URL maps and endpoint groups, aggregated and by zone", async () => {
    expect((await call("GET", "global/urlMaps")).body).toMatchObject({
      kind: "compute#urlMapList",
      items: [{ name: "m" }],
    });
    fixture.setGroups([
      {
        name: "kiro-gke",
        zone: "us-central1-a",
        project: "p1",
        endpoints: [{ pod: "p", origin: "http://127.0.0.1:1" }],
      },
      { name: "other", zone: "us-central1-a", project: "p1", endpoints: [] },
    ]);
    const all = await call("GET", "aggregated/networkEndpointGroups?filter=name%3Dkiro-gke");
    expect(all.body["items"]).toMatchObject({
      "zones/us-central1-a": {
        networkEndpointGroups: [{ name: "kiro-gke", size: 1, networkEndpointType: "GCE_VM_IP_PORT" }],
      },
      "zones/us-central1-b": { warning: { code: "NO_RESULTS_ON_PAGE" } },
    });
    expect((await call("GET", "zones/us-central1-a/networkEndpointGroups/kiro-gke")).body).toMatchObject({
      zone: "https://www.googleapis.com/compute/v1/projects/p1/zones/us-central1-a",
    });
    expect((await call("GET", "zones/us-central1-a/networkEndpointGroups")).body["items"]).toHaveLength(2);
    expect(await call("GET", "zones/us-central1-b/networkEndpointGroups/kiro-gke")).toEqual(failure(404, "notFound"));
    expect(await call("GET", "aggregated/networkEndpointGroups?filter=size%3E1")).toEqual(failure(400, "invalid"));
  });

  it("answers 404 to what is not there", async () => {
    expect(await call("GET", "global/urlMaps/none")).toEqual(
      failure(404, "notFound", "The resource 'projects/p1/global/urlMaps/none' was not found"),
    );
    expect(await call("GET", "global/operations/none")).toEqual(failure(404, "notFound"));
    expect(await call("GET", "global/addresses")).toEqual(failure(404, "notFound"));
    expect(await call("DELETE", "global/urlMaps/m")).toEqual(failure(404, "notFound"));
  });

  it("refuses bodies that it does not understand and changes nothing", async () => {
    const before = await call("GET", "global/urlMaps/m");
    const given = { fingerprint: before.body["fingerprint"] };
    expect(await call("PATCH", "global/urlMaps/m", { ...given, colour: "red" })).toEqual(
      failure(400, "invalid", expect.stringContaining(`Unknown name "colour"`)),
    );
    expect(await call("PATCH", "global/urlMaps/m", { ...given, ...weights(2000, 0) })).toEqual(failure(400, "invalid"));
    expect(await call("PATCH", "global/urlMaps/m", "{half")).toEqual(failure(400, "parseError"));
    expect(await call("PATCH", "global/urlMaps/m", "[]")).toEqual(failure(400, "parseError"));
    expect(await call("PATCH", "global/urlMaps/m?colour=red", given)).toEqual(failure(400, "badRequest"));
    expect(await call("PATCH", "global/urlMaps/m", { ...given, description: "x".repeat(8 * 2 ** 20) })).toEqual(
      failure(413, "uploadTooLarge"),
    );
    expect(await call("GET", "global/urlMaps/m")).toEqual(before);
  });

  it.each([
    ["no token", {}],
    ["a wrong one", { authorization: "Bearer other" }],
    ["another scheme", { authorization: `Basic ${token}` }],
  ])("answers 401 to %s", async (_name, headers) => {
    const response = await fetch(`${rest.endpoint}projects/p1/global/urlMaps/m`, { headers });
    expect(response.status).toBe(401);
    expect(await response.json()).toMatchObject({ error: { code: 401, errors: [{ reason: "authError" }] } });
  });

  it("refuses a Host that is not its own", async () => {
    const status = await new Promise<number | undefined>((resolve, reject) => {
      const url = `${rest.endpoint}projects/p1/global/urlMaps/m`;
      const headers = { authorization: `Bearer ${token}`, host: "evil.example" };
      httpRequest(url, { headers }, (response) => {
        response.resume();
        resolve(response.statusCode);
      })
        .on("error", reject)
        .end();
    });
    expect(status).toBe(400);
  });
});
